//! The TLSA questions that follow from an address answer, after Postfix's
//! `tls_dane_resolve` (RFC 7672 section 2.2.3).

use tokio::time::Instant;

use super::lookup::Dns;
use super::query::Raw;
use super::wire::Datum;
use danecheck_core::observation::RecordType;

/// The questions that follow from one address answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Not secure and not an alias: nothing.
    Nothing,
    /// Secure: at these names, the later ones if the earlier have no records.
    At(Vec<String>),
    /// An alias that leads out of the signed tree: at the host itself, if the
    /// alias is secure.
    IfAliasSecure,
    /// Unknown; asked so that a report can say what is there.
    ForTheReport(Vec<String>),
}

impl Plan {
    /// The plan for addresses of `host` that came through `aliases`. `secure`
    /// is `None` if unknown.
    pub(super) fn new(host: &str, aliases: &[String], secure: Option<bool>) -> Self {
        let mut names: Vec<String> = aliases
            .last()
            .filter(|owner| *owner != host)
            .cloned()
            .into_iter()
            .collect();
        let is_alias = !names.is_empty();
        names.push(host.to_owned());
        match secure {
            Some(true) => Self::At(names),
            None => Self::ForTheReport(names),
            Some(false) if is_alias => Self::IfAliasSecure,
            Some(false) => Self::Nothing,
        }
    }
}

/// The TLSA lookups of a host for one address family.
#[derive(Debug, Default)]
pub(super) struct Bases {
    /// The extra `CNAME` question was asked.
    pub(super) alias_asked: bool,
    /// The candidates asked, in Postfix's order.
    pub(super) candidates: Vec<String>,
    /// They were asked only because the status was unknown.
    pub(super) for_the_report: bool,
    /// The TLSA base domain, if it has secure usable records: the server name
    /// that Postfix sends.
    pub(super) sni: Option<ServerName>,
}

/// A server name, and when its records were looked up.
#[derive(Clone, Debug)]
pub(super) struct ServerName {
    pub(super) name: String,
    pub(super) asked_at: Instant,
}

/// Asks the questions of the plan.
pub(super) async fn explore(dns: &Dns<'_>, host: &str, port: u16, plan: Plan) -> Bases {
    let mut bases = Bases::default();
    match plan {
        Plan::Nothing => return bases,
        Plan::At(names) => bases.candidates = names,
        Plan::ForTheReport(names) => {
            bases.candidates = names;
            bases.for_the_report = true;
        }
        Plan::IfAliasSecure => {
            bases.alias_asked = true;
            let alias = dns.look_up(host, RecordType::Cname).await;
            if matches!(*alias.raw, Raw::Records { .. })
                && dns.is_secure(&alias).await == Some(true)
            {
                bases.candidates = vec![host.to_owned()];
            }
        }
    }
    // All at once: the second answer is rarely needed, and waiting for it in
    // vain costs at most its own time.
    let answers = bases.candidates.iter().map(|base| async move {
        let name = owner(base, port);
        dns.look_up(&name, RecordType::Tlsa).await
    });
    let answers = futures_util::future::join_all(answers).await;
    for (base, answer) in bases.candidates.iter().zip(answers) {
        match &*answer.raw {
            Raw::Records { data, .. } if dns.is_secure(&answer).await == Some(true) => {
                if data.iter().any(is_usable) {
                    bases.sni = Some(ServerName {
                        name: base.clone(),
                        asked_at: answer.asked_at,
                    });
                }
                break;
            }
            // After an error Postfix does not try the next name.
            Raw::Failed(_) => break,
            Raw::Records { .. } | Raw::Denied { .. } => {}
        }
    }
    bases
}

/// The owner of TLSA records (RFC 6698 section 3).
pub(super) fn owner(base: &str, port: u16) -> String {
    format!("_{port}._tcp.{base}")
}

/// Postfix's first look at a record (`parse_tlsa_rr`): usage 2 or 3, not the
/// private matching type, not too short.
fn is_usable(datum: &Datum) -> bool {
    let Datum::Tlsa(data) = datum else {
        return false;
    };
    matches!(data.as_slice(), [2 | 3, _, matching, ..] if *matching != 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_follows_postfix() {
        let alias = ["cdn.example".to_owned()];
        let both = vec!["cdn.example".to_owned(), "mx.example".to_owned()];
        let host = vec!["mx.example".to_owned()];
        for (aliases, secure, plan) in [
            (&[][..], Some(true), Plan::At(host.clone())),
            (&alias[..], Some(true), Plan::At(both.clone())),
            (&[][..], Some(false), Plan::Nothing),
            (&alias[..], Some(false), Plan::IfAliasSecure),
            (&[][..], None, Plan::ForTheReport(host)),
            (&alias[..], None, Plan::ForTheReport(both)),
        ] {
            assert_eq!(
                Plan::new("mx.example", aliases, secure),
                plan,
                "{aliases:?} {secure:?}"
            );
        }
    }

    #[test]
    fn a_record_counts_as_in_the_first_stage_of_postfix() {
        for (data, usable) in [
            (&[3, 1, 1, 0xab][..], true),
            (&[2, 9, 9][..], true),
            (&[3, 1][..], false),
            (&[][..], false),
            (&[0, 0, 1, 0xab][..], false),
            (&[1, 0, 1, 0xab][..], false),
            (&[4, 0, 1, 0xab][..], false),
            (&[3, 1, 255, 0xab][..], false),
        ] {
            assert_eq!(is_usable(&Datum::Tlsa(data.to_vec())), usable, "{data:?}");
        }
    }
}
