//! Words that are meant as something else than a target: mistyped commands.

use std::ffi::OsString;

use clap::CommandFactory as _;
use danecheck_core::text::is_typing_error;

use super::args::Arguments;

/// What people call a check that has no command, because the targets alone are
/// enough.
const CHECKS: [&str; 6] = ["check", "lookup", "probe", "scan", "test", "verify"];

/// What to say if the first of these targets is most likely a command.
pub(super) fn command(targets: &[String]) -> Option<String> {
    let first = targets.first()?;
    // Domains and hosts in brackets have other characters; a final dot makes a
    // domain of any word.
    let is_word = first
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    if !is_word || first.starts_with('-') {
        return None;
    }
    let lower = first.to_ascii_lowercase();
    if CHECKS.contains(&lower.as_str()) && targets.len() > 1 {
        return Some(format!(
            "`{first}` is not a command: name the targets alone, as in `danecheck {}`",
            targets.get(1).map_or("example.com", String::as_str)
        ));
    }
    if lower == "version" && targets.len() == 1 {
        return Some(
            "`version` is not a command: give --version. For the domain, end it with a dot: \
             version."
                .to_owned(),
        );
    }
    let commands = Arguments::command();
    if commands.find_subcommand(first).is_some() {
        return Some(format!(
            "`{first}` is a command: give it first, as `danecheck {first}`. For the domain, end \
             it with a dot: {first}."
        ));
    }
    let names = commands.get_subcommands().map(clap::Command::get_name);
    let near = names
        .chain(["help"])
        .find(|name| is_typing_error(first, name) || lower == *name)?;
    Some(format!(
        "`{first}` is not a command: did you mean `danecheck {near}`? For the domain, end it with \
         a dot: {first}."
    ))
}

/// The same for arguments that could not be read: the options of a mistyped
/// command are unknown.
pub(super) fn command_of_words(words: &[OsString]) -> Option<String> {
    let words = words.iter().skip(1);
    let targets: Vec<String> = words
        .map_while(|word| word.to_str().filter(|word| !word.starts_with('-')))
        .map(str::to_owned)
        .collect();
    // A command that was found says by itself what is wrong with its options.
    let commands = Arguments::command();
    let first = targets.first()?;
    if commands.find_subcommand(first).is_some() {
        return None;
    }
    command(&targets)
}
