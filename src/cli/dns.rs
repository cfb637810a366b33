//! `danecheck dns NAME TYPE`: one lookup in both views.

use crate::observe::{NameAndType, SingleSetup, look_up};
use danecheck_core::report::{ExitStatus, LookupViews};

use super::args::DnsArguments;
use super::environment::Environment;
use super::stop::Stop;
use super::typed;

pub(super) async fn dns(
    arguments: &DnsArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let name = typed::dns_name(&arguments.name).map_err(Stop::Sentence)?;
    let question = NameAndType::parse(name, &arguments.rtype)
        .map_err(|error| Stop::Sentence(error.to_string()))?;
    let look = &arguments.look;
    let setup = SingleSetup {
        resolver: look.resolver.resolver()?,
        root_anchors: look.resolver.root_anchors()?,
        now: (environment.now)(),
        times: look.times(),
        dial: environment.dial.clone(),
        authoritative: arguments.authoritative,
        allow_private: look.allow_private,
    };
    if let Some(why) = setup.resolver.by_default() {
        environment.complain(&format!("{why}: asking the resolver on this host"));
    }
    let views = LookupViews::of(&look_up(&question, &setup).await, setup.now);
    let text = if arguments.json {
        format!("{}\n", views.json())
    } else {
        views.human(environment.width)
    };
    environment.print(&text)?;
    Ok(views.exit_status())
}
