"""Greeting and EHLO, before STARTTLS comes up."""

from model import Host, Listener, Scenario
from scenarios.forms import RIGHT, one_host, scripted

CASES = (
    ("greeting-421", "421 as greeting (R20)", "undeliverable", dict(greeting="421 4.3.2 busy")),
    ("greeting-450", "450 without a status code (R20)", "undeliverable",
     dict(greeting="450 later")),
    ("greeting-554", "554 as greeting: made soft (R20)", "undeliverable",
     dict(greeting="554 5.7.1 no")),
    ("greeting-554-bare", "554 without a status code (R20)", "undeliverable",
     dict(greeting="554 no")),
    ("greeting-drop", "closed instead of a greeting", "undeliverable", dict(greeting="drop")),
    ("greeting-reset", "reset instead of a greeting", "undeliverable", dict(greeting="reset", delay=0.5)),
    ("greeting-hang", "no greeting ever", "undeliverable", dict(greeting="hang")),
    ("greeting-garbage", "garbage for a greeting", "undeliverable", dict(greeting="garbage")),
    ("greeting-slow", "a greeting after three seconds", "dane-ok", dict(delay=3)),
    ("greeting-long", "a greeting of several lines", "dane-ok",
     dict(greeting="220-welcome\n220-to the\n220 lab ESMTP")),
    ("greeting-plain-smtp", "a greeting that does not say ESMTP", "dane-ok",
     dict(greeting="220 scripted")),
    ("ehlo-refused", "EHLO refused, HELO taken: no STARTTLS", "dane-broken",
     dict(ehlo="502 5.5.1 what?")),
    ("ehlo-refused-helo-refused", "EHLO and HELO refused: bounces", "undeliverable",
     dict(ehlo="550 5.7.1 no", helo="550 5.7.1 no")),
    ("ehlo-refused-helo-450", "EHLO and HELO refused for now", "undeliverable",
     dict(ehlo="450 4.7.1 later", helo="450 4.7.1 later")),
    ("ehlo-421", "421 to EHLO", "undeliverable", dict(ehlo="421 4.3.2 closing")),
    ("ehlo-drop", "closed at EHLO", "undeliverable", dict(ehlo="drop")),
    ("ehlo-hang", "silence at EHLO", "undeliverable", dict(ehlo="hang")),
    ("ehlo-refused-helo-drop", "closed at HELO", "undeliverable",
     dict(ehlo="502 5.5.1 what?", helo="drop")),
    ("ehlo-lower-case", "starttls in lower case", "dane-ok",
     dict(ehlo="250-scripted\n250 starttls")),
    ("ehlo-with-parameter", "STARTTLS with a parameter", "dane-ok",
     dict(ehlo="250-scripted\n250-STARTTLS now\n250 HELP")),
    ("ehlo-first-line", "STARTTLS in the first line is no keyword", "dane-broken",
     dict(ehlo="250 STARTTLS")),
    ("ehlo-many-lines", "STARTTLS after many other keywords", "dane-ok",
     dict(ehlo="250-scripted\n" + "".join(f"250-XTRA{n}\n" for n in range(60)) + "250 STARTTLS")),
    ("ehlo-beyond-2048", "STARTTLS beyond what Postfix keeps of a reply", "dane-broken",
     dict(ehlo="250-scripted\n" + ("250-X" + "TRA" * 30 + "\n") * 40 + "250 STARTTLS")),
)

SECOND = {"greeting-554", "greeting-421", "greeting-hang", "ehlo-421", "ehlo-drop",
          "ehlo-refused-helo-450"}
BOUNCING = {"ehlo-refused-helo-refused"}

SCENARIOS = (
    *(
        one_host(name, about, verdict, RIGHT, listener=scripted(**script))
        for name, about, verdict, script in CASES
    ),
    *(
        Scenario(
            f"{name}-then-healthy", f"another host takes the mail (R20): {about}",
            "dane-partial",
            hosts=(Host("mx1", (scripted(**script),), (RIGHT,)),
                   Host("mx2", (Listener(),), (RIGHT,))),
            mx=("10 mx1", "20 mx2"),
        )
        for name, about, _, script in CASES
        if name in SECOND
    ),
    *(
        Scenario(
            f"{name}-then-healthy", f"bounces although another host takes mail (R20): {about}",
            "undeliverable",
            hosts=(Host("mx1", (scripted(**script),), (RIGHT,)),
                   Host("mx2", (Listener(),), (RIGHT,))),
            mx=("10 mx1", "20 mx2"),
        )
        for name, about, _, script in CASES
        if name in BOUNCING
    ),
)
