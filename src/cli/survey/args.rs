//! The options of the three filters.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use danecheck_core::judge::Moment;

use crate::cli::bulk::BulkArguments;
use crate::cli::look::LookArguments;
use crate::cli::proxy::ProxyArguments;
use crate::cli::sender::SenderArguments;
use crate::cli::way::{FamilyArguments, SourceArguments};

#[derive(Debug, Args)]
#[command(
    after_help = "Each filter reads lines from standard input and answers each with a line or \
                        more. Run one after the other they write the reports of `danecheck --json \
                        -`. docs/survey.md says how to run them on several machines.\n\n\
                        Exit status: 0 all lines were read and answered, 3 not."
)]
pub(in crate::cli) struct SurveyArguments {
    #[command(subcommand)]
    pub(in crate::cli) step: SurveyStep,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SurveyStep {
    /// Ask DNS about targets, and write what each needs of mail servers
    Dns(DnsStep),
    /// Connect to mail servers for the needs of targets
    Hosts(HostsStep),
    /// Judge targets by their DNS and their sessions
    Judge(JudgeStep),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DnsStep {
    #[command(flatten)]
    pub(super) look: LookArguments,

    #[command(flatten)]
    pub(super) family: FamilyArguments,

    /// Ask the name servers directly about every lookup, not only about those
    /// that fail
    #[arg(long)]
    pub(super) authoritative: bool,

    #[command(flatten)]
    pub(super) bulk: BulkArguments,

    #[command(flatten)]
    pub(super) opt_out: OptOutArguments,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HostsStep {
    /// Time limit for one connection and its retries
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = crate::cli::look::timeout)]
    pub(super) timeout: std::time::Duration,

    /// Also connect to reserved and private addresses
    #[arg(long)]
    pub(super) allow_private: bool,

    #[command(flatten)]
    pub(super) proxy: ProxyArguments,

    #[command(flatten)]
    pub(super) source: SourceArguments,

    #[command(flatten)]
    pub(super) bulk: BulkArguments,

    #[command(flatten)]
    pub(super) opt_out: OptOutArguments,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct JudgeStep {
    /// Trust store for verify and secure [default: the system's, else
    /// Mozilla's]
    #[arg(long, value_name = "PEM")]
    pub(super) ca_file: Option<PathBuf>,

    /// Judge for this time [default: the time of the check]
    #[arg(long, value_name = "TIME", value_parser = str::parse::<Moment>)]
    pub(super) at: Option<Moment>,

    #[command(flatten)]
    pub(super) sender: SenderArguments,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OptOutArguments {
    /// File of domains, host names, addresses and networks to leave alone, one
    /// on each line; a domain stands for all names below it
    #[arg(long, value_name = "FILE")]
    pub(super) opt_out: Option<PathBuf>,
}
