//! Overrides in the form of each mail system: one module for each family, one
//! `MailSystem` in `SYSTEMS` for each name of `--entry`.

mod exchange;
mod exim;
mod haraka;
mod kumomta;
mod language;
mod maddy;
mod mailcow;
mod note;
mod opensmtpd;
mod postfix;
mod stalwart;
mod system;

pub use language::Language;
pub use mailcow::{
    MailcowEntry, mailcow_call, mailcow_edit, mailcow_fields, mailcow_row, mailcow_steps,
};
pub use note::{HowTo, Note};
pub(crate) use postfix::{GOES_INTO, IN_FORCE};
pub use system::{MailSystem, Request, Written};

impl MailSystem {
    /// The system with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        SYSTEMS.iter().find(|system| system.name == name)
    }
}

/// Every system, Postfix first and its descendants after it.
pub static SYSTEMS: &[MailSystem] = &[
    postfix::POSTFIX,
    mailcow::MAILCOW,
    postfix::MAILU,
    postfix::DOCKER_MAILSERVER,
    postfix::MAIL_IN_A_BOX,
    exim::EXIM,
    stalwart::STALWART,
    stalwart::STALWART_TOML,
    maddy::MADDY,
    kumomta::KUMOMTA,
    exchange::EXCHANGE_ONLINE,
    haraka::HARAKA,
    opensmtpd::OPENSMTPD,
];

#[cfg(test)]
mod tests;
