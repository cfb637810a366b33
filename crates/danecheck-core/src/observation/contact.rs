//! Who answers for a zone.

use serde::{Deserialize, Serialize};

use crate::next_hop::host_name_fault;

/// The contact that the SOA record of a zone names (RFC 1035 section 3.3.13).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactSeen {
    /// The owner of the record, lower case, no final dot.
    pub zone: String,
    /// RNAME as a name, in presentation form, no final dot.
    pub rname: String,
}

impl ContactSeen {
    /// The mailbox that RNAME stands for: its first label is the local part.
    /// `None` if that is not an address that needs no quoting.
    pub fn mailbox(&self) -> Option<String> {
        let mut local = String::new();
        let mut chars = self.rname.chars();
        loop {
            match chars.next()? {
                '.' => break,
                '\\' => match chars.next()? {
                    // Three digits of an octet that is no letter of a local part.
                    digit if digit.is_ascii_digit() => return None,
                    other => local.push(other),
                },
                other => local.push(other),
            }
        }
        let domain = chars.as_str();
        // RFC 5322 section 3.2.3, `dot-atom-text`.
        let is_atom = |part: &str| {
            let special = "!#$%&'*+-/=?^_`{|}~";
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || special.contains(c))
        };
        let good = local.split('.').all(is_atom)
            && local.len() <= 64
            && domain.contains('.')
            && host_name_fault(domain).is_none();
        good.then(|| format!("{local}@{domain}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_label_is_the_local_part() {
        for (rname, mailbox) in [
            ("hostmaster.example.com", Some("hostmaster@example.com")),
            ("john\\.doe.example.com", Some("john.doe@example.com")),
            ("a+b.example.com", Some("a+b@example.com")),
            (".", None),
            ("", None),
            ("nobody.invalid", None),
            ("a\\@b.example.com", None),
            ("a\\032b.example.com", None),
            ("a\\..example.com", None),
            ("x.example.com,evil@example.net", None),
        ] {
            let seen = ContactSeen {
                zone: "example.com".to_owned(),
                rname: rname.to_owned(),
            };
            assert_eq!(seen.mailbox().as_deref(), mailbox, "{rname}");
        }
    }
}
