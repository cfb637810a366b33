//! Why the program ends before its work is done.

/// Why the program ends before its work is done.
#[derive(Debug)]
pub(super) enum Stop {
    /// One sentence for standard error; the status is 3.
    Sentence(String),
    /// The reader of the output has closed it. That is not a fault.
    BrokenPipe,
}
