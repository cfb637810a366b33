//! What a budget cut off, in a sentence each.

use crate::observation::Cut;

/// A sentence for each, in the order of the alphabet; time comes last.
/// Sentences that were saved as such keep their order.
pub(super) fn sentences(cuts: &[Cut]) -> Vec<String> {
    let mut all: Vec<(bool, String)> = cuts
        .iter()
        .map(|cut| (matches!(cut, Cut::Time { .. }), sentence(cut)))
        .collect();
    if !cuts.iter().any(|cut| matches!(cut, Cut::Other(_))) {
        all.sort();
    }
    all.into_iter().map(|(_, sentence)| sentence).collect()
}

fn sentence(cut: &Cut) -> String {
    match cut {
        Cut::MxHosts { found, bound } => {
            format!("There are {found} MX hosts. danecheck checked the {bound} most preferred.")
        }
        Cut::Addresses {
            host,
            record_type,
            found,
            bound,
        } => format!(
            "{host} has {found} {record_type} records. danecheck connected to the first {bound}."
        ),
        Cut::Records {
            name,
            record_type,
            bound,
        } => format!(
            "danecheck used only the first {bound} {record_type} records of {name}, as Postfix \
             does."
        ),
        Cut::Aliases { name, bound } => {
            format!("danecheck used only the first {bound} aliases of {name}.")
        }
        Cut::Answers { bound } => format!(
            "The DNS answers are larger than {} MiB together. danecheck left out the last ones.",
            bound >> 20
        ),
        Cut::Sessions { bound } => format!(
            "The mail servers sent more than {} MiB together. danecheck left out the last part.",
            bound >> 20
        ),
        Cut::Reply { address } => format!(
            "{address} sent a longer reply than Postfix reads. danecheck left out the rest."
        ),
        Cut::Session { address } => format!(
            "danecheck ended a session with {address} that Postfix may continue: the server sent \
             more than danecheck reads, or TLS that danecheck does not take."
        ),
        Cut::Certificates { address, left_out } => {
            format!("danecheck left out the last {left_out} certificates of {address}.")
        }
        Cut::OptedOut { address } => format!(
            "danecheck did not connect to {address}: its owner does not want that (--opt-out)."
        ),
        Cut::Policy { host } => {
            format!("{host} did not send the MTA-STS policy in time. Senders wait for a minute.")
        }
        Cut::AuthorityLookups { bound, left_out } => format!(
            "danecheck asked name servers directly about {bound} lookups, but not about {left_out} \
             more."
        ),
        Cut::AuthorityQueries { bound, left_out } => format!(
            "danecheck sent {bound} questions to name servers directly, and left out {left_out} \
             more."
        ),
        Cut::Signatures {
            record_sets,
            has_others,
        } => {
            let others = if *has_others { " and of others" } else { "" };
            format!(
                "danecheck did not check all signatures of {}{others}: they need more work than it \
                 allows for one lookup or zone.",
                record_sets.join(", ")
            )
        }
        Cut::Time { missing, others } => {
            let others = match others {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            format!(
                "Time ran out before all answers about {}{others} arrived. Postfix waits for \
                 minutes.",
                missing.join(", ")
            )
        }
        Cut::Other(sentence) => sentence.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::RecordType;

    #[test]
    fn each_cut_has_a_sentence() {
        let address = "192.0.2.1".parse().unwrap();
        let cuts = [
            Cut::Time {
                missing: vec!["192.0.2.1".to_owned(), "example.com MX".to_owned()],
                others: 2,
            },
            Cut::MxHosts {
                found: 31,
                bound: 20,
            },
            Cut::Addresses {
                host: "mx1.example.com".to_owned(),
                record_type: RecordType::Aaaa,
                found: 9,
                bound: 8,
            },
            Cut::Records {
                name: "example.com".to_owned(),
                record_type: RecordType::Mx,
                bound: 100,
            },
            Cut::Aliases {
                name: "mx1.example.com".to_owned(),
                bound: 100,
            },
            Cut::Answers { bound: 4 << 20 },
            Cut::Sessions { bound: 2 << 20 },
            Cut::Reply { address },
            Cut::Certificates {
                address,
                left_out: 3,
            },
            Cut::Policy {
                host: "mta-sts.example.com".to_owned(),
            },
            Cut::AuthorityLookups {
                bound: 8,
                left_out: 2,
            },
            Cut::AuthorityQueries {
                bound: 300,
                left_out: 1,
            },
            Cut::Signatures {
                record_sets: vec!["example.com. DNSKEY".to_owned()],
                has_others: true,
            },
        ];
        assert_eq!(
            sentences(&cuts),
            [
                "192.0.2.1 sent a longer reply than Postfix reads. danecheck left out the rest.",
                "The DNS answers are larger than 4 MiB together. danecheck left out the last ones.",
                "The mail servers sent more than 2 MiB together. danecheck left out the last part.",
                "There are 31 MX hosts. danecheck checked the 20 most preferred.",
                "danecheck asked name servers directly about 8 lookups, but not about 2 more.",
                "danecheck did not check all signatures of example.com. DNSKEY and of others: \
                 they need more work than it allows for one lookup or zone.",
                "danecheck left out the last 3 certificates of 192.0.2.1.",
                "danecheck sent 300 questions to name servers directly, and left out 1 more.",
                "danecheck used only the first 100 MX records of example.com, as Postfix does.",
                "danecheck used only the first 100 aliases of mx1.example.com.",
                "mta-sts.example.com did not send the MTA-STS policy in time. Senders wait for a \
                 minute.",
                "mx1.example.com has 9 AAAA records. danecheck connected to the first 8.",
                "Time ran out before all answers about 192.0.2.1, example.com MX and 2 more \
                 arrived. Postfix waits for minutes.",
            ]
        );
    }

    #[test]
    fn sentences_that_were_saved_keep_their_order() {
        let saved = ["Time ran out.", "Something was cut."];
        let cuts = saved.map(|text| Cut::Other(text.to_owned()));
        assert_eq!(sentences(&cuts), saved);
    }
}
