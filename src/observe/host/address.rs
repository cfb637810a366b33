//! One address of a host: who connects to it, and which sessions there are.

use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::Shared;
use tokio::sync::Notify;

use super::super::assumed::Assumed;
use super::super::base_domain::Bases;
use super::super::budget::SESSION_BEFORE_TLSA;
use super::super::setup::Visits;
use super::check::Check;
use super::visit::Visit;
use danecheck_core::observation::{AddressSeen, Session, SessionEnd, held_alone};
use danecheck_core::reserved::{ReservedBlock, reserved_block};

impl Check<'_> {
    /// One session without a server name at once, and one with it as soon as it
    /// is known that Postfix would send one.
    pub(super) async fn see_address<B>(
        &self,
        host: &str,
        address: IpAddr,
        bases: Shared<B>,
    ) -> AddressSeen
    where
        B: Future<Output = Arc<Bases>>,
    {
        if self.setup.only.is_some_and(|only| !only.has(address)) {
            return AddressSeen::not_looked_at(address);
        }
        if let Some(block) = self.left_alone(address) {
            return AddressSeen {
                reserved: Some(block.to_string()),
                ..AddressSeen::not_looked_at(address)
            };
        }
        if let Some(assumed) = &self.setup.assumed {
            bases.await;
            return assumed.address(address);
        }
        if self.setup.visits == Visits::Later {
            return self.leave_places(host, address, bases.await.as_ref()).await;
        }
        let visit = Visit {
            address,
            sni: None,
            offer: None,
            own: None,
            attempt: 0,
            not_before: None,
            deadline: self.deadline.within(self.setup.times.address),
        };
        let met = Notify::new();
        let known_bases = bases.clone();
        let named = async {
            let bases = bases.await;
            let Some(sni) = bases.sni.as_ref() else {
                return self.talk_for_policy(host, visit, &met).await;
            };
            // The server's certificate and its records have to be from the same
            // time: a key change in between would look like a fault.
            let not_before = sni.asked_at.checked_sub(SESSION_BEFORE_TLSA);
            let visit = Visit {
                sni: Some(&sni.name),
                not_before,
                ..visit
            };
            self.talk(visit).await
        };
        let plain = async {
            let session = self.talk(visit).await;
            met.notify_one();
            session
        };
        let (plain, named) = tokio::join!(plain, named);
        let mut sessions: Vec<Session> = plain.into_iter().chain(named).collect();
        let alone = held_alone(&sessions);
        for (session, alone) in sessions.iter_mut().zip(alone) {
            if alone && let Some(again) = self.again(visit, 1, session).await {
                *session = again;
            }
        }
        let refused_at_first = self.ask_refusers_again(visit, &mut sessions).await;
        let dane = known_bases.await;
        let dane = dane.sni.as_ref().map(|sni| sni.name.as_str());
        let own_hellos = self.own_hellos(host, visit, &sessions, dane).await;
        let limited = match sessions.last() {
            Some(judged) if self.setup.thorough => self.limited_looks(visit, judged).await,
            _ => Vec::new(),
        };
        AddressSeen {
            address,
            sessions,
            reserved: None,
            refused_at_first,
            limited,
            own_hellos,
        }
    }

    /// The sessions that another process is to hold, each as its place: it ends
    /// as [`SessionEnd::Assumed`].
    async fn leave_places(&self, host: &str, address: IpAddr, bases: &Bases) -> AddressSeen {
        let is_literal = host.parse::<IpAddr>().is_ok();
        let named = match &bases.sni {
            Some(sni) => Some(sni.name.clone()),
            None if !is_literal && self.promised.clone().await => Some(host.to_owned()),
            None => None,
        };
        let place = |sni| Session::ended(sni, SessionEnd::Assumed);
        AddressSeen {
            sessions: std::iter::once(place(None))
                .chain(named.map(|name| place(Some(name))))
                .collect(),
            ..AddressSeen::not_looked_at(address)
        }
    }

    /// The reserved block that keeps an address from being connected to.
    fn left_alone(&self, address: IpAddr) -> Option<&'static ReservedBlock> {
        let assumed = self.setup.assumed.as_ref();
        if self.setup.allow_private
            || self.typed == Some(address)
            || assumed.is_some_and(Assumed::is_at_any_address)
        {
            return None;
        }
        reserved_block(address)
    }
}
