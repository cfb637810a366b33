//! Tells the program from which commit and with which features it is built, for
//! `--version`, and the linker which functions a check runs.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a build script reads its folder and speaks to cargo"
)]

#[path = "build/commit.rs"]
mod commit;

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from);
    let git = |arguments: &[&str]| git(&root, arguments);
    let info = std::fs::read_to_string(root.join(".cargo_vcs_info.json")).ok();
    let commit = commit::commit(&root, |name| std::env::var(name).ok(), git, info);
    println!("cargo:rustc-env=DANECHECK_BUILT_FROM={}", commit.hash);
    println!("cargo:rustc-env=DANECHECK_BUILT_OF={}", commit.date);
    let features = match std::env::var_os("CARGO_FEATURE_DEMO") {
        Some(_) => "demo",
        None => "none",
    };
    println!("cargo:rustc-env=DANECHECK_BUILT_WITH={features}");
    for name in [
        "DANECHECK_COMMIT",
        "DANECHECK_COMMIT_DATE",
        "SOURCE_DATE_EPOCH",
    ] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    if has_known_linker() {
        println!(
            "cargo:rustc-link-arg-bins=-T{}",
            root.join("build/order.ld").display()
        );
    }
    for file in ["build.rs", "build/commit.rs", "build/order.ld"] {
        println!("cargo:rerun-if-changed={file}");
    }
    // A commit changes the file of its branch, and a checkout changes HEAD.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "packed-refs"].into_iter().chain(branch.as_deref());
    for name in names {
        if let Some(path) = git(&["rev-parse", "--git-path", name.trim()]) {
            let path = root.join(path.trim());
            if path.exists() {
                println!("cargo:rerun-if-changed={}", path.display());
            }
        }
    }
}

/// Whether a program that is shipped is linked by the linker of the Rust toolchain or
/// by that of GNU, which can order functions (docs/speed.md). Others cannot, and a user
/// may have chosen one.
fn has_known_linker() -> bool {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|it| it == value);
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && std::env::var_os("RUSTC_LINKER").is_none()
        && !flags.contains("link")
}

/// What git says in this folder; nothing if it fails or is missing.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let said = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .output()
        .ok()?;
    said.status
        .success()
        .then(|| String::from_utf8(said.stdout).ok())
        .flatten()
}
