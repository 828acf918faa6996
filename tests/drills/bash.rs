//! A person's terminal: one bash, in which commands of the documentation run one after another.
//!
//! The emulator stands for AWS, so `wab` and the AWS CLI find the stack by its name, with credentials from the environment.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use clap::CommandFactory;
use wab::stack::StackFile;

use crate::document::Document;
use crate::marked::check_printed;
use crate::requests::fresh_id;

#[derive(Debug)]
pub(crate) struct Bash {
    process: Child,
    commands: ChildStdin,
    codes: BufReader<ChildStdout>,
    home: PathBuf,
}

/// What a command printed.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bash {
    /// Opens a terminal in the repository, for the CloudFormation stack `stack` on the emulator of `file`.
    pub(crate) fn open(file: &StackFile, stack: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let home = std::env::temp_dir().join(fresh_id("wab-drill"));
        std::fs::create_dir(&home).unwrap();
        let path = [root.join(".tools/aws/bin"), root.join(".tools/sam/bin")].map(|path| path.display().to_string());
        let mut process = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .current_dir(root)
            .env_clear()
            .env("PATH", [&path[..], &[std::env::var("PATH").unwrap()]].concat().join(":"))
            .env("HOME", &home)
            .env("TERM", "dumb")
            .env("AWS_ENDPOINT_URL", &file.endpoint)
            .env("AWS_ACCESS_KEY_ID", &file.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &file.secret_access_key)
            .env("AWS_PAGER", "")
            .env("NO_PROXY", "localhost,127.0.0.1")
            .env("SAM_CLI_TELEMETRY", "0")
            .env("SAM_CLI_POLL_DELAY", "0.5")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let codes = BufReader::new(process.stdout.take().unwrap());
        let mut bash = Self { process, commands, codes, home };
        bash.define(&definitions());
        bash.define(&format!("STACK={stack} REGION={}", file.region));
        bash
    }

    /// Runs the block "Before you paste" of the runbook, with this stack's name and region.
    pub(crate) fn prepare(&mut self, runbook: &Document) {
        let (_, block) = &runbook.section("Before you paste").blocks()[0];
        let block =
            block.lines().filter(|line| !["STACK=", "REGION=", "wab()"].iter().any(|own| line.starts_with(own)));
        self.define(&block.collect::<Vec<_>>().join("\n"));
    }

    #[track_caller]
    fn define(&mut self, script: &str) {
        let done = self.run(script);
        assert_eq!(done.code, 0, "{done:?}");
    }

    /// Runs a command. Its standard input is empty. `wab` alone must print no value that it masks.
    #[track_caller]
    pub(crate) fn run(&mut self, command: &str) -> Done {
        let [out, err] = ["out", "err"].map(|name| self.home.join(name));
        let redirected = format!(">{} 2>{} </dev/null", out.display(), err.display());
        writeln!(self.commands, "{{ {command}\n}} {redirected}\necho $?").unwrap();
        let mut code = String::new();
        self.codes.read_line(&mut code).unwrap();
        let read = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let code = code.trim().parse().unwrap_or_else(|_| panic!("bash ended: {}", read(&err)));
        let done = Done { code, out: read(&out), err: read(&err) };
        let words: Vec<&str> = command.split_whitespace().collect();
        if words.first() == Some(&"wab") {
            check_printed(&words, &done.out);
            check_printed(&words, &done.err);
        }
        done
    }

    /// Runs a command, which must exit with one of these codes.
    #[track_caller]
    pub(crate) fn exits(&mut self, command: &str, codes: &[i32]) -> Done {
        let done = self.run(command);
        assert!(codes.contains(&done.code), "`{command}` exited with {}:\n{}{}", done.code, done.out, done.err);
        done
    }
}

impl Drop for Bash {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// The binary `wab` of this build.
pub(crate) fn tool() -> PathBuf {
    let binary = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("wab");
    assert!(binary.exists(), "{} isn't built: run `cargo test --workspace`", binary.display());
    binary
}

/// `wab` and `make deploy` as they are here: the binary of this build, and the template and functions of the local stack.
fn definitions() -> String {
    let binary = tool();
    // `make up` keeps its stack's files in a directory of its own, and only stack.json one above.
    let stack = PathBuf::from(std::env::var("WAB_STACK").unwrap());
    let template = ["build", "stack/build"].map(|name| stack.with_file_name(name).join("template.yaml"));
    let template = template.iter().find(|path| path.exists()).unwrap();
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let mut text = String::new();
    let binary = binary.display();
    writeln!(text, "wab() {{ case \"$1 ${{2-}} \" in").unwrap();
    // It would listen until Ctrl-C.
    writeln!(text, "  \"listen \"*) set -- timeout --preserve-status --signal INT 5 {binary} \"$@\" --yes ;;").unwrap();
    for command in asking() {
        writeln!(text, "  \"{command} \"*) set -- {binary} \"$@\" --yes ;;").unwrap();
    }
    writeln!(text, "  *) set -- {binary} \"$@\" ;;\n  esac\n  \"$@\"\n}}").unwrap();
    let deploy = "sam deploy --stack-name \"$STACK\" --capabilities CAPABILITY_IAM --resolve-s3 --no-confirm-changeset \
                  --no-fail-on-empty-changeset --no-progressbar";
    // The AWS CLI 1 calls SQS at its old address, whatever AWS_ENDPOINT_URL says.
    writeln!(text, "aws() {{ command aws $([ \"$1\" = sqs ] && echo --endpoint-url \"$AWS_ENDPOINT_URL\") \"$@\"\n}}")
        .unwrap();
    writeln!(text, "make() {{ [ \"$1\" = deploy ] || return 2\n  local ${{2:+\"$2\"}}").unwrap();
    writeln!(text, "  {deploy} --template-file {} \\", template.display()).unwrap();
    writeln!(text, "    --parameter-overrides $PARAMETERS Architecture={architecture}\n}}").unwrap();
    text
}

/// The commands that ask before they act.
fn asking() -> Vec<String> {
    fn visit(command: &clap::Command, name: &str, found: &mut Vec<String>) {
        if command.get_arguments().any(|argument| argument.get_long() == Some("yes")) {
            found.push(name.to_owned());
        }
        for inner in command.get_subcommands() {
            visit(inner, format!("{name} {}", inner.get_name()).trim_start(), found);
        }
    }
    let mut found = Vec::new();
    visit(&wab::Cli::command(), "", &mut found);
    found
}
