//! `danecheck tlsa CERT.pem`: the records for a certificate, and the check
//! before its deployment.

use std::ffi::OsStr;
use std::path::Path;

use crate::observe::{Assumed, Setup, observe};
use danecheck_core::certificate::{Presented, presented_chain};
use danecheck_core::next_hop::host_name_fault;
use danecheck_core::renewal::{Renewal, TlsaOutput, Wanted, new_records, owner_name};
use danecheck_core::report::{ExitStatus, to_json};

use super::args::TlsaArguments;
use super::certificate_file;
use super::environment::Environment;
use super::stop::Stop;
use super::typed;

pub(super) async fn tlsa(
    arguments: &TlsaArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    if let Some(domain) = domain_instead(&arguments.certificate) {
        return Err(Stop::Sentence(format!(
            "{domain}: there is no such file: give one with the server's certificate. \
             `danecheck {domain}` checks the domain"
        )));
    }
    let ders = match arguments.ta && arguments.against.is_none() {
        true => certificate_file::certificates(&arguments.certificate)?,
        false => certificate_file::chain(&arguments.certificate)?,
    };
    let chain = presented_chain(&ders);
    let hosts = hosts(arguments)?;
    let wanted = if arguments.ta {
        Wanted::Authorities
    } else {
        Wanted::EndEntity
    };
    let owners: Vec<String> = hosts
        .iter()
        .map(|host| owner_name(host, arguments.port))
        .collect();
    let records = new_records(&chain, wanted, &owners);
    if records.is_empty() {
        return Err(Stop::Sentence(format!(
            "{}: contains no authority above the server's certificate: give the whole chain \
             (fullchain.pem) for --ta",
            arguments.certificate.display()
        )));
    }
    let Some(target) = &arguments.against else {
        let text = if arguments.json {
            json(&TlsaOutput {
                records,
                against: None,
            })
        } else {
            records
                .iter()
                .map(|record| record.zone_line() + "\n")
                .collect()
        };
        environment.print(&text)?;
        return Ok(ExitStatus::Fine);
    };
    let renewal = preflight(target, &chain, wanted, &hosts, arguments, environment).await?;
    let status = renewal.exit_status();
    let text = if arguments.json {
        json(&TlsaOutput {
            records,
            against: Some(renewal),
        })
    } else {
        renewal.human(environment.width)
    };
    environment.print(&text)?;
    Ok(status)
}

/// The domain that stands in the place of a file.
fn domain_instead(path: &Path) -> Option<&str> {
    let is_usual = |end: &OsStr| {
        ["pem", "crt", "cer", "der", "p7b", "p12", "pfx"]
            .iter()
            .any(|it| end == *it)
    };
    if path.exists() || path.extension().is_none_or(is_usual) {
        return None;
    }
    let text = path.to_str()?;
    typed::next_hop(text).ok().map(|_| text)
}

async fn preflight(
    target: &str,
    chain: &[Presented],
    wanted: Wanted,
    hosts: &[String],
    arguments: &TlsaArguments,
    environment: &Environment,
) -> Result<Renewal, Stop> {
    let next_hop = typed::next_hop(target).map_err(|error| Stop::Sentence(error.to_string()))?;
    let setup = Setup {
        // DNS alone decides: what the servers show now will be replaced.
        assumed: Some(Assumed::dns_only().at_any_address()),
        mta_sts: false,
        ..arguments.look.setup(environment)?
    };
    let renewal = Renewal::of(&observe(&next_hop, &setup).await, chain, wanted, hosts);
    Ok(if arguments.plan {
        renewal.with_plan()
    } else {
        renewal
    })
}

fn hosts(arguments: &TlsaArguments) -> Result<Vec<String>, Stop> {
    arguments
        .host
        .iter()
        .map(|host| {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            match host_name_fault(&name) {
                None => Ok(name),
                Some(why) => Err(Stop::Sentence(format!(
                    "`{host}` is not a host name: {why}"
                ))),
            }
        })
        .collect()
}

fn json(output: &TlsaOutput) -> String {
    to_json(output) + "\n"
}
