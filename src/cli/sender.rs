//! Whose mail it is: the options that name the sender.

use clap::Args;

use crate::judge::SecurityLevel;
use crate::sender::{Release, Sender, System, TlsVersion};

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The sender")]
pub(super) struct SenderArguments {
    /// Say what becomes of the mail of this sender, and advise it
    #[arg(long, value_name = "NAME")]
    sender: Option<System>,

    /// The level of its main.cf (smtp_tls_security_level) [default: dane]
    #[arg(long, value_name = "LEVEL", value_parser = str::parse::<SecurityLevel>)]
    level: Option<SecurityLevel>,

    /// Its release of Postfix, such as 3.7.11 [default: the newest, and with
    /// mailcow the one that it ships]
    #[arg(long, value_name = "RELEASE", value_parser = str::parse::<Release>)]
    postfix_version: Option<Release>,

    /// The oldest TLS that it takes where TLS is mandatory
    /// (smtp_tls_mandatory_protocols) [default: TLSv1, and with mailcow
    /// TLSv1.2]
    #[arg(long, value_name = "VERSION", value_parser = str::parse::<TlsVersion>)]
    min_tls: Option<TlsVersion>,
}

impl SenderArguments {
    /// Whether it says what the sender is.
    pub(super) fn names_one(&self) -> bool {
        self.sender.is_some()
    }

    /// The sender; the one that every report is about where none is named.
    pub(super) fn sender(&self) -> Sender {
        Sender {
            system: self.sender.unwrap_or_default(),
            level: self.level,
            release: self.postfix_version,
            min_tls: self.min_tls,
        }
    }
}
