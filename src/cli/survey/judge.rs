//! `danecheck survey judge`: targets with their DNS and their sessions in,
//! reports out.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;

use danecheck_core::judge::Moment;
use danecheck_core::next_hop::NextHop;
use danecheck_core::observation::OBSERVATION_FORMAT;
use danecheck_core::report::{ExitStatus, Report, json, to_json};
use danecheck_core::sender::{Sender, System};
use danecheck_core::survey::{TargetLine, assemble};

use crate::cli::bulk::processors;
use crate::cli::environment::Environment;
use crate::cli::input;
use crate::cli::stop::Stop;
use crate::config::Config;
use crate::observe::{SESSIONS_KEPT, TrustStore, add_trust_store};

use super::args::JudgeStep;
use super::input::{Input, Line};
use super::{lost, read_target, unread, write};

pub(super) async fn run(
    arguments: &JudgeStep,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let sender = arguments.sender.sender();
    if sender.system == System::Local {
        return Err(Stop::Sentence(
            "--sender local asks the Postfix of this machine, and no survey does".to_owned(),
        ));
    }
    arguments.sender.local().await?;
    let judge = Arc::new(Judge {
        trust_store: input::trust_store(arguments.ca_file.as_deref())?,
        at: arguments.at,
        sender,
        terms: Config::default(),
    });
    let stdin = std::mem::replace(&mut environment.stdin, Box::new(tokio::io::empty()));
    let input = tokio::sync::Mutex::new(Input::new(stdin));
    let lines = stream::unfold(&input, async |input| {
        let line = input.lock().await.next().await;
        line.transpose().map(|line| (line, input))
    });
    let answers = lines.map(|line| {
        let judge = judge.clone();
        async move {
            let line = line?;
            let work = move || vec![judge.answer(&line)];
            tokio::task::spawn_blocking(work).await.map_err(|_| lost())
        }
    });
    write(answers.buffered(2 * processors()), environment).await
}

struct Judge {
    trust_store: TrustStore,
    at: Option<Moment>,
    sender: Sender,
    terms: Config,
}

impl Judge {
    fn answer(&self, line: &Line) -> String {
        let target: TargetLine = match read_target(line, "it is no line of `survey dns`") {
            Ok(target) => target,
            Err(answer) => return answer,
        };
        if target.dns.is_none() && target.opted_out {
            return to_json(&target);
        }
        let Some(dns) = target.dns else {
            return match target.target.parse::<NextHop>() {
                Err(error) => json(&Report::on_invalid_target(
                    &target.target,
                    &error,
                    target.checked_at,
                )),
                Ok(_) => unread(line, "it has no `dns`"),
            };
        };
        if !dns.has_known_format() {
            let error = format!(
                "its observation has format {}, but this program reads formats up to \
                 {OBSERVATION_FORMAT}",
                dns.format
            );
            return unread(line, error);
        }
        let sessions = target.sessions.unwrap_or_default();
        let mut observation = assemble(dns, &sessions, SESSIONS_KEPT);
        add_trust_store(&mut observation, &self.trust_store);
        let terms = self.terms.terms(&observation.next_hop);
        json(&terms.report(&observation, self.at, &self.sender).report)
    }
}
