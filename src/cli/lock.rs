//! Files that only one run at a time may write to. The system keeps each lock
//! (`flock(2)`) and removes it when the process ends, however it ends.

use std::fs::File;
use std::path::Path;

use super::stop::Stop;

/// Locks `file` for one run, as long as it is open. A file that is not a
/// regular one is shared, and on a file system without locks there is no lock.
pub(super) fn lock(file: &File, path: &Path) -> Result<(), Stop> {
    if is_held(file, Kind::Alone) {
        return Err(Stop::Sentence(format!(
            "{}: another danecheck writes to it, or another program holds a lock on it: wait until \
             it has ended",
            path.display()
        )));
    }
    Ok(())
}

/// The same for reports on standard output: any number of runs may append to
/// one file, but not while another run resumes it (`--resume`).
pub(super) fn lock_output(file: &File) -> Result<(), Stop> {
    if is_held(file, Kind::Together) {
        return Err(Stop::Sentence(
            "standard output goes to a file that another danecheck resumes (--resume): wait until \
             it has ended"
                .to_owned(),
        ));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Kind {
    Alone,
    Together,
}

/// Takes the lock, or says that another process has it.
#[cfg(unix)]
fn is_held(file: &File, kind: Kind) -> bool {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;
    if !file.metadata().is_ok_and(|it| it.is_file()) {
        return false;
    }
    let operation = match kind {
        Kind::Alone => FlockOperation::NonBlockingLockExclusive,
        Kind::Together => FlockOperation::NonBlockingLockShared,
    };
    loop {
        match flock(file, operation) {
            Err(Errno::INTR) => {}
            result => return result == Err(Errno::WOULDBLOCK),
        }
    }
}

#[cfg(not(unix))]
fn is_held(_: &File, _: Kind) -> bool {
    false
}

/// Whether both are the same file, and a regular one.
#[cfg(unix)]
pub(super) fn is_same(one: &File, other: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(one), Ok(other)) = (one.metadata(), other.metadata()) else {
        return false;
    };
    one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
pub(super) fn is_same(_: &File, _: &File) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn one_run_alone_or_several_that_append() {
        let path = std::env::temp_dir().join(format!("danecheck-lock-{}", std::process::id()));
        let open = || {
            let mut options = File::options();
            options.create(true).append(true).open(&path).unwrap()
        };
        let (first, second, third) = (open(), open(), open());
        lock(&first, &path).unwrap();
        assert!(lock(&second, &path).is_err());
        assert!(lock_output(&second).is_err());
        assert!(is_same(&first, &second));
        drop(first);
        lock_output(&second).unwrap();
        lock_output(&third).unwrap();
        assert!(lock(&open(), &path).is_err());
        drop((second, third));
        lock(&open(), &path).unwrap();
        std::fs::remove_file(&path).unwrap();
        // Everyone may use what is not a regular file.
        let null = || File::options().write(true).open("/dev/null").unwrap();
        let (one, other) = (null(), null());
        lock(&one, Path::new("/dev/null")).unwrap();
        lock(&other, Path::new("/dev/null")).unwrap();
        assert!(!is_same(&one, &other));
    }
}
