//! Evidence from files and standard input.

use std::io::Read as _;
use std::path::Path;

use tokio::io::AsyncBufReadExt as _;

use danecheck_core::evidence::Reading;

use super::environment::Environment;
use super::input::LineBound;
use super::stop::Stop;

/// Bytes of evidence that are read at a time.
const PIECE: usize = 64 * 1024;

/// Reads evidence piece by piece, because it may be larger than the memory.
pub(super) async fn feed(
    reading: &mut Reading,
    path: &Path,
    environment: &mut Environment,
) -> Result<(), Stop> {
    let name = name_of(path);
    let refuse = |error: std::io::Error| Stop::Sentence(format!("{name}: cannot be read: {error}"));
    let mut bound = LineBound::default();
    if path == Path::new("-") {
        loop {
            let piece = environment.stdin.fill_buf().await.map_err(refuse)?;
            if piece.is_empty() {
                return Ok(());
            }
            bound.check(piece).map_err(refuse)?;
            reading.bytes(piece);
            let length = piece.len();
            environment.stdin.consume(length);
        }
    }
    let mut file = std::fs::File::open(path).map_err(refuse)?;
    let mut piece = vec![0; PIECE];
    loop {
        let length = file.read(&mut piece).map_err(refuse)?;
        match piece.get(..length) {
            None | Some([]) => return Ok(()),
            Some(read) => {
                bound.check(read).map_err(refuse)?;
                reading.bytes(read);
            }
        }
    }
}

/// The name of an input in messages.
pub(super) fn name_of(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}
