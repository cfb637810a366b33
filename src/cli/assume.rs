//! The options that replace a check of the mail servers by an assumption.

use std::path::PathBuf;

use clap::Args;

use crate::observe::Assumed;
use danecheck_core::observation::Der;

use super::certificate_file;
use super::stop::Stop;

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How to look")]
pub(super) struct AssumeArguments {
    /// Check DNS only and connect to no mail server: for CI runners and other
    /// places where port 25 is blocked
    #[arg(long, hide_short_help = true, conflicts_with_all = ["cert", "proxy", "thorough"])]
    dns_only: bool,

    /// Connect to no mail server, and judge as if every one showed these
    /// certificates (fullchain.pem): may you deploy them?
    #[arg(long, hide_short_help = true, value_name = "CHAIN.pem", conflicts_with_all = ["proxy", "thorough"])]
    cert: Option<PathBuf>,
}

impl AssumeArguments {
    pub(super) fn assumed(&self) -> Result<Option<Assumed>, Stop> {
        let Some(path) = &self.cert else {
            return Ok(self.dns_only.then(Assumed::dns_only));
        };
        let chain = certificate_file::chain(path)?;
        let ders = chain.iter().map(|one| Der(one.to_vec())).collect();
        let file = path.display().to_string();
        Ok(Some(Assumed::certificate(&file, ders)))
    }
}
