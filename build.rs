//! Tells the program from which commit and with which features it is built, for
//! `--version`.

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
    for file in ["build.rs", "build/commit.rs"] {
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
