//! One question to a policy service over its socketmap (socketmap_table(5)), as
//! Postfix asks it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use danecheck_core::observation::PolicyServiceSeen;

/// How long the question may take, connection included.
const PATIENCE: Duration = Duration::from_secs(8);

/// The largest answer; Postfix reads 100,000 bytes.
const LARGEST: usize = 10_000;

/// The digits of the length of an answer.
const MOST_DIGITS: usize = 5;

/// Asks for a name that gets no mail: nothing is looked up but that.
pub async fn ask_policy_service(address: SocketAddr, map: &str) -> PolicyServiceSeen {
    let answer = match timeout(PATIENCE, ask(address, map)).await {
        Ok(answered) => answered,
        Err(_) => Err("no answer in time".to_owned()),
    };
    PolicyServiceSeen {
        address: address.to_string(),
        answer,
    }
}

async fn ask(address: SocketAddr, map: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(address).await.map_err(failed)?;
    let question = format!("{map} danecheck.invalid");
    let netstring = format!("{}:{question},", question.len());
    stream
        .write_all(netstring.as_bytes())
        .await
        .map_err(failed)?;
    let mut digits = String::new();
    loop {
        let byte = stream.read_u8().await.map_err(failed)?;
        match char::from(byte) {
            ':' => break,
            digit if digit.is_ascii_digit() && digits.len() < MOST_DIGITS => digits.push(digit),
            _ => return Err("it does not speak socketmap".to_owned()),
        }
    }
    let size: usize = digits.parse().unwrap_or(LARGEST);
    if size >= LARGEST {
        return Err("its answer is too large".to_owned());
    }
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer).await.map_err(failed)?;
    // Whole, to its last mark: what is left unread resets the connection.
    if stream.read_u8().await.map_err(failed)? != b',' {
        return Err("it does not speak socketmap".to_owned());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
