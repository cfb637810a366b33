mod cleartext;
mod client;
mod tls;
mod whole;

use super::{MailServer, Misbehaviour, RunningMailServer};
use crate::unix_time::UnixTime;
use crate::world::pki::{Identity, Leaf};

const NOW: UnixTime = UnixTime(1_795_312_923);

fn identity() -> Identity {
    Leaf::new(["mx1.example.com"]).self_signed(NOW)
}

async fn running(misbehaviour: Misbehaviour) -> RunningMailServer {
    let server = MailServer::new(identity()).misbehaving([misbehaviour]);
    server.start().await.unwrap()
}
