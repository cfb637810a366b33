//! A run that ends early, by a signal, a kill or a full disk, and is resumed
//! later: each line of the input has exactly one report in the end, and with
//! `--save` exactly one observation.

#![cfg(unix)]
mod ground;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;

use ground::{
    Chance, DOMAINS, Files, Ground, assert_each_has_one, assert_in_step, end, file, give, length,
    lines, reported, signal,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_goes_on() {
    let ground = Ground::new().await;
    let output = file("killed");
    let mut child = ground.run_up_to(100, 200, &output);
    child.kill().unwrap();
    child.wait().unwrap();
    // As where the kill comes in the middle of a line.
    let before = std::fs::read_to_string(&output).unwrap();
    let half = before.lines().next().unwrap().split_at(300).0;
    let mut file = OpenOptions::new().append(true).open(&output).unwrap();
    file.write_all(half.as_bytes()).unwrap();
    let (status, said) = ground.resume(&output);
    // One target is none.
    assert_eq!((status.code(), said.as_str()), (Some(3), ""));
    assert_each_has_one(&ground, &output);
    let after = std::fs::read_to_string(&output).unwrap();
    assert!(after.starts_with(&before));
    // Nothing is left to be done.
    let (status, said) = ground.resume(&output);
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    assert_each_has_one(&ground, &output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_interrupted_says_so_and_goes_on() {
    for (number, name) in [(Signal::INT, "int"), (Signal::TERM, "term")] {
        let ground = Ground::new().await;
        let output = file(name);
        let child = ground.run_up_to(100, DOMAINS, &output);
        signal(&child, number);
        let (status, said) = end(child);
        assert_eq!(status.code(), Some(3), "{said}");
        let done = reported(&output).len();
        let first = format!("danecheck: interrupted: {done} targets have a report, ");
        assert!(said.starts_with(&first), "{said}");
        let numbers: usize = said
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|number| number.parse::<usize>().ok())
            .take(3)
            .sum();
        assert_eq!(numbers, DOMAINS, "{said}");
        assert!(said.contains("--resume FILE"), "{said}");
        ground.resume(&output);
        assert_each_has_one(&ground, &output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let ground = Ground::new().await;
    // Nobody reads what it writes, so it cannot come to an end.
    let mut command = ground.command(&[]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feed = std::thread::spawn(move || while writeln!(stdin, "not a domain").is_ok() {});
    let stdout = child.stdout.take().unwrap();
    let waiting = || rustix::io::ioctl_fionread(&stdout).unwrap();
    let (mut last, mut same) = (0, 0);
    while same < 20_000 {
        let now = waiting();
        // A pipe is full somewhere between 20 and 64 KiB.
        same = if now > 20_000 && now == last {
            same + 1
        } else {
            0
        };
        last = now;
        std::thread::yield_now();
    }
    // Two that come together count as one.
    let status = loop {
        signal(&child, Signal::INT);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::yield_now();
    };
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    feed.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_may_go_to_another_file() {
    let ground = Ground::new().await;
    let (first, second) = (file("first"), file("second"));
    let mut child = ground.run_up_to(50, 120, &first);
    child.kill().unwrap();
    child.wait().unwrap();
    let resume = ["--resume", first.to_str().unwrap()];
    let mut command = ground.command(&resume);
    let child = command
        .stdout(File::create(&second).unwrap())
        .spawn()
        .unwrap();
    give(&child, &ground.targets());
    end(child);
    let mut both = reported(&first);
    both.extend(reported(&second));
    both.sort();
    let mut expected = ground.targets();
    expected.sort();
    assert_eq!(both, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_on_a_full_disk_and_by_kills() {
    const KILLS: usize = 20;
    let ground = Ground::of(600).await;
    let files = Files::new("step");
    let mut chance = Chance::new();
    // What one round writes, so that all of them come to about the whole.
    let step = 600 * 4900 / 25;
    let (mut kills, mut full, mut over) = (0, 0, 0);
    while kills < KILLS {
        let length_before = files.length();
        let room = chance.below(2 * step) + 1;
        let disk = length_before + chance.below(3 * step) + 1;
        let mut child = ground.go_on(&files, Some(disk / 512 + 1));
        let is_killed = loop {
            if files.length() >= length_before + room {
                child.kill().unwrap();
                break true;
            }
            if child.try_wait().unwrap().is_some() {
                break false;
            }
            std::thread::yield_now();
        };
        let (status, said) = end(child);
        if is_killed && status.signal().is_some() {
            kills += 1;
        } else if status.code() == Some(3) && said.contains("cannot be written") {
            let named = ["standard output cannot", "step-saved.jsonl: cannot"];
            assert!(named.iter().any(|name| said.contains(name)), "{said}");
            full += 1;
        } else {
            // All is done: from now on nothing is written, and the kill comes
            // while the files are read.
            assert!(matches!(status.code(), Some(0 | 3)), "{status}: {said}");
            assert_in_step(&ground, &files);
            over += 1;
            if over > 3 {
                break;
            }
            // The end of both once more, as if it had not been written.
            cut(&files.reports, chance.below(10 * step));
            cut(&files.saved, chance.below(10 * step));
        }
    }
    println!("{kills} kills, {full} times a full disk, {over} times to the end");
    assert!(kills > KILLS / 2 && full > 0, "{kills} {full}");
    ground.finish(&files);
    assert_in_step(&ground, &files);
}

/// Takes so many bytes off the end.
fn cut(path: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(length(path).saturating_sub(bytes)).unwrap();
}

/// After a power cut either file may lack what the other has, or have half of
/// it; a version before this one went on behind half a line.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_file_lacks_is_done_again() {
    let ground = Ground::of(40).await;
    let files = Files::new("power");
    ground.finish(&files);
    assert_in_step(&ground, &files);
    let whole = |path: &Path| std::fs::read(path).unwrap();
    let (reports, saved) = (whole(&files.reports), whole(&files.saved));
    let kept = |bytes: &[u8], length: usize| bytes[..length].to_vec();
    let glued = |bytes: &[u8]| {
        let first = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        [&bytes[..first / 2], bytes].concat()
    };
    for (reports, saved, words) in [
        // An observation more than reports, by half a report.
        (
            kept(&reports, reports.len() - 100),
            saved.clone(),
            "saved.jsonl: 1 observations have no report yet",
        ),
        // Reports more than observations, by half an observation.
        (
            reports.clone(),
            kept(&saved, saved.len() - 100),
            "reports.jsonl: 1 reports have no observation",
        ),
        (
            kept(&reports, reports.len() / 3),
            kept(&saved, saved.len() / 2),
            "observations have no report yet",
        ),
        (
            kept(&reports, reports.len() / 2),
            kept(&saved, saved.len() / 3),
            "reports have no observation",
        ),
        // The ends of the lines alone.
        (
            kept(&reports, reports.len() - 1),
            kept(&saved, saved.len() - 1),
            "",
        ),
        (Vec::new(), saved.clone(), "41 observations have no report"),
        (
            reports.clone(),
            Vec::new(),
            "41 reports have no observation",
        ),
        (
            glued(&reports),
            saved.clone(),
            "reports.jsonl: 1 lines are not reports",
        ),
    ] {
        std::fs::write(&files.reports, reports).unwrap();
        std::fs::write(&files.saved, saved).unwrap();
        let said = ground.finish(&files);
        assert!(said.contains(words), "{words}: {said}");
        if words.contains("lines are no") {
            let rest = whole(&files.reports);
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
            std::fs::write(&files.reports, &rest[end + 1..]).unwrap();
        }
        assert_in_step(&ground, &files);
        // And nothing is left to be done.
        assert_eq!(ground.finish(&files), "");
        assert_in_step(&ground, &files);
    }
}

/// Half an observation with a whole one behind it on its line, which cannot be
/// told apart safely: the line is named and stays, and the target of the one
/// behind it is observed again.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_in_the_middle_that_is_torn_is_named_and_made_good() {
    let ground = Ground::of(10).await;
    let files = Files::new("glued");
    ground.finish(&files);
    let saved = std::fs::read_to_string(&files.saved).unwrap();
    let (first, rest) = saved.split_once('\n').unwrap();
    std::fs::write(&files.saved, format!("{}{first}\n{rest}", &first[..500])).unwrap();
    let said = ground.finish(&files);
    assert!(
        said.contains("saved.jsonl: 1 lines are not observations"),
        "{said}"
    );
    assert!(said.contains("1 reports have no observation"), "{said}");
    assert_each_has_one(&ground, &files.reports);
    let saved = std::fs::read_to_string(&files.saved).unwrap();
    let whole = saved.lines().skip(1);
    std::fs::write(
        &files.saved,
        whole.map(|line| format!("{line}\n")).collect::<String>(),
    )
    .unwrap();
    assert_in_step(&ground, &files);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_do_not_write_to_the_same_files() {
    let ground = Ground::new().await;
    let files = Files::new("locked");
    let (reports, saved) = (
        files.reports.to_str().unwrap(),
        files.saved.to_str().unwrap(),
    );
    let other = file("locked-other");
    let run = |options: &[&str], output: &Path| {
        let output = OpenOptions::new()
            .append(true)
            .create(true)
            .open(output)
            .unwrap();
        let child = ground.command(options).stdout(output).spawn().unwrap();
        give(&child, &ground.targets()[..1]);
        child.stdin.as_ref().unwrap().flush().unwrap();
        child
    };
    let resume_and_save = ["--resume", reports, "--save", saved];
    // The first one waits for more targets as long as its input is open.
    for (first, its_output, second, output) in [
        (
            &resume_and_save[..],
            &files.reports,
            &resume_and_save[..],
            &files.reports,
        ),
        (
            &["--resume", reports],
            &files.reports,
            &["--resume", reports],
            &other,
        ),
        (
            &["--save", saved],
            &other,
            &["--save", saved],
            &files.reports,
        ),
        (
            &["--save", saved],
            &files.reports,
            &resume_and_save[2..],
            &other,
        ),
        // A first run was not told what --resume will be told.
        (&[], &files.reports, &["--resume", reports], &files.reports),
        (&["--resume", reports], &files.reports, &[], &files.reports),
    ] {
        File::create(&files.reports).unwrap();
        File::create(&files.saved).unwrap();
        File::create(&other).unwrap();
        let mut one = run(first, its_output);
        while lines(its_output) == 0 {
            assert!(one.try_wait().unwrap().is_none(), "{first:?}");
            std::thread::yield_now();
        }
        let before = (lines(&files.reports), lines(&files.saved));
        let (status, said) = end(run(second, output));
        assert_eq!(status.code(), Some(3), "{second:?}: {said}");
        assert!(said.contains("another danecheck"), "{second:?}: {said}");
        assert_eq!((lines(&files.reports), lines(&files.saved)), before);
        // The lock goes with its process, however that ends.
        one.kill().unwrap();
        one.wait().unwrap();
        let (status, said) = end(run(second, output));
        assert_eq!(status.code(), Some(0), "{second:?}: {said}");
    }
    // Two that only append do not meet.
    let mut one = run(&[], &other);
    let (status, said) = end(run(&[], &other));
    assert_eq!(status.code(), Some(0), "{said}");
    one.kill().unwrap();
    one.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_is_not_for_two_things() {
    let ground = Ground::of(1).await;
    let files = Files::new("same");
    let (reports, saved) = (
        files.reports.to_str().unwrap(),
        files.saved.to_str().unwrap(),
    );
    for options in [
        &["--save", reports][..],
        &["--resume", saved, "--save", saved],
        &["--resume", reports, "--save", reports],
    ] {
        let output = OpenOptions::new()
            .append(true)
            .open(&files.reports)
            .unwrap();
        let (status, said) = end(ground.command(options).stdout(output).spawn().unwrap());
        assert_eq!(status.code(), Some(3), "{options:?}: {said}");
        let why = ["give two files", "give --save another one"];
        assert!(
            why.iter().any(|why| said.contains(why)),
            "{options:?}: {said}"
        );
        assert_eq!(files.length(), 0, "{options:?}");
    }
}
