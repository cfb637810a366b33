//! What Postfix says when mail waits, and what it means: each text of its SMTP
//! client about DNS, STARTTLS, TLS or DANE, and what other servers answer.

/// What a cause is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// STARTTLS, TLS or DANE.
    Tls,
    /// The names of the domain and of its servers.
    Dns,
    /// The connection, before or after TLS.
    Connection,
}

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The administrator of the domain, or of its servers.
    Receiver,
    /// The administrator of this machine.
    Sender,
    /// A look decides.
    Either,
}

impl Side {
    /// The words of the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receiver => "the receiver's move",
            Self::Sender => "your move",
            Self::Either => "look first",
        }
    }
}

/// One cause of waiting mail, in Postfix's words.
#[derive(Debug, PartialEq, Eq)]
pub struct Cause {
    /// The stable id, in kebab-case.
    pub id: &'static str,
    /// What it is about.
    pub concern: Concern,
    /// Whose move it is.
    pub side: Side,
    /// The constant part of the log's text.
    pub text: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

impl Cause {
    /// The cause with this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        CAUSES.iter().copied().find(|cause| cause.id == id)
    }

    /// A cause of DNS, STARTTLS, TLS or DANE: danecheck can look at its next
    /// hops.
    pub fn concerns_dns_or_tls(&self) -> bool {
        self.concern != Concern::Connection
    }
}

macro_rules! causes {
    ($($name:ident: $id:literal, $concern:ident, $side:ident, $text:literal, $meaning:literal, $remedy:literal;)*) => {
        $(pub(super) static $name: Cause = Cause {
            id: $id,
            concern: Concern::$concern,
            side: Side::$side,
            text: $text,
            meaning: $meaning,
            remedy: $remedy,
        };)*
        /// Every cause, TLS and DANE first.
        pub static CAUSES: &[&Cause] = &[$(&$name),*];
    };
}

causes! {
    CERTIFICATE_NO_MATCH: "certificate-no-match", Tls, Receiver,
        "Server certificate not verified (num=65: no matching DANE TLSA records)",
        "The server's certificate matches none of its TLSA records. At level fingerprint, it \
         matches none of the pinned fingerprints. Most often somebody changed the key and not the \
         records.",
        "Check the next hop. The report names the record, what it matches, and the smallest \
         override until the receiver repairs it.";
    CERTIFICATE_NAME: "certificate-name", Tls, Receiver,
        "Server certificate not verified (num=62: hostname mismatch)",
        "The certificate does not name what Postfix asks for: the TLSA base domain with \
         DANE-TA(2), the MX host at verify, the next hop at secure. Postfix 3.10 and later log \
         such a connection as Trusted, but do not deliver.",
        "Tell the receiver if the level is dane. At secure, put the certificate's name into the \
         policy: match=NAME.";
    CERTIFICATE_EXPIRED: "certificate-expired", Tls, Receiver,
        "Server certificate not verified (certificate has expired, or is not yet valid)",
        "The certificate, or one above it, is outside its dates. Dates count with DANE-TA(2), \
         verify and secure. They do not count with DANE-EE(3).",
        "Tell the receiver to renew the certificate and reload the server.";
    CERTIFICATE_UNTRUSTED: "certificate-untrusted", Tls, Either,
        "Server certificate not verified (untrusted issuer, or self-signed certificate)",
        "At verify or secure, the chain does not end in a CA that this Postfix trusts. The server \
         does not send the intermediate certificates, you do not trust the CA, or smtp_tls_CAfile \
         and smtp_tls_CApath are empty.",
        "Check that smtp_tls_CAfile names your system's certificates. If other destinations at \
         verify or secure work, the fault is in the receiver's chain.";
    CERTIFICATE_WEAK: "certificate-weak", Tls, Receiver,
        "Server certificate not verified (num=66 to num=68: key or digest too weak)",
        "The certificate, or one above it, has a key or a signature that OpenSSL's security level \
         refuses. DANE-EE(3) records do not excuse a weak key.",
        "Tell the receiver to get a certificate with an RSA key of 2048 bits or an EC key, signed \
         with SHA-256. Until then level encrypt delivers at most.";
    CERTIFICATE_PURPOSE: "certificate-not-for-servers", Tls, Receiver,
        "Server certificate not verified (num=24, 25, 26, 79: invalid CA, path too long, purpose)",
        "A certificate of the chain may not be used like this: it is not for servers, it is no CA, \
         or its CA allows no more levels. This counts with DANE-TA(2), verify and secure.",
        "Tell the receiver to get a certificate for TLS servers from a proper CA, or to publish \
         3 1 1 records.";
    CERTIFICATE_SIGNATURE: "certificate-signature-wrong", Tls, Receiver,
        "Server certificate not verified (num=7: certificate signature failure)",
        "A signature in the chain is wrong: the server sends an issuer that did not sign its \
         certificate.",
        "Tell the receiver to send the intermediate certificates of this very certificate.";
    CERTIFICATE_REVOKED: "certificate-revoked", Tls, Receiver,
        "Server certificate not verified (num=23: certificate revoked, or num=3: no CRL)",
        "Somebody configured revocation lists for this Postfix, and the certificate is on one, or \
         a list is missing or too old.",
        "Update the lists in smtp_tls_CApath. Tell the receiver if the certificate is revoked.";
    CERTIFICATE_OTHER: "certificate-refused", Tls, Either,
        "Server certificate not verified (another reason, which the line before names)",
        "OpenSSL refused the certificate. The line before the delivery names the reason and its \
         number.",
        "Check the next hop: the report says what is wrong with the chain.";
    CERTIFICATE_NOT_VERIFIED: "certificate-not-verified", Tls, Either,
        "Server certificate not verified, or (before Postfix 3.6) not trusted",
        "The server's certificate does not satisfy the level (fingerprint, dane, dane-only, verify \
         or secure). The line before it, `certificate verification failed for ...`, says why. \
         danecheck did not find that line; \
         a queue listing or a notice never has it.",
        "Check the next hop, or search the log for `verification failed` and the name of the \
         relay.";
    TLSA_LOOKUP_ERROR: "tlsa-lookup-error", Tls, Either,
        "TLSA lookup error for HOST:PORT",
        "The TLSA lookup gave no usable answer: SERVFAIL, often from broken signatures, or a \
         time-out. Postfix cannot tell a fault from an attacker who hides the records, so it skips \
         the host. Levels below dane do not ask.",
        "Check first: `danecheck NEXTHOP` says whether an override helps. Check with a second \
         resolver too (--resolver). If only your resolver fails, repair it. Otherwise tell the \
         receiver.";
    NO_TLSA_RECORDS: "no-tlsa-records", Tls, Either,
        "no TLSA records found",
        "Level dane-only needs secure TLSA records, and there are none: they are not published, \
         they are not signed, or your resolver does not validate.",
        "Use dane instead if the level comes from your own table. If it comes from a policy \
         service (postfix-tlspol), flush its cache, which may be stale. Check with `danecheck` \
         whether your resolver validates.";
    NON_DNSSEC_DESTINATION: "non-dnssec-destination", Tls, Either,
        "non DNSSEC destination",
        "Level dane-only needs signed MX records. These are not signed, or your resolver does not \
         validate.",
        "Use dane instead of dane-only for this next hop. Check with `danecheck` whether your \
         resolver validates.";
    TLSA_RECORDS_UNUSABLE: "tlsa-records-unusable", Tls, Sender,
        "TLSA records unusable",
        "Level dane-only needs a TLSA record with usage 2 or 3. All of these are of other kinds.",
        "Use dane instead of dane-only: it then encrypts without a check. Tell the receiver to \
         publish 3 1 1.";
    CLIENT_CONFIGURATION: "client-tls-configuration", Tls, Sender,
        "client TLS configuration problem",
        "The fault is on your side. The policy lookup failed (database or policy service down), or \
         the policy has a mistake, such as match= at a level that does not accept it. A warning \
         before this line says which.",
        "Search the log for `smtp_tls_policy_maps` and `lookup error`. Run `postmap -q NEXTHOP \
         TABLE` for each table of smtp_tls_policy_maps.";
    HANDSHAKE_FAILURE: "handshake-failure", Tls, Either,
        "Cannot start TLS: handshake failure",
        "The server accepted STARTTLS, but the TLS handshake failed. There is no common version or \
         suite, the server has no certificate although one must match, or protocols= or ciphers= \
         in the policy is wrong. At level may, the mail goes in plain text some minutes later.",
        "Check the next hop. If many next hops fail, check your own smtp_tls_protocols, \
         smtp_tls_ciphers and the policy's attributes.";
    STARTTLS_NOT_OFFERED: "starttls-not-offered", Tls, Receiver,
        "TLS is required, but was not offered by host HOST",
        "The level requires TLS, but the server does not offer it. With DANE that is how the level \
         works: a sender must not use plain text with a server that promises TLS in DNS.",
        "Check your own firewall if many domains do this: it inspects SMTP. Otherwise tell the \
         receiver. Check the next hop before you set a weaker level: the report says whether \
         level may delivers, or returns the mail.";
    STARTTLS_REFUSED_FOR_NOW: "starttls-refused-for-now", Tls, Receiver,
        "TLS is required, but host HOST refused to start TLS: 4xx",
        "The server offers STARTTLS and then refuses it, most often because it cannot read its \
         key or certificate file.",
        "Tell the receiver. Only level may delivers until then, in plain text, and only if the \
         server keeps the connection open: check the next hop.";
    STARTTLS_REFUSED_AND_CLOSED: "starttls-refused-and-closed", Tls, Receiver,
        "TLS is required, but host HOST refused to start TLS: 421",
        "The server refuses STARTTLS with 421, which means that it closes the connection. At level \
         may Postfix continues in plain text on the same connection and finds it closed, so mail \
         waits there too.",
        "Tell the receiver. Check the next hop: the report names the level that delivers, most \
         often none.";
    STARTTLS_REFUSED_FOR_GOOD: "starttls-refused-for-good", Tls, Receiver,
        "TLS is required, but host HOST refused to start TLS: 5xx",
        "The server refuses as with 4xx, but with a permanent code. So Postfix bounces at once and \
         tries no other server.",
        "Tell the receiver. Send bounced mail again.";
    STARTTLS_NO_REPLY: "starttls-no-reply", Tls, Receiver,
        "lost connection / conversation timed out ... while receiving the STARTTLS response",
        "The server, or a firewall in front of it, drops the connection at STARTTLS. Postfix never \
         falls back to plain text then, not even at level may.",
        "Tell the receiver. Only level none delivers until then.";
    TLS_ENGINE: "tls-engine-unavailable", Tls, Sender,
        "TLS is required, but our TLS engine is unavailable",
        "The fault is on your side: Postfix could not set up TLS. Often it cannot read \
         smtp_tls_CAfile or a client certificate. At level may, mail goes in plain text \
         meanwhile.",
        "Search the log for the warning before it, correct the file name or its permissions, \
         and reload Postfix.";
    TLS_UNAVAILABLE: "tls-unavailable", Tls, Sender,
        "TLS is required, but unavailable",
        "The fault is on your side: this Postfix was built without TLS, or its TLS settings \
         exclude each other.",
        "Run `postconf -T compile-version`, and check the TLS settings of the transport in \
         master.cf.";
    STS_PATTERN: "sts-no-mx-left", Tls, Receiver,
        "server unavailable or unable to receive mail",
        "No MX host matches the domain's MTA-STS policy. Postfix 3.10.5 and later skip hosts that \
         do not match.",
        "Compare the domain's MX records with https://mta-sts.DOMAIN/.well-known/mta-sts.txt. Tell \
         the receiver.";
    SMTP_CRASHED: "smtp-crashed", Tls, Sender,
        "unknown mail transport error",
        "The SMTP client of your Postfix ended in the middle of a delivery. Releases before \
         3.8.18, 3.9.12, 3.10.11 and 3.11.4 crash over a TLSA record without data.",
        "Check the next hop for such a record (tlsa-without-data): the report says whether an \
         override helps. Update Postfix.";
    TLSA_INVALID: "tlsa-invalid", Tls, Either,
        "tlsa-invalid (Exchange Online: 4.7.323, 5.7.323)",
        "Exchange Online could not use the domain's TLSA records, or no record matches the \
         server's certificate. It sees what every DANE sender sees.",
        "Check the domain. The receiver repairs its TLSA records or its certificate.";
    DNSSEC_INVALID: "dnssec-invalid", Tls, Receiver,
        "dnssec-invalid (Exchange Online: 4.7.324, 5.7.324)",
        "Exchange Online found the domain's DNSSEC broken.",
        "Check the domain: the report names the weak link. The receiver repairs the zone.";
    STARTTLS_REQUIRED: "starttls-required-by-server", Tls, Sender,
        "host HOST said: 530 5.7.0 Must issue a STARTTLS command first",
        "The server accepts mail only inside TLS, and your Postfix did not start TLS: its level is \
         none, or an override for this next hop is.",
        "Set smtp_tls_security_level to dane or may, and remove an override with none for this \
         next hop.";
    CHANNEL_REFUSED: "channel-refused-by-server", Tls, Either,
        "host HOST said: Failed to establish appropriate TLS channel / TLS version too old",
        "The server refuses the mail because of how TLS came out: a version or a cipher that is \
         too weak, or no certificate of the client.",
        "Check smtp_tls_protocols and smtp_tls_ciphers here, and what the server demands.";
    STS_REFUSED: "mta-sts-refused-by-server", Tls, Receiver,
        "host HOST said: 454 4.7.5 Remote certificate failed MTA-STS validation",
        "The server that you sent to relays the mail, and the next server's certificate does not \
         satisfy the domain's MTA-STS policy.",
        "Tell the receiver's administrator: the certificate does not name a host of the MTA-STS \
         policy, or no known CA signed it. Nothing on your side changes that.";
    REQUIRETLS: "requiretls", Tls, Either,
        "REQUIRETLS (5.7.10, 5.7.30)",
        "The sender asked for verified TLS on the whole way (REQUIRETLS), but the next server does \
         not support it.",
        "Send the message again without REQUIRETLS, or set a policy that verifies the server.";
    UNUSABLE_RECORD: "tlsa-record-unusable", Tls, Receiver,
        "unusable TLSA RR / unsupported TLSA certificate usage / truncated TLSA RR",
        "Postfix skipped a TLSA record that mail cannot use. Mail still flows if another record \
         matches, or if all records are unusable (TLS without a check).",
        "Tell the receiver which record it is. On your side there is nothing to do.";
    NO_DNSSEC_HERE: "no-dnssec-here", Tls, Sender,
        "DNSSEC validation may be unavailable / dane configured with dnssec lookups disabled",
        "The fault is on your side: level dane is set, but Postfix cannot see DNSSEC. It delivers \
         as at level may, and DANE protects nothing.",
        "Set smtp_dns_support_level = dnssec, and name a validating resolver on this machine in \
         resolv.conf.";
    POLICY_LOOKUP: "policy-lookup", Tls, Sender,
        "policy table lookup error / mistakes in smtp_tls_policy_maps",
        "The fault is on your side: Postfix could not read a table of smtp_tls_policy_maps, or the \
         table has a mistake. Mail for the next hop waits, whatever its servers do.",
        "Correct the entry that the line names, or bring the database or policy service back.";
    BAD_PROTOCOLS: "policy-attributes", Tls, Sender,
        "Invalid TLS protocol list / invalid cipher grade / invalid unary in cipher exclusion",
        "The fault is on your side: protocols=, ciphers= or exclude= has a mistake. Postfix \
         notices it only when it connects, and counts it as a failed handshake. At level may, mail \
         then goes in plain text.",
        "Correct the attribute: protocols=>=TLSv1.2 and ciphers=medium have the right form.";
    REFUSED_TO_TALK: "refused-to-talk", Connection, Receiver,
        "host HOST refused to talk to me",
        "The server refuses the connection itself, before STARTTLS. TLS and DANE are not the \
         cause.",
        "Read the server's reply: it names a block list, too many connections, or a temporary \
         refusal.";
    LOST_CONNECTION: "lost-connection", Connection, Either,
        "lost connection / conversation timed out ... while performing the EHLO handshake, or \
         before",
        "The dialogue ended early. If it was already inside TLS, the server may require a client \
         certificate. Otherwise TLS is not the cause.",
        "Check the next hop: the report says at which step the dialogue ends.";
    LOST_BEFORE_MESSAGE: "lost-before-message", Connection, Either,
        "lost connection / conversation timed out ... while sending MAIL FROM, RCPT TO or DATA",
        "The server closes the connection when it has answered EHLO or refused STARTTLS. Postfix \
         finds that out at the next command. A weaker level helps only if the server closes \
         because of STARTTLS.",
        "Check the next hop: the report says after which command the server closes, and which \
         level delivers.";
    OUT_OF_STEP: "replies-out-of-step", Connection, Receiver,
        "Protocol error: host HOST said: 250 ... (in reply to DATA command)",
        "The server sent more replies than it received commands, so Postfix read the reply to \
         another command as the reply to DATA. It returned the mail. A PROXY header that the \
         server does not expect, two greeters on one port, or a broken answer to EHLO cause this.",
        "Tell the receiver by phone or through another mail system. Set no weaker level: at a \
         level that fails earlier, mail waits instead. Send the returned mail again later.";
    MESSAGE_REFUSED: "message-refused", Connection, Receiver,
        "host HOST said: ... (in reply to MAIL FROM command)",
        "The server refuses the sender, before it knows the recipient or the message. TLS and DANE are not the \
         cause. If the reply does not fit its command, the server is out of step: the reply \
         belongs to an earlier command.",
        "Read the server's reply. Check the next hop if the reply does not fit: the report says \
         whether the server is out of step (replies-out-of-step).";
    NOT_CONNECTED: "not-connected", Connection, Either,
        "connect to HOST: Connection refused / timed out / Network is unreachable",
        "There is no connection, so TLS and DANE are not the cause. If every destination fails \
         like this, your port 25 is blocked.",
        "Run `nc -vz HOST 25` on this machine.";
    DNS_TRY_AGAIN: "dns-try-again", Dns, Either,
        "Name service error for name=NAME type=MX or A: Host not found, try again",
        "DNS gave no answer for the domain or its mail server: SERVFAIL, often from broken \
         DNSSEC, or a time-out. No TLS policy changes that.",
        "Check the next hop, also with a second resolver (--resolver): `danecheck dns NAME \
         TYPE` names the weak link.";
    DNS_FAILED: "dns-failed", Dns, Either,
        "Name service error for name=NAME: Non-recoverable error / Malformed or unexpected name \
         server reply",
        "Postfix could not use the name server's answer, so it bounces the mail.",
        "Ask a second resolver. Tell the receiver if it gives the same answer.";
    DNS_NOTHING: "dns-nothing", Dns, Receiver,
        "Name service error for name=NAME: Host not found / no data record of requested type",
        "The domain, or its mail server, has no address. Mail bounces.",
        "Check the spelling of the address. If it is right, tell the receiver.";
    NULL_MX: "null-mx", Dns, Receiver,
        "Domain NAME does not accept mail (nullMX)",
        "The domain takes no mail. Mail bounces.",
        "Check the spelling of the address.";
}
