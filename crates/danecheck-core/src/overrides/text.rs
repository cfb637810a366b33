//! The report on overrides, for a person: first what should change.

use crate::text::{TextStyle, Tone, shown, wrap};

use super::examination::{Examination, Overrides, status};
use super::report::OverrideReport;
use super::status::Proposal;
use crate::report::ExitStatus;

/// The blanks before the text about an override.
const MARGIN: &str = "     ";

impl Examination {
    /// The text; `name` is that of the file. With `brief`, only what should
    /// change.
    pub fn human(&self, name: &str, style: impl Into<TextStyle>, brief: bool) -> String {
        let report = self.report();
        let each: Vec<(&OverrideReport, ExitStatus)> = report
            .overrides
            .iter()
            .zip(self.judgements.iter().map(status))
            .collect();
        let of = |wanted: ExitStatus| each.iter().filter(move |(_, status)| *status == wanted);
        let mut page = Page {
            text: String::new(),
            style: style.into(),
        };
        let changes = self
            .judgements
            .iter()
            .filter(|judgement| *judgement.change() != Proposal::Leave)
            .count();
        let kept = self
            .judgements
            .iter()
            .filter(|judgement| judgement.kept)
            .count();
        if !(brief && self.exit_status() == ExitStatus::Fine) {
            page.paragraph("", &summary(name, &each, changes, kept));
        }
        for (wanted, tone, title) in [
            (ExitStatus::Broken, Tone::Bad, "Mail waits:"),
            (ExitStatus::Unknown, Tone::Doubtful, "Unknown:"),
            (
                ExitStatus::Warning,
                Tone::Doubtful,
                "Mail flows, but something should change:",
            ),
            (ExitStatus::Fine, Tone::Good, "As it should be:"),
        ] {
            if wanted == ExitStatus::Fine && brief || of(wanted).next().is_none() {
                continue;
            }
            page.line("");
            page.line(&page.style.tint(tone, title));
            for (one, _) in of(wanted) {
                page.one(one);
            }
        }
        if changes > 0 {
            page.line("");
            let how = match &self.overrides {
                Overrides::Table(_) => {
                    "--write prints the whole table as it should be. To activate it: `postfix \
                     reload` (texthash:), or `postmap hash:FILE` (hash:, lmdb:, cdb:)."
                }
                Overrides::Rows(_) => {
                    "Each call takes effect at once. --write prints the whole list as it should be."
                }
            };
            page.paragraph("", how);
        }
        if kept > 0 {
            page.line("");
            page.paragraph(
                "",
                "danecheck keeps a line if the policy after the change would ask for less. \
                 --accept-weaker=NEXTHOP changes one such line, --accept-weaker changes all.",
            );
        }
        shown(&page.text).into_owned()
    }
}

fn summary(
    name: &str,
    each: &[(&OverrideReport, ExitStatus)],
    changes: usize,
    kept: usize,
) -> String {
    let count = |wanted: ExitStatus| each.iter().filter(|(_, status)| *status == wanted).count();
    let overrides = match each.len() {
        1 => "1 override".to_owned(),
        number => format!("{number} overrides"),
    };
    let mut parts = vec![format!("{name}: {overrides}")];
    for (wanted, words) in [
        (ExitStatus::Broken, "with waiting mail"),
        (ExitStatus::Unknown, "unknown"),
    ] {
        if count(wanted) > 0 {
            parts.push(format!("{} {words}", count(wanted)));
        }
    }
    parts.push(match changes {
        0 => "nothing to change".to_owned(),
        changes => format!("{changes} to change"),
    });
    if kept > 0 {
        parts.push(format!("{kept} only with --accept-weaker"));
    }
    parts.join(", ")
}

struct Page {
    text: String,
    style: TextStyle,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn paragraph(&mut self, margin: &str, text: &str) {
        for line in wrap(text, self.style.width.saturating_sub(margin.len())) {
            self.line(&format!("{margin}{line}"));
        }
    }

    fn one(&mut self, one: &OverrideReport) {
        let place = match one.id {
            Some(id) => format!("id {id}"),
            None => format!("line {}", one.line),
        };
        let next_hop = self.style.tint(Tone::Strong, &one.next_hop);
        self.line(&format!("  {place}: {next_hop}  {}", one.policy));
        self.paragraph(MARGIN, &format!("{}: {}", one.word.as_str(), one.reason));
        if let (Some(since), Some(because)) = (&one.since, &one.because) {
            self.paragraph(MARGIN, &format!("(set on {since}: {because})"));
        }
        let only = match one.kept {
            true => "only with --accept-weaker ",
            false => "",
        };
        match (&one.call, &one.replace_with) {
            (Some(call), _) => self.line(&format!("{MARGIN}{call}")),
            (None, Some(line)) => {
                let line = self.style.tint(Tone::Strong, line);
                self.line(&format!("{MARGIN}{only}to be: {line}"));
            }
            (None, None) if one.remove => self.line(&format!("{MARGIN}{only}to be removed")),
            (None, None) => {}
        }
        if let Some(caution) = &one.caution {
            self.paragraph(MARGIN, &format!("First: {caution}"));
        }
    }
}
