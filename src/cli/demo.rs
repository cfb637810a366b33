//! `danecheck demo`: placeholder until the world is whole.
use super::args::DemoArguments;
use super::{Stop, World};
use crate::report::ExitStatus;
pub(super) async fn demo(
    _arguments: &DemoArguments,
    _world: &mut World,
) -> Result<ExitStatus, Stop> {
    Ok(ExitStatus::Fine)
}
