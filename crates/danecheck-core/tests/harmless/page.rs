//! The page of `--format html`: well-formed, light and complete for every
//! recorded scenario, in both languages, and whatever the network says.

use std::collections::HashSet;

use danecheck_core::entry::Language;
use danecheck_core::judge::{Horizon, Standing};
use danecheck_core::report::html::{Frame, Html, page};
use danecheck_core::report::{FailOn, HostReport, LookupReport, Report, Writer, exit_status};
use danecheck_core::sender::{Sender, System};
use quick_xml::events::{BytesStart, Event};

use super::{COMMAND, HOSTILE, harmless, poisoned, recorded, support};

/// The most that a page of one target weighs.
const HEAVIEST: usize = 150_000;

/// Elements without content and end tag (HTML, 13.1.2).
const VOID: [&str; 5] = ["meta", "br", "hr", "link", "img"];

/// Markup, scripts and attributes that a browser would run, if it read them as
/// such.
const SCRIPT: &str = "<script>top.owned=1</script>\"><img src=x onerror=alert(1)>'onfocus=alert(1) \
    autofocus x='</title></style></textarea></pre></svg><svg onload=alert(1)>&lt;b&gt;<!--";

/// What a page is made of.
#[derive(Default)]
struct Parts {
    /// Every element with its attributes, in order.
    elements: Vec<(String, Vec<(String, String)>)>,
    ids: HashSet<String>,
    /// The levels of the headings, in order.
    headings: Vec<u8>,
}

impl Parts {
    /// Reads a page; panics at a tag that does not fit.
    fn of(page: &str) -> Self {
        let page = page.strip_prefix("<!DOCTYPE html>").unwrap();
        let mut reader = quick_xml::Reader::from_str(page);
        reader.config_mut().check_end_names = false;
        let mut parts = Self::default();
        let mut open: Vec<String> = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) => {
                    let name = parts.element(&tag);
                    if !VOID.contains(&name.as_str()) {
                        open.push(name);
                    }
                }
                Event::End(tag) => {
                    let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                    assert_eq!(open.pop(), Some(name));
                }
                Event::Eof => break,
                Event::Text(_) | Event::GeneralRef(_) => {}
                other => assert_eq!(format!("{other:?}"), "", "no other part"),
            }
        }
        assert_eq!(open, Vec::<String>::new());
        parts
    }

    fn element(&mut self, tag: &BytesStart<'_>) -> String {
        let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
        let attributes: Vec<(String, String)> = tag
            .html_attributes()
            .map(|attribute| {
                let attribute = attribute.unwrap();
                let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
                (key, String::from_utf8(attribute.value.to_vec()).unwrap())
            })
            .collect();
        for (key, value) in &attributes {
            if key == "id" {
                assert!(self.ids.insert(value.clone()), "{value} twice");
            }
        }
        if let Some(level) = name.strip_prefix('h').and_then(|level| level.parse().ok()) {
            self.headings.push(level);
        }
        self.elements.push((name.clone(), attributes));
        name
    }

    /// Ids that are named are there; headings leave out no level; nothing runs
    /// and nothing comes from elsewhere.
    fn check(&self, what: &str) {
        for (element, attributes) in &self.elements {
            for (key, value) in attributes {
                let ids = match key.as_str() {
                    "href" => vec![value.strip_prefix('#').unwrap()],
                    "data-copy" => vec![value.as_str()],
                    "aria-labelledby" => value.split(' ').collect(),
                    _ => Vec::new(),
                };
                for id in ids {
                    assert!(self.ids.contains(id), "{what}: {element} {key} {id}");
                }
                assert!(!key.starts_with("on") && key != "style", "{what}: {key}");
                assert!(key != "src" && key != "action", "{what}: {key}");
            }
        }
        assert_eq!(self.headings.first(), Some(&1), "{what}");
        assert_eq!(self.count("h1"), 1, "{what}");
        for pair in self.headings.windows(2) {
            assert!(pair[1] <= pair[0] + 1, "{what}: {:?}", self.headings);
        }
        for (element, count) in [("script", 1), ("style", 1), ("main", 1), ("img", 0)] {
            assert_eq!(self.count(element), count, "{what}: {element}");
        }
    }

    fn count(&self, element: &str) -> usize {
        let named = self.elements.iter().filter(|(name, _)| name == element);
        named.count()
    }
}

fn frame(language: Language) -> Frame<'static> {
    Frame {
        language,
        ..Frame::default()
    }
}

fn written(report: &Report, language: Language) -> String {
    let status = exit_status(report, false, FailOn::Warning);
    page(report, status, &frame(language))
}

#[test]
fn the_page_of_every_recorded_scenario_is_whole_light_and_in_its_language() {
    let mailcow = Sender {
        system: System::Mailcow,
        ..Sender::default()
    };
    let mut heaviest = 0;
    for (number, path) in support::recorded().into_iter().enumerate() {
        let name = support::name(&path);
        let seen = support::observation(&path);
        let of_sender = Report::to(&seen, Horizon::default(), &mailcow);
        // Each report in one of the languages.
        let [one, other] = match number % 2 {
            0 => Language::ALL,
            _ => [Language::De, Language::En],
        };
        for (report, language) in [(Report::of(&seen), one), (of_sender, other)] {
            let page = written(&report, language);
            heaviest = heaviest.max(page.len());
            Parts::of(&page).check(&name);
            harmless(&page, &name);
            let headline = page.split("class=\"headline\"").nth(1).unwrap();
            let headline = headline.split("</p>").next().unwrap();
            assert!(!headline.contains("lang=\"en\""), "{name}: {headline}");
            entry_is_in_one_language(&page, &name);
            absence_is_no_failure(&page, &report, language, &name);
            only_servers_speak_english(&page, &report, &name);
            let not_compared = "there is no certificate to compare it with";
            let is_german = language == Language::De;
            assert!(!is_german || !page.contains(not_compared), "{name}");
            let entry = &report.recommendation.entries.postfix;
            let is_mailcow = report.sender.is_some();
            for line in entry.iter().filter(|_| !is_mailcow) {
                assert!(page.contains(&format!("{line}\n</pre>")), "{name}: {line}");
                // Where it goes, and how it comes into force.
                assert!(page.contains("texthash:/etc/postfix/tls_policy."), "{name}");
                assert!(page.contains("<code>postfix reload</code>"), "{name}");
            }
            if let Some(caution) = &report.recommendation.caution {
                for part in caution.replace('"', "&quot;").split('`') {
                    assert!(page.contains(part), "{name}: {caution}");
                }
            }
        }
    }
    assert!(heaviest < HEAVIEST, "{heaviest}");
}

/// What is given up, and when the override goes, are whole sentences of the page's
/// language.
fn entry_is_in_one_language(page: &str, name: &str) {
    for begin in ["Was Sie aufgeben: ", "Entfernen Sie sie, sobald "] {
        for rest in page.split(begin).skip(1) {
            let sentence = rest.split("</p>").next().unwrap();
            assert!(!sentence.contains("lang=\"en\""), "{name}: {sentence}");
        }
    }
}

/// A lookup that fails is not shown as an answer: neither that DANE does not
/// apply, nor that there is no address or no TLSA record.
fn absence_is_no_failure(page: &str, report: &Report, language: Language, name: &str) {
    let [not_here, no_address, none, fails] = match language {
        Language::En => [
            "DANE does not apply here.",
            "<p>no address.</p>",
            "TLSA: none",
            "the lookup fails",
        ],
        Language::De => [
            "DANE gilt hier nicht.",
            "<p>keine Adresse.</p>",
            "TLSA: keine",
            "die Abfrage schlägt fehl",
        ],
    };
    let addresses = report.hosts.iter().flat_map(|host| &host.addresses);
    let without = addresses.filter(|address| address.dane == Standing::WithoutTlsa);
    if without.count() == 0 {
        assert!(!page.contains(not_here), "{name}");
    }
    let lookups = |host: &HostReport| host.address_lookups.clone();
    let of_hosts: Vec<_> = report.hosts.iter().map(lookups).collect();
    let is_answer = |lookup: &LookupReport| lookup.failure.is_none();
    if of_hosts.iter().flatten().all(|lookup| !is_answer(lookup)) {
        assert!(!page.contains(no_address), "{name}");
    }
    if report.hosts.iter().all(|host| host.tlsa.is_empty()) {
        assert!(!page.contains(none), "{name}");
    }
    // Each that fails has a line in the picture.
    let tlsa = report.hosts.iter().flat_map(|host| &host.tlsa);
    let mx = report.mx.iter().map(|mx| mx.lookup.clone());
    let all = mx.chain(of_hosts.into_iter().flatten());
    let all = all.chain(tlsa.map(|tlsa| tlsa.lookup.clone()));
    let failed: Vec<LookupReport> = all.filter(|lookup| !is_answer(lookup)).collect();
    if report.hosts.len() <= 5 {
        for lookup in failed {
            let kind = &lookup.failure.unwrap().kind;
            let row = format!(
                "<strong><bdi translate=\"no\">{} {}</bdi></strong>: <bdi translate=\"no\">{fails} \
                 ({kind})</bdi>",
                lookup.record_type, lookup.name
            );
            assert!(page.contains(&row), "{name}: {row}");
            let link = lookup.validated.and_then(|own| own.weak_link);
            if let Some(link) = link {
                assert!(page.contains(&link.to_string()), "{name}: {link}");
            }
        }
    }
}

#[test]
fn the_lookup_beside_the_records_is_the_one_that_counts() {
    // The expanded name has records that are not signed; those of the first name
    // count.
    let path = support::recorded().into_iter();
    let mut path = path.filter(|it| support::name(it) == "alias-expanded-not-vouched-for");
    let seen = support::observation(&path.next().unwrap());
    let page = written(&Report::of(&seen), Language::En);
    let beside = page.split("Published in DNS</p>").nth(1).unwrap();
    let beside = beside.split("</p>").next().unwrap();
    assert!(
        beside.contains("_25._tcp.alias.") && beside.ends_with(", signed"),
        "{beside}"
    );
    assert!(page.contains("address signed \u{b7} TLSA: signed"));
    assert!(!page.contains("edge unsigned"));
}

#[test]
fn each_family_of_addresses_has_its_own_line() {
    let path = support::recorded().into_iter();
    let mut path = path.filter(|it| support::name(it) == "a-no-ad-beside-ipv6");
    let seen = support::observation(&path.next().unwrap());
    let page = written(&Report::of(&seen), Language::En);
    let edges: Vec<&str> = page
        .split("<path class=\"edge")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().trim())
        .collect();
    // The host; the IPv4 address and its certificates; the IPv6 address, its
    // record and its certificates.
    assert_eq!(
        edges,
        ["signed", "unsigned", "", "", "signed", "signed", "", ""]
    );
    // No DANE is known, not unknown.
    assert!(page.contains("\u{2013}</span> <bdi translate=\"no\">no DANE"));
}

/// After the sign at an address come words of the page's language, or what was
/// seen there.
fn only_servers_speak_english(page: &str, report: &Report, name: &str) {
    let addresses = report.hosts.iter().flat_map(|host| &host.addresses);
    let sessions: Vec<_> = addresses.flat_map(|address| &address.sessions).collect();
    for words in page.split("class=\"standing ").skip(1) {
        let after = words.split_once("</span> ").unwrap().1;
        if let Some(english) = after.strip_prefix("<span lang=\"en\"><bdi translate=\"no\">") {
            let english = english.split("</bdi>").next().unwrap();
            let mut sessions = sessions.iter();
            let is_seen = sessions.any(|session| english.contains(session.detail.as_str()));
            assert!(is_seen, "{name}: {english}");
            // danecheck's own words are no exception.
            for own in [
                "only outdated TLS",
                "only TLS",
                "the connection was lost",
                "no answer in time",
            ] {
                assert!(!english.contains(own), "{name}: {english}");
            }
        }
    }
}

#[test]
fn hostile_text_in_every_field_stays_in_its_element() {
    for seen in recorded() {
        let report = Report::of(&seen);
        let plain = Parts::of(&written(&report, Language::De));
        for hostile in [HOSTILE, COMMAND, SCRIPT] {
            let (report, _) = poisoned(&report, hostile);
            for language in Language::ALL {
                let page = written(&report, language);
                harmless(&page, hostile);
                let parts = Parts::of(&page);
                parts.check(hostile);
                assert_eq!(parts.count("svg"), plain.count("svg"));
                assert_eq!(parts.count("title"), plain.count("title"));
            }
        }
    }
}

/// A report on a target with this name.
fn report(target: &str) -> Report {
    let error = target.parse::<danecheck_core::next_hop::NextHop>();
    let moment = danecheck_core::unix_time::UnixTime(1_795_312_923);
    Report::on_invalid_target(target, &error.unwrap_err(), moment)
}

#[test]
fn several_targets_make_one_document_with_the_worst_first() {
    let all = recorded();
    let mut writer = Html::new(Language::En);
    let mut ranks = Vec::new();
    for seen in &all {
        let report = Report::of(seen);
        let status = exit_status(&report, false, FailOn::Warning);
        assert_eq!(writer.report(&report, status), "");
        ranks.push(status);
    }
    let page = writer.end();
    let parts = Parts::of(&page);
    parts.check("several targets");
    assert_eq!(parts.count("article"), all.len());
    assert!(page.contains(&format!("<h1 id=\"top\">{} targets</h1>", all.len())));
    let rows: Vec<&str> = page.split("<tr><td>").skip(1).collect();
    let place = |word: &str| {
        let found = |row: &&str| row.split("</td>").next().unwrap().contains(word);
        let first = rows.iter().position(found);
        let last = rows.iter().rposition(found);
        (first, last)
    };
    let (broken, unknown, warned, fine) = (
        place("Broken"),
        place("Unknown"),
        place("Warning"),
        place("Fine"),
    );
    for (worse, better) in [(broken, unknown), (unknown, warned), (warned, fine)] {
        if let (Some(last), Some(first)) = (worse.1, better.0) {
            assert!(last < first, "{worse:?} {better:?}");
        }
    }
    assert!(broken.0 == Some(0) && fine.1.is_some());
}

#[test]
fn a_document_of_many_targets_is_bounded() {
    let mut writer = Html::new(Language::De);
    let report = report("not a target");
    let status = exit_status(&report, false, FailOn::Warning);
    for _ in 0..2500 {
        writer.report(&report, status);
    }
    let page = writer.end();
    assert!(page.contains(">2500 Ziele</h1>"));
    assert!(page.contains("<p>1500 sind oben gezählt und nicht aufgeführt"));
    assert_eq!(page.matches("<tr><td>").count(), 1000);
    assert!(page.len() < 20 << 20, "{}", page.len());
}

#[test]
fn no_target_makes_a_document_too() {
    let page = Html::new(Language::En).end();
    Parts::of(&page).check("no target");
    assert!(page.contains("No target"));
}
