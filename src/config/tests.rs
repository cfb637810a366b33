//! What the file says, and what is wrong with it.

use super::*;
use danecheck_core::report::FailOn;

fn read(text: &str) -> Config {
    Config::parse("danecheck.toml", text).unwrap()
}

#[test]
fn a_domain_has_the_defaults_and_sets_each_anew() {
    let config = read(
        r#"
        [defaults]
        require-dane = true
        warn-days = 21
        skip-hosts = ["backup.example.net"]

        [[domain]]
        name = "Example.COM."

        [[domain]]
        name = "b\u00fccher.example"
        require-dane = false
        warn-days = 1_0
        fail-on = "error"
        skip-hosts = []
        expected-mx = ["MX1.b\u00fccher.example.", "mx2.example.net"]
        "#,
    );
    let names: Vec<String> = config.domains().iter().map(NextHop::to_string).collect();
    assert_eq!(names, ["example.com", "xn--bcher-kva.example"]);
    let first = config.terms(&"example.com".parse().unwrap());
    assert!(first.require_dane);
    assert_eq!(first.warn_days, Some(21));
    assert_eq!(*first.skip_hosts, ["backup.example.net"]);
    assert_eq!(first.expected_mx, None);
    let second = config.terms(&"xn--bcher-kva.example".parse().unwrap());
    assert!(!second.require_dane);
    assert_eq!(second.warn_days, Some(10));
    assert_eq!(second.fail_on, FailOn::Error);
    assert!(second.skip_hosts.is_empty());
    let expected = second.expected_mx.as_deref().unwrap();
    assert_eq!(expected, ["mx1.xn--bcher-kva.example", "mx2.example.net"]);
    // A target that it does not name has the defaults.
    let other = config.terms(&"example.org".parse().unwrap());
    assert_eq!(other.warn_days, Some(21));
    let loud = config.with(|terms| terms.warn_days = Some(5));
    let domains = loud.domains().iter().map(|name| loud.terms(name));
    let mut all = domains.chain([loud.defaults()]);
    assert!(all.all(|terms| terms.warn_days == Some(5)));
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_a_suggestion() {
    for (text, told) in [
        (
            "[default]\n",
            "1: unknown key `default`: did you mean `defaults`?",
        ),
        (
            "\n[domains.\"example.com\"]\n",
            "2: unknown key `domains`: did you mean `[[domain]]`?",
        ),
        (
            "[defaults]\n\nrequire_dane = true\n",
            "3: unknown key `require_dane` in [defaults]: did you mean `require-dane`?",
        ),
        (
            "[[domain]]\nname = \"a.example\"\nrequiredane = true",
            "3: unknown key `requiredane` in [[domain]]: did you mean `require-dane`?",
        ),
        (
            "[[domain]]\nname = \"a.example\"\nexpect-mx = []",
            "3: unknown key `expect-mx` in [[domain]]: did you mean `expected-mx`?",
        ),
        (
            "[[domain]]\nname = \"a.example\"\nskip_host = []",
            "3: unknown key `skip_host` in [[domain]]: did you mean `skip-hosts`?",
        ),
        (
            "[defaults]\nname = \"a.example\"",
            "2: unknown key `name` in [defaults]: the keys are `require-dane`, `warn-days`, `fail-on`, `skip-hosts`",
        ),
        (
            "zzz = 1",
            "1: unknown key `zzz`: the keys are `defaults`, `domain`",
        ),
        (
            "[domain]\nname = \"a.example\"",
            "1: write `[[domain]]`, in two brackets, for each domain",
        ),
        ("defaults = 1", "1: [defaults] has to be a table"),
        (
            "[[domain]]\nwarn-days = 3",
            "1: a [[domain]] needs a `name`",
        ),
        ("[[domain]]\nname = 3", "2: `name` takes text in quotes"),
        (
            "[[domain]]\nname = \"a..b\"",
            "2: `a..b` is not a domain name",
        ),
        (
            "[[domain]]\nname = \"a.example\"\n[[domain]]\nname = \"A.example\"",
            "3: a.example already has an entry, in line 1",
        ),
        (
            "[defaults]\nrequire-dane = \"yes\"",
            "2: `require-dane` takes true or false",
        ),
        (
            "[defaults]\nwarn-days = -1",
            "2: `warn-days` takes a whole number of days from 0 to 3650",
        ),
        (
            "[defaults]\nwarn-days = 99999999999",
            "2: `warn-days` takes a whole number of days from 0 to 3650",
        ),
        (
            "[defaults]\nfail-on = \"panic\"",
            "2: `fail-on` takes \"warning\", \"error\" or \"never\"",
        ),
        (
            "[defaults]\nskip-hosts = \"mx\"",
            "2: `skip-hosts` takes a list of host names",
        ),
        (
            "[defaults]\nskip-hosts = [\n1]",
            "3: `skip-hosts` takes text in quotes",
        ),
        (
            "[defaults]\nskip-hosts = [\"[192.0.2.1]\"]",
            "2: `[192.0.2.1]` in `skip-hosts` is not a host name",
        ),
        (
            "[[domain]]\nname = \"a.example\"\nexpected-mx = []",
            "3: name the MX hosts in `expected-mx`, or leave it out",
        ),
        (
            "[[domain]]\nname = \"[mx.a.example]\"\nexpected-mx = [\"mx.a.example\"]",
            "3: [mx.a.example] has no MX records to expect",
        ),
        (
            "[defaults]\nwarn-days = 1\nwarn-days = 2",
            "3: duplicate key",
        ),
        ("[[domain]\n", "1: "),
        ("name = \"\n", "1: "),
    ] {
        let error = Config::parse("danecheck.toml", text)
            .unwrap_err()
            .to_string();
        let told = format!("danecheck.toml:{told}");
        assert!(error.starts_with(&told), "{text}\n{error}");
    }
}
