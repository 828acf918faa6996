//! The checks. Each asks AWS for what it needs, and judges it in a pure function.

mod alarms;
mod certificate;
mod concurrency;
mod credentials;
mod data;
mod functions;
mod listeners;
mod queues;
mod stream;
mod subscriptions;
mod template;
mod trust;
mod urls;

use super::facts::Facts;
use super::{Finding, Subject, Wanted};

/// Findings of a check, or why there are none.
type Found = anyhow::Result<Vec<Finding>>;

/// Makes all checks at once. The findings are in the order in which a callback passes what they are about.
pub(super) async fn all(facts: &Facts<'_>, wanted: &Wanted) -> Vec<Finding> {
    let (
        (urls, versions),
        credentials,
        certificate,
        functions,
        concurrency,
        stream,
        queues,
        subscriptions,
        alarms,
        data,
        logs,
        roots,
        drift,
        listeners,
    ) = tokio::join!(
        urls::check(facts, wanted),
        credentials::check(facts),
        certificate::check(facts),
        async { functions::check(facts) },
        concurrency::check(facts),
        stream::check(facts),
        queues::check(facts),
        subscriptions::check(facts),
        alarms::check(facts),
        data::check_table(facts),
        data::check_logs(facts),
        trust::check(facts),
        template::check(facts, wanted),
        listeners::check(facts),
    );
    let found = [
        settled("urls", Ok(urls)),
        settled("credentials", credentials),
        settled("certificate", certificate),
        settled("functions", functions),
        settled("concurrency", concurrency),
        settled("stream", stream),
        settled("queues", queues),
        settled("subscriptions", subscriptions),
        settled("alarms", alarms),
        settled("table", data),
        settled("logs", logs),
        settled("roots", roots),
        settled("template", drift),
        settled("versions", Ok(versions)),
        settled("listen queues", listeners),
    ];
    found.into_iter().flatten().collect()
}

/// Makes the checks of one subject.
pub(super) async fn about(facts: &Facts<'_>, subject: Subject) -> Vec<Finding> {
    match subject {
        Subject::Functions => settled("functions", functions::check(facts)),
        Subject::Concurrency => settled("concurrency", concurrency::check(facts).await),
        Subject::Credentials => settled("credentials", credentials::check(facts).await),
        Subject::Stream => settled("stream", stream::check(facts).await),
        Subject::Queues => settled("queues", queues::check(facts).await),
        Subject::Subscriptions => settled("subscriptions", subscriptions::check(facts).await),
    }
}

fn settled(check: &'static str, found: Found) -> Vec<Finding> {
    found.unwrap_or_else(|error| vec![Finding::unknown(check, error)])
}

/// `what` if nothing else was found.
fn or_ok(findings: Vec<Finding>, check: &'static str, what: impl Into<String>) -> Vec<Finding> {
    if findings.is_empty() { vec![Finding::ok(check, what)] } else { findings }
}
