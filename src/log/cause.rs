//! What Postfix says when mail waits, and what it means: each text of its
//! SMTP client that concerns DNS, STARTTLS, TLS or DANE.

/// One cause of waiting mail, as Postfix words it.
#[derive(Debug, PartialEq, Eq)]
pub struct Cause {
    /// The stable id, in kebab-case.
    pub id: &'static str,
    /// The text of the log, as far as it is always the same.
    pub text: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

macro_rules! causes {
    ($($name:ident: $id:literal, $text:literal, $meaning:literal, $remedy:literal;)*) => {
        $(pub(super) static $name: Cause = Cause {
            id: $id,
            text: $text,
            meaning: $meaning,
            remedy: $remedy,
        };)*
        /// Every cause, TLS and DANE first.
        pub static CAUSES: &[&Cause] = &[$(&$name),*];
    };
}

causes! {
    CERTIFICATE_NO_MATCH: "certificate-no-match",
        "Server certificate not verified (num=65: no matching DANE TLSA records)",
        "The server shows a certificate that none of its TLSA records is of; at level \
         fingerprint, none of the pinned ones. Most often the key was changed and the records \
         were not.",
        "Check the next hop: the report names the record and what it is of, and the least \
         override until the receiver mends it.";
    CERTIFICATE_NAME: "certificate-name",
        "Server certificate not verified (num=62: hostname mismatch)",
        "The certificate is for another name than the one that is asked for: the TLSA base \
         domain with DANE-TA(2), the MX host at verify, the next hop at secure. Postfix 3.10 \
         and later log such a connection as Trusted, and do not deliver all the same.",
        "At dane, tell the receiver. At secure, put the name in the certificate into the policy: \
         match=NAME.";
    CERTIFICATE_EXPIRED: "certificate-expired",
        "Server certificate not verified (certificate has expired, or is not yet valid)",
        "The dates of the certificate, or of one above it, do not hold. They count with \
         DANE-TA(2), verify and secure; with DANE-EE(3) they would not.",
        "Tell the receiver to renew the certificate and reload the server.";
    CERTIFICATE_UNTRUSTED: "certificate-untrusted",
        "Server certificate not verified (untrusted issuer, or self-signed certificate)",
        "At verify or secure the chain leads to nobody that this Postfix trusts: the server \
         does not send the certificates in between, the CA is none of yours, or \
         smtp_tls_CAfile and smtp_tls_CApath are empty.",
        "See that smtp_tls_CAfile names your system's certificates; if other destinations at \
         verify or secure work, the fault is the receiver's chain.";
    CERTIFICATE_NOT_VERIFIED: "certificate-not-verified",
        "Server certificate not verified",
        "The server's certificate does not satisfy the level (fingerprint, dane, dane-only, \
         verify or secure). The line before it, `certificate verification failed for ...`, \
         says why; it was not among the lines read.",
        "Check the next hop, or search the log for `verification failed` and the name of the \
         relay.";
    TLSA_LOOKUP_ERROR: "tlsa-lookup-error",
        "TLSA lookup error for HOST:PORT",
        "The TLSA lookup gave no usable answer: SERVFAIL, often from broken signatures, or a \
         time-out. Postfix cannot tell whether somebody keeps the records from it, so the host \
         is skipped; levels below dane do not ask.",
        "Check the next hop, best with a second resolver too (--resolver): where only yours \
         fails, mend yours; else tell the receiver. Until then `encrypt` delivers.";
    NO_TLSA_RECORDS: "no-tlsa-records",
        "no TLSA records found",
        "Level dane-only wants TLSA records that DNSSEC vouches for, and there are none: not \
         published, not signed, or your resolver does not validate.",
        "If the level comes from your own table, use dane in its place. If it comes from a \
         policy service (postfix-tlspol), its cache may be stale: flush it. See with \
         `danecheck` whether your resolver validates.";
    NON_DNSSEC_DESTINATION: "non-dnssec-destination",
        "non DNSSEC destination",
        "Level dane-only wants signed MX records, and these are not, or your resolver does not \
         validate.",
        "Use dane in place of dane-only for this next hop; see with `danecheck` whether your \
         resolver validates.";
    TLSA_RECORDS_UNUSABLE: "tlsa-records-unusable",
        "TLSA records unusable",
        "Level dane-only wants a TLSA record of usage 2 or 3, and all of these are of other \
         kinds.",
        "Use dane in place of dane-only, which encrypts without a check; tell the receiver to \
         publish 3 1 1.";
    CLIENT_CONFIGURATION: "client-tls-configuration",
        "client TLS configuration problem",
        "Your own side: the policy lookup failed (database or policy service down), or the \
         policy has a mistake, such as match= at a level that takes none. A warning before it \
         says which.",
        "Search the log for `smtp_tls_policy_maps` and `lookup error`; try \
         `postmap -q NEXTHOP TABLE` for each table of smtp_tls_policy_maps.";
    HANDSHAKE_FAILURE: "handshake-failure",
        "Cannot start TLS: handshake failure",
        "STARTTLS was accepted, and no TLS session came about: no common version or suite, an \
         anonymous server where a certificate must match, or a policy with a wrong protocols= \
         or ciphers=. At level may the mail goes in plain text some minutes later.",
        "Check the next hop. If many fail, look at your own smtp_tls_protocols, \
         smtp_tls_ciphers and the policy's attributes.";
    STARTTLS_NOT_OFFERED: "starttls-not-offered",
        "TLS is required, but was not offered by host HOST",
        "The level wants TLS and the server does not offer it. With DANE that is the level \
         working: a server that promises TLS in DNS must not be spoken to without.",
        "If many domains do this, a firewall of yours inspects SMTP. Else tell the receiver; \
         only level may delivers until then.";
    STARTTLS_REFUSED_FOR_NOW: "starttls-refused-for-now",
        "TLS is required, but host HOST refused to start TLS: 4xx",
        "The server offers STARTTLS and then refuses it, most often because it cannot read its \
         key or certificate file.",
        "Tell the receiver; only level may delivers until then, in plain text.";
    STARTTLS_REFUSED_FOR_GOOD: "starttls-refused-for-good",
        "TLS is required, but host HOST refused to start TLS: 5xx",
        "As with 4xx, but with a permanent code, so that Postfix bounces at once and tries no \
         other server.",
        "Tell the receiver. Mail that bounced has to be sent again.";
    STARTTLS_NO_REPLY: "starttls-no-reply",
        "lost connection / conversation timed out ... while receiving the STARTTLS response",
        "The server, or a firewall before it, drops the connection at STARTTLS. Postfix never \
         falls back to plain text then, not even at level may.",
        "Tell the receiver; only level none delivers until then.";
    TLS_ENGINE: "tls-engine-unavailable",
        "TLS is required, but our TLS engine is unavailable",
        "Your own side: Postfix could not set up TLS. Often smtp_tls_CAfile or a client \
         certificate cannot be read. At level may mail goes in plain text meanwhile.",
        "Search the log for the warning before it, correct the file name or its permissions, \
         and reload Postfix.";
    TLS_UNAVAILABLE: "tls-unavailable",
        "TLS is required, but unavailable",
        "Your own side: this Postfix was built without TLS, or its TLS settings exclude each \
         other.",
        "See `postconf -T compile-version` and the TLS settings of the transport in master.cf.";
    STS_PATTERN: "sts-no-mx-left",
        "server unavailable or unable to receive mail",
        "No MX host matches the MTA-STS policy of the domain (Postfix 3.10.5 and later leave \
         out those that do not).",
        "Compare the domain's MX records with https://mta-sts.DOMAIN/.well-known/mta-sts.txt; \
         tell the receiver.";
    SMTP_CRASHED: "smtp-crashed",
        "unknown mail transport error",
        "The SMTP client of your Postfix ended in the middle of a delivery. Releases before \
         3.8.18, 3.9.12, 3.10.11 and 3.11.4 crash over a TLSA record without data.",
        "Check the next hop for such a record (tlsa-without-data), and update Postfix; until \
         then `encrypt` delivers.";
    REQUIRETLS: "requiretls",
        "REQUIRETLS (5.7.10, 5.7.30)",
        "The sender asked that the message travel only over verified TLS (REQUIRETLS), and the \
         next server cannot do so.",
        "That is what the sender wanted: send again without REQUIRETLS, or with a policy that \
         verifies the server.";
    UNUSABLE_RECORD: "tlsa-record-unusable",
        "unusable TLSA RR / unsupported TLSA certificate usage / truncated TLSA RR",
        "A TLSA record that mail cannot use was left out. Mail is not kept back by it as long \
         as another record matches, or all are unusable (TLS without a check).",
        "Nothing on your side; tell the receiver which record it is.";
    NO_DNSSEC_HERE: "no-dnssec-here",
        "DNSSEC validation may be unavailable / dane configured with dnssec lookups disabled",
        "Your own side: level dane is set, and Postfix cannot see DNSSEC. It delivers as at may, \
         and DANE protects nothing.",
        "Set smtp_dns_support_level = dnssec, and let resolv.conf name a validating resolver on \
         this machine.";
    POLICY_LOOKUP: "policy-lookup",
        "policy table lookup error / mistakes in smtp_tls_policy_maps",
        "Your own side: a table of smtp_tls_policy_maps could not be asked, or holds a mistake. \
         Mail for the next hop waits, whatever its servers do.",
        "Correct the entry that the line names, or bring the database or policy service back.";
    BAD_PROTOCOLS: "policy-attributes",
        "Invalid TLS protocol list / invalid cipher grade / invalid unary in cipher exclusion",
        "Your own side: protocols=, ciphers= or exclude= has a mistake. Postfix notices only \
         when it connects, and counts it as a failed handshake; at level may mail then goes in \
         plain text.",
        "Correct the attribute: protocols=>=TLSv1.2 and ciphers=medium are of the right form.";
    REFUSED_TO_TALK: "refused-to-talk",
        "host HOST refused to talk to me",
        "The server refuses the connection itself, before STARTTLS: TLS and DANE have no part in \
         it.",
        "Read the server's words: a block list, too many connections, or closed for now.";
    LOST_CONNECTION: "lost-connection",
        "lost connection / conversation timed out ... while performing the EHLO handshake, or \
         before",
        "The dialogue broke off. Where it was inside TLS already, a server that insists on a \
         client certificate may be the reason; otherwise TLS has no part in it.",
        "Check the next hop: the report says at which step it ends.";
    NOT_CONNECTED: "not-connected",
        "connect to HOST: Connection refused / timed out / Network is unreachable",
        "No connection: TLS and DANE have no part in it. If it is so for every destination, \
         your port 25 is blocked.",
        "Try `nc -vz HOST 25` from this machine.";
    DNS_TRY_AGAIN: "dns-try-again",
        "Name service error for name=NAME type=MX or A: Host not found, try again",
        "DNS gave no answer for the domain or its mail server: SERVFAIL, often from broken \
         DNSSEC, or a time-out. No TLS policy changes that.",
        "Check the next hop, also with a second resolver (--resolver): `danecheck dns NAME \
         TYPE` names the weak link.";
    DNS_FAILED: "dns-failed",
        "Name service error for name=NAME: Non-recoverable error / Malformed or unexpected name \
         server reply",
        "The name server's answer could not be used, and Postfix bounces.",
        "Ask a second resolver; tell the receiver if it says the same.";
    DNS_NOTHING: "dns-nothing",
        "Name service error for name=NAME: Host not found / no data record of requested type",
        "The domain, or its mail server, has no address. Mail bounces.",
        "See whether the address is spelt rightly; else tell the receiver.";
    NULL_MX: "null-mx",
        "Domain NAME does not accept mail (nullMX)",
        "The domain says that it takes no mail. Mail bounces.",
        "See whether the address is spelt rightly.";
}
