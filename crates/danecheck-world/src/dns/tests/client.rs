//! A client that keeps what it is sent.

use std::net::SocketAddr;
use std::time::Duration;

use domain::base::iana::{ExtendedErrorCode, Rcode, Rtype};
use domain::base::opt::ExtendedError;
use domain::base::{Message, MessageBuilder, Name, ToName};
use domain::rdata::AllRecordData;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::super::RunningDns;

/// A query, as a stub resolver such as Postfix's would put it: RD, AD and DO.
pub(super) struct Ask {
    pub(super) checking_disabled: bool,
    pub(super) authentic_data: bool,
    pub(super) dnssec_ok: bool,
    pub(super) payload: Option<u16>,
    pub(super) id: u16,
}

pub(super) const STUB: Ask = Ask {
    checking_disabled: false,
    authentic_data: true,
    dnssec_ok: true,
    payload: Some(1232),
    id: 4711,
};

pub(super) const WALKER: Ask = Ask {
    checking_disabled: true,
    ..STUB
};

impl Ask {
    pub(super) fn packet(&self, name: &str, rtype: Rtype) -> Vec<u8> {
        let mut builder = MessageBuilder::new_vec();
        let header = builder.header_mut();
        header.set_id(self.id);
        header.set_rd(true);
        header.set_cd(self.checking_disabled);
        header.set_ad(self.authentic_data);
        let mut builder = builder.question();
        let name: Name<Vec<u8>> = name.parse().unwrap();
        builder.push((name, rtype)).unwrap();
        let mut builder = builder.additional();
        if let Some(payload) = self.payload {
            builder
                .opt(|opt| {
                    opt.set_udp_payload_size(payload);
                    opt.set_dnssec_ok(self.dnssec_ok);
                    Ok(())
                })
                .unwrap();
        }
        builder.finish()
    }

    pub(super) async fn udp(&self, dns: &RunningDns, name: &str, rtype: Rtype) -> Reply {
        Reply::read(
            exchange(dns.addr(), &self.packet(name, rtype))
                .await
                .unwrap(),
        )
    }

    pub(super) async fn tcp(&self, dns: &RunningDns, name: &str, rtype: Rtype) -> Option<Reply> {
        let packet = self.packet(name, rtype);
        let mut stream = TcpStream::connect(dns.addr()).await.unwrap();
        stream
            .write_u16(packet.len().try_into().unwrap())
            .await
            .unwrap();
        stream.write_all(&packet).await.unwrap();
        let mut response = vec![0; stream.read_u16().await.ok()?.into()];
        stream.read_exact(&mut response).await.unwrap();
        Some(Reply::read(response))
    }
}

pub(super) async fn exchange(addr: SocketAddr, packet: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(packet, addr).await.unwrap();
    let mut buffer = vec![0; 65_535];
    let received = socket.recv_from(&mut buffer);
    let (length, _) = tokio::time::timeout(Duration::from_secs(5), received)
        .await
        .ok()?
        .unwrap();
    buffer.truncate(length);
    Some(buffer)
}

/// What a client makes of a response.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) packet: Vec<u8>,
    pub(super) rcode: Rcode,
    pub(super) authentic: bool,
    pub(super) truncated: bool,
    pub(super) reason: Option<ExtendedErrorCode>,
    /// `owner TYPE`, and for what is not TLSA, `owner TYPE data`.
    pub(super) answer: Vec<String>,
    pub(super) authority: Vec<Rtype>,
    pub(super) tlsa: Vec<Vec<u8>>,
}

impl Reply {
    pub(super) fn read(packet: Vec<u8>) -> Self {
        let message = Message::from_slice(&packet).unwrap();
        let mut answer = Vec::new();
        let mut tlsa = Vec::new();
        for record in message.answer().unwrap().flatten() {
            let owner = record.owner().fmt_with_dot().to_string();
            let rtype = record.rtype();
            if rtype == Rtype::TLSA {
                let rdata = record
                    .to_record::<domain::base::UnknownRecordData<_>>()
                    .unwrap()
                    .unwrap();
                tlsa.push(rdata.data().data().to_vec());
                answer.push(format!("{owner} TLSA"));
            } else if rtype == Rtype::RRSIG {
                answer.push(format!("{owner} RRSIG"));
            } else {
                let record = record.to_record::<AllRecordData<_, _>>().unwrap().unwrap();
                answer.push(format!("{owner} {rtype} {}", record.data()));
            }
        }
        let authority = message.authority().unwrap().flatten();
        let authority = authority.map(|record| record.rtype()).collect();
        let opt = message.opt();
        let reason = opt.as_ref().and_then(|opt| {
            let error = opt.opt().first::<ExtendedError<_>>()?;
            Some(error.code())
        });
        Self {
            rcode: message.header().rcode(),
            authentic: message.header().ad(),
            truncated: message.header().tc(),
            reason,
            answer,
            authority,
            tlsa,
            packet: packet.clone(),
        }
    }

    /// The DNSSEC status, as a client of a validating resolver sees it.
    pub(super) fn status(&self) -> &'static str {
        match (self.rcode, self.authentic) {
            (Rcode::SERVFAIL, _) => "bogus",
            (_, true) => "secure",
            (_, false) => "insecure",
        }
    }
}
