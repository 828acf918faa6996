//! The processes of the emulator and of the functions, which are its children.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The emulator's process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Emulator(Pid);

impl Emulator {
    pub(crate) fn new(pid: i32) -> anyhow::Result<Self> {
        anyhow::ensure!(
            pid > 1 && Path::new(&format!("/proc/{pid}")).exists(),
            "the stack's emulator is not running: bring the stack up with `make up`"
        );
        Ok(Self(Pid::from_raw(pid)))
    }

    /// The processes of the functions whose names satisfy `wanted`.
    pub(crate) fn functions(self, wanted: impl Fn(&str) -> bool) -> Vec<Pid> {
        let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
        let pids = processes.filter_map(|process| process.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|&pid| self.is_function(pid, &wanted)).map(Pid::from_raw).collect()
    }

    fn is_function(self, pid: i32, wanted: impl Fn(&str) -> bool) -> bool {
        let parent = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(|stat| parent(&stat));
        if parent != Some(self.0.as_raw()) {
            return false;
        }
        let executable = std::fs::read_link(format!("/proc/{pid}/exe"));
        if !executable.is_ok_and(|path| path.file_name().is_some_and(|name| name == "bootstrap")) {
            return false;
        }
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        function_name(&environment).is_some_and(wanted)
    }

    /// Stops the process, and resumes it after `time` or when this future is dropped.
    pub(crate) async fn pause(self, time: Duration) -> anyhow::Result<()> {
        kill(self.0, Signal::SIGSTOP).context("cannot pause the emulator")?;
        let _resume = Resume(self.0);
        tokio::time::sleep(time).await;
        Ok(())
    }
}

struct Resume(Pid);

impl Drop for Resume {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

/// Kills a function's process as a crash would, and returns whether it existed.
pub(crate) fn crash(function: Pid) -> bool {
    kill(function, Signal::SIGKILL).is_ok()
}

/// Reads the parent's id from `/proc/PID/stat`: the second field after the name in parentheses, which may contain any
/// character.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn function_name(environment: &[u8]) -> Option<&str> {
    let variables = environment.split(|&byte| byte == 0);
    let name = variables.filter_map(|variable| variable.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME=")).next()?;
    std::str::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parent_follows_the_process_name() {
        assert_eq!(parent("12 (boot) strap) S 7 12 12 0"), Some(7));
        assert_eq!(parent(""), None);
    }

    #[test]
    fn function_is_recognized_by_its_environment() {
        assert_eq!(function_name(b"A=1\0AWS_LAMBDA_FUNCTION_NAME=wab-Mo\0B=2\0"), Some("wab-Mo"));
        assert_eq!(function_name(b"XAWS_LAMBDA_FUNCTION_NAME=wab-Mo\0"), None);
    }

    #[test]
    fn only_children_of_the_emulator_are_functions() {
        let emulator = Emulator::new(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert_eq!(emulator.functions(|_| true), []);
        assert!(Emulator::new(1).is_err());
    }
}
