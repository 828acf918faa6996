//! The log: one JSON object a line on standard output, which Lambda hands on to CloudWatch Logs.

use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Turns the log on, for the whole process. `level` is Lambda's `AWS_LAMBDA_LOG_LEVEL`.
pub fn log_to_stdout(level: Option<&str>) {
    // It fails only if a log is on already, and then there is nothing to do.
    let _ = log(level, std::io::stdout).try_init();
}

/// The log, written to `out`. This workspace logs at `level`, at INFO without one.
///
/// Below INFO the SDK and the Lambda runtime log whole requests, which hold messages and numbers. So
/// libraries are kept to WARN whatever is set, but for the runtime's span, which carries the request id.
pub fn log<W>(level: Option<&str>, out: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let own = level
        .and_then(|level| level.parse::<Level>().ok())
        .map_or(LevelFilter::INFO, LevelFilter::from_level)
        .min(LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("lambda_runtime", LevelFilter::INFO)
        .with_targets(["dlr", "fanout", "ingress", "mo", "platform", "recover", "store"].map(|name| (name, own)));
    let lines = tracing_subscriber::fmt::layer().json().with_span_list(false).with_writer(out);
    tracing_subscriber::registry().with(lines).with(targets)
}
