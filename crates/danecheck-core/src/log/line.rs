//! One line of a Postfix log, parsed as far as a cause needs it.

/// The content of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The process, `smtp[8410`; a process has one delivery at a time, so its
    /// earlier lines belong to its next one.
    pub(super) process: &'a str,
    /// The message of the line.
    pub(super) body: Body<'a>,
}

/// The kinds of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// What happened to one recipient.
    Delivery(Delivery<'a>),
    /// Anything else.
    Other(&'a str),
}

/// What happened to one recipient (`log_adhoc`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery<'a> {
    /// The domain of the recipient: the next hop, unless a transport table says
    /// otherwise.
    pub(super) domain: Option<&'a str>,
    /// The status, `deferred`.
    pub(super) status: &'a str,
    /// The enhanced status code.
    pub(super) dsn: Option<&'a str>,
    /// `tls=` of Postfix 3.11 and later, `!dane`.
    pub(super) tls: Option<&'a str>,
    /// The text in parentheses.
    pub(super) text: &'a str,
}

impl<'a> Line<'a> {
    /// Reads a line; `None` if Postfix did not write it. The text before the
    /// program's name (time, host, container) does not matter.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let (before, body) = line.split_once("]: ")?;
        let tag = before.rsplit([' ', '\t']).next()?;
        let (program, _) = tag.split_once('[')?;
        let (instance, _) = program.split_once('/')?;
        if !instance.starts_with("postfix") {
            return None;
        }
        let process = tag.rsplit_once('/')?.1;
        let body = match Delivery::parse(body) {
            Some(delivery) => Body::Delivery(delivery),
            None => Body::Other(body),
        };
        Some(Self { process, body })
    }
}

impl<'a> Delivery<'a> {
    fn parse(body: &'a str) -> Option<Self> {
        let (_, rest) = body.split_once(": to=<")?;
        let (recipient, rest) = rest.split_once(">, ")?;
        let (fields, rest) = rest.split_once("status=")?;
        let (status, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let field = |name: &str| {
            fields
                .split(", ")
                .find_map(|field| field.trim_end_matches(',').strip_prefix(name))
        };
        let text = text.trim_end();
        let text = text
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'))
            .unwrap_or(text);
        Some(Self {
            domain: recipient.rsplit_once('@').map(|(_, domain)| domain),
            status,
            dsn: field("dsn="),
            tls: field("tls="),
            text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERY: &str = "4E7F099A10B: to=<dane@a.lab>, orig_to=<x>, relay=mx1.a.lab[127.10.0.7]:25, \
                            delay=0.05, delays=0/0/0.05/0, tls=!dane, dsn=4.7.5, status=deferred \
                            (Server certificate not verified)";

    #[test]
    fn a_delivery_is_read_whatever_stands_before_it() {
        for (before, process) in [
            ("Nov 22 02:36:41 sender postfix/smtp[8448]: ", "smtp[8448"),
            (
                "2026-11-22T02:36:41.123456+00:00 mx postfix/smtp[1]: ",
                "smtp[1",
            ),
            (
                "postfix-mailcow-1  | Nov 22 02:36:41 x postfix/smtp_enforced_tls/smtp[1]: ",
                "smtp[1",
            ),
            ("Nov 22 02:36:41 sender postfix-out/error[77]: ", "error[77"),
        ] {
            let text = format!("{before}{DELIVERY}");
            let line = Line::parse(&text).unwrap();
            assert_eq!(line.process, process);
            let Body::Delivery(delivery) = line.body else {
                panic!("{text}");
            };
            assert_eq!(delivery.domain, Some("a.lab"));
            assert_eq!(delivery.status, "deferred");
            assert_eq!(delivery.dsn, Some("4.7.5"));
            assert_eq!(delivery.tls, Some("!dane"));
            assert_eq!(delivery.text, "Server certificate not verified");
        }
    }

    #[test]
    fn a_line_without_tls_field_is_one_of_postfix_before_3_11() {
        let text = format!("x postfix/smtp[1]: {}", DELIVERY.replace("tls=!dane, ", ""));
        let Some(Body::Delivery(delivery)) = Line::parse(&text).map(|line| line.body) else {
            panic!("a delivery");
        };
        assert_eq!((delivery.tls, delivery.dsn), (None, Some("4.7.5")));
    }

    #[test]
    fn lines_of_others_are_left_alone() {
        for text in [
            "",
            "Nov 22 02:36:41 sender dovecot: imap-login: x",
            "Nov 22 02:36:41 sender kernel[1]: postfix/smtp: x",
            "postfix/smtp[1] x",
            "]: [",
        ] {
            assert_eq!(Line::parse(text), None, "{text}");
        }
    }
}
