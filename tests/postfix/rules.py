"""The rules of Postfix's SMTP client that decide between delivery and deferral.

The numbers stand in the scenarios' descriptions; `selftest.py` holds that each
rule here has a scenario, or a reason in UNSHOWN why no scenario can show it.
`postconf(5)` and Postfix's source have the whole truth.
"""

RULES = {
    "R1": "The policy key is the literal next hop, with brackets and port.",
    "R2": "A host name without a policy of its own takes that of `.parent`.",
    "R3": "Several tables: all are asked for one key before its parent is.",
    "R4": "A table that fails defers: 4.7.5, client TLS configuration problem.",
    "R5": "A policy is a level and `name=value` attributes.",
    "R6": "Which attribute a level takes, and how often.",
    "R7": "A malformed policy defers all mail to the next hop.",
    "R8": "Bad protocols, ciphers and exclusions come out as a failed handshake.",
    "R9": "The table's level replaces main.cf's, weaker or stronger.",
    "R10": "`fingerprint` with no pin to match defers.",
    "R11": "`TLS-Required: no` and REQUIRETLS change the level of one message.",
    "R12": "MTA-STS patterns of a policy plugin leave out MX hosts.",
    "R13": "Which main.cf protocols and ciphers belong to which level.",
    "R14": "One delivery keeps a host's policy for all its addresses.",
    "R15": "NXDOMAIN and NODATA are not found, SERVFAIL, REFUSED and silence soft, FORMERR hard.",
    "R16": "An answer is secure where it and every alias before it bear the AD bit.",
    "R17": "MX records: none means the domain itself; a failed lookup defers or bounces; null MX.",
    "R18": "Addresses: the better of A and AAAA; hosts without any are passed over.",
    "R19": "Order by preference, lots among equals, five addresses, both families.",
    "R20": "A soft failure goes on to the next address, a hard one bounces at once.",
    "R21": "Each MX host has its own DANE policy: fail-over may end in plain text.",
    "R22": "Mail to a dead destination is deferred in the name of the first failure.",
    "R23": "A delivery status filter may turn 4.7.5 into a bounce.",
    "R24": "The order in which `dane` gives way: to `may`, to `encrypt`, to deferral.",
    "R25": "A C library without the resolver's options cannot do DANE.",
    "R26": "MX records that are not secure: TLSA all the same, and never `Verified`.",
    "R27": "Releases before 2025 ignore TLSA behind such MX records.",
    "R28": "Without MX records only the host's own security counts.",
    "R29": "TLSA owner: `_port._tcp.host`; aliases there are the resolver's matter.",
    "R30": "No TLSA lookup for a host whose address is not secure.",
    "R31": "A host that is a secure alias: TLSA at its end first, then at its name.",
    "R32": "A failed TLSA lookup at the end of the alias decides.",
    "R33": "An alias that ends insecure: TLSA at its name, if the alias itself is secure.",
    "R34": "The first address tried decides the policy of its host.",
    "R35": "A denial need not be secure.",
    "R36": "TLSA records that are not secure are none.",
    "R37": "A failed TLSA lookup passes the host over; `dane` never becomes `may` for it.",
    "R38": "Where `dane` becomes `may`, all of `may` holds.",
    "R39": "Records dropped with the policy: too short, usage 0, 1 and 4 on, matching type 255.",
    "R40": "Only such records: `dane` encrypts without SNI, `dane-only` does not connect.",
    "R41": "Records dropped in the handshake: selector, matching type, length, broken data.",
    "R42": "Only such records: any certificate for `dane`, none for `dane-only`.",
    "R43": "One usable record is enough to be held to it.",
    "R44": "Duplicates do no harm; a hundred records count.",
    "R45": "Digest agility: of one usage and selector only the strongest digest counts.",
    "R46": "Digests that are not enabled make a record unusable.",
    "R47": "A record without data crashes the client of older releases.",
    "R48": "Where RFC 7672 leaves a choice, Postfix takes PKIX usages for unusable.",
    "R49": "A certificate that does not match is told after a whole handshake.",
    "R50": "Old protocols, weak keys and digests fail where a certificate has to match.",
    "R51": "Anonymous suites only where nothing has to match.",
    "R52": "SNI with the TLSA base domain, at the DANE levels alone.",
    "R53": "The leaf against usage 3 first, the chain against usage 2 then.",
    "R54": "DANE-EE(3): the leaf's bytes, no names, no dates.",
    "R55": "DANE-TA(2): a whole valid chain with names, dates, purposes and constraints.",
    "R56": "DANE-TA(2) is never the leaf, and has to be sent or be published in full.",
    "R57": "DANE-TA(2) names: the TLSA base domain and, behind MX records, the next hop.",
    "R58": "Names in a certificate: SAN before CN, wildcards of one whole label.",
    "R59": "The trust store does not matter at `dane`.",
    "R60": "A resumed session is held to the TLSA records of now.",
    "R61": "Raw public keys, where all records are `3 1 x`.",
    "R62": "`secure`: the next hop, or a name below it.",
    "R63": "`verify`: the name of the MX host.",
    "R64": "`match=` and address literals.",
    "R65": "No trust store, no `verify` and no `secure`.",
    "R66": "Missing intermediates are not fetched.",
    "R67": "`fingerprint`: certificate or key, and nothing else.",
    "R68": "The words of a failed verification.",
    "R69": "`encrypt`: any certificate, never plain text.",
    "R70": "`may`: no STARTTLS offered, plain text at once.",
    "R71": "`may`: STARTTLS refused, plain text at once.",
    "R72": "`may`: a failed handshake, plain text at the retry.",
    "R73": "`may`: cut off inside TLS, the same.",
    "R74": "`may`: cut off before the reply to STARTTLS, never plain text.",
    "R75": "`may`: the retry goes in plain text to the first host whose handshake fails.",
    "R76": "`may`: the certificate never matters.",
    "R77": "`none`: no STARTTLS though it is offered.",
    "R88": "mailcow: its table, then postfix-tlspol; main.cf has `dane`, and no TLS before 1.2.",
    "R89": "mailcow: a row is a line of level, blank and parameters.",
    "R90": "mailcow: what its form takes for a row.",
    "R91": "mailcow: a row for the next hop comes before postfix-tlspol.",
    "R92": "postfix-tlspol: `dane-only`, `dane`, MTA-STS as `secure`, nothing, or a failure.",
    "R93": "postfix-tlspol: what later releases do otherwise.",
    "R94": "mailcow: a domain with DANE at every host is held to `dane-only`.",
    "R95": "mailcow: next hops with brackets or port are left to main.cf.",
}

SENDERS_TABLE = "about the sender's own tables, of which danecheck writes one well-formed line"
OTHER_DEFAULTS = "needs a setting of the sender other than the default that the contract assumes"
LOG_ONLY = "changes a line of the log, and no delivery"

UNSHOWN = {
    "R10": SENDERS_TABLE,
    "R11": "about a message, not about a destination",
    "R12": OTHER_DEFAULTS,
    "R22": "about other mail in the queue",
    "R23": OTHER_DEFAULTS,
    "R25": "about another C library than Debian's",
    "R27": "about releases before the newest; the finding postfix-versions-differ names them",
    "R47": (
        "measured with 3.7.11: smtp(8) dies of `panic: mymalloc: requested length 0`, master(8) "
        "stops the transport for a minute, and the scenarios beside it with it; newer releases "
        "ignore the record, and the finding tlsa-without-data tells the others"
    ),
    "R48": "a comparison with the RFC; R39 and R40 show it",
    "R49": LOG_ONLY,
    "R60": OTHER_DEFAULTS,
    "R61": OTHER_DEFAULTS,
    "R68": LOG_ONLY,
    "R90": "about mailcow's form, which danecheck's entries go through in its own tests",
    "R93": "about releases of postfix-tlspol that mailcow does not pin",
}

# Every proposed line goes through a real policy table in place of the level
# `dane`, and every level through a transport of its own.
SHOWN_BY_EVERY_SCENARIO = ("R5", "R6", "R9", "R77")

# What the cases of `senders.py` show, which have no scenarios of their own.
SHOWN_BY_SENDERS = ("R3", "R4", "R7", "R8", "R13", "R88", "R89", "R91", "R94", "R95")
