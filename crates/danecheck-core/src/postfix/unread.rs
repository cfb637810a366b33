//! Parameters of Postfix's TLS client whose meaning nothing here knows: where one
//! is set, what is said of that sender may not hold.

/// The parameters. Those of smtp(8) as a TLS client (postconf(5)) that change what
/// is offered, what is accepted or how the connection begins.
pub const UNREAD: [&str; 16] = [
    "smtp_tls_enforce_peername",
    "smtp_tls_force_insecure_host_tlsa_lookup",
    "smtp_tls_per_site",
    "smtp_tls_scert_verifydepth",
    "smtp_tls_trust_anchor_file",
    "smtp_tls_wrappermode",
    "tls_append_default_CA",
    "tls_config_file",
    "tls_config_name",
    "tls_dane_digests",
    "tls_eecdh_auto_curves",
    "tls_ffdhe_auto_groups",
    "tls_high_cipherlist",
    "tls_medium_cipherlist",
    "tls_ssl_options",
    "tls_wildcard_matches_multiple_labels",
];

/// Values of `tls_ssl_options` that change nothing for a client of one message.
const HARMLESS: [&str; 7] = [
    "CIPHER_SERVER_PREFERENCE",
    "NO_ANTI_REPLAY",
    "NO_COMPRESSION",
    "NO_RENEGOTIATION",
    "NO_SESSION_RESUMPTION_ON_RENEGOTIATION",
    "NO_TICKET",
    "PRIORITIZE_CHACHA",
];

/// Whether this setting can change what happens to mail.
pub fn is_unread(name: &str, value: &str) -> bool {
    let mut options = value
        .split([' ', '\t', ','])
        .filter(|word| !word.is_empty());
    UNREAD.contains(&name)
        && !(name == "tls_ssl_options"
            && options.all(|word| HARMLESS.contains(&word.to_ascii_uppercase().as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_without_effect_on_a_client_is_read() {
        for (name, value, expected) in [
            ("tls_eecdh_auto_curves", "X25519MLKEM768 X25519", true),
            ("tls_ssl_options", "NO_COMPRESSION, no_renegotiation", false),
            ("tls_ssl_options", "NO_TICKET,LEGACY_SERVER_CONNECT", true),
            ("tls_ssl_options", "", false),
            ("smtp_tls_security_level", "dane", false),
        ] {
            assert_eq!(is_unread(name, value), expected, "{name} = {value}");
        }
    }
}
