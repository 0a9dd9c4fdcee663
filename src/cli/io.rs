//! Where a command writes: data to standard output, everything else to standard error.

use std::cell::RefCell;
use std::io::{ErrorKind, IsTerminal, Write};

use super::exit::Failure;

/// The two streams of a command.
pub struct Io {
    out: RefCell<Box<dyn Write>>,
    err: RefCell<Box<dyn Write>>,
    /// Somebody watches standard error: bars can move.
    pub watched: bool,
}

impl Io {
    /// The process's own.
    #[must_use]
    pub fn of_process() -> Io {
        let watched = std::io::stderr().is_terminal();
        Io::new(Box::new(std::io::stdout()), Box::new(std::io::stderr()), watched)
    }

    #[must_use]
    pub fn new(out: Box<dyn Write>, err: Box<dyn Write>, watched: bool) -> Io {
        Io { out: RefCell::new(out), err: RefCell::new(err), watched }
    }

    /// Data, as it is; it goes out at once.
    pub fn data(&self, text: &str) -> Result<(), Failure> {
        let mut out = self.out.borrow_mut();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| {
            if e.kind() == ErrorKind::BrokenPipe {
                Failure::OutputClosed
            } else {
                Failure::Failed(format!("cannot write to standard output: {e}"))
            }
        })
    }

    /// One line of data.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        self.data(&format!("{text}\n"))
    }

    /// One line for whoever watches. If nobody can, that is no reason to fail.
    pub fn note(&self, text: &str) {
        let _ = writeln!(self.err.borrow_mut(), "{text}");
    }
}
