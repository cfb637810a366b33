"""DANE-EE(3): the certificate or its key, and nothing else."""

from model import PRIVATE, Certificate, Listener, Tlsa
from scenarios.forms import OWN_CA, POSTFIX, RIGHT, STALE, one_host

FORMS = {
    "certificate-full": "3 0 0",
    "certificate-sha256": "3 0 1",
    "certificate-sha512": "3 0 2",
    "key-full": "3 1 0",
    "key-sha256": "3 1 1",
    "key-sha512": "3 1 2",
}

IGNORED = {
    "expired": Certificate(PRIVATE, validity="expired"),
    "not-yet-valid": Certificate(PRIVATE, validity="future"),
    "for-another-name": Certificate(names=("www.elsewhere.lab",), common_name="elsewhere"),
    "without-any-name": Certificate(names=(), common_name=""),
    "self-signed": Certificate(None),
    "self-signed-ca": Certificate(None, ca=True),
    "for-clients-only": Certificate(extensions=("extendedKeyUsage = clientAuth",)),
    "with-key-usage-for-signing-only": Certificate(extensions=("keyUsage = critical,keyCertSign",)),
    "with-unknown-critical-extension": Certificate(
        PRIVATE, extensions=("1.2.3.4 = critical,DER:0500",)
    ),
    "with-issuer-left-out": Certificate(PRIVATE, send="nothing"),
    "with-chain-in-disorder": Certificate(PRIVATE, send="strangers"),
}

SCENARIOS = (
    one_host("all-well", "3 1 1 of the key in use (R53)", "dane-ok", RIGHT,
             listener=POSTFIX),
    one_host(
        "exim-all-well", "3 1 1 of an exim's key (R53)", "dane-ok", RIGHT,
        listener=Listener("exim"),
    ),
    one_host(
        "leaf-expired-self-signed", "3 1 1 asks neither for dates nor for an issuer (R54)",
        "dane-ok", RIGHT, listener=Listener("postfix-a", certificate=Certificate(None, validity="expired")),
    ),
    one_host("stale", "3 1 1 of a key that was replaced (R53)", "dane-broken", STALE,
             listener=POSTFIX),
    one_host(
        "stale-exim", "3 1 1 of a key that an exim has replaced (R53)", "dane-broken", STALE,
        listener=Listener("exim", certificate=Certificate(None)),
    ),
    one_host(
        "roll-over", "the old and the new key are both published (R43)", "dane-ok", STALE, RIGHT,
        listener=POSTFIX,
    ),
    one_host("duplicates", "the same record twice (R44)", "dane-ok", RIGHT, RIGHT),
    one_host(
        "many-records", "forty stale records and the right one (R44)", "dane-ok",
        *(Tlsa(rdata=f"030101{number:064x}") for number in range(40)), RIGHT,
    ),
    one_host("no-tlsa", "signed, without TLSA records (R35)", "no-dane", listener=POSTFIX),
    one_host(
        "end-entity-beside-anchor", "3 1 1 holds and no name fits; 2 1 1 is there too (R54)",
        "dane-ok", RIGHT, Tlsa("2 1 1", "issuer"),
        listener=Listener(certificate=Certificate(PRIVATE, names=("www.elsewhere.lab",))),
    ),
    one_host(
        "anchor-saves-stale-end-entity", "3 1 1 is stale, 2 1 1 holds (R53)", "dane-ok",
        STALE, Tlsa("2 1 1", "issuer"), listener=Listener(certificate=OWN_CA),
    ),
    *(
        one_host(f"ee-{name}", f"{form} of the leaf (R54)", "dane-ok", Tlsa(form))
        for name, form in FORMS.items()
    ),
    *(
        one_host(
            f"ee-{name}-stale", f"{form} of another certificate (R53)", "dane-broken",
            Tlsa(form, "stranger"), listener=Listener(certificate=OWN_CA),
        )
        for name, form in FORMS.items()
    ),
    *(
        one_host(
            f"ee-{name}", f"3 1 1 of a certificate {name.replace('-', ' ')} (R54)", "dane-ok",
            RIGHT, listener=Listener(certificate=certificate),
        )
        for name, certificate in IGNORED.items()
    ),
    *(
        one_host(
            f"ee-issuer-{name}", f"{form} of the issuer, where the leaf belongs (R54)",
            "dane-broken", Tlsa(form, "issuer"), listener=Listener(certificate=OWN_CA),
        )
        for name, form in (("certificate", "3 0 1"), ("key", "3 1 1"))
    ),
)
