//! The resolver next door: it answers from memory, and asks the in-process
//! world only once for each question.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::UdpSocket;

/// The AD bit, in the fourth byte of the header (RFC 4035 section 3.2.3).
const AUTHENTIC: u8 = 0x20;

/// The longest answer that comes in a datagram.
const LONGEST: usize = 4096;

type Answers = Arc<Mutex<HashMap<Vec<u8>, Arc<Vec<u8>>>>>;

/// Serves at `at` what the resolver at `behind` answers. All zones here are
/// signed and in order, so that it may say of each answer that it is authentic,
/// as one that validates would.
pub(crate) async fn start(at: SocketAddr, behind: SocketAddr) -> io::Result<SocketAddr> {
    let socket = Arc::new(UdpSocket::bind(at).await?);
    let addr = socket.local_addr()?;
    let answers = Answers::default();
    tokio::spawn(async move {
        let mut packet = [0; LONGEST];
        while let Ok((length, client)) = socket.recv_from(&mut packet).await {
            let Some((id, question)) = packet.get(..length).and_then(|it| it.split_at_checked(2))
            else {
                continue;
            };
            let known = answers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(question)
                .cloned();
            if let Some(answer) = known {
                let _ = socket.send_to(&with_id(id, &answer), client).await;
                continue;
            }
            let (socket, answers) = (socket.clone(), answers.clone());
            let query = packet.get(..length).unwrap_or_default().to_vec();
            tokio::spawn(async move {
                let Ok(Some(answer)) = ask(behind, &query).await else {
                    return;
                };
                let (id, question) = query.split_at(2);
                let answer = Arc::new(answer);
                answers
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(question.to_vec(), answer.clone());
                let _ = socket.send_to(&with_id(id, &answer), client).await;
            });
        }
    });
    Ok(addr)
}

fn with_id(id: &[u8], answer: &[u8]) -> Vec<u8> {
    [id, answer].concat()
}

/// The answer without its number.
async fn ask(behind: SocketAddr, query: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(behind).await?;
    socket.send(query).await?;
    let mut packet = vec![0; LONGEST];
    let receive = socket.recv(&mut packet);
    let Ok(length) = tokio::time::timeout(Duration::from_secs(20), receive).await else {
        return Ok(None);
    };
    packet.truncate(length?);
    if let Some(flags) = packet.get_mut(3) {
        *flags |= AUTHENTIC;
    }
    Ok(Some(packet.split_off(2)))
}
