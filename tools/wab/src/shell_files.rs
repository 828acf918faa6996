//! `wab completions` and `wab man`: files for a person's shell, generated from the arguments.

use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell as ShellName;

use crate::Cli;
use crate::shell::Shell;

/// Print the completions of a shell
///
/// Load them in the shell's start-up file, or save them where the shell looks for them.
#[derive(clap::Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: ShellName,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  wab completions bash > ~/.local/share/bash-completion/completions/wab
  wab completions zsh > ~/.zfunc/_wab       (with ~/.zfunc in fpath)
  wab completions fish > ~/.config/fish/completions/wab.fish";

/// Write the manual pages, one for each command
#[derive(clap::Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct ManArgs {
    /// The directory, which is made if it doesn't exist
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

const MAN_EXAMPLES: &str = "\
Examples:
  wab man ~/.local/share/man/man1 && man wab-show";

pub(crate) fn completions(args: &CompletionsArgs, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    clap_complete::generate(args.shell, &mut Cli::command(), "wab", &mut shell.out);
    Ok(0)
}

pub(crate) fn man(args: &ManArgs, shell: &Shell<'_>) -> anyhow::Result<u8> {
    let directory = shell.directory.join(&args.directory);
    let write = || {
        std::fs::create_dir_all(&directory)?;
        clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), &directory)
    };
    write().with_context(|| format!("cannot write the manual pages to {}", args.directory.display()))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::ValueEnum;

    use super::*;
    use crate::shell::Output;

    fn run(work: impl FnOnce(&mut Shell<'_>) -> anyhow::Result<u8>) -> String {
        let mut out = Vec::new();
        let mut shell = Shell {
            directory: Path::new("."),
            out: Output::new(&mut out),
            err: &mut std::io::sink(),
            answers: None,
            width: None,
        };
        assert_eq!(work(&mut shell).unwrap(), 0);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn completions_of_each_shell_know_the_commands() {
        for &name in ShellName::value_variants() {
            let completions = run(|shell| completions(&CompletionsArgs { shell: name }, shell));
            assert!(completions.contains("redrive"), "{name}");
        }
    }

    #[test]
    fn each_command_has_a_manual_page() {
        let directory = std::env::temp_dir().join(format!("wab-man-{}", std::process::id()));
        run(|shell| man(&ManArgs { directory: directory.clone() }, shell));
        for command in Cli::command().get_subcommands() {
            let page = std::fs::read_to_string(directory.join(format!("wab-{}.1", command.get_name()))).unwrap();
            assert!(page.contains(".SH SYNOPSIS"), "{page}");
        }
        std::fs::remove_dir_all(directory).unwrap();
    }
}
