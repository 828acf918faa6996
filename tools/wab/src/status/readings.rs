//! The metrics that the screen is made of, read at once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::spell::PERIOD;
use crate::aws::Unavailable;
use crate::stack::{Metric, Metrics, Series, Stack};

/// How far back the screen reaches.
pub(crate) const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What a metric counts or measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Callbacks by outcome.
    Callbacks(&'static str),
    Unauthorized,
    RateLimited,
    TooLarge,
    /// Answers of 5xx.
    Unanswered,
    /// Crashes and timeouts of mo, dlr, recover and fanout.
    Errors,
    Throttles,
    IteratorAge,
    FanoutInvocations,
    DeadLetters,
    DeadLetterAge,
    SpillVisible,
    SpillInFlight,
    MoNotificationsFailed,
    DlrNotificationsFailed,
}

/// The outcomes of a callback, in the order of the screen.
pub(crate) const OUTCOMES: [&str; 6] = ["stored", "duplicate", "variant", "deferred", "recovered", "quarantined"];

#[derive(Debug)]
pub(crate) struct Readings(Vec<(Source, Series)>);

impl Readings {
    pub(crate) async fn read(stack: &Stack, now: Timestamp) -> Result<Self, Unavailable> {
        let (sources, metrics): (Vec<_>, Vec<_>) = metrics(stack).into_iter().unzip();
        let period = Duration::try_from(PERIOD).unwrap_or_default();
        let series = Metrics::new(&stack.sdk).read(&metrics, period, now - DAY, now).await?;
        Ok(Self(sources.into_iter().zip(series).collect()))
    }

    /// The data points of a source; those of several functions are added up.
    pub(crate) fn of(&self, source: Source) -> Series {
        Series::total(self.0.iter().filter(|(other, _)| *other == source).map(|(_, series)| series))
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
    let callers = [&resources.mo_function, &resources.dlr_function, &resources.fanout_function];
    for name in callers.into_iter().chain(&resources.recover_function) {
        metrics.push((Source::Errors, function(Metric::sum("AWS/Lambda", "Errors"), name)));
        metrics.push((Source::Throttles, function(Metric::sum("AWS/Lambda", "Throttles"), name)));
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
        (Source::Unauthorized, Metric::sum(namespace, "Refusals").of("code", "unauthorized")),
        (Source::RateLimited, Metric::sum(namespace, "RateLimited")),
        (Source::TooLarge, Metric::sum(namespace, "TooLarge")),
        (Source::Unanswered, Metric::sum("AWS/ApiGateway", "5xx").of("ApiId", &resources.api_id)),
        (Source::IteratorAge, function(Metric::maximum("AWS/Lambda", "IteratorAge"), fanout)),
        (Source::FanoutInvocations, function(Metric::sum("AWS/Lambda", "Invocations"), fanout)),
        (Source::DeadLetters, queue("ApproximateNumberOfMessagesVisible", dead_letters)),
        (Source::DeadLetterAge, queue("ApproximateAgeOfOldestMessage", dead_letters)),
        (Source::MoNotificationsFailed, failed(&resources.mo_topic_arn)),
        (Source::DlrNotificationsFailed, failed(&resources.dlr_topic_arn)),
    ]);
    metrics
}
