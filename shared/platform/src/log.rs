//! The log: one JSON object per line on standard output, which Lambda forwards to CloudWatch Logs.
//!
//! Metric filters count its lines, and alarms watch those metrics, so there is no setting that hides lines. Panics and
//! the error of `main` are logged here too: Rust would print them as plain text, which no filter finds.

use std::error::Error;
use std::fmt;
use std::panic::PanicHookInfo;
use std::process::ExitCode;

use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::distribution;
use crate::settings::SettingError;

/// Prefixes of the libraries that log too much at INFO. Every other crate, a subscriber's own included, is logged from
/// INFO up.
const NOISY: [&str; 8] = ["aws_", "h2", "hyper", "lambda_http", "mio", "rustls", "tokio", "tower"];

/// Installs the log for the whole process, and the panic hook.
pub fn log_to_stdout() {
    // This fails only if a log is already installed.
    let _ = log(std::io::stdout).try_init();
    std::panic::set_hook(Box::new(log_panic));
}

/// Logs the location of a panic, but not its message, which may contain anything.
fn log_panic(panic: &PanicHookInfo<'_>) {
    tracing::error!(location = panic.location().map(ToString::to_string), "function panicked");
}

/// Logs why a function couldn't start or continue, and returns the exit code of its process.
///
/// A [`SettingError`] is logged as it is, because it never contains a value. Any other error comes from the Lambda
/// Runtime API, and its text isn't logged.
#[must_use]
pub fn exit_code(ended: Result<(), Box<dyn Error + Send + Sync>>) -> ExitCode {
    let Err(error) = ended else { return ExitCode::SUCCESS };
    let reason = match error.downcast_ref::<SettingError>() {
        Some(error) => error.to_string(),
        None => "the Lambda Runtime API failed".to_owned(),
    };
    tracing::error!(reason, "function cannot start");
    ExitCode::FAILURE
}

/// The log, written to `out`.
///
/// INFO is the most verbose level: below it the SDK and the Lambda runtime log whole requests with messages and phone
/// numbers. Noisy libraries are held at WARN, except for the runtime's span, which carries the request id.
pub fn log<W>(out: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let targets = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(NOISY.map(|name| (name, LevelFilter::WARN)))
        .with_target("lambda_runtime", LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer().json().with_span_list(false).map_event_format(Lines).with_writer(out);
    tracing_subscriber::registry().with(lines).with(targets)
}

/// Lines as JSON. A line that is a metric is written as it is, because CloudWatch reads metrics only at its root.
struct Lines(Format<Json>);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        match distribution::line(event) {
            Some(line) => writeln!(writer, "{line}"),
            None => self.0.format_event(ctx, writer, event),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Debug, Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(run: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let out = buffer.clone();
        tracing::subscriber::with_default(log(move || out.clone()), run);
        String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn unlisted_crates_are_logged_from_info_up() {
        let log = logged(|| {
            tracing::info!(target: "a_subscriber", "heard");
            tracing::debug!(target: "a_subscriber", "hushed");
            tracing::info!(target: "aws_sdk_sns::operation", "hushed");
            tracing::info!(target: "hyper_util::client", "hushed");
            tracing::warn!(target: "tower::retry", "warned");
            tracing::error!(target: "rustls::conn", "failed");
        });
        let lines = ["heard", "hushed", "warned", "failed"].map(|word| log.contains(word));
        assert_eq!(lines, [true, false, true, true]);
    }

    #[test]
    fn distribution_is_a_line_of_its_own() {
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_763_889_302_417);
        let log = logged(|| crate::log_distribution("wab", "FanoutLag", at, &[12, 0, 12]));
        let metrics = serde_json::json!([{"Name": "FanoutLag", "Unit": "Milliseconds"}]);
        let expected = serde_json::json!({
            "_aws": {
                "Timestamp": 1_763_889_302_417_u64,
                "CloudWatchMetrics": [{"Namespace": "wab", "Dimensions": [[]], "Metrics": metrics}],
            },
            "FanoutLag": [12, 0, 12],
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&log).unwrap(), expected);
        assert_eq!(logged(|| crate::log_distribution("wab", "FanoutLag", at, &[])), "");
    }

    #[test]
    fn failed_start_is_logged_at_error() {
        let missing = SettingError { name: "TABLE_NAME", problem: "is not set" };
        for (error, reason) in [
            (missing.into(), "environment variable TABLE_NAME is not set"),
            ("a secret".into(), "the Lambda Runtime API failed"),
        ] {
            let mut code = ExitCode::SUCCESS;
            let log = logged(|| code = exit_code(Err(error)));
            assert!(log.contains(r#""level":"ERROR""#) && log.contains("function cannot start"), "{log}");
            assert!(log.contains(reason) && !log.contains("secret"), "{log}");
            assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
        }
    }

    #[test]
    fn panic_is_logged_without_its_message() {
        std::panic::set_hook(Box::new(log_panic));
        let log = logged(|| {
            let _ = std::panic::catch_unwind(|| panic!("a secret"));
        });
        let _ = std::panic::take_hook();
        assert!(log.contains(r#""level":"ERROR""#) && log.contains("function panicked"), "{log}");
        assert!(log.contains("log.rs:") && !log.contains("secret"), "{log}");
    }
}
