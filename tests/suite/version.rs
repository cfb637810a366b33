//! `--version`: the commit, its day and the features, from git or from the
//! environment of a package build.

#[path = "../../build/commit.rs"]
mod commit;

use std::path::Path;
use std::process::Command;

use crate::support::program::run_with;
use commit::{Commit, commit};
use danecheck::observe::Dial;
use danecheck_core::report::ExitStatus;

fn by(variables: &[(&str, &str)], top: Option<&str>, info: Option<&str>) -> Commit {
    let variable = |name: &str| {
        let mut found = variables.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| (*value).to_owned())
    };
    let git = |arguments: &[&str]| match arguments {
        ["rev-parse", ..] => Some(format!("{}\n", top?)),
        _ => Some("0123456789abcdef0123456789abcdef01234567 1795917603\n".to_owned()),
    };
    commit(Path::new("/src"), variable, git, info.map(str::to_owned))
}

#[test]
fn the_commit_is_that_of_the_environment_of_git_or_unknown() {
    let packaged = [("DANECHECK_COMMIT", "fedcba9876543210")];
    let dated = [packaged[0], ("SOURCE_DATE_EPOCH", "0")];
    let named = [dated[0], dated[1], ("DANECHECK_COMMIT_DATE", "2026-11-28")];
    let info = Some("{\"git\":{\"sha1\":\"aaaabbbbccccdddd\"},\"path_in_vcs\":\"\"}");
    for (found, hash, date) in [
        (by(&packaged, Some("/src"), info), "fedcba987654", "unknown"),
        (by(&dated, None, None), "fedcba987654", "1970-01-01"),
        (by(&named, None, None), "fedcba987654", "2026-11-28"),
        (by(&[], Some("/src"), None), "0123456789ab", "2026-11-29"),
        // The git folder around it is another's.
        (by(&[], Some("/"), None), "unknown", "unknown"),
        (by(&[], None, info), "aaaabbbbcccc", "unknown"),
        (by(&[], None, None), "unknown", "unknown"),
    ] {
        assert_eq!((found.hash.as_str(), found.date.as_str()), (hash, date));
    }
}

#[tokio::test]
async fn the_version_names_commit_day_and_features() {
    let ran = run_with(&["--version"], b"", Dial::default()).await;
    assert_eq!(ran.status, ExitStatus::Fine);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let version = concat!("danecheck ", env!("CARGO_PKG_VERSION"));
    let built = concat!(
        "commit ",
        env!("DANECHECK_BUILT_FROM"),
        " of ",
        env!("DANECHECK_BUILT_OF")
    );
    assert_eq!(lines, [version, built, "features: demo"]);
    let short = run_with(&["-V"], b"", Dial::default()).await;
    assert_eq!(short.stdout.trim_end(), version);
    // It is a commit of this folder; perhaps not the last one, which may be newer
    // than the build.
    let git = |arguments: &[&str]| -> Option<String> {
        let root = env!("CARGO_MANIFEST_DIR");
        let said = Command::new("git")
            .args(["-C", root])
            .args(arguments)
            .output();
        let said = said.ok().filter(|said| said.status.success())?;
        Some(String::from_utf8(said.stdout).unwrap().trim().to_owned())
    };
    let is_ours = git(&["rev-parse", "--show-toplevel"])
        .is_some_and(|top| Path::new(&top) == Path::new(env!("CARGO_MANIFEST_DIR")));
    if is_ours && std::env::var_os("DANECHECK_COMMIT").is_none() {
        let hash = concat!(env!("DANECHECK_BUILT_FROM"), "^{commit}");
        let date = git(&[
            "show",
            "--no-patch",
            "--no-show-signature",
            "--format=%ct",
            hash,
        ]);
        assert!(date.is_some(), "{hash}");
    }
}
