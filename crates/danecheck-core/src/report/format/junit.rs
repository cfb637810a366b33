//! `junit`: a test suite for each target, a test case for each host and check.

use quick_xml::Writer as XmlWriter;
use quick_xml::events::BytesText;

use crate::finding::rule::Severity;
use crate::judge::Standing;
use crate::report::human::headline;
use crate::report::status::ExitStatus;
use crate::text::shown;

use super::super::finding::FindingReport;
use super::super::model::{AddressReport, HostReport, Report};
use super::writer::Writer;

/// Writes each suite as its report comes.
#[derive(Debug, Default)]
pub struct JUnit {
    begun: bool,
}

/// What happened to one test case.
enum Outcome {
    Passed,
    Failed(String, String),
    /// Unknown.
    Error(String, String),
    Skipped(String),
}

struct Case {
    class: String,
    name: String,
    outcome: Outcome,
}

impl Writer for JUnit {
    fn report(&mut self, report: &Report, status: ExitStatus) -> String {
        let cases = cases(report, status);
        let mut text = if self.begun { String::new() } else { begin() };
        self.begun = true;
        text.push_str(&shown(&suite(report, &cases)));
        text
    }

    fn end(&mut self) -> String {
        let begin = if self.begun { String::new() } else { begin() };
        format!("{begin}</testsuites>\n")
    }
}

fn begin() -> String {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"danecheck\">\n".to_owned()
}

/// Whether mail flows; each host's records; each address.
fn cases(report: &Report, status: ExitStatus) -> Vec<Case> {
    let target = &report.target;
    let advice = &report.recommendation.reason;
    let mut cases = vec![Case {
        class: target.clone(),
        name: "delivery".to_owned(),
        outcome: match status {
            // The cases below contain the warnings.
            ExitStatus::Fine | ExitStatus::Warning => Outcome::Passed,
            ExitStatus::Broken => Outcome::Failed(headline(report), advice.clone()),
            ExitStatus::Unknown => Outcome::Error(headline(report), advice.clone()),
        },
    }];
    let counts = status != ExitStatus::Fine;
    let of_target = |finding: &&FindingReport| host_of(report, finding).is_none();
    cases.push(Case {
        class: target.clone(),
        name: "domain".to_owned(),
        outcome: judged(report.findings.iter().filter(of_target), counts),
    });
    for host in &report.hosts {
        let class = format!("{target}.{}", host.name);
        let of_host = |finding: &&FindingReport| {
            host_of(report, finding).is_some_and(|other| other.name == host.name)
        };
        cases.push(Case {
            class: class.clone(),
            name: "findings".to_owned(),
            outcome: judged(report.findings.iter().filter(of_host), counts),
        });
        for address in &host.addresses {
            let outcome = match address.dane {
                _ if is_taken_for_granted(report, address) => {
                    Outcome::Skipped("not checked (--dns-only)".to_owned())
                }
                Standing::Authenticated
                | Standing::Assumed
                | Standing::WithoutTlsa
                | Standing::Unusable => Outcome::Passed,
                Standing::Broken => Outcome::Failed(
                    "level dane of the reference Postfix does not deliver here".to_owned(),
                    details(address),
                ),
                Standing::NotJudged => {
                    Outcome::Skipped("not judged: a limit of danecheck".to_owned())
                }
                Standing::Unseen => Outcome::Skipped("could not be checked from here".to_owned()),
            };
            cases.push(Case {
                class: class.clone(),
                name: address.address.clone(),
                outcome,
            });
        }
    }
    cases
}

/// Whether the result for an address is only an assumption.
fn is_taken_for_granted(report: &Report, address: &AddressReport) -> bool {
    let assumed = report.assumed.as_ref();
    assumed.is_some_and(|assumed| assumed.file.is_none()) && address.dane != Standing::Broken
}

fn details(address: &AddressReport) -> String {
    let records = address.records.iter().map(|one| one.reason.clone());
    let sessions = address.sessions.iter().map(|one| one.detail.clone());
    let mut lines: Vec<String> = records.chain(sessions).collect();
    lines.dedup();
    lines.join("\n")
}

/// The host that a finding is about: the one with the longest name in it.
fn host_of<'a>(report: &'a Report, finding: &FindingReport) -> Option<&'a HostReport> {
    report
        .hosts
        .iter()
        .filter(|host| host.name != report.target && finding.subject.contains(&host.name))
        .max_by_key(|host| host.name.len())
}

/// A failure if one of these findings is a warning or worse, and the caller
/// counts warnings.
fn judged<'a>(findings: impl Iterator<Item = &'a FindingReport>, counts: bool) -> Outcome {
    let bad: Vec<&FindingReport> = findings
        .filter(|finding| finding.severity >= Severity::Warning)
        .collect();
    match bad.first() {
        Some(first) if counts => Outcome::Failed(
            first.id.clone(),
            bad.iter()
                .map(|finding| format!("{}: {} {}", finding.id, finding.message, finding.remedy))
                .collect::<Vec<_>>()
                .join("\n"),
        ),
        _ => Outcome::Passed,
    }
}

fn suite(report: &Report, cases: &[Case]) -> String {
    let count = |wanted: fn(&Outcome) -> bool| {
        let found = cases.iter().filter(|case| wanted(&case.outcome)).count();
        found.to_string()
    };
    let mut xml = XmlWriter::new_with_indent(Vec::new(), b' ', 2);
    let written = xml
        .create_element("testsuite")
        .with_attribute(("name", report.target.as_str()))
        .with_attribute(("timestamp", timestamp(report).as_str()))
        .with_attribute(("tests", cases.len().to_string().as_str()))
        .with_attribute((
            "failures",
            count(|one| matches!(one, Outcome::Failed(..))).as_str(),
        ))
        .with_attribute((
            "errors",
            count(|one| matches!(one, Outcome::Error(..))).as_str(),
        ))
        .with_attribute((
            "skipped",
            count(|one| matches!(one, Outcome::Skipped(_))).as_str(),
        ))
        .with_attribute(("time", seconds(report).as_str()))
        .write_inner_content(|xml| cases.iter().try_for_each(|case| write_case(xml, case)));
    // Writing to a vector does not fail.
    let _ = written;
    let mut text = String::from_utf8(xml.into_inner()).unwrap_or_default();
    text.push('\n');
    text
}

fn write_case(xml: &mut XmlWriter<Vec<u8>>, case: &Case) -> std::io::Result<()> {
    let element = xml
        .create_element("testcase")
        .with_attribute(("classname", case.class.as_str()))
        .with_attribute(("name", case.name.as_str()))
        .with_attribute(("time", "0"));
    let (tag, message, text) = match &case.outcome {
        Outcome::Passed => {
            element.write_empty()?;
            return Ok(());
        }
        Outcome::Failed(message, text) => ("failure", message, text.as_str()),
        Outcome::Error(message, text) => ("error", message, text.as_str()),
        Outcome::Skipped(message) => ("skipped", message, ""),
    };
    element.write_inner_content(|xml| {
        let inner = xml
            .create_element(tag)
            .with_attribute(("message", message.as_str()));
        let inner = match &case.outcome {
            Outcome::Skipped(_) => inner,
            _ => inner.with_attribute(("type", "danecheck")),
        };
        if text.is_empty() {
            inner.write_empty()?;
        } else {
            inner.write_text_content(BytesText::new(text))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// How long the check took; 0 if that is not known.
fn seconds(report: &Report) -> String {
    match report.took {
        Some(took) => format!("{:.3}", took.as_secs_f64()),
        None => "0".to_owned(),
    }
}

/// `xs:dateTime` without a zone, as the common schema has it.
fn timestamp(report: &Report) -> String {
    report
        .checked_at
        .to_string()
        .trim_end_matches('Z')
        .to_owned()
}
