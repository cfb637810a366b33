//! The output of reports: format, exit status, broken pipes.

use std::sync::Arc;

use crate::config::{Advised, Config};
use danecheck_core::entry::Language;
use danecheck_core::judge::Action;
use danecheck_core::observation::Observation;
use danecheck_core::report::html::Html;
use danecheck_core::report::{
    Detail, ExitStatus, Github, HumanStyle, JUnit, Letter, Markdown, Nagios, Prometheus, Summary,
    Writer, human, json, line, worst,
};

use super::args::{CheckArguments, Format};
use super::entry::Entry;
use super::environment::Environment;
use super::into::Into;
use super::stop::Stop;

/// What is written for each report.
pub(super) enum Form {
    Human(HumanStyle),
    Json,
    Entry(Entry),
    /// The table with the entries, once all targets are done.
    Into(Box<Into>),
    Letter(Language),
    Written(Box<dyn Writer>),
}

/// Writes reports and remembers the worst status.
pub(super) struct Output {
    form: Form,
    expectations: Arc<Config>,
    written: usize,
    status: ExitStatus,
    /// Whether nothing is printed for a target that is fine.
    quiet: bool,
    /// Whether the format is a stream in which a report can be left out.
    leaves_out_fine: bool,
    /// What is known of many targets, if people read a line for each.
    summary: Option<Summary>,
}

impl Output {
    pub(super) fn new(
        arguments: &CheckArguments,
        expectations: Arc<Config>,
        environment: &Environment,
    ) -> Self {
        let form = match (arguments.entry, arguments.json, arguments.format) {
            (Some(system), _, _) => Form::Entry(Entry {
                system,
                language: arguments.lang,
            }),
            (None, true, _) | (None, _, Format::Json) => Form::Json,
            (None, false, Format::Human) => Form::Human(HumanStyle {
                color: arguments.screen.colors.wanted(environment),
                width: environment.width,
                language: arguments.lang,
                detail: Detail::of(arguments.verbose),
            }),
            (None, false, Format::Letter) => Form::Letter(arguments.lang),
            (None, false, Format::Nagios) => Form::Written(Box::new(Nagios::default())),
            (None, false, Format::Prometheus) => Form::Written(Box::new(Prometheus::default())),
            (None, false, Format::Junit) => Form::Written(Box::new(JUnit::default())),
            (None, false, Format::Github) => Form::Written(Box::new(Github)),
            (None, false, Format::Html) => Form::Written(Box::new(Html::new(arguments.lang))),
            (None, false, Format::Markdown) => Form::Written(Box::new(Markdown::default())),
        };
        Self {
            form,
            expectations,
            written: 0,
            status: ExitStatus::Fine,
            quiet: arguments.quiet,
            leaves_out_fine: matches!(arguments.format, Format::Github | Format::Markdown),
            summary: None,
        }
    }

    /// The entries go into this table.
    pub(super) fn write_into(&mut self, into: Into) -> Result<(), Stop> {
        if let Form::Entry(entry) = &self.form
            && !entry.system.has_table()
        {
            return Err(Stop::Sentence(format!(
                "--into takes the entries of systems with a table of Postfix's, and {} has none",
                entry.system.name
            )));
        }
        self.form = Form::Into(Box::new(into));
        Ok(())
    }

    /// Whether what is seen of a target counts beside its report.
    pub(super) fn sees(&self) -> bool {
        matches!(self.form, Form::Into(_))
    }

    /// What was seen of a target.
    pub(super) fn see(&mut self, observation: &Observation, advised: &Advised) {
        if let Form::Into(into) = &mut self.form {
            into.see(observation, advised.report.recommendation.action);
        }
    }

    /// More than one target comes: people then get a line for each, and a
    /// summary.
    pub(super) fn expect_many(&mut self) {
        if self.is_for_people() {
            self.summary = Some(Summary::default());
        }
    }

    /// Whether the reports are for people.
    pub(super) fn is_for_people(&self) -> bool {
        matches!(self.form, Form::Human(_))
    }

    /// Whether nothing is printed for a target that is fine.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether reports are written as JSON.
    pub(super) fn is_json(&self) -> bool {
        matches!(self.form, Form::Json)
    }

    /// Whether a report may also write to standard error.
    pub(super) fn says_beside(&self) -> bool {
        matches!(self.form, Form::Entry(_) | Form::Into(_) | Form::Letter(_))
    }

    /// A report as JSON, with its status.
    pub(super) fn line(
        &mut self,
        mut report: String,
        status: ExitStatus,
        environment: &mut Environment,
    ) -> Result<(), Stop> {
        self.status = worst(self.status, status);
        self.written += 1;
        report.push('\n');
        environment.print(&report)
    }

    pub(super) fn report(
        &mut self,
        advised: &Advised,
        environment: &mut Environment,
    ) -> Result<(), Stop> {
        let Advised { report, entry } = advised;
        // Text that is not a target has no terms.
        let terms = match report.target.parse() {
            Ok(target) => self.expectations.terms(&target),
            Err(_) => self.expectations.defaults(),
        };
        let mut status = terms.status(report);
        let text = match &mut self.form {
            Form::Json => return self.line(json(report), status, environment),
            Form::Human(style) => match &mut self.summary {
                Some(summary) => {
                    summary.add(report, status);
                    match style.detail {
                        Detail::Short => line(report, status, style.width),
                        _ if self.written > 0 => format!("\n{}", human(report, *style)),
                        _ => human(report, *style),
                    }
                }
                None => human(report, *style),
            },
            Form::Entry(wanted) => {
                let said = wanted.say(report, entry.as_ref());
                if let Some(beside) = said.beside {
                    environment.say_beside(&beside);
                }
                // If there is nothing to set, or the entry is there, that is
                // success, whatever else is wrong.
                if !said.needed || !said.text.is_empty() {
                    status = ExitStatus::Fine;
                } else if status == ExitStatus::Warning {
                    // Mail waits, if only that of the sender.
                    status = ExitStatus::Broken;
                }
                said.text
            }
            // Nothing to set is success. The table says the rest at the end.
            Form::Into(_) => {
                if report.recommendation.action != Action::NotFixable {
                    status = ExitStatus::Fine;
                }
                String::new()
            }
            Form::Letter(language) => {
                let letter = Letter::of(report, *language);
                environment.say_beside(&letter.beside);
                match self.written > 0 && !letter.text.is_empty() {
                    true => format!("\n{}", letter.text),
                    false => letter.text,
                }
            }
            Form::Written(writer) => writer.report(report, status),
        };
        self.status = worst(self.status, status);
        self.written += 1;
        let is_silent = self.quiet && status == ExitStatus::Fine && self.is_a_stream();
        if text.is_empty() || is_silent {
            return Ok(());
        }
        if let (Form::Human(style), Some(summary)) = (&self.form, &mut self.summary)
            && style.detail == Detail::Short
        {
            summary.printed();
        }
        environment.print(&text)
    }

    /// A text that is not a target: on the command line a sentence is enough,
    /// but programs get a report.
    pub(super) fn wants_report_on_invalid_argument(&self) -> bool {
        matches!(self.form, Form::Json | Form::Written(_))
    }

    /// The output after the last report.
    pub(super) fn end(&mut self, environment: &mut Environment) -> Result<(), Stop> {
        match &mut self.form {
            Form::Written(writer) => environment.print(&writer.end()),
            Form::Into(into) => {
                self.status = worst(self.status, into.print(environment)?);
                Ok(())
            }
            Form::Human(style) => match &self.summary {
                Some(summary) if !(self.quiet && summary.is_fine()) => {
                    environment.print(&summary.text(style.width))
                }
                _ => Ok(()),
            },
            Form::Json | Form::Entry(_) | Form::Letter(_) => Ok(()),
        }
    }

    /// Whether a report can be left out: the other formats are documents, or
    /// promise a report for each target.
    fn is_a_stream(&self) -> bool {
        self.is_for_people() || self.leaves_out_fine
    }

    /// Something is unknown, and there is no report on it.
    pub(super) fn unknown(&mut self) {
        self.status = worst(self.status, ExitStatus::Unknown);
    }

    pub(super) fn status(&self) -> ExitStatus {
        self.status
    }
}
