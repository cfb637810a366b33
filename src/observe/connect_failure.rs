//! Why a connection failed, in the words that Postfix logs.

use std::io;

use danecheck_core::observation::{ConnectFailure, ConnectFailureKind};

/// Why a connection failed, in the words of strerror(3).
pub(super) fn connect_failure(error: &io::Error) -> ConnectFailure {
    use ConnectFailureKind::{Other, Refused, TimedOut, Unreachable};
    let (kind, text) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (Refused, "Connection refused"),
        io::ErrorKind::TimedOut => (TimedOut, "Connection timed out"),
        io::ErrorKind::HostUnreachable => (Unreachable, "No route to host"),
        io::ErrorKind::NetworkUnreachable => (Unreachable, "Network is unreachable"),
        io::ErrorKind::AddrNotAvailable => (Unreachable, "Cannot assign requested address"),
        io::ErrorKind::PermissionDenied => (Other, "Permission denied"),
        _ => {
            let text = error.to_string();
            // The number is for programmers; strerror(3) does not print it.
            let words = text.split(" (os error").next().unwrap_or_default();
            return ConnectFailure {
                kind: Other,
                text: words.to_owned(),
            };
        }
    };
    ConnectFailure {
        kind,
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_words_of_the_operating_system() {
        for (errno, kind, text) in [
            (111, ConnectFailureKind::Refused, "Connection refused"),
            (110, ConnectFailureKind::TimedOut, "Connection timed out"),
            (113, ConnectFailureKind::Unreachable, "No route to host"),
            (
                101,
                ConnectFailureKind::Unreachable,
                "Network is unreachable",
            ),
            (24, ConnectFailureKind::Other, "Too many open files"),
        ] {
            let failure = connect_failure(&io::Error::from_raw_os_error(errno));
            assert_eq!((failure.kind, failure.text.as_str()), (kind, text));
        }
    }
}
