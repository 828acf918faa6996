//! The process around [`wab::Cli`]: arguments, working directory, terminal, outputs and exit code.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use wab::{Cli, Output, Shell, exit_code};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Colours are dropped if the output isn't a terminal, or NO_COLOR is set.
    let (mut out, mut err) = (anstream::stdout().lock(), anstream::stderr());
    // Not locked: a command may read it as a file.
    let mut answers = io::BufReader::new(io::stdin());
    let is_attended = io::stdin().is_terminal() && io::stderr().is_terminal();
    let width = if io::stdout().is_terminal() { terminal_size::terminal_size() } else { None };
    let ended = std::env::current_dir().context("no working directory").and_then(|directory| {
        cli.run(&mut Shell {
            directory: &directory,
            out: Output::new(&mut out),
            err: &mut err,
            answers: is_attended.then_some(&mut answers as &mut dyn BufRead),
            width: width.map(|(width, _)| width.0),
        })
    });
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // If stderr is closed as well, only the exit code is left to report.
            let _ = writeln!(io::stderr().lock(), "wab: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}
