//! Postfix: a line of a table of `smtp_tls_policy_maps`.

use super::Override;

/// The line, as `texthash:`, `hash:` and `lmdb:` tables take it.
pub fn postfix_line(entry: &Override) -> String {
    let mut line = format!("{}  {}", entry.next_hop, entry.policy);
    for parameter in &entry.parameters {
        line.push(' ');
        line.push_str(parameter);
    }
    line
}
