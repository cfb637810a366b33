"""Digest agility: of each usage and selector, only the strongest digest counts."""

from model import Listener, Tlsa
from scenarios.forms import OWN_CA, RIGHT, one_host

LISTENER = Listener(certificate=OWN_CA)


def anchor(form: str) -> Tlsa:
    """A record of the issuer."""
    return Tlsa(form, "issuer")


def old(form: str) -> Tlsa:
    """A record of something else."""
    return Tlsa(form, "stranger")


CASES = (
    ("stale-sha512-beside-sha256", "SHA-512 hides the right SHA-256", "dane-broken",
     old("3 1 2"), RIGHT),
    ("agility-certificate-sha512-hides-sha256", "the same for whole certificates", "dane-broken",
     old("3 0 2"), Tlsa("3 0 1")),
    ("agility-other-selector", "a stale 3 0 2 does not hide 3 1 1", "dane-ok",
     old("3 0 2"), RIGHT),
    ("agility-other-selector-reversed", "a stale 3 1 2 does not hide 3 0 1", "dane-ok",
     old("3 1 2"), Tlsa("3 0 1")),
    ("agility-other-usage", "a stale 2 1 2 does not hide 3 1 1", "dane-ok", old("2 1 2"), RIGHT),
    ("agility-end-entity-spares-anchor", "a stale 3 1 2 does not hide 2 1 1", "dane-ok",
     old("3 1 2"), anchor("2 1 1")),
    ("agility-full-is-never-hidden", "a stale 3 1 2 does not hide 3 1 0", "dane-ok",
     old("3 1 2"), Tlsa("3 1 0")),
    ("agility-full-certificate-is-never-hidden", "a stale 3 0 2 does not hide 3 0 0", "dane-ok",
     old("3 0 2"), Tlsa("3 0 0")),
    ("agility-full-never-hides", "a stale 3 1 0 does not hide 3 1 1", "dane-ok",
     old("3 1 0"), RIGHT),
    ("agility-right-sha512", "the right SHA-512 beside a stale SHA-256", "dane-ok",
     Tlsa("3 1 2"), old("3 1 1")),
    ("agility-one-right-sha512", "two SHA-512, one right, and a stale SHA-256", "dane-ok",
     old("3 1 2"), Tlsa("3 1 2"), old("3 1 1")),
    ("agility-short-sha512", "an unusable SHA-512 hides nothing (R43)", "dane-ok",
     Tlsa("3 1 2", form="short"), RIGHT),
    ("agility-all-three", "stale 3 1 2, right 3 1 1, right 3 0 1", "dane-ok",
     old("3 1 2"), RIGHT, Tlsa("3 0 1")),
    ("agility-anchor-sha512-hides-sha256", "the same for anchors", "dane-broken",
     old("2 1 2"), anchor("2 1 1")),
    ("agility-anchor-certificate-sha512-hides-sha256", "the same for whole anchors", "dane-broken",
     old("2 0 2"), anchor("2 0 1")),
    ("agility-anchor-other-selector", "a stale 2 0 2 does not hide 2 1 1", "dane-ok",
     old("2 0 2"), anchor("2 1 1")),
    ("agility-anchor-full-is-never-hidden", "a stale 2 1 2 does not hide 2 1 0", "dane-ok",
     old("2 1 2"), anchor("2 1 0")),
    ("agility-anchor-full-never-hides", "a stale 2 0 0 does not hide 2 0 1", "dane-ok",
     old("2 0 0"), anchor("2 0 1")),
    ("agility-unknown-type", "an unknown matching type hides nothing (R46)", "dane-ok",
     Tlsa("3 1 3", "stale"), RIGHT),
    ("agility-private-type", "matching type 255 hides nothing (R39)", "dane-ok",
     Tlsa("3 1 255", "stale"), RIGHT),
)

SCENARIOS = tuple(
    one_host(name, f"digest agility: {about} (R45)", verdict, *tlsa, listener=LISTENER)
    for name, about, verdict, *tlsa in CASES
)
