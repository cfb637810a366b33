//! Questions over UDP, from sockets that are used again.
//!
//! A socket of its own for each question makes a forger guess its port and its
//! number, 32 bits (RFC 5452 section 9.2). Here too: a question has its socket
//! alone, with a port and a number drawn at random, and takes one of those that
//! rest at random. A socket is given back only after the reply to its question,
//! and serves few questions, for a short time.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, timeout_at};

use super::message::{NoReply, Question, is_reply, query};
use super::random::Random;

/// The time after which a datagram counts as lost.
const RESEND_AFTER: Duration = Duration::from_millis(1500);

/// Questions that one socket serves.
const QUESTIONS: u32 = 64;

/// How long a socket serves questions.
const AGE: Duration = Duration::from_secs(10);

/// Sockets that rest at once, those of all runtimes together.
const RESTING: usize = 64;

/// Datagrams that are no reply, after which a question goes on with another
/// port and number: somebody guesses these.
const GUESSES: usize = 32;

/// The longest datagram that is read; longer ones than we said come too.
const LONGEST: usize = 4096;

/// Ports tried before the system chooses one.
const PORTS: usize = 8;

/// The sockets to some servers.
#[derive(Debug, Default)]
pub(in super::super) struct Sockets(Mutex<Stock>);

#[derive(Debug, Default)]
struct Stock {
    random: Random,
    shelves: Vec<Shelf>,
}

/// The sockets that rest. A socket belongs to the runtime that opened it.
#[derive(Debug)]
struct Shelf {
    server: SocketAddr,
    runtime: Id,
    resting: Vec<Socket>,
}

/// A socket for one question at a time.
#[derive(Debug)]
struct Socket {
    socket: UdpSocket,
    /// What came in.
    datagram: Vec<u8>,
    questions: u32,
    opened: Instant,
}

impl Sockets {
    /// One datagram out and one back; it is sent again where none comes.
    pub(in super::super) async fn ask(
        &self,
        server: SocketAddr,
        question: Question<'_>,
        time: Duration,
    ) -> Result<Bytes, NoReply> {
        let end = Instant::now() + time;
        loop {
            let (socket, id) = self.take(server)?;
            let (mut socket, is_used) = match socket {
                Some(socket) => (socket, true),
                None => (Socket::open(server, || self.number())?, false),
            };
            match socket.ask(question, id, end).await {
                Ok(true) => {
                    let reply = Bytes::copy_from_slice(&socket.datagram);
                    self.give_back(server, socket);
                    return Ok(reply);
                }
                Ok(false) => {}
                // What is said about an earlier question says nothing.
                Err(_) if is_used => {}
                Err(error) => return Err(error.into()),
            }
            if end <= Instant::now() {
                return Err(NoReply::Timeout);
            }
        }
    }

    /// A socket that rests, if there is one, and a number.
    fn take(&self, server: SocketAddr) -> io::Result<(Option<Socket>, u16)> {
        let runtime = Handle::current().id();
        let mut stock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, place) = (stock.random.number()?, stock.random.number()?);
        let shelves = &mut stock.shelves;
        let shelf = shelves.iter_mut().find(|it| it.is_for(server, runtime));
        let socket = shelf.and_then(|shelf| {
            let place = usize::from(place).checked_rem(shelf.resting.len())?;
            Some(shelf.resting.swap_remove(place))
        });
        Ok((socket.filter(|socket| !socket.is_old()), id))
    }

    fn number(&self) -> io::Result<u16> {
        let mut stock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stock.random.number()
    }

    fn give_back(&self, server: SocketAddr, mut socket: Socket) {
        socket.questions += 1;
        if socket.questions >= QUESTIONS || socket.is_old() {
            return;
        }
        let runtime = Handle::current().id();
        let mut stock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shelves = &mut stock.shelves;
        let resting: usize = shelves.iter().map(|shelf| shelf.resting.len()).sum();
        // One of the fullest shelf goes: so the runtimes share the places, and
        // those of a runtime that is gone are left to the others in time.
        if resting >= RESTING
            && let Some(fullest) = shelves.iter_mut().max_by_key(|shelf| shelf.resting.len())
        {
            fullest.resting.pop();
            shelves.retain(|shelf| !shelf.resting.is_empty());
        }
        let known = shelves.iter_mut().find(|it| it.is_for(server, runtime));
        match known {
            Some(shelf) => shelf.resting.push(socket),
            None => shelves.push(Shelf {
                server,
                runtime,
                resting: vec![socket],
            }),
        }
    }
}

impl Shelf {
    fn is_for(&self, server: SocketAddr, runtime: Id) -> bool {
        self.runtime == runtime && self.server == server
    }
}

impl Socket {
    /// At a random port (RFC 6056 section 3.2). Connected, it takes datagrams
    /// from this server alone, and learns where nobody listens.
    fn open(server: SocketAddr, number: impl Fn() -> io::Result<u16>) -> io::Result<Self> {
        let here: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let mut opened = None;
        for _ in 0..PORTS {
            let port = number()?;
            if port < 1024 {
                continue;
            }
            opened = std::net::UdpSocket::bind((here, port)).ok();
            if opened.is_some() {
                break;
            }
        }
        let socket = match opened {
            Some(socket) => socket,
            None => std::net::UdpSocket::bind((here, 0))?,
        };
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: UdpSocket::from_std(socket)?,
            datagram: Vec::with_capacity(LONGEST),
            questions: 0,
            opened: Instant::now(),
        })
    }

    fn is_old(&self) -> bool {
        self.opened.elapsed() > AGE
    }

    /// Whether the reply came; not, if the time is up or somebody guesses.
    async fn ask(&mut self, question: Question<'_>, id: u16, end: Instant) -> io::Result<bool> {
        let query = query(question, id);
        let mut guesses = 0;
        loop {
            self.socket.send(&query).await?;
            let next = end.min(Instant::now() + RESEND_AFTER);
            let receive = async {
                while guesses < GUESSES {
                    self.datagram.clear();
                    self.socket.recv_buf(&mut self.datagram).await?;
                    if is_reply(&self.datagram, question, id) {
                        return Ok(true);
                    }
                    guesses += 1;
                }
                Ok(false)
            };
            match timeout_at(next, receive).await {
                Ok(came) => return came,
                Err(_) if end <= next => return Ok(false),
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Mode;
    use super::*;
    use crate::observe::wire::WireName;
    use domain::base::Rtype;
    use std::collections::HashSet;
    use std::str::FromStr as _;

    const TIME: Duration = Duration::from_secs(20);

    /// A server, and where it is.
    async fn server() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = socket.local_addr().unwrap();
        (socket, addr)
    }

    fn question(name: &WireName) -> Question<'_> {
        Question {
            name,
            rtype: Rtype::MX,
            mode: Mode::Stub,
        }
    }

    /// Sends back what came, from these clients and with these numbers.
    async fn echo(server: &UdpSocket) -> (SocketAddr, [u8; 2]) {
        let mut bytes = [0; 512];
        let (length, client) = server.recv_from(&mut bytes).await.unwrap();
        server.send_to(&bytes[..length], client).await.unwrap();
        (client, [bytes[0], bytes[1]])
    }

    #[tokio::test]
    async fn few_sockets_serve_many_questions_and_none_serves_too_many() {
        let (server, at) = server().await;
        let sockets = Sockets::default();
        let name = WireName::from_str("example.").unwrap();
        let count = 3 * QUESTIONS;
        let (mut ports, mut numbers) = (HashSet::new(), HashSet::new());
        for _ in 0..count {
            let (reply, (client, number)) =
                tokio::join!(sockets.ask(at, question(&name), TIME), echo(&server));
            assert_eq!(reply.unwrap()[..2], number);
            ports.insert(client.port());
            numbers.insert(number);
        }
        assert_eq!(ports.len(), 3);
        assert!(numbers.len() > 150, "{}", numbers.len());
        assert!(ports.iter().all(|port| *port >= 1024));
    }

    #[tokio::test]
    async fn questions_at_once_have_a_socket_each() {
        let (server, at) = server().await;
        let sockets = Sockets::default();
        let name = WireName::from_str("example.").unwrap();
        let questions = (0..8).map(|_| sockets.ask(at, question(&name), TIME));
        let answers = async {
            let mut clients = HashSet::new();
            let mut waiting = Vec::new();
            for _ in 0..8 {
                let mut bytes = vec![0; 512];
                let (length, client) = server.recv_from(&mut bytes).await.unwrap();
                bytes.truncate(length);
                assert!(clients.insert(client));
                waiting.push((client, bytes));
            }
            for (client, bytes) in waiting {
                server.send_to(&bytes, client).await.unwrap();
            }
        };
        let (replies, ()) = tokio::join!(futures_util::future::join_all(questions), answers);
        assert!(replies.iter().all(Result::is_ok));
    }

    /// A runtime, as each worker has one, and as many questions at once from it.
    fn ask_at_once(sockets: &Sockets, count: usize) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let (server, at) = server().await;
            let name = WireName::from_str("example.").unwrap();
            let questions = (0..count).map(|_| sockets.ask(at, question(&name), TIME));
            let answers = async {
                // All of them are asked before the first is answered.
                let mut asked = Vec::new();
                for _ in 0..count {
                    let mut bytes = vec![0; 512];
                    let (length, client) = server.recv_from(&mut bytes).await.unwrap();
                    bytes.truncate(length);
                    asked.push((client, bytes));
                }
                for (client, bytes) in asked {
                    server.send_to(&bytes, client).await.unwrap();
                }
            };
            tokio::join!(futures_util::future::join_all(questions), answers);
        });
    }

    #[test]
    fn runtimes_share_the_places_and_one_that_is_gone_leaves_them() {
        let sockets = Sockets::default();
        let resting = |sockets: &Sockets| -> Vec<usize> {
            let stock = sockets.0.lock().unwrap();
            stock.shelves.iter().map(|it| it.resting.len()).collect()
        };
        ask_at_once(&sockets, RESTING + 8);
        assert_eq!(resting(&sockets), [RESTING]);
        // A few of another runtime push out no more than these few.
        ask_at_once(&sockets, 8);
        assert_eq!(resting(&sockets), [RESTING - 8, 8]);
        ask_at_once(&sockets, RESTING);
        assert_eq!(resting(&sockets).iter().sum::<usize>(), RESTING);
    }

    #[tokio::test]
    async fn a_question_that_somebody_guesses_at_moves_to_another_port_and_number() {
        let (server, at) = server().await;
        let sockets = Sockets::default();
        let name = WireName::from_str("example.").unwrap();
        let answers = async {
            let mut bytes = [0; 512];
            let (length, client) = server.recv_from(&mut bytes).await.unwrap();
            let right = bytes[0];
            for guess in 0..GUESSES {
                bytes[0] = right.wrapping_add(u8::try_from(guess + 1).unwrap());
                server.send_to(&bytes[..length], client).await.unwrap();
            }
            let (other, number) = echo(&server).await;
            assert_ne!(other, client);
            number
        };
        let (reply, number) = tokio::join!(sockets.ask(at, question(&name), TIME), answers);
        assert_eq!(reply.unwrap()[..2], number);
    }

    #[tokio::test]
    async fn a_forged_reply_does_not_count_and_the_true_one_behind_it_does() {
        let (server, at) = server().await;
        let sockets = Sockets::default();
        let name = WireName::from_str("example.").unwrap();
        let answers = async {
            let mut bytes = [0; 512];
            let (length, client) = server.recv_from(&mut bytes).await.unwrap();
            let mut forged = bytes[..length].to_vec();
            forged[13] ^= 1;
            server.send_to(&forged, client).await.unwrap();
            // From elsewhere, and right for the rest.
            let (stranger, _) = self::server().await;
            stranger.send_to(&bytes[..length], client).await.unwrap();
            bytes[length - 1] ^= 1;
            server.send_to(&bytes[..length], client).await.unwrap();
            bytes[..length].to_vec()
        };
        let (reply, sent) = tokio::join!(sockets.ask(at, question(&name), TIME), answers);
        assert_eq!(reply.unwrap(), sent);
    }

    #[tokio::test]
    async fn nobody_there_is_said_at_once_also_on_a_socket_that_served_before() {
        let (server, at) = server().await;
        let sockets = Sockets::default();
        let name = WireName::from_str("example.").unwrap();
        let (reply, _) = tokio::join!(sockets.ask(at, question(&name), TIME), echo(&server));
        assert!(reply.is_ok());
        drop(server);
        let reply = sockets.ask(at, question(&name), TIME).await;
        assert_eq!(reply, Err(NoReply::Closed));
    }

    #[tokio::test]
    async fn silence_ends_in_time() {
        let (_server, at) = server().await;
        let name = WireName::from_str("example.").unwrap();
        let sockets = Sockets::default();
        let time = Duration::from_millis(20);
        let reply = sockets.ask(at, question(&name), time).await;
        assert_eq!(reply, Err(NoReply::Timeout));
        // A late reply would come to it.
        let stock = sockets.0.lock().unwrap();
        assert!(stock.shelves.is_empty());
    }
}
