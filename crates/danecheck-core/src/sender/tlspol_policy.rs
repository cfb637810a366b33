//! MTA-STS as postfix-tlspol reads it (its `internal/mta-sts.go`): laxer than
//! the letter in some releases, and what it takes decides about mailcow's mail.

use crate::mta_sts::is_field_name;
use crate::observation::PolicyResponse;

use super::tlspol_release::TlspolRelease;

const VERSION: &str = "v=STSv1";
const BLANKS: [char; 2] = [' ', '\t'];

/// Whether these TXT records make it ask for a policy (`checkMtaStsRecord`;
/// since 1.12 `mtaStsRecordAvailable`).
pub(super) fn has_record(records: &[Vec<String>], release: TlspolRelease) -> bool {
    if !release.is_from(12) {
        // Each string by itself, whatever follows.
        let mut strings = records.iter().flatten();
        return strings.any(|string| string.starts_with(VERSION));
    }
    let texts = records.iter().map(|strings| escaped(&strings.concat()));
    let candidates: Vec<String> = texts.filter(|text| is_candidate(text)).collect();
    matches!(candidates.as_slice(), [text] if is_record(text))
}

/// As its library hands out the text of a record: with a backslash before
/// quotes and backslashes, and all that is not printable ASCII, tabs too, as a
/// backslash and three digits for each byte.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => escaped.extend(['\\', letter]),
            ' '..='~' => escaped.push(letter),
            _ => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    escaped.push_str(&format!("\\{byte:03}"));
                }
            }
        }
    }
    escaped
}

/// `isMtaStsTXTVersionCandidate`
fn is_candidate(text: &str) -> bool {
    let rest = text.strip_prefix(VERSION).unwrap_or_default();
    rest.trim_start_matches(BLANKS).starts_with(';')
}

/// `isValidMtaStsTXTRecord`
fn is_record(text: &str) -> bool {
    let mut fields: Vec<&str> = text.split(';').skip(1).collect();
    let last = fields.pop().unwrap_or_default().trim_start_matches(BLANKS);
    let before = fields.iter().map(|field| field.trim_matches(BLANKS));
    let mut has_id = false;
    for field in before.chain((!last.is_empty()).then_some(last)) {
        let Some((name, value)) = field.split_once('=') else {
            return false;
        };
        if name == "id" {
            let right = (1..=32).contains(&value.len())
                && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !has_id && !right {
                return false;
            }
            has_id = true;
            continue;
        }
        let right = |byte: u8| byte.is_ascii_graphic() && byte != b';' && byte != b'=';
        if !is_field_name(name) || value.is_empty() || !value.bytes().all(right) {
            return false;
        }
    }
    has_id
}

/// The line for Postfix, where the policy asks for one (`parseLine`, and since
/// 1.9 `parseMtaStsPolicy`).
pub(super) fn line(response: &PolicyResponse, release: TlspolRelease) -> Option<String> {
    if response.status != 200 {
        return None;
    }
    // Since 1.12 `isValidMtaStsPolicyMediaType` and `MTASTS_MAX_POLICY_SIZE`.
    let strict = release.is_from(12);
    let is_plain_text = || response.content_type.as_deref().is_some_and(is_text_plain);
    if strict && (response.cut || !is_plain_text()) {
        return None;
    }
    // Before 1.9 nobody asks how the body ended (`scanner.Err`).
    if release.is_from(9) && response.unfinished.is_some() {
        return None;
    }
    if !release.is_from(11) && !response.is_utf8() {
        return None;
    }
    let mut policy = Fields::default();
    for line in lines(response) {
        if release.is_from(11) {
            policy.strictly(line, response.is_utf8(), release)?;
        } else {
            policy.laxly(line, release)?;
        }
    }
    policy.finish(release)
}

/// `bufio.ScanLines`: the end of the last line may be missing. Of a body that
/// was not read to its end, the whole lines.
fn lines(response: &PolicyResponse) -> impl Iterator<Item = &str> {
    let body = response.body.as_str();
    let body = match body.rsplit_once('\n') {
        Some((whole, last)) if response.cut || last.is_empty() => whole,
        None if response.cut => "",
        _ => body,
    };
    let lines = (!body.is_empty() || !response.body.is_empty()).then(|| body.split('\n'));
    lines
        .into_iter()
        .flatten()
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
}

#[derive(Default)]
struct Fields<'a> {
    known: Vec<&'a str>,
    version: bool,
    enforced: bool,
    max_age: Option<u64>,
    names: Vec<String>,
}

impl<'a> Fields<'a> {
    /// A line before 1.11.
    fn laxly(&mut self, line: &'a str, release: TlspolRelease) -> Option<()> {
        let line = line.trim();
        if line.is_empty() || line.contains(['{', '}']) {
            return Some(());
        }
        let (key, value) = line.split_once(':')?;
        self.field(key.trim(), value.trim(), release)
    }

    /// A line since 1.11.
    fn strictly(&mut self, line: &'a str, is_utf8: bool, release: TlspolRelease) -> Option<()> {
        let line = line.trim_end_matches(BLANKS);
        if line.is_empty() {
            return (!release.is_from(12)).then_some(());
        }
        let (key, value) = line.split_once(':')?;
        let value = value.trim_start_matches(BLANKS);
        if !matches!(key, "version" | "mode" | "mx" | "max_age") {
            let is_known = self.known.contains(&key);
            if !is_field_name(key) || !is_known && !is_extension_value(value, is_utf8) {
                return None;
            }
        }
        self.field(key, value, release)
    }

    fn field(&mut self, key: &'a str, value: &str, release: TlspolRelease) -> Option<()> {
        if key != "mx" && self.known.contains(&key) {
            return Some(());
        }
        self.known.push(key);
        match key {
            "version" if release.is_from(9) => {
                self.version = true;
                (value == "STSv1").then_some(())
            }
            "mx" => {
                let domain = value.strip_prefix("*.").unwrap_or(value);
                if !is_dns_name(domain, release) {
                    return None;
                }
                // `*.example.com` becomes `.example.com`, which Postfix
                // matches at any depth.
                let name = value.to_ascii_lowercase();
                let name = name.strip_prefix('*').map_or(name.clone(), str::to_owned);
                self.names.push(name);
                Some(())
            }
            "mode" => {
                self.enforced = value == "enforce";
                let known = matches!(value, "enforce" | "testing" | "none");
                (known || !release.is_from(9)).then_some(())
            }
            "max_age" => {
                // Go's ParseUint takes no sign; since 1.11 `isMtaStsDigits`.
                let digits = value.bytes().all(|byte| byte.is_ascii_digit());
                let short = value.len() <= 10 || !release.is_from(11);
                self.max_age = value.parse::<u64>().ok().filter(|_| digits && short);
                self.max_age.map(|_| ())
            }
            _ => Some(()),
        }
    }

    fn finish(self, release: TlspolRelease) -> Option<String> {
        let whole = !release.is_from(9) || self.version && self.max_age.is_some();
        // Since 1.12 a policy that may not be kept is none
        // (`mtaStsBranchFromResult`, `HasData`).
        let kept = !release.is_from(12) || self.max_age != Some(0);
        let enforced = self.enforced && !self.names.is_empty();
        (whole && kept && enforced)
            .then(|| format!("secure match={} servername=hostname", self.names.join(":")))
    }
}

/// `isMtaStsExtensionValue`
fn is_extension_value(value: &str, is_utf8: bool) -> bool {
    let right = |letter: char| !letter.is_control() && (is_utf8 || letter != '\u{fffd}');
    !value.is_empty() && value.chars().all(right)
}

/// Go's `mime.ParseMediaType`: the type is `text/plain`, and all parameters can
/// be read.
fn is_text_plain(field: &str) -> bool {
    let (media_type, parameters) = match field.split_once(';') {
        None => (field, ""),
        Some((media_type, parameters)) => (media_type, parameters),
    };
    media_type.trim().eq_ignore_ascii_case("text/plain") && are_parameters(parameters)
}

fn are_parameters(text: &str) -> bool {
    let mut rest = text.trim_start();
    let mut known: Vec<(String, String)> = Vec::new();
    while !rest.is_empty() {
        let Some((name, value)) = rest.split_once('=') else {
            return false;
        };
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim_start();
        let Some((value, after)) = (match value.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted),
            None => {
                let end = value.find(|letter| !is_token(letter));
                let (token, after) = value.split_at(end.unwrap_or(value.len()));
                (!token.is_empty()).then(|| (token.to_owned(), after))
            }
        }) else {
            return false;
        };
        let twice = known.iter().find(|(other, _)| *other == name);
        let differs = twice.is_some_and(|(_, other)| *other != value);
        if name.is_empty() || !name.chars().all(is_token) || differs {
            return false;
        }
        known.push((name, value));
        let after = after.trim_start();
        match after.strip_prefix(';') {
            Some(more) => rest = more.trim_start(),
            None => return after.is_empty(),
        }
    }
    true
}

/// A quoted string after its first quote, and what follows it.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return text.get(at + 1..).map(|after| (value, after)),
            '\\' => value.push(letters.next()?.1),
            '\r' | '\n' => return None,
            letter => value.push(letter),
        }
    }
    None
}

fn is_token(letter: char) -> bool {
    letter.is_ascii_graphic() && !r#"()<>@,;:\"/[]?="#.contains(letter)
}

/// `valid.IsDNSName`; a final dot may be there, and counts before 1.12.
pub(super) fn is_dns_name(name: &str, release: TlspolRelease) -> bool {
    let relative = name.strip_suffix('.').unwrap_or(name);
    let counted = if release.is_from(12) { relative } else { name };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    counted.len() <= 253
        && relative.parse::<std::net::IpAddr>().is_err()
        && relative.split('.').all(label)
}

#[cfg(test)]
mod tests;
