//! The faults: their names, how each begins and how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wab_marked::WORD;

use crate::processes::{Emulator, crash};
use crate::proxy::Behaviour;
use crate::service::Service;
use crate::world::World;

/// Longer than the functions wait for a call and all its retries.
const BEYOND_EVERY_TIMEOUT: Duration = Duration::from_secs(6);
/// From well below the functions' attempt timeout to slightly above it.
const SLOW: std::ops::Range<Duration> = Duration::from_millis(200)..Duration::from_millis(1_200);
/// Limits how often `fanout` is killed, so that it makes progress.
const MAX_FANOUT_KILLS: usize = 20;
const PAUSE: Duration = Duration::from_secs(2);
const BETWEEN_PAUSES: Duration = Duration::from_millis(2_500);
const MAX_PAUSES: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// No fault, for comparison
    None,
    /// DynamoDB answers with errors or closes connections
    TableRefuses,
    /// DynamoDB takes 0.2 to 1.2 s to answer
    TableSlow,
    /// DynamoDB executes calls but answers after every timeout
    TableAnswersLate,
    /// SNS answers with errors or closes connections
    SnsRefuses,
    /// SNS fails some entries of each batch
    SnsFailsEntries,
    /// S3 answers with errors or closes connections
    S3Refuses,
    /// SQS answers with errors or closes connections
    SpillRefuses,
    /// DynamoDB and SQS both answer with errors or close connections
    TableAndSpillRefuse,
    /// Processes of mo and dlr are killed at random times
    FunctionKilled,
    /// The process of fanout is killed while it publishes
    FanoutKilled,
    /// The gateway's credentials are rotated: first old and new are valid, then only the new
    CredentialsRotated,
    /// The emulator is paused for 2 s at a time
    EmulatorPaused,
}

impl Fault {
    /// The fault's name in the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::TableRefuses => "table refuses",
            Self::TableSlow => "table slow",
            Self::TableAnswersLate => "table answers after its time limit, although it stored",
            Self::SnsRefuses => "SNS refuses",
            Self::SnsFailsEntries => "SNS fails single entries",
            Self::S3Refuses => "S3 refuses",
            Self::SpillRefuses => "spill refuses",
            Self::TableAndSpillRefuse => "table and spill both refuse",
            Self::FunctionKilled => "function process killed",
            Self::FanoutKilled => "fan-out killed mid-batch",
            Self::CredentialsRotated => "credentials rotated mid-load",
            Self::EmulatorPaused => "emulator paused",
        }
    }

    /// Whether every load meets the fault. The bucket is called only for large bodies, and the spill queue only when the
    /// table fails.
    pub(crate) fn must_hit(self) -> bool {
        !matches!(self, Self::None | Self::S3Refuses | Self::SpillRefuses)
    }

    fn behaviours(self, world: &World) -> Vec<(Service, Behaviour)> {
        use Service::{Dynamodb, S3, Sns, Sqs};
        match self {
            Self::TableRefuses => vec![(Dynamodb, Behaviour::Reject)],
            Self::TableSlow => vec![(Dynamodb, Behaviour::Slow(SLOW))],
            Self::TableAnswersLate => vec![(Dynamodb, Behaviour::AnswerLate(BEYOND_EVERY_TIMEOUT))],
            Self::SnsRefuses => vec![(Sns, Behaviour::Reject)],
            Self::SnsFailsEntries => vec![(Sns, Behaviour::FailEntries)],
            Self::S3Refuses => vec![(S3, Behaviour::Reject)],
            Self::SpillRefuses => vec![(Sqs, Behaviour::Reject)],
            Self::TableAndSpillRefuse => vec![(Dynamodb, Behaviour::Reject), (Sqs, Behaviour::Reject)],
            Self::FanoutKilled => vec![(Sns, Behaviour::Strike(kill_fanout(world)))],
            Self::None | Self::FunctionKilled | Self::CredentialsRotated | Self::EmulatorPaused => Vec::new(),
        }
    }

    pub(crate) async fn begin(self, world: &World, seed: u64) -> anyhow::Result<Injection> {
        for (service, behaviour) in self.behaviours(world) {
            world.proxy(service)?.set(behaviour);
        }
        let (stop, stopped) = watch::channel(false);
        let doing = match self {
            Self::FunctionKilled => {
                let doomed = [world.stack.file.mo_function.clone(), world.stack.file.dlr_function.clone()];
                Some(tokio::spawn(kill_functions(world.emulator, doomed, fastrand::Rng::with_seed(seed), stopped)))
            }
            Self::EmulatorPaused => Some(tokio::spawn(pause(world.emulator, stopped))),
            _ => None,
        };
        let rotation = match self {
            Self::CredentialsRotated => Some(Rotation::begin(world, seed).await?),
            _ => None,
        };
        Ok(Injection { stop, doing, rotation })
    }
}

/// A fault in progress.
#[derive(Debug)]
pub(crate) struct Injection {
    stop: watch::Sender<bool>,
    doing: Option<JoinHandle<anyhow::Result<usize>>>,
    rotation: Option<Rotation>,
}

impl Injection {
    /// Ends the fault, and returns the number of hits.
    pub(crate) async fn end(self, world: &World) -> anyhow::Result<usize> {
        let mut hits = 0;
        for proxy in world.proxies.values() {
            proxy.set(Behaviour::None);
            hits += proxy.take_hits();
        }
        let _ = self.stop.send(true);
        if let Some(doing) = self.doing {
            hits += doing.await??;
        }
        if let Some(rotation) = self.rotation {
            hits += rotation.end(world).await?;
        }
        Ok(hits)
    }
}

/// Sleeps, and returns whether the fault ended meanwhile.
async fn rest(time: Duration, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::time::timeout(time, stopped.wait_for(|stopped| *stopped)).await.is_ok()
}

async fn kill_functions(
    emulator: Emulator,
    doomed: [String; 2],
    mut random: fastrand::Rng,
    mut stopped: watch::Receiver<bool>,
) -> anyhow::Result<usize> {
    let mut killed = 0;
    loop {
        let functions = emulator.functions(|name| doomed.iter().any(|doomed| doomed == name));
        if random.choice(functions).is_some_and(crash) {
            killed += 1;
        }
        if rest(Duration::from_millis(random.u64(50..400)), &mut stopped).await {
            return Ok(killed);
        }
    }
}

fn kill_fanout(world: &World) -> Arc<dyn Fn() + Send + Sync> {
    let (emulator, fanout) = (world.emulator, world.stack.file.fanout_function.clone());
    let killed = AtomicUsize::new(0);
    Arc::new(move || {
        if killed.fetch_add(1, Ordering::Relaxed) < MAX_FANOUT_KILLS {
            for process in emulator.functions(|name| name == fanout) {
                crash(process);
            }
        }
    })
}

async fn pause(emulator: Emulator, mut stopped: watch::Receiver<bool>) -> anyhow::Result<usize> {
    for pauses in 1..=MAX_PAUSES {
        emulator.pause(PAUSE).await?;
        if pauses == MAX_PAUSES || rest(BETWEEN_PAUSES, &mut stopped).await {
            return Ok(pauses);
        }
    }
    Ok(MAX_PAUSES)
}

/// The environment variable with the verifiers.
const CREDENTIALS: &str = "CALLBACK_CREDENTIALS";

/// A rotation of the gateway's credentials.
#[derive(Debug)]
struct Rotation {
    /// The new verifier.
    new: String,
}

impl Rotation {
    /// Makes the functions accept old and new credentials, and the gateway use the new.
    async fn begin(world: &World, seed: u64) -> anyhow::Result<Self> {
        let user = "gateway-rotated";
        let password = format!("{WORD}-{:032x}", fastrand::Rng::with_seed(seed).u128(..));
        let new = format!("{user}:{}", hex::encode(Sha256::digest(&password)));
        Self::configure(world, |old| format!("{old},{new}")).await?;
        world.gateway.use_credentials(user, &password).await?;
        Ok(Self { new })
    }

    /// Makes the functions accept only the new credentials.
    async fn end(self, world: &World) -> anyhow::Result<usize> {
        Self::configure(world, |_| self.new.clone()).await?;
        Ok(2)
    }

    async fn configure(world: &World, credentials: impl Fn(&str) -> String) -> anyhow::Result<()> {
        for function in [&world.stack.file.mo_function, &world.stack.file.dlr_function] {
            let mut variables = world.stack.variables(function).await?;
            let old = variables.get_mut(CREDENTIALS).with_context(|| format!("{function} has no {CREDENTIALS}"))?;
            *old = credentials(old);
            world.stack.configure(function, variables).await?;
        }
        Ok(())
    }
}
