//! A policy of MTA-STS as postfix-tlspol reads it (`parseLine` in its
//! `internal/mta-sts.go`): it is less strict than the RFC in some points, and
//! what it accepts decides about mailcow's mail.

use crate::observation::PolicyResponse;

/// The line for Postfix, if the policy asks for one.
pub(super) fn line(response: &PolicyResponse) -> Option<String> {
    if response.status != 200 {
        return None;
    }
    let mut mode: Option<String> = None;
    let mut names: Vec<String> = Vec::new();
    let mut known: Vec<String> = Vec::new();
    for line in response.body.lines() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if line.contains('\u{fffd}') {
            return None;
        }
        if line.contains(['{', '}']) {
            continue;
        }
        let (key, value) = line.split_once(':')?;
        let (key, value) = (key.trim(), value.trim());
        if key != "mx" && known.iter().any(|one| one == key) {
            continue;
        }
        known.push(key.to_owned());
        match key {
            "mx" => {
                let domain = value.strip_prefix("*.").unwrap_or(value);
                if !is_dns_name(domain) {
                    return None;
                }
                // `*.example.com` becomes `.example.com`, which Postfix
                // matches at any depth.
                let name = value.to_ascii_lowercase();
                names.push(name.strip_prefix('*').map_or(name.clone(), str::to_owned));
            }
            "mode" => mode = Some(value.to_owned()),
            "max_age" => {
                value.parse::<u64>().ok()?;
            }
            _ => {}
        }
    }
    let enforced = mode.as_deref() == Some("enforce") && !names.is_empty();
    enforced.then(|| format!("secure match={} servername=hostname", names.join(":")))
}

/// `valid.IsDNSName`; a final dot may be there.
fn is_dns_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= 253 && name.parse::<std::net::IpAddr>().is_err() && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<String> {
        line(&PolicyResponse {
            status: 200,
            location: None,
            content_type: None,
            body: body.to_owned(),
            cut: false,
        })
    }

    #[test]
    fn an_enforced_policy_becomes_a_line_for_postfix() {
        for (body, expected) in [
            (
                "version: STSv1\r\nmode: enforce\r\nmx: MX1.example.com\r\nmx: *.example.net\r\nmax_age: 1\r\n",
                Some("secure match=mx1.example.com:.example.net servername=hostname"),
            ),
            // It requires neither version nor age, and skips blanks.
            (
                " mode : enforce\nmx:a.example\n",
                Some("secure match=a.example servername=hostname"),
            ),
            // The first of two counts, but for mx.
            (
                "mode: enforce\nmode: none\nmx: a.b\n",
                Some("secure match=a.b servername=hostname"),
            ),
            ("mode: none\nmode: enforce\nmx: a.b\n", None),
            ("mode: testing\nmx: a.b\n", None),
            ("mode: enforce\n", None),
            ("mode: enforce\nmx: a.b\nmax_age: x\n", None),
            ("mode: enforce\nmx: -a.b\n", None),
            ("mode: enforce\nmx: 192.0.2.1\n", None),
            ("mode: enforce\nmx: a.b\nword\n", None),
            (
                "mode: enforce\nmx: a.b\n{word}\n",
                Some("secure match=a.b servername=hostname"),
            ),
            ("mode: enforce\nmx: a.b\nx: \u{fffd}\n", None),
        ] {
            assert_eq!(read(body).as_deref(), expected, "{body}");
        }
    }
}
