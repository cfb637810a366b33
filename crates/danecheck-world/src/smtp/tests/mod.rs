mod cleartext;
mod client;
mod tls;
mod whole;

use super::{MailServer, Misbehaviour, RunningMailServer};
use crate::pki::{Identity, Leaf};
use danecheck_core::unix_time::UnixTime;

const NOW: UnixTime = UnixTime(1_795_312_923);

fn identity() -> Identity {
    Leaf::new(["mx1.example.com"]).self_signed(NOW)
}

async fn running(misbehaviour: Misbehaviour) -> RunningMailServer {
    let server = MailServer::new(identity()).misbehaving([misbehaviour]);
    server.start().await.unwrap()
}
