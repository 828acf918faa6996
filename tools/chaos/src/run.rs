//! One fault: the load with the fault in its middle, the wait for what is still to come, and the accounting.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::account::{Figures, Sent, missing};
use crate::fault::Fault;
use crate::gateway::{Answer, Gateway};
use crate::load::{Callback, plan};
use crate::proxy::lock;
use crate::report::Row;
use crate::stack::{Stack, Subscriber};
use crate::{Options, World};

/// How long everything may take to arrive once the fault and the load are over.
pub(crate) const DELIVERY_LIMIT: Duration = Duration::from_secs(60);
/// Nothing takes this long; it bounds a run that is stuck.
const RUN_LIMIT: Duration = Duration::from_secs(1_800);
/// How long the spill queue may take to be empty. A message that was tried in vain comes again after half a minute.
const SPILL_LIMIT: Duration = Duration::from_secs(120);
/// When nothing came for so long, nothing more comes.
const QUIET: Duration = Duration::from_millis(1_200);
const QUIET_LIMIT: Duration = Duration::from_secs(30);

/// Runs one fault.
pub(crate) async fn run(
    world: &World,
    subscriber: &Subscriber,
    fault: Fault,
    options: &Options,
    seed: u64,
) -> anyhow::Result<Row> {
    tokio::time::timeout(RUN_LIMIT, run_unbounded(world, subscriber, fault, options, seed))
        .await
        .context("it takes too long")?
}

async fn run_unbounded(
    world: &World,
    subscriber: &Subscriber,
    fault: Fault,
    options: &Options,
    seed: u64,
) -> anyhow::Result<Row> {
    let started = Instant::now();
    // A fault has the same load whether others ran before it or not.
    let number = Fault::value_variants().iter().position(|other| *other == fault).unwrap_or_default();
    let seed_of_load = fastrand::Rng::with_seed(seed ^ u64::try_from(number)?).u64(..);
    let prefix = format!("c{:08x}-{number}-", fastrand::u32(..));
    let callbacks: Arc<[Callback]> = plan(&prefix, usize::try_from(options.callbacks())?, seed_of_load).into();

    let (progress, under_way) = watch::channel(0);
    let window = (callbacks.len() / 4, callbacks.len() * 3 / 5);
    let posted = async {
        let answers = post(&world.gateway, &callbacks, usize::from(options.concurrency), progress).await;
        (answers, Instant::now())
    };
    let injected = inject(world, fault, window, under_way, seed_of_load);
    let ((answers, load_ended), injected) = tokio::join!(posted, injected);
    let (hits, fault_ended) = injected.context("the fault could not be injected")?;

    let sent = sent(&callbacks, &answers);
    let since = load_ended.max(fault_ended);
    let (figures, delivered) = settle(world, subscriber, &prefix, &sent, since).await?;
    Ok(Row {
        fault,
        hits,
        posted: callbacks.len(),
        accepted: answers.iter().filter(|answer| answer.is_ok()).count(),
        deferred: answers.iter().filter(|answer| answer.deferred).count(),
        malformed: malformed(&callbacks, &answers, |answer| answer.status == Some(400)),
        malformed_accepted: malformed(&callbacks, &answers, Answer::is_ok),
        refused: refused(&callbacks, &answers),
        figures,
        longest: answers.iter().map(|answer| answer.took).max().unwrap_or_default(),
        delivered,
        took: started.elapsed(),
        prefix,
        evidence: sent,
    })
}

/// Posts all callbacks, so many at once, each once. Tells its progress: how many have begun.
async fn post(
    gateway: &Arc<Gateway>,
    callbacks: &Arc<[Callback]>,
    concurrency: usize,
    progress: watch::Sender<usize>,
) -> Vec<Answer> {
    let next = Arc::new(AtomicUsize::new(0));
    let progress = Arc::new(progress);
    let answers = Arc::new(Mutex::new(BTreeMap::new()));
    let mut posting = JoinSet::new();
    for _ in 0..concurrency {
        let (gateway, callbacks, next) = (Arc::clone(gateway), Arc::clone(callbacks), Arc::clone(&next));
        let (progress, answers) = (Arc::clone(&progress), Arc::clone(&answers));
        posting.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(callback) = callbacks.get(number) else { return };
                progress.send_modify(|begun| *begun = number.max(*begun));
                let answer = gateway.post(callback).await;
                lock(&answers).insert(number, answer);
            }
        });
    }
    // The tasks end with this future, also when it is dropped.
    while posting.join_next().await.is_some() {}
    std::mem::take(&mut *lock(&answers)).into_values().collect()
}

/// Lets the fault happen from one point of the load to another. Returns how often it hit, and when it was over.
async fn inject(
    world: &World,
    fault: Fault,
    (from, to): (usize, usize),
    mut under_way: watch::Receiver<usize>,
    seed: u64,
) -> anyhow::Result<(usize, Instant)> {
    // The load's end ends the wait too.
    let _ = under_way.wait_for(|begun| *begun >= from).await;
    let injection = fault.begin(world, seed).await?;
    let _ = under_way.wait_for(|begun| *begun >= to).await;
    let hits = injection.end(world).await?;
    Ok((hits, Instant::now()))
}

/// Waits until everything has arrived, at most [`DELIVERY_LIMIT`], and a little longer for what comes twice. Returns the
/// figures, and after how long the last of what was awaited was there.
async fn settle(
    world: &World,
    subscriber: &Subscriber,
    prefix: &str,
    sent: &[Sent],
    since: Instant,
) -> anyhow::Result<(Figures, Option<Duration>)> {
    while missing(sent, &subscriber.arrivals(prefix)) > 0 && since.elapsed() < DELIVERY_LIMIT {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // What was stored and not answered 200 is published as well.
    let delivered = loop {
        let at = since.elapsed();
        let items = world.stack.items(prefix).await?;
        let figures = Figures::of(sent, &items, &subscriber.arrivals(prefix));
        if figures.lost == 0 && figures.unpublished == 0 {
            break Some(at);
        }
        if at > DELIVERY_LIMIT {
            break None;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let quiet_by = Instant::now() + QUIET_LIMIT;
    let mut seen = None;
    while seen != Some(subscriber.count(prefix)) && Instant::now() < quiet_by {
        seen = Some(subscriber.count(prefix));
        tokio::time::sleep(QUIET).await;
    }
    let items = world.stack.items(prefix).await?;
    Ok((Figures::of(sent, &items, &subscriber.arrivals(prefix)), delivered))
}

/// Waits until the spill queue is empty, and takes the figures of all faults again: what waited there was put into the
/// table by then, once more if it had got there before. Returns how many still wait.
pub(crate) async fn audit(stack: &Stack, subscriber: &Subscriber, rows: &mut [Row]) -> anyhow::Result<usize> {
    let give_up = Instant::now() + SPILL_LIMIT;
    let mut spilled = stack.spilled().await?;
    while spilled > 0 && Instant::now() < give_up {
        tokio::time::sleep(Duration::from_millis(500)).await;
        spilled = stack.spilled().await?;
    }
    // The last of it has been put; were it an event, it would be published in a moment.
    tokio::time::sleep(2 * QUIET).await;
    for row in rows {
        let items = stack.items(&row.prefix).await?;
        row.figures = Figures::of(&row.evidence, &items, &subscriber.arrivals(&row.prefix));
    }
    Ok(spilled)
}

/// The callbacks that name an event, with their answers.
fn sent(callbacks: &[Callback], answers: &[Answer]) -> Vec<Sent> {
    let named = callbacks.iter().zip(answers).filter_map(|(callback, answer)| {
        let named = callback.event.clone()?;
        Some(Sent { key: named.key, digest: named.digest, marker: named.marker, accepted: answer.is_ok() })
    });
    named.collect()
}

fn malformed(callbacks: &[Callback], answers: &[Answer], which: impl Fn(Answer) -> bool) -> usize {
    callbacks.iter().zip(answers).filter(|(callback, answer)| callback.event.is_none() && which(**answer)).count()
}

/// What was answered neither 200 nor, being malformed, 400: how often which status.
fn refused(callbacks: &[Callback], answers: &[Answer]) -> BTreeMap<Option<u16>, usize> {
    let mut refused = BTreeMap::new();
    for (callback, answer) in callbacks.iter().zip(answers) {
        let expected = callback.event.is_none() && answer.status == Some(400);
        if !answer.is_ok() && !expected {
            *refused.entry(answer.status).or_default() += 1;
        }
    }
    refused
}
