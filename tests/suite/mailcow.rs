//! A mailcow as the sender: what its API and its main.cf say counts, and what they do
//! not say is named.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck_core::report::ExitStatus;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, in_order};
use crate::support::mailcow_parts::{MAIN_CF, ROWS};
use crate::support::program::{Ran, report_of, run_on};
use crate::support::{Temporary, now};

const CONTAINERS: &str = r#"{"postfix-mailcow":{"image":"ghcr.io/mailcow/postfix:3.11.1-1"},
    "postfix-tlspol-mailcow":{"image":"ghcr.io/mailcow/postfix-tlspol:1.13.0"}}"#;

/// `example.com`, all in order.
async fn stage() -> RunningStage {
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx1.example.com");
    stage.zone(in_order(&identity));
    stage.server(MX1, MailServer::new(identity));
    stage.start().await.unwrap()
}

/// An API that answers these lists to the right key, with this status.
async fn api(status: &'static str, containers: &'static str, rows: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            let body = match head.split(' ').nth(1).unwrap() {
                _ if !head.contains("x-api-key: good-key") => "[]",
                "/api/v1/get/status/containers" => containers,
                "/api/v1/get/tls-policy-map/all" => rows,
                _ => "{}",
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    format!("http://{address}")
}

struct Folder(std::path::PathBuf);

impl Folder {
    fn with(main_cf: &str, extra_cf: &str) -> Self {
        let key = Temporary::with("folder", "");
        let path = std::path::PathBuf::from(format!("{}.d", key.path()));
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("main.cf"), main_cf).unwrap();
        std::fs::write(path.join("extra.cf"), extra_cf).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn ask(stage: &RunningStage, url: &str, words: &[&str]) -> Ran {
    let key = Temporary::with("key", "good-key\n");
    let options = ["--mailcow-api", url, "--mailcow-key-file", key.path()];
    run_on(stage, &[words, &options].concat(), b"").await
}

#[tokio::test]
async fn its_releases_and_its_own_policies_count() {
    let stage = stage().await;
    let url = api("200 OK", CONTAINERS, ROWS).await;
    let ran = ask(&stage, &url, &["--json", "example.com"]).await;
    assert_eq!(ran.stderr, "");
    let sender = report_of(&ran).sender.unwrap();
    assert_eq!(sender.name, "mailcow");
    assert_eq!(sender.postfix_version.as_deref(), Some("3.11.1"));
    assert_eq!(sender.policy_service.unwrap().version, "1.13.0");
    assert_eq!(sender.policy.source, "mailcow's TLS policies");
    assert_eq!(sender.policy.text, "encrypt");
    // An option comes first.
    let words = ["--json", "--tlspol-version", "1.9", "example.com"];
    let sender = report_of(&ask(&stage, &url, &words).await).sender.unwrap();
    assert_eq!(sender.policy_service.unwrap().version, "1.9");
}

#[tokio::test]
async fn overrides_come_from_the_api_without_a_file() {
    let stage = stage().await;
    let url = api("200 OK", CONTAINERS, ROWS).await;
    let ran = ask(&stage, &url, &["overrides"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (ExitStatus::Warning, ""));
    assert!(ran.stdout.contains("no longer needed"), "{}", ran.stdout);
    let joined: String = ran.stdout.split_whitespace().collect();
    assert!(
        joined.contains("[\"7\"]") && joined.contains("/delete/tls-policy-map"),
        "{joined}"
    );
    let url = api("200 OK", CONTAINERS, "{}").await;
    let ran = ask(&stage, &url, &["overrides"]).await;
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stderr);
}

#[tokio::test]
async fn what_the_api_does_not_give_is_said() {
    let stage = stage().await;
    let denied = r#"{"type":"error","msg":"api access denied for ip 172.22.1.9"}"#;
    for (status, containers, rows, said) in [
        ("401 Unauthorized", denied, denied, "access denied for ip"),
        ("301 Moved Permanently", "", "", "another address"),
        ("200 OK", "<html>", "<html>", "does not know"),
        ("200 OK", "{}", "[{\"id\":1}]", "its own TLS policies"),
    ] {
        let url = api(status, containers, rows).await;
        let ran = ask(&stage, &url, &["--json", "example.com"]).await;
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
        assert!(!ran.stderr.contains("good-key"), "{}", ran.stderr);
        let sender = report_of(&ran).sender.unwrap();
        assert_eq!(sender.policy_service.unwrap().version, "1.8.23");
        // Never an all-clear about rows that nobody saw.
        let ran = ask(&stage, &url, &["overrides"]).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{status}: {}", ran.stdout);
    }
    let ran = run_on(&stage, &["overrides"], b"").await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(ran.stderr.contains("--mailcow-api"), "{}", ran.stderr);
    let ran = run_on(
        &stage,
        &["--mailcow-api", "http://127.0.0.1", "example.com"],
        b"",
    )
    .await;
    assert!(ran.stderr.contains("--mailcow-key-file"), "{}", ran.stderr);
}

#[tokio::test]
async fn its_main_cf_counts() {
    let stage = stage().await;
    let off = "smtp_tls_security_level = may\nsmtp_dns_support_level = enabled\n\
        smtp_tls_policy_maps = proxy:mysql:/opt/postfix/conf/sql/mysql_tls_policy_override_maps.cf\n";
    let switched_off = format!("{MAIN_CF}# User Overrides\n{off}");
    for (main_cf, extra_cf, source, level, complaint) in [
        (MAIN_CF, "", "postfix-tlspol 1.8.23", "dane-only", ""),
        (switched_off.as_str(), off, "main.cf", "may", ""),
        (
            MAIN_CF,
            off,
            "postfix-tlspol 1.8.23",
            "dane-only",
            "restart postfix-mailcow",
        ),
    ] {
        let folder = Folder::with(main_cf, extra_cf);
        let words = ["--json", "--mailcow-postfix", folder.path(), "example.com"];
        let ran = run_on(&stage, &words, b"").await;
        let sender = report_of(&ran).sender.unwrap();
        assert_eq!(
            (sender.policy.source.as_str(), sender.policy.text.as_str()),
            (source, level)
        );
        assert_eq!(
            complaint.is_empty(),
            ran.stderr.is_empty(),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(complaint), "{}", ran.stderr);
    }
    let ran = run_on(&stage, &["--mailcow-postfix", "/none", "example.com"], b"").await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(ran.stderr.contains("/none/main.cf"), "{}", ran.stderr);
}
