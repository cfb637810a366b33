//! Words that are meant as something else than a target: mistyped commands.

use std::ffi::OsString;

use clap::CommandFactory as _;
use danecheck_core::text::{is_typing_error, nearest};

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

/// What clap says of a number that is none.
const NO_NUMBER: &str = "invalid digit found in string";

/// The options that only commands with connections have.
const OF_CONNECTIONS: [&str; 5] = ["-4", "-6", "--ipv4", "--ipv6", "--source"];

/// The message of clap about these arguments, without a tip that helps nobody,
/// and with one that says what to give.
pub(super) fn plainer(message: &str, words: &[OsString]) -> String {
    let mut tip = None;
    let is_unknown = |option: &&str| message.contains(&format!("unexpected argument '{option}' "));
    if let Some(option) = OF_CONNECTIONS.iter().find(|option| is_unknown(option)) {
        tip = Some(format!(
            "{option} is for commands that connect to mail servers, and this one asks DNS alone"
        ));
    }
    if message.contains("unrecognized subcommand '") {
        tip = step(words);
    }
    let mut plain = String::new();
    for line in message.lines() {
        match line.starts_with("  tip: to pass '") {
            // The blank line after it goes too.
            true => plain.truncate(plain.trim_end().len() + 1),
            false => {
                plain.push_str(line);
                plain.push('\n');
            }
        }
        if let Some(tip) = tip.take_if(|_| line.starts_with("error: ")) {
            plain.push_str(&format!("\n  tip: {tip}\n"));
        }
    }
    plain.replace(NO_NUMBER, "give a whole number, such as 20")
}

/// Which step of a command was most likely meant.
fn step(words: &[OsString]) -> Option<String> {
    let mut commands = Arguments::command();
    // Its commands are made later than their names.
    commands.build();
    let command = commands.find_subcommand(words.get(1)?)?;
    let steps: Vec<&str> = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .filter(|name| *name != "help")
        .collect();
    let given = words.get(2)?.to_str()?;
    let name = command.get_name();
    let mistyped = steps.iter().copied().find(|it| is_typing_error(given, it));
    Some(
        match mistyped.or_else(|| nearest(given, steps.iter().copied())) {
            Some(near) => format!("did you mean `danecheck {name} {near}`?"),
            None => format!("give one of {}", steps.join(", ")),
        },
    )
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
