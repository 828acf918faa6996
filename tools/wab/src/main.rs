//! The process around [`wab::Cli`]: arguments, working directory, output and exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use wab::{Cli, exit_code};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let directory = std::env::current_dir().context("no working directory");
    match directory.and_then(|directory| cli.run(&directory, &mut io::stdout().lock(), &mut io::stderr())) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // If stderr is closed as well, only the exit code is left to report.
            let _ = writeln!(io::stderr().lock(), "wab: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}
