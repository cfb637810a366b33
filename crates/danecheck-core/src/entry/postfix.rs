//! Postfix and systems that contain it: a line of a table of
//! `smtp_tls_policy_maps`.

use super::note::HowTo;
use super::system::{MailSystem, Request, Written};

/// Where a line for Postfix belongs.
pub(crate) const GOES_INTO: &str =
    "the first table of smtp_tls_policy_maps, such as texthash:/etc/postfix/tls_policy.";

/// How such a line comes into force.
pub(crate) const IN_FORCE: &str =
    "`postfix reload` (texthash:), or `postmap hash:FILE` (hash:, lmdb:, cdb:).";

fn line_with_comment(request: &Request, goes_into: &str, in_force: &str) -> Written {
    let how = HowTo {
        goes_into: goes_into.to_owned(),
        in_force: in_force.to_owned(),
        taken_out: "delete this line with its comment, then activate again.".to_owned(),
    };
    let comment = request.note.comment("#", &how, &[]);
    Written::Entry {
        text: format!("{comment}{}\n", request.entry),
        beside: None,
    }
}

pub(super) const POSTFIX: MailSystem = MailSystem {
    name: "postfix",
    about: "a line of the policy table",
    in_table: true,
    write: |request| line_with_comment(request, GOES_INTO, IN_FORCE),
};

/// Mailu copies `*.map` of its overrides and runs `postmap` on them as it
/// starts (`core/postfix/start.py`); its table comes before its own DANE map.
pub(super) const MAILU: MailSystem = MailSystem {
    name: "mailu",
    about: "a line of overrides/postfix/tls_policy.map",
    in_table: true,
    write: |request| {
        line_with_comment(
            request,
            "overrides/postfix/tls_policy.map in Mailu's folder (.map is part of the name).",
            "`docker compose restart smtp`.",
        )
    },
};

/// The MTA-STS map of docker-mailserver is appended later
/// (`setup.d/mta-sts.sh`), so this table stays the first.
pub(super) const DOCKER_MAILSERVER: MailSystem = MailSystem {
    name: "docker-mailserver",
    about: "a line of a table in the configuration volume",
    in_table: true,
    write: |request| {
        line_with_comment(
            request,
            "docker-data/dms/config/tls_policy. Once, in docker-data/dms/config/postfix-main.cf: \
             `smtp_tls_policy_maps = texthash:/tmp/docker-mailserver/tls_policy`",
            "`docker restart mailserver`; later changes with \
             `docker exec mailserver postfix reload`.",
        )
    },
};

/// Mail-in-a-Box has no policy table of its own; `editconf.py` changes only the
/// settings that it is given, so this one survives `sudo mailinabox`.
pub(super) const MAIL_IN_A_BOX: MailSystem = MailSystem {
    name: "mail-in-a-box",
    about: "a line of a policy table that is set up once",
    in_table: true,
    write: |request| {
        line_with_comment(
            request,
            "/etc/postfix/tls_policy. Once: \
             `sudo postconf -e smtp_tls_policy_maps=hash:/etc/postfix/tls_policy`",
            "`sudo postmap hash:/etc/postfix/tls_policy && sudo postfix reload`.",
        )
    },
};
