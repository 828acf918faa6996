//! The process around a command: working directory, outputs, terminal, and questions to the person in front of it.

use std::io::{self, BufRead, Write};
use std::path::Path;

use anyhow::{Context, ensure};

/// The width of output that isn't a terminal's, and the widest that a terminal's is used.
const MAX_WIDTH: u16 = 160;

/// Where a command runs. Results go to `out`; progress, questions and warnings to `err`.
pub struct Shell<'a> {
    pub directory: &'a Path,
    pub out: Output<'a>,
    pub err: &'a mut dyn Write,
    /// Answers to questions. None if nobody is there to answer.
    pub answers: Option<&'a mut dyn BufRead>,
    /// The width of the terminal that shows `out`. None if `out` is a file or a pipe.
    pub width: Option<u16>,
}

impl Shell<'_> {
    /// The columns that a line may take, if lines are to be cut at all: a pipe gets whole lines.
    pub(crate) fn columns(&self) -> Option<u16> {
        self.width.map(|width| width.min(MAX_WIDTH))
    }

    /// Asks whether to go on. `question` is a sentence without its question mark.
    ///
    /// # Errors
    /// If nobody is there to answer.
    pub(crate) fn confirm(&mut self, question: &str) -> anyhow::Result<bool> {
        let Some(answers) = &mut self.answers else {
            anyhow::bail!("{question}: nobody is there to confirm it; give --yes");
        };
        write!(self.err, "{question}? [y/N] ")?;
        self.err.flush()?;
        let mut answer = String::new();
        answers.read_line(&mut answer).context("cannot read the answer")?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks, and fails unless the answer is yes.
    pub(crate) fn require_confirmation(&mut self, question: &str) -> anyhow::Result<()> {
        ensure!(self.confirm(question)?, "not confirmed: nothing was done");
        Ok(())
    }
}

/// An output whose reader may close it, as `head` does.
///
/// What is written after that is dropped, so that a command still ends with the exit code of what it did.
pub struct Output<'a> {
    out: &'a mut dyn Write,
    is_closed: bool,
}

impl<'a> Output<'a> {
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, is_closed: false }
    }

    /// Whether nobody reads the output any more. For commands that would otherwise go on for ever.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn settle<T>(&mut self, result: io::Result<T>, dropped: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(dropped)
            }
            result => result,
        }
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Ok(bytes.len());
        }
        let result = self.out.write(bytes);
        self.settle(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let result = self.out.flush();
        self.settle(result, ())
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Fails only if the system accepts no handler; then nothing interrupts the work but the system's default.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn closed_output_drops_what_is_written() {
        let mut closed = Closed;
        let mut out = Output::new(&mut closed);
        assert!(!out.is_closed());
        assert!(writeln!(out, "stored").is_ok() && writeln!(out, "again").is_ok() && out.flush().is_ok());
        assert!(out.is_closed());
    }

    fn confirmed(answer: &str) -> bool {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut answers = answer.as_bytes();
        let mut shell = Shell {
            directory: Path::new("."),
            out: Output::new(&mut out),
            err: &mut err,
            answers: Some(&mut answers),
            width: None,
        };
        let confirmed = shell.confirm("Publish 3 events").unwrap();
        assert_eq!(String::from_utf8(err).unwrap(), "Publish 3 events? [y/N] ");
        confirmed
    }

    #[test]
    fn only_yes_confirms() {
        assert!(confirmed("y\n") && confirmed("YES\n") && confirmed(" yes "));
        assert!(!confirmed("\n") && !confirmed("n\n") && !confirmed("") && !confirmed("yesterday\n"));
    }

    #[test]
    fn question_without_a_reader_is_an_error() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut shell =
            Shell { directory: Path::new("."), out: Output::new(&mut out), err: &mut err, answers: None, width: None };
        let error = shell.require_confirmation("Publish 3 events").unwrap_err();
        assert!(error.to_string().contains("--yes"), "{error}");
    }
}
