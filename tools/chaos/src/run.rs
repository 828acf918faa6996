//! One fault: the load with the fault in its middle, the wait for late events, and the accounting.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use clap::ValueEnum;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::account::{Figures, Sent};
use crate::fault::Fault;
use crate::gateway::{Answer, Gateway};
use crate::load::{Callback, plan};
use crate::lock::lock;
use crate::report::{DELIVERY_LIMIT, Row, Searched};
use crate::subscribers::Subscribers;
use crate::world::World;

/// Ends a run that is stuck.
const RUN_LIMIT: Duration = Duration::from_secs(1_800);
/// Time for the spill queue to become empty. A message whose put failed is retried after half a minute.
const SPILL_LIMIT: Duration = Duration::from_secs(120);
/// When nothing arrived for this long, no more deliveries are expected.
const QUIET: Duration = Duration::from_millis(1_200);
const QUIET_LIMIT: Duration = Duration::from_secs(30);

/// The load of one fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) callbacks: u32,
    pub(crate) concurrency: u16,
    pub(crate) seed: u64,
}

pub(crate) async fn run(world: &World, subscribers: &Subscribers, fault: Fault, load: Load) -> anyhow::Result<Row> {
    tokio::time::timeout(RUN_LIMIT, run_unbounded(world, subscribers, fault, load))
        .await
        .context("no result within half an hour")?
}

async fn run_unbounded(world: &World, subscribers: &Subscribers, fault: Fault, load: Load) -> anyhow::Result<Row> {
    let (started, began) = (Instant::now(), SystemTime::now());
    // The load of a fault doesn't depend on which faults ran before.
    let number = Fault::value_variants().iter().position(|other| *other == fault).unwrap_or_default();
    let seed_of_load = fastrand::Rng::with_seed(load.seed ^ u64::try_from(number)?).u64(..);
    let prefix = format!("c{:08x}-{number}-", fastrand::u32(..));
    let callbacks: Arc<[Callback]> = plan(&prefix, usize::try_from(load.callbacks)?, seed_of_load).into();

    let (progress, under_way) = watch::channel(0);
    let window = (callbacks.len() / 4, callbacks.len() * 3 / 5);
    let posted = async {
        let answers = post(&world.gateway, &callbacks, usize::from(load.concurrency), progress).await;
        (answers, Instant::now())
    };
    let injected = inject(world, fault, window, under_way, seed_of_load);
    let ((answers, load_ended), injected) = tokio::join!(posted, injected);
    let (hits, fault_ended) = injected.context("cannot inject the fault")?;

    let sent = sent(&callbacks, &answers);
    let since = load_ended.max(fault_ended);
    let (figures, delivered) = settle(world, subscribers, &prefix, &sent, since).await?;
    let ended = SystemTime::now();
    let log = search_log(world, began).await?;
    Ok(Row {
        fault,
        hits,
        posted: callbacks.len(),
        accepted: answers.iter().filter(|answer| answer.is_ok()).count(),
        deferred: answers.iter().filter(|answer| answer.deferred).count(),
        malformed: malformed(&callbacks, &answers, |answer| answer.status == Some(400)),
        malformed_accepted: malformed(&callbacks, &answers, Answer::is_ok),
        rejected: rejected(&callbacks, &answers),
        figures,
        log,
        leaking_answers: answers.iter().filter(|answer| answer.leaks).count(),
        ended,
        longest: answers.iter().map(|answer| answer.took).max().unwrap_or_default(),
        delivered,
        took: started.elapsed(),
        prefix,
        evidence: sent,
    })
}

/// Posts each callback once, `concurrency` at a time. `progress` receives the number of callbacks begun.
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
    // Dropping this future ends the tasks.
    while posting.join_next().await.is_some() {}
    std::mem::take(&mut *lock(&answers)).into_values().collect()
}

/// Injects the fault from one point of the load to another. Returns the number of hits, and when the fault ended.
async fn inject(
    world: &World,
    fault: Fault,
    (from, to): (usize, usize),
    mut under_way: watch::Receiver<usize>,
    seed: u64,
) -> anyhow::Result<(usize, Instant)> {
    // The end of the load also ends the wait.
    let _ = under_way.wait_for(|begun| *begun >= from).await;
    let injection = fault.begin(world, seed).await?;
    let _ = under_way.wait_for(|begun| *begun >= to).await;
    let hits = injection.end(world).await?;
    Ok((hits, Instant::now()))
}

/// Waits until everything has arrived, at most [`DELIVERY_LIMIT`], and a little longer for repeated deliveries. Returns
/// the figures, and how long the last event took to arrive.
async fn settle(
    world: &World,
    subscribers: &Subscribers,
    prefix: &str,
    sent: &[Sent],
    since: Instant,
) -> anyhow::Result<(Figures, Option<Duration>)> {
    while !subscribers.has_all(prefix, sent) && since.elapsed() < DELIVERY_LIMIT {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // An event that was stored but not answered 200 must be published as well.
    let delivered = loop {
        let at = since.elapsed();
        let items = world.stack.items(prefix).await?;
        let figures = subscribers.figures(prefix, sent, &items);
        if figures.are_complete() {
            break Some(at);
        }
        if at > DELIVERY_LIMIT {
            break None;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let quiet_by = Instant::now() + QUIET_LIMIT;
    let mut seen = None;
    while seen != Some(subscribers.count(prefix)) && Instant::now() < quiet_by {
        seen = Some(subscribers.count(prefix));
        tokio::time::sleep(QUIET).await;
    }
    let items = world.stack.items(prefix).await?;
    Ok((subscribers.figures(prefix, sent, &items), delivered))
}

/// Searches the lines that were logged since `since`.
async fn search_log(world: &World, since: SystemTime) -> anyhow::Result<Searched> {
    let lines = world.stack.log_lines(since).await?;
    let leaking = lines.iter().filter(|line| world.search.find(line).is_some()).count();
    Ok(Searched { lines: lines.len(), leaking })
}

/// Waits until the spill queue is empty, then takes the figures of all faults again: by then `recover` has put every
/// spilled event, also those that were stored before. Returns the number of events still in the spill queue.
pub(crate) async fn audit(world: &World, subscribers: &Subscribers, rows: &mut [Row]) -> anyhow::Result<usize> {
    let stack = &world.stack;
    let give_up = Instant::now() + SPILL_LIMIT;
    let mut spilled = stack.spilled().await?;
    while spilled > 0 && Instant::now() < give_up {
        tokio::time::sleep(Duration::from_millis(500)).await;
        spilled = stack.spilled().await?;
    }
    // Time to publish the last event that was put.
    tokio::time::sleep(2 * QUIET).await;
    for row in &mut *rows {
        let items = stack.items(&row.prefix).await?;
        row.figures = subscribers.figures(&row.prefix, &row.evidence, &items);
    }
    // What was logged since the last fault ended.
    if let Some(last) = rows.last_mut() {
        last.log.leaking += search_log(world, last.ended).await?.leaking;
    }
    Ok(spilled)
}

/// The well-formed callbacks with their answers.
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

/// Counts by status the answers that were neither 200 nor, for a malformed callback, 400.
fn rejected(callbacks: &[Callback], answers: &[Answer]) -> BTreeMap<Option<u16>, usize> {
    let mut rejected = BTreeMap::new();
    for (callback, answer) in callbacks.iter().zip(answers) {
        let expected = callback.event.is_none() && answer.status == Some(400);
        if !answer.is_ok() && !expected {
            *rejected.entry(answer.status).or_default() += 1;
        }
    }
    rejected
}
