//! The faults: what each is called, how it begins, and how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::World;
use crate::processes::{Emulator, crash};
use crate::proxy::Fault as Behaviour;
use crate::refusal::Service;

/// Longer than the functions wait for a call and all its retries.
const PAST_EVERY_LIMIT: Duration = Duration::from_secs(6);
/// From well within what the functions wait for one attempt to somewhat beyond it.
const SLOW: std::ops::Range<Duration> = Duration::from_millis(200)..Duration::from_millis(1_200);
/// How often the fan-out is killed at the most: it must get somewhere between.
const MAX_FANOUT_KILLS: usize = 20;
const PAUSE: Duration = Duration::from_secs(2);
const BETWEEN_PAUSES: Duration = Duration::from_millis(2_500);
const MAX_PAUSES: usize = 5;

/// A fault; its name is that of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// Nothing is injected
    None,
    /// DynamoDB answers errors, or cuts connections
    TableRefuses,
    /// DynamoDB takes 0.2 to 1.2 s
    TableSlow,
    /// DynamoDB does what it is asked and answers after everybody's time limit
    TableAnswersLate,
    /// SNS answers errors, or cuts connections
    SnsRefuses,
    /// SNS takes a part of each batch
    SnsFailsEntries,
    /// S3 answers errors, or cuts connections
    S3Refuses,
    /// SQS answers errors, or cuts connections
    SpillRefuses,
    /// DynamoDB and SQS both do
    TableAndSpillRefuse,
    /// Processes of mo and dlr are killed at random moments
    FunctionKilled,
    /// Fanout's process is killed while it publishes
    FanoutKilled,
    /// The gateway's credentials are replaced: old and new, then new alone
    CredentialsRotated,
    /// The emulator stands still for 2 s at a time
    EmulatorPaused,
}

impl Fault {
    /// What it is called in the table.
    pub(crate) fn words(self) -> &'static str {
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

    /// Whether every load must meet it. What is kept elsewhere is so only when it is large, or the table refuses.
    pub(crate) fn must_hit(self) -> bool {
        !matches!(self, Self::None | Self::S3Refuses | Self::SpillRefuses)
    }

    /// Which services behave how.
    fn behaviours(self, world: &World) -> Vec<(Service, Behaviour)> {
        use Service::{Dynamodb, S3, Sns, Sqs};
        match self {
            Self::TableRefuses => vec![(Dynamodb, Behaviour::Refuse)],
            Self::TableSlow => vec![(Dynamodb, Behaviour::Slow(SLOW))],
            Self::TableAnswersLate => vec![(Dynamodb, Behaviour::AnswerLate(PAST_EVERY_LIMIT))],
            Self::SnsRefuses => vec![(Sns, Behaviour::Refuse)],
            Self::SnsFailsEntries => vec![(Sns, Behaviour::FailEntries)],
            Self::S3Refuses => vec![(S3, Behaviour::Refuse)],
            Self::SpillRefuses => vec![(Sqs, Behaviour::Refuse)],
            Self::TableAndSpillRefuse => vec![(Dynamodb, Behaviour::Refuse), (Sqs, Behaviour::Refuse)],
            Self::FanoutKilled => vec![(Sns, Behaviour::Strike(kill_fanout(world)))],
            Self::None | Self::FunctionKilled | Self::CredentialsRotated | Self::EmulatorPaused => Vec::new(),
        }
    }

    /// Begins.
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

/// A fault that is on.
#[derive(Debug)]
pub(crate) struct Injection {
    stop: watch::Sender<bool>,
    doing: Option<JoinHandle<anyhow::Result<usize>>>,
    rotation: Option<Rotation>,
}

impl Injection {
    /// Ends it. Returns how often it hit.
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

/// Sleeps; tells whether it is over before.
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

/// The variable that holds the verifiers.
const CREDENTIALS: &str = "CALLBACK_CREDENTIALS";

/// A gateway whose credentials are being replaced.
#[derive(Debug)]
struct Rotation {
    new: String,
}

impl Rotation {
    /// The functions take both; the gateway goes over to the new ones.
    async fn begin(world: &World, seed: u64) -> anyhow::Result<Self> {
        let user = "gateway-rotated";
        let password = format!("{:032x}", fastrand::Rng::with_seed(seed).u128(..));
        let verifier = Sha256::digest(&password).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let new = format!("{user}:{verifier}");
        Self::configure(world, |old| format!("{old},{new}")).await?;
        world.gateway.use_credentials(user, &password).await?;
        Ok(Self { new })
    }

    /// The functions take the new ones alone.
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
