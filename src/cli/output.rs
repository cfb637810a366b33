//! Reports on their way out: format, exit status, broken pipes.

use crate::report::{
    ExitStatus, FailOn, Github, HumanStyle, JUnit, Markdown, Nagios, Prometheus, Report, Writer,
    exit_status, human, json, worst,
};

use super::args::{CheckArguments, EntryName, Format};
use super::{Stop, World};

/// What is written for each report.
pub(super) enum Form {
    Human(HumanStyle),
    Json,
    Entry(EntryName),
    Written(Box<dyn Writer>),
}

/// Writes reports and remembers the worst status.
pub(super) struct Output {
    form: Form,
    require_dane: bool,
    fail_on: FailOn,
    written: usize,
    status: ExitStatus,
}

impl Output {
    pub(super) fn new(arguments: &CheckArguments, world: &World) -> Self {
        let form = match (arguments.entry, arguments.json, arguments.format) {
            (Some(entry), _, _) => Form::Entry(entry),
            (None, true, _) | (None, _, Format::Json) => Form::Json,
            (None, false, Format::Human) => Form::Human(HumanStyle {
                color: arguments.color.wanted(world.colors),
                width: world.width,
            }),
            (None, false, Format::Nagios) => Form::Written(Box::new(Nagios::default())),
            (None, false, Format::Prometheus) => Form::Written(Box::new(Prometheus::default())),
            (None, false, Format::Junit) => Form::Written(Box::new(JUnit::default())),
            (None, false, Format::Github) => Form::Written(Box::new(Github)),
            (None, false, Format::Markdown) => Form::Written(Box::new(Markdown::default())),
        };
        Self {
            form,
            require_dane: arguments.require_dane,
            fail_on: arguments.fail_on,
            written: 0,
            status: ExitStatus::Fine,
        }
    }

    pub(super) fn report(&mut self, report: &Report, world: &mut World) -> Result<(), Stop> {
        let status = exit_status(report, self.require_dane, self.fail_on);
        let text = match &mut self.form {
            Form::Json => format!("{}\n", json(report)),
            Form::Human(style) if self.written > 0 => format!("\n{}", human(report, *style)),
            Form::Human(style) => human(report, *style),
            Form::Entry(name) => entry(report, *name),
            Form::Written(writer) => writer.report(report, status),
        };
        // Nothing to set is success, whatever else is wrong.
        let no_entry_needed = matches!(self.form, Form::Entry(_)) && is_kept(report);
        if !no_entry_needed {
            self.status = worst(self.status, status);
        }
        self.written += 1;
        if text.is_empty() {
            return Ok(());
        }
        world.print(&text)
    }

    /// A text that is no target: on the command line a sentence will do, but
    /// programs get their report.
    pub(super) fn wants_report_on_invalid_argument(&self) -> bool {
        matches!(self.form, Form::Json | Form::Written(_))
    }

    /// What follows the last report.
    pub(super) fn end(&mut self, world: &mut World) -> Result<(), Stop> {
        match &mut self.form {
            Form::Written(writer) => world.print(&writer.end()),
            Form::Human(_) | Form::Json | Form::Entry(_) => Ok(()),
        }
    }

    /// Something could not be told, without a report.
    pub(super) fn unknown(&mut self) {
        self.status = worst(self.status, ExitStatus::Unknown);
    }

    pub(super) fn status(&self) -> ExitStatus {
        self.status
    }
}

fn is_kept(report: &Report) -> bool {
    report.recommendation.action == crate::judge::Action::Keep
}

fn entry(report: &Report, name: EntryName) -> String {
    let entries = &report.recommendation.entries;
    let line = match name {
        EntryName::Postfix => entries.postfix.clone(),
        EntryName::Mailcow => entries
            .mailcow
            .as_ref()
            .and_then(|entry| serde_json::to_string(entry).ok()),
    };
    line.map_or_else(String::new, |line| format!("{line}\n"))
}
