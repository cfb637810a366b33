//! `danecheck dns NAME TYPE`: one lookup in both views.

use crate::observe::budget::Times;
use crate::observe::{NameAndType, Resolver, SingleSetup, look_up};
use crate::report::{ExitStatus, LookupViews};

use super::args::DnsArguments;
use super::{Stop, World, input};

pub(super) async fn dns(arguments: &DnsArguments, world: &mut World) -> Result<ExitStatus, Stop> {
    let question = NameAndType::parse(&arguments.name, &arguments.rtype)
        .map_err(|error| Stop::Sentence(error.to_string()))?;
    let setup = SingleSetup {
        resolver: match arguments.resolver {
            Some(address) => Resolver::at([address]),
            None => Resolver::system(),
        },
        root_anchors: input::root_anchors(arguments.trust_anchor.as_deref())?,
        now: (world.now)(),
        times: Times::with_total(arguments.timeout),
        dial: world.dial.clone(),
        authoritative: arguments.authoritative,
        allow_private: arguments.resolver.is_some(),
    };
    let views = LookupViews::of(&look_up(&question, &setup).await, setup.now);
    let text = if arguments.json {
        format!("{}\n", views.json())
    } else {
        views.human(world.width)
    };
    world.print(&text)?;
    Ok(views.exit_status())
}
