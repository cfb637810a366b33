"""Domains with a policy of MTA-STS, whom `senders.py` has mail sent to. Postfix
by itself asks for no such policy: at its levels they are like any other."""

from model import Certificate, Host, Listener, Scenario, Tlsa, Zone
from policies import ADDRESS

SELF_SIGNED = Certificate(issuer=None)
NAMED_OTHERWISE = Certificate(names=("elsewhere.lab",), common_name="elsewhere.lab")
RECORDS = ('_mta-sts TXT "v=STSv1; id=1"', f"mta-sts A {ADDRESS}")


def domain(
    name: str, about: str, *, certificate: Certificate = Certificate(), starttls: bool = True
) -> Scenario:
    """One MX host without TLSA records."""
    listener = Listener("postfix-b", certificate=certificate, starttls=starttls)
    host = Host("mail", (listener,))
    return Scenario(
        name, about, "no-dane", hosts=(host,), mx=("10 mail",), records=RECORDS, zones=(Zone(),)
    )


SCENARIOS = (
    domain("mta-sts-fits", "a policy that fits, without TLSA records (R92)"),
    domain("mta-sts-other-host", "a policy for another host (R92)"),
    domain("mta-sts-any-host", "a policy with a wildcard (R92)"),
    domain("mta-sts-testing", "a policy that is only tested (R92)"),
    domain("mta-sts-self-signed", "the MX host is self-signed (R92)", certificate=SELF_SIGNED),
    domain("mta-sts-name", "a certificate for another name (R92)", certificate=NAMED_OTHERWISE),
    domain("mta-sts-plain", "the MX host has no STARTTLS (R92)", starttls=False),
    Scenario(
        "mta-sts-and-dane",
        "DANE has precedence (R92)",
        "dane-ok",
        hosts=(Host("mail", (Listener(),), (Tlsa(),)),),
        mx=("10 mail",),
        records=RECORDS,
    ),
)
