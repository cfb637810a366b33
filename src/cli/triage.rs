//! `danecheck triage`: from what waits to what to do.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::Args;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::observe::LocalPostfix;
use danecheck_core::evidence::{Reading, Triage};
use danecheck_core::judge::Action;
use danecheck_core::observation::Observation;
use danecheck_core::report::{ExitStatus, to_json, worst};
use danecheck_core::sender::{Sender, System};
use danecheck_core::text::TextStyle;

use super::accept::AcceptArguments;
use super::environment::Environment;
use super::evidence::feed;
use super::into::Into;
use super::next_hops::{NextHopArguments, look};
use super::sender::SenderArguments;
use super::stop::Stop;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 nothing waits for TLS, DANE or DNS, 1 nothing waits any more, or \
                  there are only warnings, 2 mail waits or was returned, 3 not understood or wrong \
                  usage."
)]
pub(super) struct TriageArguments {
    /// Logs, queue listings, notices; compressed too; `-` reads standard input
    /// [default: -]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// One JSON object
    #[arg(long)]
    json: bool,

    /// Look at no next hop
    #[arg(long, conflicts_with = "at_most")]
    no_check: bool,

    /// Look at this many next hops at most, those with the most waiting mail
    /// first
    #[arg(long, value_name = "N", default_value = "50")]
    at_most: usize,

    #[command(flatten)]
    accept: AcceptArguments,

    /// Print this whole table with the entries set in it, each once; the rest
    /// of the answer goes to standard error
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "no_check"])]
    into: Option<PathBuf>,

    #[command(flatten)]
    sender: SenderArguments,

    #[command(flatten)]
    next_hops: NextHopArguments,
}

pub(super) async fn triage(
    arguments: &TriageArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let mut triage = read(&arguments.files, environment).await?;
    let mut sender = arguments.sender.sender();
    // The sender of mailcow's evidence is mailcow, unless another is named.
    let is_mailcow = triage.is_of_mailcow() && !arguments.sender.names_one();
    if is_mailcow {
        sender.system = System::Mailcow;
    }
    let sender = arguments
        .sender
        .asked(sender, &arguments.next_hops.look.resolver, environment)
        .await?;
    let into = match &arguments.into {
        Some(path) if is_stdin(path) && reads_stdin(&arguments.files) => {
            return Err(Stop::Sentence(
                "--into - and the evidence cannot both come from standard input".to_owned(),
            ));
        }
        Some(path) => Some(Into::read(path, &arguments.accept, sender.clone(), environment).await?),
        None => None,
    };
    let local = arguments.sender.local().await?;
    if let Some(local) = &local {
        ask_routes(&mut triage, local).await?;
    }
    let mut seen = Vec::new();
    if !arguments.no_check {
        let wants = into.is_some();
        look(
            &mut triage,
            arguments.at_most,
            &arguments.next_hops,
            &sender,
            local.as_ref(),
            environment,
            &mut |observation, report| {
                if wants {
                    seen.push((observation.clone(), report.recommendation.action));
                }
            },
        )
        .await?;
    }
    if arguments.json {
        environment.print(&(to_json(&triage) + "\n"))?;
        return Ok(triage.exit_status());
    }
    let answer = Answer {
        arguments,
        triage: &triage,
        sender: &sender,
        is_mailcow,
    };
    match into {
        Some(mut into) => answer.set_into(&mut into, &seen, environment),
        None => answer.print(environment),
    }
}

/// What the evidence comes to, as text.
struct Answer<'a> {
    arguments: &'a TriageArguments,
    triage: &'a Triage,
    sender: &'a Sender,
    /// The evidence is mailcow's, and no sender was named.
    is_mailcow: bool,
}

impl Answer<'_> {
    /// The table of causes and next hops.
    fn table(&self, width: usize, color: bool) -> String {
        let mut text = self.triage.table(TextStyle { width, color });
        if self.is_mailcow {
            text.push_str("\nJudged as --sender mailcow, because this is mailcow's.\n");
        }
        text
    }

    fn is_of_mailcow(&self) -> bool {
        self.sender.system == System::Mailcow
    }

    /// Prints it, with the entries to paste.
    fn print(&self, environment: &mut Environment) -> Result<ExitStatus, Stop> {
        let color = self.arguments.next_hops.screen.colors.wanted(environment);
        let mut text = self.table(environment.width, color);
        let accepted = self.arguments.accept.accepted();
        let accepts = |name: &str| accepted.names(name);
        let mailcow = self.sender.mailcow.as_deref();
        let mailcow = mailcow.filter(|_| self.is_of_mailcow());
        let block = self.triage.block(mailcow, environment.width, &accepts);
        if !block.is_empty() {
            text.push('\n');
            text.push_str(&block);
        }
        if let Some(command) = self.triage.doctor_command() {
            text.push_str("\nIs it this machine or its network? Run:\n  ");
            text.push_str(&command);
            text.push('\n');
        }
        environment.print(&text)?;
        Ok(self.triage.exit_status())
    }

    /// Prints the table of `--into` with the entries in it, and the rest of the
    /// answer on standard error, where it has no color.
    fn set_into(
        &self,
        into: &mut Into,
        seen: &[(Observation, Action)],
        environment: &mut Environment,
    ) -> Result<ExitStatus, Stop> {
        let accepted = self.arguments.accept.accepted();
        let accepts = |name: &str| accepted.names(name);
        for (observation, action) in seen {
            // A fault of this machine is no reason for a line.
            if self.triage.common_fault.is_none() || accepts(&observation.next_hop.policy_key()) {
                into.see(observation, *action);
            }
        }
        let width = environment.width;
        let mut text = self.table(width, false);
        text.push_str(
            &self
                .triage
                .beside_table(self.is_of_mailcow(), width, &accepts),
        );
        environment.say_beside(&text);
        let set = into.print(environment)?;
        // The table has the lines, and mail still waits.
        Ok(worst(self.triage.exit_status(), set))
    }
}

/// Reads the files; without any, standard input or the queue of this machine.
async fn read(files: &[PathBuf], environment: &mut Environment) -> Result<Triage, Stop> {
    let mut reading = Reading::default();
    if files.is_empty() && environment.terminals.stdin {
        reading.begin("postqueue -j");
        ask_queue(&mut reading).await?;
    } else if files.is_empty() {
        reading.begin("-");
        feed(&mut reading, Path::new("-"), environment).await?;
    }
    for path in files {
        reading.begin(&path.display().to_string());
        feed(&mut reading, path, environment).await?;
    }
    Ok(reading.triage())
}

fn reads_stdin(files: &[PathBuf]) -> bool {
    files.is_empty() || files.iter().any(|path| is_stdin(path))
}

/// The next hops that the Postfix of this machine uses, where the evidence does
/// not say.
pub(super) async fn ask_routes(triage: &mut Triage, local: &LocalPostfix) -> Result<(), Stop> {
    let mails = triage.assumed_mail();
    if !mails.is_empty() {
        let routes = local.routes(&mails).await;
        let routes = routes.map_err(|error| Stop::Sentence(format!("--sender local: {error}")))?;
        triage.routed(&mails, &routes);
    }
    Ok(())
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// What waits in the queue of this machine, where nothing was piped.
async fn ask_queue(reading: &mut Reading) -> Result<(), Stop> {
    let what = "give a FILE or pipe something: postqueue -j | danecheck triage";
    let stop = |error: &dyn std::fmt::Display| {
        Stop::Sentence(format!("postqueue -j of this machine: {error}; {what}"))
    };
    let mut child = Command::new("postqueue")
        .arg("-j")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| stop(&error))?;
    let mut piece = vec![0; 64 * 1024];
    let mut is_empty = true;
    if let Some(mut listing) = child.stdout.take() {
        loop {
            let length = listing
                .read(&mut piece)
                .await
                .map_err(|error| stop(&error))?;
            match piece.get(..length) {
                None | Some([]) => break,
                Some(read) => reading.bytes(read),
            }
            is_empty = false;
        }
    }
    let ended = child.wait().await.map_err(|error| stop(&error))?;
    if !ended.success() {
        return Err(stop(&"it failed"));
    }
    if is_empty {
        // What `postqueue -p` says of it: here nobody cut the listing off.
        reading.bytes(b"Mail queue is empty\n");
    }
    Ok(())
}
