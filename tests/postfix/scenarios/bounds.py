"""Replies at the edge of what a client reads: many lines, NUL, tab, long words."""

from scenarios.forms import RIGHT, one_host, scripted

# name, what it shows, the verdict with a TLSA record that matches, the script
CASES = (
    ("greeting-2000-lines", "a greeting of 2,000 short lines", "dane-ok",
     dict(greeting="220-x\n" * 1999 + "220 scripted")),
    ("ehlo-10000-keywords", "10,000 keywords, STARTTLS first", "dane-ok",
     dict(ehlo="250-scripted\n250-STARTTLS\n" + "250-X1234567\n" * 9999 + "250 HELP")),
    ("ehlo-1100-keywords", "STARTTLS behind 1,100 keywords: beyond what is kept", "dane-broken",
     dict(ehlo="250-scripted\n" + "250-X1234567\n" * 1100 + "250 STARTTLS")),
    ("ehlo-in-tls-3000-keywords", "3,000 keywords inside TLS", "dane-ok",
     dict(ehlo_in_tls="250-scripted\n" + "250-X1234567\n" * 2999 + "250 HELP")),
    ("ehlo-keyword-tab", "STARTTLS with a tab behind it is no offer", "dane-broken",
     dict(ehlo="250-scripted\n250 STARTTLS\t")),
    ("ehlo-keyword-tab-before", "STARTTLS with a tab before it is no offer", "dane-broken",
     dict(ehlo="250-scripted\n250-\tSTARTTLS\n250 HELP")),
    ("ehlo-keyword-escape", "STARTTLS with a control character in it", "dane-broken",
     dict(ehlo="250-scripted\n250-START\x1bTLS\n250 HELP")),
    ("ehlo-keyword-nul", "STARTTLS with a NUL behind it is an offer", "dane-ok",
     dict(ehlo="250-scripted\n250 STARTTLS\x00")),
    ("ehlo-keyword-nul-and-more", "STARTTLS with a NUL and more behind it", "dane-ok",
     dict(ehlo="250-scripted\n250-STARTTLS\x00 is not all\n250 HELP")),
    ("ehlo-keyword-nul-before", "STARTTLS behind a NUL is no offer", "dane-broken",
     dict(ehlo="250-scripted\n250-\x00STARTTLS\n250 HELP")),
    ("starttls-220-nul", "220, a NUL and more: the text ends at the NUL", "dane-ok",
     dict(starttls="220\x00go")),
    ("starttls-454-nul", "454, a NUL and more", "dane-broken", dict(starttls="454\x00not now")),
    ("greeting-220-nul", "a greeting that ends at a NUL, as if a firewall hid it", "dane-broken",
     dict(greeting="220\x00hello")),
    ("greeting-text-nul", "a greeting with a NUL in its text", "dane-ok",
     dict(greeting="220 scripted\x00hello")),
    ("greeting-bare", "a greeting of three digits: HELO, as behind a firewall", "dane-broken",
     dict(greeting="220")),
    ("greeting-stars", "a greeting that a firewall hides: HELO", "dane-broken",
     dict(greeting="220 ****************0*2******0***")),
    ("greeting-stars-helo-drop", "the same, and closed at HELO", "undeliverable",
     dict(greeting="220 ****", helo="drop")),
    ("greeting-stars-and-letters", "a greeting that hides not all", "dane-ok",
     dict(greeting="220 **** ESMTP")),
    ("greeting-nul-220", "a line that begins with a NUL is no reply", "dane-ok",
     dict(greeting="\x00220 hello\n220 scripted")),
    ("greeting-control", "control characters in a refusal", "undeliverable",
     dict(greeting="554 5.7.1 no\x1b[31m\tred\x7f")),
)

SCENARIOS = tuple(
    one_host(name, about, verdict, RIGHT, listener=scripted(**script))
    for name, about, verdict, script in CASES
)
