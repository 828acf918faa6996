//! Measures the functions: cold and warm, and at Lambda's share of a core.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;

use crate::aws::Aws;
use crate::events;
use crate::figures::{Round, quantile};
use crate::function::Function;
use crate::memory::{AtMemory, CpuShare, usd_per_million};
use crate::subjects::Subject;

/// Warm invocations of a process before the next process has its turn.
const BLOCK: u64 = 50;

pub(crate) type Rounds = BTreeMap<&'static str, Vec<Round>>;

/// Runs all rounds. In each, every function starts once, one after the other. Then they take turns with blocks of warm
/// invocations.
pub(crate) async fn rounds(
    rounds: u64,
    invocations: u64,
    aws: &Aws,
    environment: &[(&str, String)],
    subjects: &[Subject],
) -> anyhow::Result<Rounds> {
    let mut measured = Rounds::new();
    let mut number = 0;
    for turn in 0..rounds {
        let mut running = Vec::new();
        // Each round begins with another function.
        let (head, tail) = subjects.split_at(turn as usize % subjects.len());
        for subject in tail.iter().chain(head) {
            number += 1_000;
            running.push((subject, start(subject, environment, number).await?));
        }
        aws.take_traffic();
        for _ in 0..invocations.div_ceil(BLOCK) {
            for (subject, (function, round)) in &mut running {
                number += 100 * BLOCK;
                warm(aws, subject, function, round, number).await?;
            }
        }
        for (subject, (function, mut round)) in running {
            round.peak_memory_bytes = function.peak_memory_bytes()? as f64;
            let count = round.warm_ms.len() as f64;
            for total in [&mut round.aws_calls, &mut round.aws_bytes, &mut round.log_bytes] {
                *total /= count;
            }
            measured.entry(subject.name).or_default().push(round);
        }
    }
    Ok(measured)
}

async fn start(subject: &Subject, environment: &[(&str, String)], number: u64) -> anyhow::Result<(Function, Round)> {
    let mut function = Function::start(&subject.bootstrap, environment).await?;
    let before = function.cpu()?;
    let first = invoke(subject, &mut function, (subject.event)(number)?).await?;
    let first_cpu_ms = ms(function.cpu()? - before);
    let round = Round { init_ms: ms(function.init), first_ms: ms(first), first_cpu_ms, ..Round::default() };
    Ok((function, round))
}

/// Returns the duration of an invocation, which must succeed: a failure may be fast.
async fn invoke(subject: &Subject, function: &mut Function, event: Bytes) -> anyhow::Result<Duration> {
    let (took, response) = function.invoke(event).await?;
    ensure!(events::is_success(&response), "an invocation of {} failed", subject.name);
    Ok(took)
}

/// Runs one block of warm invocations.
async fn warm(
    aws: &Aws,
    subject: &Subject,
    function: &mut Function,
    round: &mut Round,
    number: u64,
) -> anyhow::Result<()> {
    let events: Vec<Bytes> =
        (0..BLOCK / subject.thinned_by).map(|turn| (subject.event)(number + 100 * turn)).collect::<Result<_, _>>()?;
    let logged = function.log_bytes()?;
    let before = function.cpu()?;
    for event in events {
        round.warm_ms.push(ms(invoke(subject, function, event).await?));
    }
    round.warm_cpu_s += (function.cpu()? - before).as_secs_f64();
    let traffic = aws.take_traffic();
    round.aws_calls += traffic.calls as f64;
    round.aws_bytes += traffic.bytes as f64;
    round.log_bytes += (function.log_bytes()? - logged) as f64;
    Ok(())
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Measures a function at one memory setting.
pub(crate) async fn at_memory(
    subject: &Subject,
    environment: &[(&str, String)],
    memory_mb: u32,
) -> anyhow::Result<AtMemory> {
    const STARTS: u64 = 5;
    const WARM: u64 = 60;
    let share = CpuShare::of(memory_mb)?;
    let (mut first, mut warm) = (Vec::new(), Vec::new());
    for start in 0..STARTS {
        let mut function = Function::start(&subject.bootstrap, environment).await?;
        // Limited only now, because Lambda runs init at full speed.
        share.add(function.pid)?;
        for turn in 0..=WARM {
            let event = (subject.event)(start * 1_000_000 + turn * 100)?;
            let took = invoke(subject, &mut function, event).await?;
            if turn == 0 { &mut first } else { &mut warm }.push(ms(took));
            // Callbacks arrive apart, so each finds its share of the core unused.
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
    let billed_ms = warm.iter().map(|ms| ms.ceil()).sum::<f64>() / warm.len() as f64;
    Ok(AtMemory {
        function: subject.name.to_owned(),
        memory_mb,
        first_ms: quantile(first, 0.5),
        warm_p50_ms: quantile(warm.clone(), 0.5),
        warm_p99_ms: quantile(warm, 0.99),
        billed_ms,
        usd_per_million: usd_per_million(memory_mb, billed_ms),
    })
}
