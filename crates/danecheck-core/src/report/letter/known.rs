//! Why a session fails, as far as the report knows it.

use crate::finding::rule::Side;
use crate::finding::{Cause, OutOfStep};

use super::super::model::{AddressReport, HostReport, Report};

/// What the report says about a failed session.
pub(super) struct Known<'r> {
    pub(super) cause: Cause,
    pub(super) message: &'r str,
    /// What the receiver does.
    pub(super) step: &'r str,
}

impl<'r> Known<'r> {
    /// The first finding about this address that names a cause and a step.
    pub(super) fn of(
        report: &'r Report,
        host: &HostReport,
        address: &AddressReport,
    ) -> Option<Self> {
        let at = format!("{} [{}]", host.name, address.address);
        let mut about = report.findings.iter().filter(|one| one.subject == at);
        about.find_map(|finding| {
            let (_, step) = finding.steps().find(|(side, _)| *side == Side::Receiver)?;
            Some(Self {
                cause: finding.cause?,
                message: &finding.message,
                step,
            })
        })
    }

    /// Whether the server answers out of step before TLS: then nothing that it
    /// says about STARTTLS counts.
    pub(super) fn is_out_of_step(&self) -> bool {
        self.out_of_step().is_some()
    }

    /// What puts the server out of step before TLS.
    pub(super) fn out_of_step(&self) -> Option<OutOfStep> {
        match self.cause {
            Cause::OutOfStep(OutOfStep::InTls) => None,
            Cause::OutOfStep(why) => Some(why),
            _ => None,
        }
    }
}
