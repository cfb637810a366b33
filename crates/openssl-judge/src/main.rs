//! danecheck's judgement of certificate chains beside OpenSSL's own: a matrix
//! of extensions and their defects, and chains drawn at random. Whatever
//! OpenSSL says is asked of OpenSSL; nothing of it is written down here.

mod chain;
mod der;
mod draw;
mod exception;
mod key_kinds;
mod matrix;
mod openssl;
mod values;

use std::collections::BTreeMap;
use std::process::ExitCode;

use base64::Engine as _;
use clap::Parser;
use danecheck_core::certificate::{Certificate, ReferenceName, VerificationError, presented_chain};
use danecheck_core::matching::{match_dane, verify_pkix};
use danecheck_core::tlsa::TlsaRecord;
use danecheck_core::unix_time::UnixTime;

use crate::chain::{Case, Trust};
use crate::openssl::{OpenSsl, Said};

/// How many disagreements are printed with their certificates.
const MOST_PRINTED: usize = 20;

/// Holds danecheck's certificate paths against OpenSSL's.
#[derive(Parser)]
struct Arguments {
    /// What the random chains are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many random chains.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Only those whose name has this in it.
    #[arg(long, default_value = "")]
    only: String,
}

/// What danecheck says of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ours {
    /// OpenSSL cannot decode it.
    Undecodable,
    Good,
    Bad(i32, i32),
    /// It could not tell, for this reason.
    Uncertain(String),
}

fn ours(case: &Case) -> Ours {
    let sent = presented_chain(&case.sent);
    let now = UnixTime(i64::from(case.now));
    let result = match &case.trust {
        Trust::Store(known) => {
            let store: Vec<Certificate> = known
                .iter()
                .filter_map(|der| Certificate::from_der(der).ok())
                .collect();
            let names: Vec<ReferenceName> = case
                .names
                .iter()
                .map(|name| ReferenceName::parse(name))
                .collect();
            verify_pkix(&sent, &store, &names, now)
        }
        Trust::Records(records) => {
            let records: Vec<TlsaRecord> = records
                .iter()
                .map(|record| {
                    let fields = [record.usage, record.selector, record.matching_type];
                    TlsaRecord::from_rdata(&[&fields[..], &record.data].concat())
                })
                .collect();
            match_dane(&records, &sent, &case.names, now)
                .result
                .map(|_| ())
        }
    };
    match result {
        Ok(()) => Ours::Good,
        Err(failure) => match (&failure.error, failure.error.code()) {
            (VerificationError::Undecodable, _) => Ours::Undecodable,
            (_, Some(code)) => Ours::Bad(
                i32::try_from(code).unwrap_or(-1),
                i32::try_from(failure.depth).unwrap_or(-1),
            ),
            (error, None) => Ours::Uncertain(format!("{error:?}")),
        },
    }
}

/// What the comparison came to.
#[derive(Default)]
struct Tally {
    agreed: usize,
    excepted: BTreeMap<&'static str, usize>,
    failed: usize,
    /// What OpenSSL said how often: a draw that only fails shows nothing.
    said: BTreeMap<String, usize>,
}

impl Tally {
    fn judge(
        &mut self,
        openssl: &OpenSsl,
        case: &Case,
    ) -> Result<(), ::openssl::error::ErrorStack> {
        let theirs = openssl.verify(case)?;
        *self.said.entry(format!("{theirs:?}")).or_default() += 1;
        let ours = ours(case);
        let same = match (&theirs, &ours) {
            (Said::Unreadable, Ours::Undecodable) | (Said::Good, Ours::Good) => true,
            (Said::Bad(code, depth), Ours::Bad(own, at)) => (code, depth) == (own, at),
            _ => false,
        };
        if same {
            self.agreed += 1;
        } else if let Some(reason) = exception::of(case, &theirs, &ours) {
            *self.excepted.entry(reason).or_default() += 1;
        } else {
            self.failed += 1;
            println!("{}: OpenSSL {theirs:?}, danecheck {ours:?}", case.name);
            if self.failed <= MOST_PRINTED {
                print_certificates(case);
            }
        }
        Ok(())
    }
}

fn print_certificates(case: &Case) {
    let pem = |der: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        println!("-----BEGIN CERTIFICATE-----");
        for line in text.as_bytes().chunks(64) {
            println!("{}", String::from_utf8_lossy(line));
        }
        println!("-----END CERTIFICATE-----");
    };
    println!("names {:?}; sent:", case.names);
    case.sent.iter().for_each(|der| pem(der));
    match &case.trust {
        Trust::Store(known) => {
            println!("in the store:");
            known.iter().for_each(|der| pem(der));
        }
        Trust::Records(records) => {
            for record in records {
                let data: String = record
                    .data
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                println!(
                    "TLSA {} {} {} {data}",
                    record.usage, record.selector, record.matching_type
                );
            }
        }
    }
}

fn run(arguments: &Arguments) -> Result<Tally, ::openssl::error::ErrorStack> {
    let openssl = OpenSsl::new()?;
    let mut tally = Tally::default();
    let keys = matrix::Keys::new()?;
    matrix::each(&keys, |case| {
        if case.name.contains(&arguments.only) {
            tally.judge(&openssl, &case)?;
        }
        Ok(())
    })?;
    println!("matrix: {} agree", tally.agreed);
    key_kinds::each(|case| {
        if case.name.contains(&arguments.only) {
            tally.judge(&openssl, &case)?;
        }
        Ok(())
    })?;
    println!("with keys of every kind: {} agree", tally.agreed);
    let keys = draw::Keys::new()?;
    for number in 0..arguments.count {
        let case = draw::chain(&keys, arguments.seed, number)?;
        if case.name.contains(&arguments.only) {
            tally.judge(&openssl, &case)?;
        }
    }
    println!(
        "with {} random chains: {} agree",
        arguments.count, tally.agreed
    );
    Ok(tally)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    println!("{}", ::openssl::version::version());
    match run(&arguments) {
        Ok(tally) => {
            for (said, count) in &tally.said {
                println!("OpenSSL said {said}, {count}");
            }
            for (reason, count) in &tally.excepted {
                println!("excepted, {count}: {reason}");
            }
            println!("{} passed, {} failed", tally.agreed, tally.failed);
            if tally.failed == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            println!("OpenSSL could not make the certificates: {error}");
            ExitCode::FAILURE
        }
    }
}
