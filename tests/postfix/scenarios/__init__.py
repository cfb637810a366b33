"""The scenarios: one module a subject, each with a tuple `SCENARIOS`."""

from model import Scenario
from scenarios import addresses, dnssec, mail_exchangers, old_tls, starttls, tlsa

ALL: tuple[Scenario, ...] = (
    *tlsa.SCENARIOS,
    *dnssec.SCENARIOS,
    *mail_exchangers.SCENARIOS,
    *starttls.SCENARIOS,
    *old_tls.SCENARIOS,
    *addresses.SCENARIOS,
)
