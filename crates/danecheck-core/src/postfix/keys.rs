//! The keys under which Postfix looks for the policy of a next hop.

/// The keys under which Postfix looks for a policy, in their order
/// (`tls_policy_lookup` in Postfix's `smtp_tls_policy.c`): the next hop as it
/// is written; and for a host name without bracket and port `.parent`, and so
/// on upwards.
pub fn policy_keys(next_hop: &str) -> Vec<String> {
    let mut keys = vec![next_hop.to_ascii_lowercase()];
    if crate::next_hop::host_name_fault(next_hop).is_none() && !next_hop.contains([':', '[']) {
        let lower = next_hop.to_ascii_lowercase();
        let parents = lower.match_indices('.');
        keys.extend(parents.filter_map(|(dot, _)| lower.get(dot..).map(str::to_owned)));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_is_looked_for_under_its_parents_too() {
        for (next_hop, keys) in [
            (
                "a.b.Example",
                &["a.b.example", ".b.example", ".example"][..],
            ),
            ("example", &["example"]),
            ("[a.b.example]", &["[a.b.example]"]),
            ("a.b.example:25", &["a.b.example:25"]),
            ("[192.0.2.1]:25", &["[192.0.2.1]:25"]),
        ] {
            assert_eq!(policy_keys(next_hop), keys, "{next_hop}");
        }
    }
}
