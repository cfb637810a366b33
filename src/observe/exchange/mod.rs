//! One question out, and one reply back: over UDP or over TCP.
//!
//! The reply comes as its bytes, unread: TLSA data of any shape has to arrive,
//! because Postfix sees it too.

mod message;
mod random;
mod tcp;
mod udp;

pub use self::message::DNS_PORT;
pub(super) use self::message::{Mode, NoReply, Question};
pub(super) use self::tcp::{on_stream, over_tcp};
pub(super) use self::udp::Sockets;
