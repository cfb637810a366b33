//! `--accept-weaker`: which lines may ask for less than before.

use clap::Args;

use danecheck_core::overrides::Accepted;

/// What the option stands for without a value.
const ALL: &str = "";

#[derive(Clone, Debug, Default, Args)]
pub(super) struct AcceptArguments {
    /// Allow lines that ask for less than before: all, or that of one next hop;
    /// repeat for more
    #[arg(
        long,
        hide_short_help = true,
        value_name = "NEXTHOP",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ALL
    )]
    accept_weaker: Vec<String>,
}

impl AcceptArguments {
    pub(super) fn accepted(&self) -> Accepted {
        if self.accept_weaker.iter().any(|name| name == ALL) {
            return Accepted::all();
        }
        Accepted::of(self.accept_weaker.iter().map(String::as_str))
    }
}
