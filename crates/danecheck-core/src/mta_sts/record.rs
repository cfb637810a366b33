//! The TXT records of MTA-STS (RFC 8461 section 3.1) and of TLS reporting
//! (RFC 8460 section 3).

use super::field::{FieldFault, is_name};

/// A valid record `v=STSv1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsRecord {
    /// Changes with every change of the policy.
    pub id: String,
}

/// A valid record `v=TLSRPTv1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRecord {
    /// Where reports go: `mailto:` and `https:` addresses.
    pub addresses: Vec<String>,
}

/// Why the records at a name do not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// There is none that begins with the version.
    #[error("there is none")]
    None,
    /// More than one begins with it, so none counts.
    #[error("there are {0} of them, but only one is allowed")]
    Several(usize),
    /// What follows the version is not a list of fields.
    #[error("`{0}` is not of the form name=value")]
    Field(String),
    /// A field is missing or wrong.
    #[error(transparent)]
    InField(#[from] FieldFault),
}

/// The record of MTA-STS among the TXT records at `_mta-sts`. Each is given as
/// its strings, which are joined without a separator.
pub fn sts_record(records: &[Vec<String>]) -> Result<StsRecord, RecordFault> {
    let text = the_one(records, "STSv1")?;
    let fields = fields(&text)?;
    let id = fields
        .iter()
        .find(|(name, _)| name == "id")
        .map(|(_, value)| value.clone())
        .ok_or(FieldFault::Missing("id"))?;
    // sts-id: 1*32(ALPHA / DIGIT)
    let right = (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !right {
        let why = "it has to be 1 to 32 letters and digits";
        return Err(FieldFault::value("id", &id, why).into());
    }
    Ok(StsRecord { id })
}

/// The record of TLS reporting among the TXT records at `_smtp._tls`.
pub fn report_record(records: &[Vec<String>]) -> Result<ReportRecord, RecordFault> {
    let text = the_one(records, "TLSRPTv1")?;
    let fields = fields(&text)?;
    let list = fields
        .iter()
        .find(|(name, _)| name == "rua")
        .map(|(_, value)| value.clone())
        .ok_or(FieldFault::Missing("rua"))?;
    let addresses: Vec<String> = list.split(',').map(|uri| uri.trim().to_owned()).collect();
    for address in &addresses {
        let scheme = address.split_once(':');
        if address.contains([' ', '\t']) {
            let why = "a blank stands in it";
            return Err(FieldFault::value("rua", address, why).into());
        }
        let right = match scheme {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto") => {
                // Header fields may follow (RFC 6068 section 2).
                let address = rest.split('?').next().unwrap_or(rest);
                address.split_once('@').is_some_and(|(local, domain)| {
                    !local.is_empty() && crate::next_hop::host_name_fault(domain).is_none()
                })
            }
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => {
                rest.strip_prefix("//").is_some_and(|rest| !rest.is_empty())
            }
            _ => false,
        };
        if !right {
            let why = "it has to be mailto:NAME@DOMAIN or https://...";
            return Err(FieldFault::value("rua", address, why).into());
        }
    }
    Ok(ReportRecord { addresses })
}

/// Whether any record here makes a sender ask for a policy: postfix-tlspol does
/// so for each string that begins with the version.
pub fn promises_policy(records: &[Vec<String>]) -> bool {
    records
        .iter()
        .any(|strings| strings.concat().starts_with("v=STSv1"))
        || records
            .iter()
            .flatten()
            .any(|string| string.starts_with("v=STSv1"))
}

/// The record that was meant for this version and does not count, and why not.
pub(crate) fn meant(records: &[Vec<String>], version: &str) -> Option<(String, &'static str)> {
    let lower = version.to_ascii_lowercase();
    let text = records
        .iter()
        .map(|strings| strings.concat())
        .find(|text| text.to_ascii_lowercase().contains(&lower))?;
    let bare = text.trim_start_matches(['"', '\'', '\u{201c}', '\u{201d}']);
    let begins = |text: &str| {
        let head = text.get(..lower.len() + 2).unwrap_or_default();
        head.to_ascii_lowercase() == format!("v={lower}")
    };
    let after = text.split_once('=').map_or("", |(_, rest)| rest);
    let after = after.get(version.len()..).unwrap_or_default().trim_start();
    let why = if bare != text {
        "quotation marks are a part of the text"
    } else if text.starts_with([' ', '\t']) && begins(text.trim_start()) {
        "a blank stands before the version"
    } else if !begins(&text) {
        "the version does not stand first"
    } else if after.starts_with('\\') {
        "a backslash stands before the semicolon"
    } else if !text.contains(version) {
        "upper and lower case count in the version"
    } else if !after.starts_with(';') {
        "no semicolon stands after the version"
    } else {
        "the version is another one"
    };
    Some((text, why))
}

/// The records that begin with the version; the others "MUST be discarded".
fn candidates(records: &[Vec<String>], version: &str) -> Vec<String> {
    records
        .iter()
        .map(|strings| strings.concat())
        .filter(|text| {
            text.strip_prefix("v=")
                .and_then(|rest| rest.strip_prefix(version))
                .is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with(';'))
        })
        .collect()
}

fn the_one(records: &[Vec<String>], version: &str) -> Result<String, RecordFault> {
    let mut candidates = candidates(records, version);
    match (candidates.len(), candidates.pop()) {
        (1, Some(text)) => Ok(text),
        (0, _) | (_, None) => Err(RecordFault::None),
        (several, Some(_)) => Err(RecordFault::Several(several)),
    }
}

/// The fields after the version, separated by `;` with optional blanks; a final
/// `;` is allowed.
fn fields(text: &str) -> Result<Vec<(String, String)>, RecordFault> {
    let trimmed = |text: &str| text.trim_matches([' ', '\t']).to_owned();
    let mut parts: Vec<&str> = text.split(';').skip(1).collect();
    if parts.last().is_some_and(|last| trimmed(last).is_empty()) {
        parts.pop();
    }
    parts
        .into_iter()
        .map(|part| {
            let part = trimmed(part);
            let field = part.split_once('=');
            // sts-ext-name: a letter or digit first, 32 at most; the value has
            // no blank, no `=` and no `;`.
            field
                .filter(|(name, value)| is_name(name) && is_value(name, value))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .ok_or(RecordFault::Field(part.clone()))
        })
        .collect()
}

fn is_value(name: &str, value: &str) -> bool {
    // Addresses may have a query, which contains `=`, and blanks between them.
    let of_list = name == "rua";
    let allowed = |byte: u8| match byte {
        b' ' | b'\t' | b'=' => of_list,
        byte => byte.is_ascii_graphic(),
    };
    !value.is_empty() && value.bytes().all(allowed)
}
