//! Posts many callbacks, as fast as asked, and reports the answers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use wab_events::Kind;
use wab_models::{DlrCallback, MoCallback, utf8};

use super::plan::{Callback, Plan};
use super::post::{Posted, Sender};
use crate::answer::{Answer, Verdict};
use crate::target::Target;

/// Callbacks in progress at once if no rate is asked for.
const UNPACED: usize = 8;

/// The same at any rate. Enough for 16 a second while each answer takes the 4 s that the receiver may need.
const PACED: usize = 64;

#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// One after the other.
    InOrder,
    /// Several at once.
    Unpaced,
    /// Begun in order, this many a second.
    PerSecond(f64),
}

impl Pace {
    fn in_progress(self) -> usize {
        match self {
            Self::InOrder => 1,
            Self::Unpaced => UNPACED,
            Self::PerSecond(_) => PACED,
        }
    }

    /// When the callback with this index is to be posted, from the start of the run.
    fn due(self, index: usize) -> Duration {
        match self {
            Self::InOrder | Self::Unpaced => Duration::ZERO,
            Self::PerSecond(rate) => Duration::try_from_secs_f64(index as f64 / rate).unwrap_or(Duration::MAX),
        }
    }
}

/// What came of a plan.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(super) seed: u64,
    pub(super) planned: usize,
    pub(super) posted: usize,
    pub(super) is_interrupted: bool,
    pub(super) verdict: Verdict,
    pub(super) answers: Vec<Count>,
    /// None if nothing was answered.
    pub(super) latency_ms: Option<Latency>,
    pub(super) seconds: f64,
    /// The rate that was asked for.
    pub(super) rate: Option<f64>,
    /// In the order in which they were posted.
    pub(super) callbacks: Vec<Outcome>,
}

/// How often an answer was given.
#[derive(Debug, Serialize)]
pub(super) struct Count {
    #[serde(flatten)]
    pub(super) answer: Answered,
    pub(super) count: usize,
}

/// What answers are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Answered {
    /// None if there was no answer.
    pub(super) http_status: Option<u16>,
    /// The receiver's outcome or code, or why there is no answer.
    pub(super) outcome: Option<String>,
    /// Whether the body was malformed on purpose.
    pub(super) is_malformed: bool,
    pub(super) verdict: Verdict,
}

#[derive(Debug, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

/// One callback and its answer.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) kind: Kind,
    /// None if the body is malformed.
    pub(super) id: Option<String>,
    /// The message's type or the receipt's status.
    pub(super) name: Option<String>,
    #[serde(flatten)]
    pub(super) answered: Answered,
    pub(super) latency_ms: f64,
}

/// In milliseconds, to a tenth.
pub(super) fn in_ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

/// Posts the callbacks of a plan until all are answered, or `interrupted` ends; then it waits for those in progress.
/// Calls `each` after each answer.
pub(super) async fn post(
    target: &Target,
    plan: Plan,
    pace: Pace,
    interrupted: impl Future<Output = ()>,
    each: impl Fn(),
) -> anyhow::Result<Report> {
    let Plan { seed, callbacks } = plan;
    let planned = callbacks.len();
    let (target, callbacks) = (Arc::new(target.clone()), Arc::new(callbacks));
    let mut interrupted = std::pin::pin!(interrupted);
    let mut is_interrupted = false;
    let mut next = 0;
    let mut senders = Vec::new();
    let mut posts = JoinSet::new();
    let mut outcomes = BTreeMap::new();
    let started = Instant::now();
    while !posts.is_empty() || (next < planned && !is_interrupted) {
        let due = started.checked_add(pace.due(next)).unwrap_or(started);
        tokio::select! {
            biased;
            () = &mut interrupted, if !is_interrupted => is_interrupted = true,
            Some(done) = posts.join_next(), if !posts.is_empty() => {
                let (index, sender, outcome) = done.context("a post ended early")?;
                senders.push(sender);
                outcomes.insert(index, outcome);
                each();
            }
            () = sleep_until(due), if next < planned && !is_interrupted && posts.len() < pace.in_progress() => {
                let (target, callbacks, index) = (Arc::clone(&target), Arc::clone(&callbacks), next);
                // The connection that was used last is the likeliest to be open.
                let sender = senders.pop().unwrap_or_else(|| Sender::new(&target));
                posts.spawn_blocking(move || {
                    let outcome = callbacks.get(index).map(|callback| {
                        let posted = sender.post(&target, callback.kind, &callback.body);
                        Outcome::new(callback, &posted)
                    });
                    (index, sender, outcome)
                });
                next += 1;
            }
        }
    }
    let rate = match pace {
        Pace::PerSecond(rate) => Some(rate),
        Pace::InOrder | Pace::Unpaced => None,
    };
    let callbacks: Vec<Outcome> = outcomes.into_values().flatten().collect();
    Ok(Report {
        seed,
        planned,
        posted: callbacks.len(),
        is_interrupted,
        verdict: callbacks.iter().map(|callback| callback.answered.verdict).max().unwrap_or(Verdict::Accepted),
        answers: counts(&callbacks),
        latency_ms: Latency::of(&callbacks)?,
        seconds: started.elapsed().as_secs_f64(),
        rate,
        callbacks,
    })
}

fn counts(callbacks: &[Outcome]) -> Vec<Count> {
    let mut counts = BTreeMap::<&Answered, usize>::new();
    for callback in callbacks {
        *counts.entry(&callback.answered).or_default() += 1;
    }
    counts.into_iter().map(|(answered, count)| Count { answer: answered.clone(), count }).collect()
}

impl Latency {
    /// Of the callbacks that were answered. None if there is none.
    fn of(callbacks: &[Outcome]) -> anyhow::Result<Option<Self>> {
        // In tenths of a millisecond.
        let mut histogram = Histogram::<u64>::new(3)?;
        for callback in callbacks.iter().filter(|callback| callback.answered.http_status.is_some()) {
            histogram.record((callback.latency_ms * 10.0).round() as u64)?;
        }
        let ms = |tenths: u64| tenths as f64 / 10.0;
        let quantile = |quantile| ms(histogram.value_at_quantile(quantile));
        let max = ms(histogram.max());
        Ok((!histogram.is_empty()).then(|| Self { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), max }))
    }
}

impl Outcome {
    fn new(callback: &Callback, posted: &Posted) -> Self {
        let body = utf8(&callback.body).unwrap_or_default();
        let named = match callback.kind {
            Kind::Mo => MoCallback::parse(body).ok().map(|mo| {
                let name = mo.content.message_type().map(|name| name.into_owned());
                (mo.id.as_str().to_owned(), name)
            }),
            Kind::Dlr => {
                let dlr = DlrCallback::parse(body).ok();
                dlr.map(|dlr| (dlr.id.as_str().to_owned(), Some(dlr.status.as_str().to_owned())))
            }
        };
        let (id, name) = named.unzip();
        let answered = Answered::new(posted.answer.as_ref(), callback.is_malformed);
        Self { kind: callback.kind, id, name: name.flatten(), answered, latency_ms: in_ms(posted.took) }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome.as_deref().unwrap_or("");
        match self.http_status {
            Some(status) => write!(f, "{status} {outcome}"),
            None => write!(f, "no answer: {outcome}"),
        }
    }
}

impl Answered {
    fn new(answer: Result<&Answer, &ureq::Error>, is_malformed: bool) -> Self {
        match answer {
            Ok(answer) => {
                let verdict = match (is_malformed, answer.meaning().0) {
                    (true, Verdict::Accepted) => Verdict::Rejected,
                    (true, _) if answer.status == 400 => Verdict::Accepted,
                    (_, verdict) => verdict,
                };
                Self { http_status: Some(answer.status), outcome: answer.outcome(), is_malformed, verdict }
            }
            Err(error) => {
                Self { http_status: None, outcome: Some(error.to_string()), is_malformed, verdict: Verdict::Retry }
            }
        }
    }
}
