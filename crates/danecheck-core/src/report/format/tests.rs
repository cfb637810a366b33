use crate::next_hop::NextHop;
use crate::report::{ExitStatus, Report};

use super::*;

/// A report whose every text from outside is hostile.
fn hostile() -> Report {
    let text = "a|b\"c<d>&e\\f%g::h,i`j@k]]>*_[l](m)";
    let error = text.parse::<NextHop>().unwrap_err();
    Report::on_invalid_target(text, &error, crate::unix_time::UnixTime(1_795_312_923))
}

fn all(mut writer: impl Writer) -> String {
    let report = hostile();
    let first = writer.report(&report, ExitStatus::Unknown);
    let second = writer.report(&report, ExitStatus::Broken);
    format!("{first}{second}{}", writer.end())
}

#[test]
fn nagios_has_one_status_line_and_one_bar() {
    let text = all(Nagios::default());
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(
        first.starts_with("DANE CRITICAL - 2 of 2 targets not fine: "),
        "{first}"
    );
    assert_eq!(first.matches('|').count(), 1, "{first}");
    assert!(first.contains(" errors=2;;;0 "), "{first}");
    assert!(!rest.contains('|'), "{rest}");
    assert_eq!(rest.lines().count(), 2, "{rest}");
}

#[test]
fn nagios_without_targets_could_not_tell() {
    assert!(
        Nagios::default()
            .end()
            .starts_with("DANE UNKNOWN - no target | targets=0")
    );
}

#[test]
fn prometheus_families_stand_together_and_labels_are_escaped() {
    let text = all(Prometheus::default());
    let mut seen = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split('{').next().unwrap();
        if seen.last() != Some(&name) {
            assert!(!seen.contains(&name), "{name} stands in two places");
            seen.push(name);
        }
        assert!(line.contains(r#"{target="a|b\"c<d>&e\\f%g"#), "{line}");
    }
    assert_eq!(text.matches("# TYPE ").count(), seen.len());
}

#[test]
fn github_messages_keep_to_their_line() {
    let text = all(Github);
    assert_eq!(text.lines().count(), 4, "{text}");
    for line in text.lines() {
        let rest = line.strip_prefix("::error title=").unwrap();
        let (title, _) = rest.split_once("::").unwrap();
        assert!(!title.contains([':', ',']), "{title}");
        assert!(line.contains("%25g"), "{line}");
    }
}

#[test]
fn junit_is_xml_and_counts_its_cases() {
    let text = all(JUnit::default());
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut open = Vec::new();
    let (mut suites, mut cases) = (0, 0);
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(tag) => {
                suites += usize::from(tag.name().as_ref() == b"testsuite");
                cases += usize::from(tag.name().as_ref() == b"testcase");
                open.push(tag.name().as_ref().to_vec());
            }
            quick_xml::events::Event::Empty(tag) => {
                cases += usize::from(tag.name().as_ref() == b"testcase");
            }
            quick_xml::events::Event::End(tag) => {
                assert_eq!(open.pop().as_deref(), Some(tag.name().as_ref()));
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty(), "{text}");
    assert_eq!((suites, cases), (2, 4), "{text}");
    assert!(
        text.contains("tests=\"2\" failures=\"1\" errors=\"1\""),
        "{text}"
    );
}

#[test]
fn junit_without_targets_is_a_document_all_the_same() {
    assert!(
        JUnit::default()
            .end()
            .contains("<testsuites name=\"danecheck\">\n</testsuites>")
    );
}

#[test]
fn markdown_has_no_markup_but_its_own() {
    let text = all(Markdown::default());
    // A word with a mention stands in code, with a fence of its own; the bar
    // stands in none.
    let target = "## \u{2753} a\\|``b\"c<d>&e\\f%g:\\u{3a}h,i`j@k]]>*_[l](m)``: ";
    assert!(text.starts_with(target), "{text}");
}
