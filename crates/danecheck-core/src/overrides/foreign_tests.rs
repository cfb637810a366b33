//! What is no table, and what is one.

use crate::overrides::{NoOverrides, Overrides};

/// What a file is said to be; nothing for a table or a list.
fn what(bytes: impl AsRef<[u8]>) -> Option<String> {
    let fault = Overrides::read(&bytes).err()?;
    let said = fault.to_string();
    // A password least of all.
    for secret in ["hunter2", "relayuser", "secret.example"] {
        assert!(!said.contains(secret), "{said}");
    }
    Some(said)
}

#[test]
fn each_file_that_is_no_table_says_what_it_is_and_repeats_nothing() {
    for (words, text) in [
        (
            "password",
            "a.example encrypt\nb.example relayuser:hunter2\n",
        ),
        (
            "password",
            "a.example dane\nb.example may\n[secret.example]:587 x@y.example:hunter2\n",
        ),
        (
            "both sides of a merge",
            "a.example encrypt\n<<<<<<< HEAD\nsecret.example may\n=======\nb.example none\n\
             >>>>>>> x\n",
        ),
        (
            "both sides of a merge",
            "<<<<<<< HEAD\n=======\nsecret.example none\n>>>>>>> x\n",
        ),
        ("pcre:", "if /e/\n/^secret\\.example$/ encrypt\nendif\n"),
        ("pcre:", "/^secret\\.example$/ encrypt\n/./ may\n"),
        ("pcre:", "!/^secret\\.example$/ encrypt\n"),
        ("pcre:", "if !/e/\n/./ may\nendif\n"),
        (
            "template",
            "{% for d in domains %}\n{{ d }} encrypt\n{% endfor %}\n",
        ),
        (
            "template",
            "# {{ ansible_managed }}\n{{ hunter2 }} encrypt\n",
        ),
        (
            "template",
            "<% @domains.each do |d| %>\n<%= d %> encrypt\n<% end %>\n",
        ),
        ("template", "{{hunter2}}"),
        (
            "indented",
            "    secret.example encrypt\n    # x\n    b.example may\n",
        ),
        ("indented", "\tsecret.example encrypt\n"),
        (
            "indented",
            "  secret.example encrypt\n  b.example may\nc.example may\n",
        ),
        (
            "database (mysql:, ldap:)",
            "user = relayuser\npassword = hunter2\nhosts = 127.0.0.1\ndbname = mail\n\
             query = SELECT policy FROM t WHERE dest = '%s'\n",
        ),
        (
            "database (mysql:, ldap:)",
            "server_host = ldap://secret.example\nsearch_base = dc=x\nbind = yes\n\
             bind_dn = cn=relayuser\nbind_pw = hunter2\nresult_attribute = p\n",
        ),
        (
            "database (mysql:, ldap:)",
            "dbpath = /x\nquery = SELECT hunter2\n",
        ),
        ("database (mysql:, ldap:)", "password=hunter2\n"),
        (
            "main.cf",
            "smtp_tls_security_level = dane\nrelayhost = [secret.example]:587\n\
             smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n",
        ),
        (
            "main.cf",
            "smtp_tls_policy_maps = hash:/etc/postfix/tls_policy\n",
        ),
        (
            "main.cf",
            "myhostname=secret.example\nmydestination =\nmynetworks = 127.0.0.0/8\n",
        ),
        (
            "main.cf (inline:)",
            "smtp_tls_policy_maps = inline:{ { secret.example = encrypt } }\n",
        ),
        ("main.cf (inline:)", "inline:{ secret.example=encrypt }\n"),
        ("main.cf (inline:)", "{ { secret.example = encrypt } }\n"),
        (
            "master.cf",
            "smtp      inet  n       -       y       -       -       smtpd\n\
             relay     unix  -       -       y       -       -       smtp\n  \
             -o smtp_x=hunter2\n",
        ),
        (
            "SQL",
            "INSERT INTO tls_policy_override VALUES ('secret.example','may');\n",
        ),
        (
            "SQL",
            "-- dump\nCREATE TABLE x (\n  a int\n);\ninsert into x values (1);\n",
        ),
        ("SQL", "SELECT * FROM users WHERE password = 'hunter2'\n"),
        (
            "YAML",
            "---\nsecret.example:\n  policy: encrypt\nb.example:\n  policy: may\n",
        ),
        ("YAML", "root: relayuser\npostmaster: root\n"),
        ("YAML", "password: hunter2\n"),
        ("cidr:", "192.0.2.0/24 encrypt\n2001:db8::/32 may\n"),
        ("cidr:", "!192.0.2.0/24 OK\n"),
        (
            "cidr:",
            "if 192.0.2.0/24\n192.0.2.1/32 may\n192.0.2.2/32 may\nendif\n",
        ),
        (
            "web page",
            "<!DOCTYPE html>\n<html><head><title>403</title></head>\n<p>hunter2</p></html>\n",
        ),
        (
            "web page",
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n",
        ),
        (
            "web page",
            "\n\n  <div class=\"login\"><input value=hunter2></div>\n",
        ),
        ("passwords", "[smtp.secret.example]:587 relayuser:hunter2\n"),
        (
            "passwords",
            "secret.example relayuser@secret.example:hunter2\n# may\n",
        ),
        ("passwords", "a.example a:hunter2\nb.example b:hunter2\n"),
        (
            "transports",
            "secret.example smtp:[relay.secret.example]:25\n* error:no\n",
        ),
        ("transports", "secret.example :[relay.secret.example]\n"),
        ("transports", "secret.example lmtp:unix:private/x\n"),
        (
            "access rules",
            "secret.example REJECT hunter2\nb.example OK\n",
        ),
        ("access rules", "secret.example 550 hunter2\n"),
        ("access rules", "secret.example permit_mynetworks\n"),
        ("addresses", "user@secret.example relayuser@b.example\n"),
        ("addresses", "@secret.example relayuser@b.example\n"),
        ("addresses", "secret.example a@b.example, c@d.example\n"),
        ("list of names", "secret.example\nb.example\n"),
        (
            "hardly any line",
            "hello hunter2\nthis is prose about secret.example\n",
        ),
        (
            "message of curl",
            "curl: (6) Could not resolve host: secret.example\n",
        ),
        (
            "hardly any line",
            "hunter2:x:0:0:root:/root:/bin/bash and more\n",
        ),
        (
            "settings of a program",
            "[client]\nname = hunter2\ncolour = red\n",
        ),
        ("script", "#!/bin/sh\nexport P=hunter2\n"),
        (
            "PEM",
            "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
        ),
        ("PEM", "# mine\n-----BEGIN CERTIFICATE-----\nhunter2\n"),
        (
            "Postfix log",
            "Nov 22 02:36:41 mx postfix/smtp[8]: 4E: to=<u@secret.example>, relay=none, \
             dsn=4.7.5, status=deferred (Server certificate not verified)\n",
        ),
        (
            "postqueue -p",
            "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n\
             4E7F099A10B     1024 Sun Nov 22 02:36:41  a@secret.example\n\
             (no TLSA records found)\n         u@secret.example\n",
        ),
        (
            "postqueue -j",
            "{\"queue_name\":\"deferred\",\"queue_id\":\"4E7F099A10B\",\"recipients\":\
             [{\"address\":\"u@secret.example\",\"delay_reason\":\"hunter2\"}]}\n",
        ),
        (
            "TLS report",
            "{\"organization-name\":\"secret.example\",\"report-id\":\"1\",\"policies\":[]}",
        ),
        ("not a list of rows", "{\"password\":\"hunter2\"}"),
        ("not a list of rows", "[{\"password\":\"hunter2\"}]"),
        ("it is not JSON", "{\"password\":\"hunter2\""),
        ("it is not JSON", "[{\"dest\":hunter2}]"),
    ] {
        let said = what(text).unwrap_or_else(|| panic!("{text}"));
        assert!(said.contains(words), "{text}\n{said}");
        // It is the same with other line ends, and after a mark.
        let dos = text.replace('\n', "\r\n");
        assert!(what(&dos).is_some(), "{text}");
        let marked = format!("\u{feff}{text}");
        assert!(
            what(&marked).is_some_and(|said| said.contains(words)),
            "{text}"
        );
    }
}

#[test]
fn databases_and_other_binary_files_are_known_by_their_magic() {
    let with = |place: usize, magic: &[u8]| {
        let mut bytes = vec![0; 4096];
        bytes[place..place + magic.len()].copy_from_slice(magic);
        bytes[3000..3007].copy_from_slice(b"hunter2");
        bytes
    };
    let cdb = [
        &2060_u32.to_le_bytes()[..],
        &0_u32.to_le_bytes(),
        &[0; 3000],
    ]
    .concat();
    for (words, bytes) in [
        ("hash: or btree:", with(12, &0x0006_1561_u32.to_le_bytes())),
        ("hash: or btree:", with(12, &0x0006_1561_u32.to_be_bytes())),
        ("hash: or btree:", with(12, &0x0005_3162_u32.to_le_bytes())),
        ("lmdb:", with(16, &0xbeef_c0de_u32.to_le_bytes())),
        ("cdb:", cdb),
        ("SQLite", with(0, b"SQLite format 3\0")),
        ("compressed", with(0, b"\x1f\x8b\x08")),
        ("compressed", with(0, b"\xfd7zXZ\0")),
        ("compressed", with(0, b"PK\x03\x04")),
        ("UTF-16", b"\xff\xfea\0.\0e\0x\0".to_vec()),
        ("UTF-16", b"\xfe\xff\0a\0.\0e\0x".to_vec()),
        ("DER", b"\x30\x82\x01\x0ahunter2 \x01\x02\xff".to_vec()),
        ("binary", with(100, b"\x7fELF")),
        ("binary", b"a\x01b\x02c\x03d\x04".to_vec()),
    ] {
        let said = what(&bytes).unwrap();
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn tables_and_lists_are_taken_whatever_stands_in_their_comments() {
    for text in [
        "# only a comment\n",
        "\u{feff}# only a comment\r\n",
        "   # indented\n\n",
        "a.example encrypt",
        "a.example\tencrypt\r\n",
        "\u{feff}a.example encrypt\n",
        "[mail.example]:587 secure match=x\n",
        "[mail.example] may\n[192.0.2.1]:25 none\n",
        ".example may\n2001:db8::1 may\n",
        "a.example encrpyt\n",
        "a.example Encrypt\n",
        "a.example half-dane\n",
        // A line of another kind among those of a table.
        "a.example may\nb.example may\n/^c\\.example$/ may\n",
        "a.example may\nb.example nonsense\n",
        "a.example may\nb.example\n",
        " a.example may\nb.example may\n",
        "a.example fingerprint\n  match=AA:BB\n  match=CC:DD\n",
        "# {{ ansible_managed }}\n# password = hunter2\n# -----BEGIN X-----\na.example may\n",
        "# postfix/smtp[8]: 4E: to=<u@a.example>, relay=none, status=deferred (x)\na.example may\n",
        "# <html>\na.example may\n",
        "[]",
        "{}",
        " [ ] \n",
        "\u{feff}[]",
        "{\"items\":[]}",
        "{\"dest\":\"a.example\",\"policy\":\"may\",\"active\":1}\n\
         {\"dest\":\"b.example\",\"policy\":\"may\",\"active\":1}\n",
    ] {
        assert_eq!(what(text), None, "{text}");
    }
}

#[test]
fn nothing_at_all_is_no_table() {
    for text in ["", "\n", " \r\n\t\n", "\u{feff}", "\u{feff}\r\n"] {
        assert_eq!(Overrides::read(text), Err(NoOverrides::Empty), "{text:?}");
    }
}
