//! Posts many callbacks, as fast as asked, and reports the answers.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
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
#[derive(Serialize)]
pub(crate) struct Report {
    pub(super) seed: u64,
    pub(super) planned: usize,
    pub(super) posted: usize,
    #[serde(rename = "interrupted")]
    pub(super) is_interrupted: bool,
    pub(super) verdict: Verdict,
    pub(super) answers: Vec<Count>,
    /// None if nothing was answered.
    pub(super) latency_ms: Option<Latency>,
    pub(super) seconds: f64,
    /// The rate that was asked for.
    pub(super) rate: Option<f64>,
    /// The senders of the messages. All are made up, or were given as arguments.
    pub(super) contacts: BTreeSet<String>,
    /// The references of the receipts and replies.
    pub(super) references: BTreeSet<String>,
    /// In the order in which they were posted.
    pub(super) callbacks: Vec<Outcome>,
}

/// How often an answer was given.
#[derive(Serialize)]
pub(super) struct Count {
    #[serde(flatten)]
    pub(super) answer: Answered,
    pub(super) count: usize,
}

/// What answers are counted by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Answered {
    /// None if there was no answer.
    pub(super) http_status: Option<u16>,
    /// The receiver's outcome, or its code of an error.
    pub(super) outcome: Option<String>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// Whether the body was malformed on purpose.
    #[serde(rename = "malformed")]
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
#[derive(Serialize)]
pub(super) struct Outcome {
    pub(super) kind: Kind,
    /// None if the body is malformed.
    pub(super) id: Option<String>,
    /// The message's type or the receipt's status.
    pub(super) name: Option<String>,
    #[serde(skip)]
    contact: Option<String>,
    #[serde(skip)]
    reference: Option<String>,
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
        seconds: in_ms(started.elapsed()) / 1000.0,
        rate,
        contacts: callbacks.iter().filter_map(|callback| callback.contact.clone()).collect(),
        references: callbacks.iter().filter_map(|callback| callback.reference.clone()).collect(),
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
        let mut outcome = Self {
            kind: callback.kind,
            id: None,
            name: None,
            contact: None,
            reference: None,
            answered: Answered::new(posted.answer.as_ref(), callback.is_malformed),
            latency_ms: in_ms(posted.took),
        };
        let body = utf8(&callback.body).unwrap_or_default();
        match callback.kind {
            Kind::Mo => {
                if let Ok(mo) = MoCallback::parse(body) {
                    outcome.id = Some(mo.id.as_str().to_owned());
                    outcome.name = mo.content.message_type().map(Cow::into_owned);
                    outcome.contact = mo.source.map(Cow::into_owned);
                    outcome.reference = mo.reference.map(Cow::into_owned);
                }
            }
            Kind::Dlr => {
                if let Ok(dlr) = DlrCallback::parse(body) {
                    outcome.id = Some(dlr.id.as_str().to_owned());
                    outcome.name = Some(dlr.status.as_str().to_owned());
                    outcome.reference = dlr.reference.map(Cow::into_owned);
                }
            }
        }
        outcome
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.http_status, self.outcome.as_deref().or(self.error.as_deref())) {
            (Some(status), None) => write!(f, "{status}"),
            (Some(status), Some(outcome)) => write!(f, "{status} {outcome}"),
            (None, problem) => write!(f, "no answer: {}", problem.unwrap_or_default()),
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
                let http_status = Some(answer.status);
                Self { http_status, outcome: answer.outcome(), error: None, is_malformed, verdict }
            }
            Err(error) => Self {
                http_status: None,
                outcome: None,
                error: Some(error.to_string()),
                is_malformed,
                verdict: Verdict::Retry,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;
    use crate::aws::block_on;
    use crate::send::server::Server;

    fn plan(count: usize) -> Plan {
        let body = |number| json!({"id": format!("{number}"), "status": "sent"}).to_string().into_bytes();
        Plan { seed: 7, callbacks: (0..count).map(|number| Callback::new(Kind::Dlr, body(number))).collect() }
    }

    fn posted(server: &Server, plan: Plan, pace: Pace) -> Report {
        block_on(post(&server.target(), plan, pace, pending(), || {})).unwrap()
    }

    #[test]
    fn every_callback_is_posted_once() {
        let server = Server::start(|_| (200, "stored"));
        let report = posted(&server, plan(100), Pace::Unpaced);
        let mut bodies = server.bodies();
        bodies.sort();
        let mut expected: Vec<_> = plan(100).callbacks.into_iter().map(|callback| callback.body).collect();
        expected.sort();
        assert_eq!(bodies, expected);
        assert_eq!((report.planned, report.posted, report.verdict), (100, 100, Verdict::Accepted));
        assert_eq!(
            report.answers.iter().map(|count| (count.answer.to_string(), count.count)).collect::<Vec<_>>(),
            [("200 stored".to_owned(), 100)]
        );
        let ids = report.callbacks.iter().map(|callback| callback.id.clone().unwrap());
        assert!(ids.eq((0..100).map(|number| number.to_string())), "callbacks are reported in their order");
        assert!(server.connections() <= UNPACED, "{}", server.connections());
    }

    #[test]
    fn ordered_callbacks_share_a_connection() {
        let server = Server::start(|_| (200, "stored"));
        posted(&server, plan(20), Pace::InOrder);
        assert!(server.bodies().into_iter().eq(plan(20).callbacks.into_iter().map(|callback| callback.body)));
        assert_eq!(server.connections(), 1);
    }

    #[test]
    fn slow_answers_do_not_lower_the_rate() {
        let server = Server::start(|_| {
            std::thread::sleep(Duration::from_millis(200));
            (200, "stored")
        });
        let report = posted(&server, plan(20), Pace::PerSecond(100.0));
        assert!(report.seconds >= 0.19 + 0.2, "{}", report.seconds);
        assert!(server.connections() > 5, "{} callbacks were in progress at once", server.connections());
    }

    #[test]
    fn interrupted_run_reports_what_was_posted() {
        let server = Server::start(|_| (200, "duplicate"));
        let answered = AtomicUsize::new(0);
        let interrupted = async {
            while answered.load(Ordering::Relaxed) < 5 {
                tokio::task::yield_now().await;
            }
        };
        let each = || {
            answered.fetch_add(1, Ordering::Relaxed);
        };
        let report = block_on(post(&server.target(), plan(1000), Pace::PerSecond(50.0), interrupted, each)).unwrap();
        assert!(report.is_interrupted && (5..1000).contains(&report.posted), "{}", report.posted);
        assert_eq!(report.posted, server.bodies().len());
    }

    #[track_caller]
    fn check(answers: &'static [(u16, &'static str)], is_malformed: bool, verdict: Verdict) {
        let next = AtomicUsize::new(0);
        let server = Server::start(move |_| answers[next.fetch_add(1, Ordering::Relaxed)]);
        let mut plan = plan(answers.len());
        plan.callbacks.iter_mut().for_each(|callback| callback.is_malformed = is_malformed);
        let report = posted(&server, plan, Pace::InOrder);
        assert_eq!(report.verdict, verdict, "{answers:?}");
    }

    #[test]
    fn worst_answer_is_the_verdict() {
        check(&[(200, "stored"), (200, "deferred")], false, Verdict::Accepted);
        check(&[(200, "stored"), (503, "unavailable"), (200, "stored")], false, Verdict::Retry);
        check(&[(503, "unavailable"), (401, "unauthorized"), (429, "")], false, Verdict::Rejected);
        check(&[(400, "no_id")], false, Verdict::Rejected);
    }

    #[test]
    fn malformed_body_is_to_be_answered_400() {
        check(&[(400, "no_id"), (400, "not_json")], true, Verdict::Accepted);
        check(&[(200, "stored")], true, Verdict::Rejected);
        check(&[(401, "unauthorized")], true, Verdict::Rejected);
        check(&[(503, "unavailable")], true, Verdict::Retry);
    }

    #[test]
    fn callback_without_an_answer_is_to_be_retried() {
        let report = block_on(post(&Server::nobody(), plan(3), Pace::InOrder, pending(), || {})).unwrap();
        assert_eq!((report.posted, report.verdict), (3, Verdict::Retry));
        assert!(report.latency_ms.is_none());
        assert!(report.callbacks.iter().all(|callback| callback.answered.error.is_some()));
    }
}
