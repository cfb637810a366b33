//! Judges saved observations: `danecheck --save seen.jsonl example.com`, then
//! `cargo run -p danecheck-core --example judge <seen.jsonl`. Prints a verdict
//! and, if mail waits, the line for Postfix's policy table.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program reads and prints"
)]

use std::error::Error;
use std::io::{BufRead as _, stdin};

use danecheck_core::diagnosis::{Diagnosis, Question};
use danecheck_core::observation::Observation;

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        let observation: Observation = serde_json::from_str(&line?)?;
        let diagnosis = Diagnosis::of(&Question::of(&observation));
        let judged = &diagnosis.judged;
        println!("{}: {}", observation.next_hop, judged.verdict.as_str());
        for finding in &diagnosis.findings {
            println!("  {}: {}", finding.rule.id, finding.message);
        }
        if let Some(line) = &judged.recommendation.entry {
            println!("{line}");
        }
    }
    Ok(())
}
