//! The file that keeps how far a replay is, so that the same command goes on after Ctrl-C, a crash or an outage.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::replayed::Replayed;

/// What makes two commands the same replay.
#[derive(Serialize)]
pub(crate) struct Identity<'a> {
    pub(crate) table_id: &'a str,
    pub(crate) table_arn: &'a str,
    pub(crate) from: Timestamp,
    /// As given: a command without it is repeated with the time of its first run.
    pub(crate) until: Option<Timestamp>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) types: &'a [String],
    pub(crate) to: Option<&'a str>,
}

/// The content of the file. It has the gateway's message ids of a few events, so only its owner may read it.
#[derive(Debug, Serialize, Deserialize)]
struct Content<R> {
    version: u32,
    until: Timestamp,
    saved_at: Timestamp,
    replayed: R,
}

/// The version of the layout. A file of another version is ignored.
const VERSION: u32 = 1;

pub(crate) struct Saved {
    path: PathBuf,
}

/// A replay that was interrupted.
pub(crate) struct Interrupted {
    pub(crate) until: Timestamp,
    pub(crate) saved_at: Timestamp,
    pub(crate) replayed: Replayed,
}

impl Saved {
    /// The file of a replay, in this directory.
    pub(crate) fn new(directory: &Path, identity: &Identity<'_>) -> anyhow::Result<Self> {
        let digest = Sha256::digest(serde_json::to_vec(identity)?);
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { path: directory.join(format!("replay-{name}.json")) })
    }

    /// The interrupted replay, if there is one.
    pub(crate) fn read(&self) -> Option<Interrupted> {
        let content: Content<Replayed> = serde_json::from_slice(&fs::read(&self.path).ok()?).ok()?;
        let Content { version, until, saved_at, replayed } = content;
        (version == VERSION).then_some(Interrupted { until, saved_at, replayed })
    }

    /// Replaces the file in one step, so that a crash leaves the old one or the new one.
    pub(crate) fn write(&self, until: Timestamp, replayed: &Replayed) -> anyhow::Result<()> {
        let write = || {
            if let Some(directory) = self.path.parent() {
                fs::create_dir_all(directory)?;
            }
            let content = Content { version: VERSION, until, saved_at: Timestamp::now(), replayed };
            let temporary = self.path.with_extension("tmp");
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(&temporary)?.write_all(&serde_json::to_vec(&content)?)?;
            anyhow::Ok(fs::rename(&temporary, &self.path)?)
        };
        write().with_context(|| format!("cannot keep the progress in {}", self.path.display()))
    }

    pub(crate) fn remove(&self) {
        // If it can't be removed, the next run of the command finds nothing left to publish.
        let _ = fs::remove_file(&self.path);
    }
}

/// Where a person's programs keep their state (XDG Base Directory Specification, `XDG_STATE_HOME`).
pub(crate) fn state_directory() -> anyhow::Result<PathBuf> {
    let directory = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = directory("XDG_STATE_HOME").or_else(|| Some(directory("HOME")?.join(".local/state")));
    Ok(state.context("set HOME or XDG_STATE_HOME: the progress is kept there")?.join("wab"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(until: Option<&'static str>) -> Identity<'static> {
        Identity {
            table_id: "t",
            table_arn: "arn",
            from: "2026-11-23T09:00:00Z".parse().unwrap(),
            until: until.map(|until| until.parse().unwrap()),
            kind: Some("mo"),
            types: &[],
            to: None,
        }
    }

    #[test]
    fn progress_is_kept_for_the_same_command() {
        let directory = std::env::temp_dir().join(format!("wab-saved-{}", std::process::id()));
        let saved = Saved::new(&directory, &identity(None)).unwrap();
        assert!(saved.read().is_none());
        let mut replayed = Replayed::default();
        replayed.counts.published = 7;
        let until = "2026-11-23T10:00:00Z".parse().unwrap();
        saved.write(until, &replayed).unwrap();
        let interrupted = Saved::new(&directory, &identity(None)).unwrap().read().unwrap();
        assert_eq!((interrupted.until, interrupted.replayed.counts.published), (until, 7));
        let other = Saved::new(&directory, &identity(Some("2026-11-23T10:00:00Z"))).unwrap();
        assert!(other.read().is_none());
        saved.remove();
        assert!(saved.read().is_none());
        fs::remove_dir_all(directory).unwrap();
    }
}
