//! Faults of a local stack: to see that nothing is lost. Each is a change that a person could make on AWS, and its end
//! restores what the stack was deployed with. `make chaos` has more faults, and counts what arrives.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::aws;
use crate::stack::{Functions, StackFile};

/// Stands in for a name or an address so that nothing is found.
const MISSING: &str = "missing";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Table,
    TableAndSpill,
    Topics,
    Stream,
    Callbacks,
}

const FAULTS: [Fault; 5] = [Fault::Table, Fault::TableAndSpill, Fault::Topics, Fault::Stream, Fault::Callbacks];

#[derive(Debug, Serialize)]
pub(super) struct About {
    name: &'static str,
    title: &'static str,
    about: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct State {
    name: &'static str,
    on: bool,
}

impl Fault {
    fn name(self) -> &'static str {
        self.about().name
    }

    fn about(self) -> About {
        let (name, title, about) = match self {
            Self::Table => (
                "table",
                "The table rejects writes",
                "Callbacks are still answered 200: their events wait in the spill queue, and are stored after the end.",
            ),
            Self::TableAndSpill => (
                "table-and-spill",
                "The table and the spill queue reject writes",
                "Callbacks are answered 503, so the gateway sends them again. Nothing is accepted that isn't kept.",
            ),
            Self::Topics => (
                "topics",
                "The topics reject events",
                "Events are stored and retried. From 10 minutes on they are parked: redrive them after the end.",
            ),
            Self::Stream => (
                "stream",
                "The stream isn't read",
                "Events are stored and wait in the stream. They are published after the end.",
            ),
            Self::Callbacks => (
                "callbacks",
                "The callback functions may not run",
                "Callbacks are answered 503, so the gateway sends them again.",
            ),
        };
        About { name, title, about }
    }

    /// The settings of functions that the fault replaces.
    fn settings(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::Table => &[("mo", &["TABLE_NAME"]), ("dlr", &["TABLE_NAME"]), ("recover", &["TABLE_NAME"])],
            Self::TableAndSpill => {
                &[("mo", &["TABLE_NAME", "SPILL_QUEUE_URL"]), ("dlr", &["TABLE_NAME", "SPILL_QUEUE_URL"])]
            }
            Self::Topics => &[("fanout", &["MO_TOPIC_ARN", "DLR_TOPIC_ARN"])],
            Self::Stream | Self::Callbacks => &[],
        }
    }
}

pub(super) struct Faults {
    /// Where the stack's file is found.
    directory: PathBuf,
    /// Locked while a fault is switched.
    switched: Mutex<Switched>,
}

#[derive(Default)]
struct Switched {
    /// The emulator's process. One that was started again has no faults.
    pid: i32,
    on: Vec<Fault>,
    /// The settings that functions were deployed with, by short name, of those that faults have changed.
    deployed: HashMap<&'static str, HashMap<String, String>>,
}

impl Switched {
    fn follow(&mut self, target: &Target) {
        if self.pid != target.pid {
            *self = Self { pid: target.pid, ..Self::default() };
        }
    }

    fn states(&self) -> Vec<State> {
        FAULTS.map(|fault| State { name: fault.name(), on: self.on.contains(&fault) }).into()
    }
}

impl Faults {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), switched: Mutex::default() }
    }

    pub(super) fn about() -> Vec<About> {
        FAULTS.map(Fault::about).into()
    }

    pub(super) async fn states(&self) -> Vec<State> {
        let mut switched = self.switched.lock().await;
        if let Ok(target) = Target::find(&self.directory) {
            switched.follow(&target);
        }
        switched.states()
    }

    /// Begins or ends a fault. Returns all of them.
    pub(super) async fn set(&self, name: &str, wanted: bool) -> anyhow::Result<Vec<State>> {
        let fault = FAULTS.into_iter().find(|fault| fault.name() == name).context("there is no such fault")?;
        let mut switched = self.switched.lock().await;
        let target = Target::find(&self.directory)?;
        switched.follow(&target);
        if switched.on.contains(&fault) != wanted {
            switched.on.retain(|other| *other != fault);
            switched.on.extend(wanted.then_some(fault));
            target.apply(&mut switched, fault).await?;
        }
        Ok(switched.states())
    }

    /// Ends every fault. What can't be ended ends with the stack.
    pub(super) async fn end_all(&self) {
        for fault in FAULTS {
            let _ = self.set(fault.name(), false).await;
        }
    }
}

/// The functions of the local stack that runs now.
struct Target {
    pid: i32,
    lambda: Functions,
    /// By their short names.
    functions: HashMap<&'static str, String>,
}

impl Target {
    fn find(directory: &Path) -> anyhow::Result<Self> {
        let path = StackFile::find(directory).context("the local stack isn't running")?;
        let file = StackFile::read(&path)?;
        let lambda = Functions::new(&aws::with_time_limits(&file.sdk_config()));
        let functions = [
            ("mo", file.mo_function),
            ("dlr", file.dlr_function),
            ("fanout", file.fanout_function),
            ("recover", file.recover_function),
        ];
        Ok(Self { pid: file.pid, lambda, functions: functions.into() })
    }

    /// Brings what `fault` concerns into line with the faults that are on.
    async fn apply(&self, switched: &mut Switched, fault: Fault) -> anyhow::Result<()> {
        let is_on = switched.on.contains(&fault);
        match fault {
            Fault::Stream => {
                for mapping in self.lambda.mappings(self.function("fanout")?).await? {
                    self.lambda.set_enabled(&mapping, !is_on).await?;
                }
            }
            Fault::Callbacks => {
                for name in ["mo", "dlr"] {
                    self.lambda.set_reserved(self.function(name)?, is_on.then_some(0)).await?;
                }
            }
            Fault::Table | Fault::TableAndSpill | Fault::Topics => {
                for (name, _) in fault.settings() {
                    self.configure(name, switched).await?;
                }
            }
        }
        Ok(())
    }

    fn function(&self, name: &str) -> anyhow::Result<&str> {
        self.functions.get(name).map(String::as_str).with_context(|| format!("the stack has no function {name}"))
    }

    /// Gives a function the settings that it was deployed with, but for those that faults replace.
    async fn configure(&self, name: &'static str, switched: &mut Switched) -> anyhow::Result<()> {
        let function = self.function(name)?;
        let Switched { on, deployed, .. } = switched;
        let deployed = match deployed.entry(name) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let found = self.lambda.configuration(function).await?;
                let found = found.with_context(|| format!("there is no function {name}"))?;
                unknown.insert(found.environment.context("the function's settings can't be read")?)
            }
        };
        Ok(self.lambda.set_environment(function, settings(deployed, name, on)).await?)
    }
}

/// The settings of a function under these faults. An address keeps its host, so that the service itself rejects the call.
fn settings(deployed: &HashMap<String, String>, function: &str, on: &[Fault]) -> HashMap<String, String> {
    let mut settings = deployed.clone();
    let replaced = on.iter().flat_map(|fault| fault.settings()).filter(|(name, _)| *name == function);
    for name in replaced.flat_map(|(_, names)| names.iter()) {
        if let Some(value) = settings.get_mut(*name) {
            *value = format!("{value}-{MISSING}");
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_replace_only_their_settings() {
        let deployed =
            [("TABLE_NAME", "events"), ("SPILL_QUEUE_URL", "http://localhost/1/spill"), ("RETENTION_DAYS", "30")];
        let deployed: HashMap<_, _> =
            deployed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let of = |name: &str, on: &[Fault]| settings(&deployed, "mo", on)[name].clone();
        assert_eq!(settings(&deployed, "mo", &[Fault::Stream, Fault::Topics]), deployed);
        assert_eq!(of("TABLE_NAME", &[Fault::Table]), "events-missing");
        assert_eq!(of("SPILL_QUEUE_URL", &[Fault::Table]), "http://localhost/1/spill");
        assert_eq!(of("SPILL_QUEUE_URL", &[Fault::TableAndSpill]), "http://localhost/1/spill-missing");
        assert_eq!(of("RETENTION_DAYS", &[Fault::TableAndSpill]), "30");
    }

    #[test]
    fn faults_have_names_of_their_own() {
        for fault in FAULTS {
            assert_eq!(FAULTS.iter().filter(|other| other.name() == fault.name()).count(), 1);
        }
    }
}
