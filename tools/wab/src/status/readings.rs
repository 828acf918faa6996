//! The metrics that the screen is made of, read at once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::spell::PERIOD;
use crate::aws::Unavailable;
use crate::stack::{Metric, Metrics, Series, Stack};

/// How far back the screen reaches.
pub(crate) const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The time after which a metric's data point is there.
const LATE: SignedDuration = SignedDuration::from_mins(3);

/// From this age on, events are published late. The alarm `FanoutLag` waits five times as long.
const LAG_SECONDS: f64 = 60.0;

/// What a metric counts or measures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Callbacks by outcome.
    Callbacks(&'static str),
    /// Events.
    Published,
    Unauthorized,
    Forbidden,
    RateLimited,
    TooLarge,
    /// Answers of 5xx.
    Unanswered,
    /// Crashes and timeouts of a function.
    Errors(Role),
    Throttles(Role),
    IteratorAge,
    Invocations(Role),
    DeadLetters,
    DeadLetterAge,
    SpillVisible,
    SpillInFlight,
    MoNotificationsFailed,
    DlrNotificationsFailed,
    FifoNotificationsFailed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Mo,
    Dlr,
    Fanout,
    Recover,
}

/// The outcomes of a callback, in the order of the screen.
pub(crate) const OUTCOMES: [&str; 7] =
    ["stored", "duplicate", "variant", "deferred", "recovered", "quarantined", "parked"];

pub(crate) struct Readings(Vec<(Source, Series)>);

impl Readings {
    pub(crate) async fn read(stack: &Stack, now: Timestamp) -> Result<Self, Unavailable> {
        let (sources, metrics): (Vec<_>, Vec<_>) = metrics(stack).into_iter().unzip();
        let period = Duration::try_from(PERIOD).unwrap_or_default();
        let series = Metrics::new(&stack.sdk).read(&metrics, period, now - DAY, now).await?;
        Ok(Self(sources.into_iter().zip(series).collect()))
    }

    /// The data points of several sources, added up.
    pub(crate) fn of(&self, sources: &[Source]) -> Series {
        Series::total(self.0.iter().filter(|(source, _)| sources.contains(source)).map(|(_, series)| series))
    }

    /// Events stored since `fanout` was last invoked. The last minutes are left out, because metrics may be late.
    pub(crate) fn unpublished(&self, now: Timestamp) -> Series {
        let stored = self.of(&["stored", "variant", "recovered"].map(Source::Callbacks));
        let last = self.of(&[Source::Invocations(Role::Fanout)]).last_nonzero().unwrap_or(Timestamp::MIN);
        let is_waiting = |at: Timestamp| at > last && now.duration_since(at) > LATE;
        let points = stored.points.into_iter().filter(|(at, events)| *events > 0.0 && is_waiting(*at));
        Series { points: points.collect() }
    }

    /// The seconds by which the stream lagged, where it lagged.
    pub(crate) fn lag(&self) -> Series {
        let ages = self.of(&[Source::IteratorAge]).points.into_iter();
        let points =
            ages.map(|(at, milliseconds)| (at, milliseconds / 1_000.0)).filter(|(_, seconds)| *seconds > LAG_SECONDS);
        Series { points: points.collect() }
    }

    #[cfg(test)]
    pub(crate) fn new(series: Vec<(Source, Series)>) -> Self {
        Self(series)
    }
}

/// The last part of a queue's URL or a topic's ARN.
fn last_part(name: &str) -> &str {
    name.rsplit(['/', ':']).next().unwrap_or(name)
}

fn metrics(stack: &Stack) -> Vec<(Source, Metric)> {
    let resources = &stack.resources;
    let namespace = &*resources.stack_name;
    let mut metrics: Vec<_> = OUTCOMES
        .into_iter()
        .map(|outcome| (Source::Callbacks(outcome), Metric::sum(namespace, "Callbacks").of("outcome", outcome)))
        .collect();
    let function = |metric: Metric, function: &str| metric.of("FunctionName", function);
    let functions = [
        (Role::Mo, Some(&resources.mo_function)),
        (Role::Dlr, Some(&resources.dlr_function)),
        (Role::Fanout, Some(&resources.fanout_function)),
        (Role::Recover, resources.recover_function.as_ref()),
    ];
    for (role, name) in functions {
        let Some(name) = name else { continue };
        metrics.push((Source::Errors(role), function(Metric::sum("AWS/Lambda", "Errors"), name)));
        metrics.push((Source::Invocations(role), function(Metric::sum("AWS/Lambda", "Invocations"), name)));
        metrics.push((Source::Throttles(role), function(Metric::sum("AWS/Lambda", "Throttles"), name)));
    }
    let queue = |name, url| Metric::maximum("AWS/SQS", name).of("QueueName", last_part(url));
    if let Some(url) = &resources.spill_queue_url {
        metrics.push((Source::SpillVisible, queue("ApproximateNumberOfMessagesVisible", url)));
        metrics.push((Source::SpillInFlight, queue("ApproximateNumberOfMessagesNotVisible", url)));
    }
    let failed = |topic| Metric::sum("AWS/SNS", "NumberOfNotificationsFailed").of("TopicName", last_part(topic));
    let fanout = &resources.fanout_function;
    let dead_letters = &resources.dead_letter_queue_url;
    metrics.extend([
        (Source::Published, Metric::sum(namespace, "Published")),
        (Source::Unauthorized, Metric::sum(namespace, "Refusals").of("code", "unauthorized")),
        (Source::Forbidden, Metric::sum(namespace, "Refusals").of("code", "forbidden")),
        (Source::RateLimited, Metric::sum(namespace, "RateLimited")),
        (Source::TooLarge, Metric::sum(namespace, "TooLarge")),
        (Source::Unanswered, Metric::sum("AWS/ApiGateway", "5xx").of("ApiId", &resources.api_id)),
        (Source::IteratorAge, function(Metric::maximum("AWS/Lambda", "IteratorAge"), fanout)),
        (Source::DeadLetters, queue("ApproximateNumberOfMessagesVisible", dead_letters)),
        (Source::DeadLetterAge, queue("ApproximateAgeOfOldestMessage", dead_letters)),
        (Source::MoNotificationsFailed, failed(&resources.mo_topic_arn)),
        (Source::DlrNotificationsFailed, failed(&resources.dlr_topic_arn)),
    ]);
    metrics.extend(resources.fifo_topic_arns.iter().map(|arn| (Source::FifoNotificationsFailed, failed(arn))));
    metrics
}
