//! A mailcow in order.

/// The rows of its own policies, as its API gives them.
pub(crate) const ROWS: &str =
    r#"[{"id":7,"dest":"example.com","policy":"encrypt","parameters":"","active":1}]"#;

/// `main.cf`, as far as it matters.
pub(crate) const MAIN_CF: &str = "smtp_dns_support_level = dnssec\nsmtp_tls_security_level = dane\n\
    smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\n\
    smtp_tls_policy_maps = proxy:mysql:/opt/postfix/conf/sql/mysql_tls_policy_override_maps.cf\n  \
    socketmap:inet:postfix-tlspol:8642:QUERY\n";
