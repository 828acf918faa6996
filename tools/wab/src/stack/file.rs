//! `stack.json`: what `infra/local/deploy.py` writes about the local stack, and how it is found.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_config::SdkConfig;
use serde::Deserialize;

use crate::aws;

/// Written by `make up`, relative to the repository.
const STACK_FILE: &str = ".local/stack.json";

/// The local stack: its addresses, credentials and resources. Keys that no client reads are left out.
#[derive(Clone, Deserialize)]
pub struct StackFile {
    pub endpoint: String,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub mo_url: String,
    pub dlr_url: String,
    pub username: String,
    pub password: String,
    /// The second of two live pairs of credentials. Present only in a stack that was brought up with both.
    pub second_username: Option<String>,
    pub second_password: Option<String>,
    /// The secret of a callback URL that needs no credentials. Present in such a stack too.
    pub secret_path: Option<String>,
    pub table: String,
    pub bucket: String,
    pub mo_topic_arn: String,
    pub dlr_topic_arn: String,
    /// Empty unless the stack was deployed with `FifoTopics`.
    #[serde(default)]
    pub fifo_topic_arns: Vec<String>,
    pub spill_queue_url: String,
    pub dead_letter_queue_url: String,
    pub mo_function: String,
    pub dlr_function: String,
    pub fanout_function: String,
    pub recover_function: String,
    pub stack_name: String,
    pub api_id: String,
    /// The template's output `Version`.
    pub version: Option<String>,
    /// The emulator's process.
    pub pid: i32,
}

/// Leaves out the credentials.
impl fmt::Debug for StackFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackFile").field("stack_name", &self.stack_name).finish_non_exhaustive()
    }
}

impl StackFile {
    /// Finds the file of the local stack in `directory` or above.
    #[must_use]
    pub fn find(directory: &Path) -> Option<PathBuf> {
        directory.ancestors().map(|directory| directory.join(STACK_FILE)).find(|file| file.is_file())
    }

    /// # Errors
    /// If there is no such file, or it was written by another version.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let read = || anyhow::Ok(serde_json::from_slice(&std::fs::read(path)?)?);
        read().with_context(|| format!("cannot read the local stack's {}: `make up` writes it", path.display()))
    }

    /// AWS clients of this stack with an administrator's rights. Without time limits: the emulator is one process for
    /// all services.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        aws::local(&self.endpoint, &self.region, &self.access_key_id, &self.secret_access_key)
    }
}

/// A complete file, for tests.
#[cfg(test)]
pub(crate) mod example {
    use serde_json::{Value, json};

    use super::*;

    pub(crate) fn json() -> Value {
        json!({
            "endpoint": "http://127.0.0.1:1", "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b",
            "mo_url": "http://x:y@localhost:1/mo", "dlr_url": "http://localhost:1/dlr",
            "username": "local", "password": "p@ss",
            "table": "events", "bucket": "bucket", "mo_topic_arn": "mo", "dlr_topic_arn": "dlr",
            "spill_queue_url": "http://127.0.0.1:1/spill", "dead_letter_queue_url": "http://127.0.0.1:1/dead-letters",
            "mo_function": "Mo", "dlr_function": "Dlr", "fanout_function": "Fanout", "recover_function": "Recover",
            "stack_name": "wab-stack", "api_id": "a1b2", "pid": 2, "log": "emulator.log",
        })
    }

    /// A new directory that holds `stack` as its stack file.
    pub(crate) fn directory(name: &str, stack: &Value) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("wab-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(directory.join(".local")).unwrap();
        std::fs::write(directory.join(STACK_FILE), stack.to_string()).unwrap();
        directory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_file_is_found_above_the_directory() {
        let directory = example::directory("found", &example::json());
        let file = StackFile::find(&directory.join("tools/wab")).unwrap();
        assert_eq!(file, directory.join(STACK_FILE));
        assert_eq!(StackFile::read(&file).unwrap().table, "events");
        std::fs::remove_dir_all(directory).unwrap();
        assert_eq!(StackFile::find(Path::new("/nonexistent")), None);
    }

    #[test]
    fn incomplete_stack_file_is_an_error() {
        let directory = example::directory("incomplete", &serde_json::json!({}));
        let error = StackFile::read(&directory.join(STACK_FILE)).unwrap_err();
        assert!(format!("{error:#}").contains("make up"), "{error:#}");
        std::fs::remove_dir_all(directory).unwrap();
    }
}
