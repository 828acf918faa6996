//! Faults of a local stack: to see that nothing is lost. Each is a change that a person could make on AWS, and its end
//! restores what the stack was deployed with. `make chaos` has more faults, and counts what arrives.

use std::collections::HashMap;
use std::sync::PoisonError;

use anyhow::Context;
use aws_sdk_lambda::types::Environment;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::aws::Unavailable;
use crate::stack::Stack;

/// Stands in for a name or an address so that nothing is found.
const MISSING: &str = "missing";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

#[derive(Debug)]
pub(super) struct Faults {
    lambda: aws_sdk_lambda::Client,
    /// The functions by their short names.
    functions: HashMap<&'static str, String>,
    /// The faults that are on. Locked while one is switched.
    on: Mutex<Vec<Fault>>,
    /// The settings that faults have replaced, by function.
    deployed: std::sync::Mutex<HashMap<String, HashMap<String, String>>>,
}

impl Faults {
    pub(super) fn new(stack: &Stack) -> Self {
        let resources = &stack.resources;
        let functions = [
            ("mo", Some(&resources.mo_function)),
            ("dlr", Some(&resources.dlr_function)),
            ("fanout", Some(&resources.fanout_function)),
            ("recover", resources.recover_function.as_ref()),
        ];
        Self {
            lambda: aws_sdk_lambda::Client::new(&stack.sdk),
            functions: functions.into_iter().filter_map(|(name, function)| Some((name, function?.clone()))).collect(),
            on: Mutex::default(),
            deployed: std::sync::Mutex::default(),
        }
    }

    pub(super) fn about(&self) -> Vec<About> {
        FAULTS.map(Fault::about).into()
    }

    pub(super) async fn states(&self) -> anyhow::Result<Vec<State>> {
        let on = self.on.lock().await;
        Ok(FAULTS.map(|fault| State { name: fault.name(), on: on.contains(&fault) }).into())
    }

    /// Begins or ends a fault.
    pub(super) async fn set(&self, name: &str, wanted: bool) -> anyhow::Result<()> {
        let fault = FAULTS.into_iter().find(|fault| fault.name() == name).context("there is no such fault")?;
        let mut on = self.on.lock().await;
        let before = on.clone();
        on.retain(|other| *other != fault);
        if wanted {
            on.push(fault);
        }
        if *on != before {
            self.apply(&on, fault).await?;
        }
        Ok(())
    }

    /// Ends every fault. What can't be ended ends with the stack.
    pub(super) async fn end_all(&self) {
        for fault in FAULTS {
            let _ = self.set(fault.name(), false).await;
        }
    }

    /// Brings what `fault` concerns into line with the faults that are on.
    async fn apply(&self, on: &[Fault], fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Stream => self.read_stream(!on.contains(&Fault::Stream)).await?,
            Fault::Callbacks => self.allow_callbacks(!on.contains(&Fault::Callbacks)).await?,
            Fault::Table | Fault::TableAndSpill | Fault::Topics => {
                for (name, _) in fault.settings() {
                    self.configure(name, on).await?;
                }
            }
        }
        Ok(())
    }

    fn function(&self, name: &str) -> anyhow::Result<&str> {
        self.functions.get(name).map(String::as_str).with_context(|| format!("the stack has no function {name}"))
    }

    async fn read_stream(&self, enabled: bool) -> anyhow::Result<()> {
        let fanout = self.function("fanout")?;
        let listed = self.lambda.list_event_source_mappings().function_name(fanout).send().await;
        let listed = listed.map_err(Unavailable::new("cannot read the event source mappings"))?;
        for uuid in listed.event_source_mappings().iter().filter_map(|mapping| mapping.uuid()) {
            let update = self.lambda.update_event_source_mapping().uuid(uuid).enabled(enabled);
            update.send().await.map_err(Unavailable::new("cannot change the event source mapping"))?;
        }
        Ok(())
    }

    async fn allow_callbacks(&self, allowed: bool) -> anyhow::Result<()> {
        for name in ["mo", "dlr"] {
            let function = self.function(name)?;
            if allowed {
                let delete = self.lambda.delete_function_concurrency().function_name(function);
                delete.send().await.map_err(Unavailable::new("cannot change a function's concurrency"))?;
            } else {
                let put = self.lambda.put_function_concurrency().function_name(function);
                let put = put.reserved_concurrent_executions(0).send().await;
                put.map_err(Unavailable::new("cannot change a function's concurrency"))?;
            }
        }
        Ok(())
    }

    /// Gives a function the settings that it was deployed with, but for those that faults replace.
    async fn configure(&self, name: &str, on: &[Fault]) -> anyhow::Result<()> {
        let function = self.function(name)?;
        let known = self.deployed.lock().unwrap_or_else(PoisonError::into_inner).get(function).cloned();
        let deployed = match known {
            Some(deployed) => deployed,
            None => {
                let got = self.lambda.get_function_configuration().function_name(function).send().await;
                let got = got.map_err(Unavailable::new("cannot read a function's configuration"))?;
                let settings = got.environment.and_then(|environment| environment.variables).unwrap_or_default();
                let mut deployed = self.deployed.lock().unwrap_or_else(PoisonError::into_inner);
                deployed.insert(function.to_owned(), settings.clone());
                settings
            }
        };
        let environment = Environment::builder().set_variables(Some(settings(&deployed, name, on))).build();
        let update = self.lambda.update_function_configuration().function_name(function).environment(environment);
        update.send().await.map_err(Unavailable::new("cannot change a function's configuration"))?;
        Ok(())
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
