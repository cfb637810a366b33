//! What a package of the program brings beside it: completions and man pages, both
//! written from the arguments themselves.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use danecheck_core::report::ExitStatus;

use super::args::Arguments;
use super::environment::Environment;
use super::stop::Stop;

/// The name of the program, and the first word of each page.
const NAME: &str = "danecheck";

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// Shell to write for
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Folder to write the pages to; it has to exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Prints the completions for a shell.
pub(super) fn completions(
    arguments: &CompletionsArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let mut written = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        NAME,
        &mut written,
    );
    environment.print(&String::from_utf8_lossy(&written))?;
    Ok(ExitStatus::Fine)
}

/// Writes a page for the program and one for each command: `danecheck.1`,
/// `danecheck-triage.1`.
pub(super) fn man(arguments: &ManArguments) -> Result<ExitStatus, Stop> {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let commands: Vec<clap::Command> = program
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(|command| {
            // clap keeps names that live as long as the program; the page is named
            // like the file, as git's are.
            let name = format!("{NAME}-{}", command.get_name());
            let usage = format!("{NAME} {}", command.get_name());
            command.clone().display_name(name).bin_name(usage)
        })
        .collect();
    write(&arguments.folder, NAME, program)?;
    for command in commands {
        let name = command.get_display_name().unwrap_or(NAME).to_owned();
        write(&arguments.folder, &name, command)?;
    }
    Ok(ExitStatus::Fine)
}

fn write(folder: &Path, name: &str, command: clap::Command) -> Result<(), Stop> {
    let path = folder.join(format!("{name}.1"));
    let stop = |error: std::io::Error| Stop::Sentence(format!("{}: {error}", path.display()));
    let version = concat!("danecheck ", env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    Man::new(command)
        .title(name.to_uppercase())
        .section("1")
        .source(version)
        .manual("User Commands")
        .render(&mut page)
        .map_err(stop)?;
    fs::write(&path, page).map_err(stop)
}
