//! SMTP servers with named misbehaviours.
//!
//! ```
//! use danecheck_core::unix_time::UnixTime;
//! use danecheck_world::pki::Leaf;
//! use danecheck_world::smtp::{MailServer, Misbehaviour};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let identity = Leaf::new(["mx1.example.com"]).self_signed(UnixTime(1_795_312_923));
//! let server = MailServer::new(identity)
//!     .misbehaving([Misbehaviour::StartTls454])
//!     .start()
//!     .await?;
//! // ... something connects to server.addr() ...
//! assert!(server.sessions().iter().all(|session| !session.mail_seen()));
//! # Ok(())
//! # }
//! ```
//!
//! # Limitations
//! TLS is rustls: 1.2 and 1.3, with forward secrecy and a certificate. Older
//! servers are imitated up to their first alert. Nothing accepts mail: MAIL is
//! answered 451.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the embedded world opens sockets on loopback, and its slow servers wait"
)]

mod act;
mod dialogue;
mod handshake;
mod misbehaviour;
mod personality;
mod record;
mod server;
mod unreachable;
mod wire;

#[cfg(test)]
mod tests;

pub use misbehaviour::Misbehaviour;
pub use record::SessionRecord;
pub use server::{MailServer, RunningMailServer};
pub use unreachable::{BlackHole, ClosedPort};
