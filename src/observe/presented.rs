//! The certificates that servers presented.

use danecheck_core::observation::{Der, HostSeen, MtaStsSeen, Session};

/// All certificates that mail servers presented to Postfix's ClientHellos and
/// those of policy lines, and those of the host of an MTA-STS policy, as often as
/// they did.
pub(crate) fn presented<'a>(
    hosts: &'a [HostSeen],
    mta_sts: Option<&'a MtaStsSeen>,
) -> impl Iterator<Item = &'a Der> {
    let of_policy_host = mta_sts
        .and_then(|mta_sts| mta_sts.fetch.as_ref())
        .into_iter()
        .flat_map(|fetch| &fetch.visits)
        .filter_map(|visit| visit.tls.as_ref())
        .flat_map(|tls| &tls.chain);
    hosts
        .iter()
        .flat_map(|host| &host.addresses)
        .flat_map(|address| {
            let own = address.own_hellos.iter().map(|look| &look.session);
            address.sessions.iter().chain(own)
        })
        .flat_map(|session| [Some(session), session.newer_groups.as_deref()])
        .flatten()
        .flat_map(Session::chain)
        .chain(of_policy_host)
}
