//! The command line: arguments in, text and an exit status out.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this is where the program meets its user: files, clock, environment, output"
)]

mod accept;
mod args;
mod assume;
mod bulk;
mod certificate_file;
mod check;
mod checker;
mod choice;
mod compare;
#[cfg(feature = "demo")]
mod demo;
mod dns;
mod doctor;
mod done;
mod duration;
mod entry;
mod environment;
mod evidence;
mod expect;
mod explain;
mod help;
mod hosts;
mod input;
mod interrupt;
mod into;
mod lines;
mod lock;
mod look;
mod mailcow;
mod mistyped;
mod next_hops;
mod output;
mod overrides;
mod pending;
mod progress;
mod proxy;
mod replayed;
mod resolver;
mod resume;
mod run;
mod saved;
mod screen;
mod sender;
mod serve;
mod servers;
mod shell;
mod state;
mod stop;
mod survey;
mod tlsa;
mod triage;
mod typed;
mod way;
mod workers;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime::{Builder, Runtime};

use danecheck_core::report::ExitStatus;

use args::{Arguments, Command, Described, SchemaArguments};
pub use environment::{Environment, Terminals};
pub use interrupt::Interrupts;
use stop::Stop;

/// Runs the program in its process.
pub fn main() -> ExitCode {
    survive_file_limit();
    let words: Vec<OsString> = std::env::args_os().collect();
    let arguments = Arguments::try_parse_from(&words);
    let status = match runtime(arguments.as_ref().ok()) {
        Ok(runtime) => {
            let environment = Environment::real();
            let status = runtime.block_on(run_parsed(arguments, &words, environment));
            // Shared work may still be running, and so may a read of standard
            // input that never ends.
            runtime.shutdown_background();
            status
        }
        Err(_) => ExitStatus::Unknown,
    };
    ExitCode::from(status as u8)
}

/// What the program runs on. Work that keeps a processor busy, such as a long
/// judgement, has threads of its own (`spawn_blocking`).
fn runtime(arguments: Option<&Arguments>) -> std::io::Result<Runtime> {
    let is_check = arguments.is_none_or(|arguments| arguments.command.is_none());
    let mut runtime = match is_check {
        // One target waits for the network most of the time, and many have threads
        // of their own (`workers`): no other thread has to be started first.
        true => Builder::new_current_thread(),
        // Servers, and checks beside what is read and written.
        false => Builder::new_multi_thread(),
    };
    runtime.enable_all().build()
}

/// A file that reaches the limit on its size (`ulimit -f`) is an error like a
/// full disk, with a message. It does not kill the process.
fn survive_file_limit() {
    #[cfg(unix)]
    {
        let came = std::sync::Arc::default();
        // If it cannot be handled, the process ends as before.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, came);
    }
}

/// Runs the program in any surroundings: the whole program as a function.
pub async fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment,
) -> ExitStatus {
    let words: Vec<OsString> = arguments.into_iter().collect();
    run_parsed(Arguments::try_parse_from(&words), &words, environment).await
}

async fn run_parsed(
    arguments: Result<Arguments, clap::Error>,
    words: &[OsString],
    mut environment: Environment,
) -> ExitStatus {
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error, words, &mut environment),
    };
    // The state of a waiting command is too large for the stack of a thread.
    let result = match &arguments.command {
        None => Box::pin(check::check(&arguments.check, &mut environment)).await,
        Some(Command::Compare(arguments)) => compare::compare(arguments, &mut environment),
        Some(Command::Completions(arguments)) => shell::completions(arguments, &mut environment),
        Some(Command::Man(arguments)) => shell::man(arguments),
        #[cfg(feature = "demo")]
        Some(Command::Demo(demo)) => Box::pin(demo::demo(demo, &mut environment)).await,
        Some(Command::Doctor(arguments)) => {
            Box::pin(doctor::doctor(arguments, &mut environment)).await
        }
        Some(Command::Dns(dns)) => Box::pin(dns::dns(dns, &mut environment)).await,
        Some(Command::Explain(explain)) => {
            Box::pin(explain::explain(explain, &mut environment)).await
        }
        Some(Command::Overrides(arguments)) => {
            Box::pin(overrides::overrides(arguments, &mut environment)).await
        }
        Some(Command::Schema(arguments)) => schema(arguments, &mut environment),
        Some(Command::Serve(arguments)) => {
            Box::pin(serve::serve(arguments, &mut environment)).await
        }
        Some(Command::Survey(arguments)) => {
            Box::pin(survey::survey(arguments, &mut environment)).await
        }
        Some(Command::Tlsa(arguments)) => Box::pin(tlsa::tlsa(arguments, &mut environment)).await,
        Some(Command::Triage(arguments)) => {
            Box::pin(triage::triage(arguments, &mut environment)).await
        }
    };
    result.unwrap_or_else(|stop| end(stop, &mut environment))
}

/// Says why the program ends.
fn end(stop: Stop, environment: &mut Environment) -> ExitStatus {
    match stop {
        Stop::BrokenPipe => ExitStatus::Fine,
        Stop::Sentence(sentence) => {
            environment.complain(&sentence);
            ExitStatus::Unknown
        }
    }
}

/// Help and version are answers; the rest is wrong usage. Its status is 3 and
/// not clap's 2, because 2 means that mail is broken.
fn usage(error: &clap::Error, words: &[OsString], environment: &mut Environment) -> ExitStatus {
    use clap::error::ErrorKind;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let whole = match error.kind() {
                ErrorKind::DisplayHelp => help::whole(words),
                _ => None,
            };
            let text = whole.unwrap_or_else(|| error.render().to_string());
            match environment.print(&text) {
                Ok(()) => ExitStatus::Fine,
                Err(stop) => end(stop, environment),
            }
        }
        _ => {
            let mistyped = (error.kind() == ErrorKind::UnknownArgument)
                .then(|| mistyped::command_of_words(words))
                .flatten();
            if let Some(sentence) = mistyped {
                return end(Stop::Sentence(sentence), environment);
            }
            let message = mistyped::plainer(&error.render().to_string(), words);
            environment.complain_raw(&proxy::without_passwords(&message, words));
            ExitStatus::Unknown
        }
    }
}

fn schema(arguments: &SchemaArguments, environment: &mut Environment) -> Result<ExitStatus, Stop> {
    let schema = match arguments.of {
        Described::Report => danecheck_core::report::schema(),
        Described::Compare => danecheck_core::report::comparison_schema(),
        Described::Dns => danecheck_core::report::lookup_schema(),
        Described::Doctor => danecheck_core::doctor::schema(),
        Described::Overrides => danecheck_core::overrides::schema(),
        Described::Log | Described::Triage => danecheck_core::evidence::schema(),
        Described::SurveyDns => danecheck_core::survey::targets_schema(),
        Described::SurveyHosts => danecheck_core::survey::hosts_schema(),
        Described::Tlsrpt => danecheck_core::tlsrpt::schema(),
        Described::Tlsa => danecheck_core::renewal::schema(),
    };
    let schema = serde_json::to_string_pretty(&schema).unwrap_or_default();
    environment.print(&format!("{schema}\n"))?;
    Ok(ExitStatus::Fine)
}
