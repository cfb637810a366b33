//! The arguments, as `contract` fixes them.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use danecheck_core::entry::{Language, MailSystem};
use danecheck_core::judge::Moment;

use super::bulk::BulkArguments;
use super::compare::CompareArguments;
use super::doctor::DoctorArguments;
use super::expect::ExpectArguments;
use super::into::IntoArguments;
use super::look::LookArguments;
use super::next_hops::NextHopArguments;
use super::overrides::OverridesArguments;
use super::proxy::AlsoArguments;
use super::resume::ResumeArguments;
use super::screen::ScreenArguments;
use super::sender::SenderArguments;
use super::serve::ServeArguments;
use super::servers::ServersArguments;
use super::shell::{CompletionsArguments, ManArguments};
use super::survey::SurveyArguments;
use super::triage::TriageArguments;

/// What `--version` says after the name.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit ",
    env!("DANECHECK_BUILT_FROM"),
    " of ",
    env!("DANECHECK_BUILT_OF"),
    "\nfeatures: ",
    env!("DANECHECK_BUILT_WITH")
);

/// What stands below the options.
macro_rules! examples {
    () => {
        "\
Examples:
  danecheck example.com                    may mail go there, and if not, why?
  postqueue -j | danecheck triage          what waits here, and what to do
  danecheck --entry postfix example.com    the line that lets the mail flow"
    };
}

/// The same with what programs need to know.
const EXAMPLES_AND_STATUS: &str = concat!(
    examples!(),
    "\n\nExit status: 0 fine, 1 mail flows but something is wrong, 2 mail waits or\nbounces, 3 \
     unknown or wrong usage. With --sender it is about that sender's mail."
);

/// Can DANE-validating senders deliver to this domain? If not: why, and what is
/// the smallest policy exception that restores delivery?
#[derive(Debug, Parser)]
#[command(
    name = "danecheck",
    version,
    long_version = LONG_VERSION,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    max_term_width = 80,
    after_help = examples!(),
    after_long_help = EXAMPLES_AND_STATUS
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) check: CheckArguments,
}

// A check needs the names of the commands alone, and not their options: those of a
// command are made when it was named.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(super) enum Command {
    /// Compare two saved observations
    Compare(CompareArguments),
    /// Print the completions for a shell
    Completions(CompletionsArguments),
    /// Show example reports; needs no network
    #[cfg(feature = "demo")]
    Demo(DemoArguments),
    /// Examine this machine as a sender
    Doctor(Box<DoctorArguments>),
    /// Show one DNS lookup as the resolver and danecheck see it
    Dns(DnsArguments),
    /// Explain a finding, a text, a log or a TLS report
    Explain(Box<ExplainArguments>),
    /// Write the man pages to a folder
    #[command(hide = true)]
    Man(ManArguments),
    /// Say which overrides are still needed
    Overrides(Box<OverridesArguments>),
    /// Print the JSON Schema of the --json output
    Schema(SchemaArguments),
    /// Serve metrics for Prometheus over HTTP, and pages for people
    Serve(Box<ServeArguments>),
    /// Survey many domains in three steps
    Survey(Box<SurveyArguments>),
    /// Print TLSA records for a certificate; may you deploy it?
    Tlsa(TlsaArguments),
    /// Say why mail waits, from a log, a queue or a notice, and what to do
    Triage(Box<TriageArguments>),
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Next hops: example.com or [mail.example.com], each with optional :port;
    /// `-` reads them from standard input, one on each line
    #[arg(value_name = "TARGET", required_unless_present_any = ["replay", "config"],
        hide_short_help = true)]
    pub(super) targets: Vec<String>,

    /// Print one JSON report for each target, one on each line
    #[arg(long, conflicts_with_all = ["format", "entry"])]
    pub(super) json: bool,

    /// Say more: hosts, records and levels; -vv says everything
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,

    /// Print nothing for a target that is fine, and no progress
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Format of the reports
    #[arg(
        long,
        hide_short_help = true,
        value_name = "NAME",
        default_value = "human",
        conflicts_with = "entry"
    )]
    pub(super) format: Format,

    /// Print only the override to paste; nothing if none is needed
    #[arg(long, value_name = "NAME", value_parser = super::entry::system(),
        hide_short_help = true)]
    pub(super) entry: Option<&'static MailSystem>,

    /// Also print the strictest line that delivers now, for partners and known
    /// certificates, and what will break it; with --entry that line instead
    #[arg(
        long,
        conflicts_with = "into",
        help_heading = "Output",
        hide_short_help = true
    )]
    pub(super) strictest: bool,

    /// Language of the steps in mailcow's form, and of --format letter and html
    #[arg(long, value_name = "LANGUAGE", default_value = "en",
        value_parser = super::entry::language(),
        help_heading = "Output", hide_short_help = true)]
    pub(super) lang: Language,

    #[command(flatten)]
    pub(super) into: IntoArguments,

    #[command(flatten)]
    pub(super) look: LookArguments,

    #[command(flatten)]
    pub(super) bulk: BulkArguments,

    #[command(flatten)]
    pub(super) resume: ResumeArguments,

    #[command(flatten)]
    pub(super) servers: ServersArguments,

    #[command(flatten)]
    pub(super) also: AlsoArguments,

    /// Save what was observed, one line for each target
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "replay",
        help_heading = "Saved observations",
        hide_short_help = true
    )]
    pub(super) save: Option<PathBuf>,

    /// Judge saved observations, without network
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "dns_only", "cert"],
        help_heading = "Saved observations", hide_short_help = true)]
    pub(super) replay: Option<PathBuf>,

    /// Judge certificates and signatures as of another moment: 2027-01-31, an
    /// RFC 3339 time, or 30d after the target was checked
    #[arg(long, value_name = "TIME", value_parser = str::parse::<Moment>,
        help_heading = "Saved observations", hide_short_help = true)]
    pub(super) at: Option<Moment>,

    #[command(flatten)]
    pub(super) expect: ExpectArguments,

    #[command(flatten)]
    pub(super) screen: ScreenArguments,

    #[command(flatten)]
    pub(super) sender: SenderArguments,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Case to show in full
    #[arg(value_name = "CASE")]
    pub(super) case: Option<String>,

    /// List the cases
    #[arg(long, conflicts_with_all = ["case", "json"])]
    pub(super) list: bool,

    /// Print one JSON report for each case, one on each line
    #[arg(long)]
    pub(super) json: bool,

    /// Print the page of the case, or one page for all cases
    #[arg(long, conflicts_with_all = ["json", "list"])]
    pub(super) html: bool,

    /// Language of the page
    #[arg(long, value_name = "LANGUAGE", default_value = "en",
        value_parser = super::entry::language(), requires = "html")]
    pub(super) lang: Language,

    /// Also show hosts, records and levels; twice: everything
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,

    #[command(flatten)]
    pub(super) colors: super::screen::ColorArguments,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 both views agree that the answer is secure or insecure, 1 they \
                  differ or a finding warns, 2 the answer is bogus or the lookup failed, 3 \
                  unknown."
)]
pub(super) struct DnsArguments {
    /// Name, such as _25._tcp.mx1.example.com
    #[arg(value_name = "NAME")]
    pub(super) name: String,

    /// Record type, such as TLSA, MX or TYPE52
    #[arg(value_name = "TYPE")]
    pub(super) rtype: String,

    /// One JSON object
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) look: LookArguments,

    /// Ask the name servers directly, even if the lookup succeeds
    #[arg(long)]
    pub(super) authoritative: bool,
}

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("evidence").args(["log", "tlsrpt"]),
    mut_arg("resolver", |it| it
        .requires("check")
        .help("Recursive resolver for --check [default: the system's]")),
    mut_arg("trust_anchor", |it| it.requires("check").help(
        "DNSSEC root trust anchor for --check [default: the built-in IANA anchors]"
    )),
    mut_arg("ca_file", |it| it.requires("check")),
    mut_arg("sender", |it| it.requires("check")),
    mut_arg("allow_private", |it| it.requires("check")),
    mut_arg("proxy", |it| it.requires("check")),
    mut_arg("ipv4", |it| it.requires("check")),
    mut_arg("ipv6", |it| it.requires("check")),
    mut_arg("source", |it| it.requires("check"))
)]
pub(super) struct ExplainArguments {
    /// Id of a finding, verdict, status code, or text of a log
    #[arg(value_name = "ID", required_unless_present_any = ["list", "log", "tlsrpt"])]
    pub(super) id: Option<String>,

    /// List all findings
    #[arg(long, conflicts_with_all = ["id", "log"])]
    pub(super) list: bool,

    /// Format of the list
    #[arg(long, value_name = "NAME", default_value = "human", requires = "list")]
    pub(super) format: ListFormat,

    /// Explain why mail waits, from this Postfix log [default: standard input]
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = "-",
        conflicts_with = "id"
    )]
    pub(super) log: Option<PathBuf>,

    /// Check the next hops of waiting mail, the most frequent first; with
    /// --tlsrpt the domains, and say what is still so
    #[arg(long, requires = "evidence")]
    pub(super) check: bool,

    /// Check at most this many
    #[arg(long, value_name = "N", default_value = "20", requires = "check")]
    pub(super) at_most: usize,

    /// Explain reports of RFC 8460: JSON, compressed, or whole mails
    #[arg(
        long,
        value_name = "FILE",
        num_args = 1..,
        conflicts_with_all = ["id", "log", "list"]
    )]
    pub(super) tlsrpt: Vec<PathBuf>,

    /// Print one JSON object
    #[arg(long, conflicts_with_all = ["id", "list"])]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) sender: SenderArguments,

    #[command(flatten)]
    pub(super) next_hops: NextHopArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// One line each
    Human,
    /// The whole catalogue, as in docs/findings.md
    Markdown,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status with --against: 0 the certificate matches the records of every MX \
                  host that it is for, 1 no records that count are published, 2 mail would wait, 3 \
                  unknown."
)]
pub(super) struct TlsaArguments {
    /// Certificate of the server, in PEM or DER, or the whole chain
    /// (fullchain.pem)
    #[arg(value_name = "CERT.pem")]
    pub(super) certificate: PathBuf,

    /// Mail server that the certificate is for; repeat for more
    #[arg(long, value_name = "NAME")]
    pub(super) host: Vec<String>,

    /// Port of the server
    #[arg(long, value_name = "PORT", default_value = "25")]
    pub(super) port: u16,

    /// Print records 2 1 1 of the authorities in the file instead of 3 1 1
    #[arg(long)]
    pub(super) ta: bool,

    /// Compare the certificate with the records that this mail domain publishes
    #[arg(long, value_name = "TARGET")]
    pub(super) against: Option<String>,

    /// Also print the safe order of steps
    #[arg(long, requires = "against")]
    pub(super) plan: bool,

    /// One JSON object
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) look: LookArguments,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Output to describe
    #[arg(value_name = "WHAT", default_value = "report")]
    pub(super) of: Described,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Described {
    /// The object of `danecheck compare --json`
    Compare,
    /// The report on a target
    Report,
    /// The object of `danecheck dns --json`
    Dns,
    /// The object of `danecheck doctor --json`
    Doctor,
    /// The object of `danecheck overrides --json`
    Overrides,
    /// The object of `danecheck explain --log --json`
    Log,
    /// A line of `danecheck survey dns`
    SurveyDns,
    /// A line of `danecheck survey hosts` for one need
    SurveyHosts,
    /// The object of `danecheck tlsa --json`
    Tlsa,
    /// The object of `danecheck explain --tlsrpt --json`
    Tlsrpt,
    /// The object of `danecheck triage --json`
    Triage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a person
    Human,
    /// One JSON report on each line
    Json,
    /// A monitoring plugin: one status line, the findings below it
    Nagios,
    /// Metrics for the textfile collector of node_exporter
    Prometheus,
    /// A test case for each host and check
    Junit,
    /// Annotations for a GitHub workflow
    Github,
    /// For an issue or the summary of a job
    Markdown,
    /// A page for a browser, to keep, to print and to send
    Html,
    /// A mail to the receiver's postmaster
    Letter,
}
