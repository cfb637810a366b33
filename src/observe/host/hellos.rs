//! The sessions that some senders have besides the usual ones: with the server
//! name of MTA-STS, with the ClientHello of a policy line, or with less on offer.

use std::net::IpAddr;

use tokio::sync::Notify;

use super::super::budget::OWN_HELLOS;
use super::check::Check;
use super::visit::Visit;
use danecheck_core::certificate::{Certificate, KeyKind};
use danecheck_core::observation::{LimitedLook, LimitedOffer, OwnHello, Session};
use danecheck_core::postfix::{HelloLimits, ServerName};

impl Check<'_> {
    /// A session with the server name that MTA-STS requires (RFC 8461 section
    /// 6.1), if no TLSA record requires it. Whether there is a policy is known
    /// by now; otherwise danecheck waits for that only as long as the session
    /// without a server name lasts.
    pub(super) async fn talk_for_policy(
        &self,
        host: &str,
        visit: Visit<'_>,
        met: &Notify,
    ) -> Option<Session> {
        if host.parse::<IpAddr>().is_ok() {
            return None;
        }
        let promised = tokio::select! {
            biased;
            promised = self.promised.clone() => promised,
            () = met.notified() => false,
        };
        if !promised {
            return None;
        }
        let visit = Visit {
            sni: Some(host),
            ..visit
        };
        self.talk(visit).await
    }

    /// The sessions with the ClientHellos of policy lines, if the usual sessions
    /// do not show what the server does with them; one after the other.
    pub(super) async fn own_hellos(
        &self,
        host: &str,
        visit: Visit<'_>,
        usual: &[Session],
        dane: Option<&str>,
    ) -> Vec<OwnHello> {
        let mut own: Vec<OwnHello> = Vec::new();
        let came_to_tls = usual.iter().any(Session::came_to_tls);
        let hellos = self.hellos.clone().await;
        let special = hellos.iter().filter(|hello| !hello.is_usual());
        for hello in special.take(OWN_HELLOS).filter(|_| came_to_tls) {
            let sni = match &hello.server_name {
                _ if hello.dane_first && dane.is_some() => dane,
                None => None,
                Some(ServerName::HostName) => Some(host),
                Some(ServerName::NextHop) => Some(self.next_hop.as_str()),
                Some(ServerName::Literal(name)) => Some(name.as_str()),
            };
            let known = |own: &[OwnHello], limits: HelloLimits| {
                let of_line = own.iter().filter(|look| look.limits == limits);
                let sessions = of_line.map(|look| &look.session);
                let plain = usual.iter().filter(|_| limits == HelloLimits::NONE);
                let mut all = plain.chain(sessions);
                all.find(|session| session.sni.as_deref() == sni).cloned()
            };
            let plain = match known(&own, HelloLimits::NONE) {
                Some(session) => session,
                None => {
                    let Some(session) = self.talk(Visit { sni, ..visit }).await else {
                        continue;
                    };
                    own.push(OwnHello {
                        limits: HelloLimits::NONE,
                        session: session.clone(),
                    });
                    session
                }
            };
            if plain.holds_under(hello.limits) || known(&own, hello.limits).is_some() {
                continue;
            }
            let limited = Visit {
                sni,
                own: Some(hello.limits),
                ..visit
            };
            if let Some(session) = self.talk(limited).await
                && session.legacy.is_some()
            {
                own.push(OwnHello {
                    limits: hello.limits,
                    session,
                });
            }
        }
        own
    }

    /// What the server shows to clients that offer less, one after the other;
    /// `judged` is the session by which DANE is judged. Empty if that session
    /// showed no certificate.
    pub(super) async fn limited_looks(
        &self,
        visit: Visit<'_>,
        judged: &Session,
    ) -> Vec<LimitedLook> {
        let Some(tls) = &judged.tls else {
            return Vec::new();
        };
        let Some(leaf) = tls.chain.first() else {
            return Vec::new();
        };
        let key = Certificate::from_der(&leaf.0).map(|leaf| leaf.key().kind().clone());
        let other_key = match key {
            Ok(KeyKind::Rsa | KeyKind::RsaPss) => LimitedOffer::Curves,
            _ => LimitedOffer::Rsa,
        };
        let other_version =
            (tls.version.as_deref() == Some("TLSv1.3")).then_some(LimitedOffer::Tls12);
        let mut looks = Vec::new();
        for offer in other_version.into_iter().chain([other_key]) {
            let talk = self.talk(Visit {
                sni: judged.sni.as_deref(),
                offer: Some(offer),
                ..visit
            });
            if let Some(session) = talk.await {
                looks.push(LimitedLook { offer, session });
            }
        }
        looks
    }
}
