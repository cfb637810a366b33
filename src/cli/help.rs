//! `--help`: every option in the form of `-h`, without a line between, and what the
//! values mean, once, below.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{Arg, CommandFactory as _};

use danecheck_core::text::break_lines;

use super::args::Arguments;

/// The width of the text.
const WIDTH: usize = 80;

/// The whole help of the command that is asked about; `None` if the short one was
/// asked for.
pub(super) fn whole(words: &[OsString]) -> Option<String> {
    let is_help = |word: &OsString| word == "--help";
    let by_command = words.get(1).is_some_and(|word| word == "help");
    if !by_command && !words.iter().any(is_help) {
        return None;
    }
    let mut program = Arguments::command();
    program.build();
    let mut command = &program;
    for word in words.iter().skip(if by_command { 2 } else { 1 }) {
        match command.find_subcommand(word) {
            Some(below) => command = below,
            None if word.to_string_lossy().starts_with('-') => {}
            None => break,
        }
    }
    let mut values = String::new();
    for argument in command.get_arguments() {
        list(argument, &mut values);
    }
    let after = command
        .get_after_long_help()
        .or_else(|| command.get_after_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let after = format!("{values}{after}");
    let command = command.clone().mut_args(|argument| {
        let has_list = is_listed(&argument);
        let argument = match argument.get_id() == "help" {
            true => argument.help("Print help; -h prints a summary"),
            false => argument,
        };
        argument
            .hide_short_help(false)
            .hide_possible_values(has_list)
    });
    let command = match after.trim_end() {
        "" => command,
        after => command.after_help(after.to_owned()),
    };
    Some(command.max_term_width(WIDTH).render_help().to_string())
}

/// Whether its values are listed below, each with what it means.
fn is_listed(argument: &Arg) -> bool {
    let values = argument.get_possible_values();
    !argument.is_hide_set()
        && argument
            .get_num_args()
            .is_none_or(|count| count.takes_values())
        && values.len() > 2
        && values.iter().any(|value| value.get_help().is_some())
}

/// The values of an option, each with what it means.
fn list(argument: &Arg, text: &mut String) {
    if !is_listed(argument) {
        return;
    }
    let name = match argument.get_long() {
        Some(long) => format!("--{long}"),
        None => argument.get_id().to_string(),
    };
    let _ = writeln!(text, "Values of {name}:");
    let values = argument.get_possible_values();
    let visible = || values.iter().filter(|value| !value.is_hide_set());
    let widest = visible().map(|value| value.get_name().len()).max();
    let widest = widest.unwrap_or_default();
    for value in visible() {
        let meaning = value.get_help().map(ToString::to_string);
        let meaning = meaning.unwrap_or_default();
        let lines = break_lines(&meaning, WIDTH.saturating_sub(widest + 4));
        for (number, line) in lines.iter().enumerate() {
            let name = if number == 0 { value.get_name() } else { "" };
            let _ = writeln!(text, "  {name:widest$}  {line}");
        }
    }
    text.push('\n');
}
