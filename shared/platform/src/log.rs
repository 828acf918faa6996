//! The log: one JSON object a line on standard output, which Lambda hands on to CloudWatch Logs.
//!
//! How a function ends is logged here too. Rust would print a panic and the error of `main` as plain text. Lambda's log
//! filter takes a line without a `level` for INFO (Lambda developer guide, "Log-level filtering") and drops it above.

use std::error::Error;
use std::panic::PanicHookInfo;
use std::process::ExitCode;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::SettingError;

/// Libraries that say more at INFO than a function's log needs, by the first letters of their crates' names.
const TALKATIVE: [&str; 8] = ["aws_", "h2", "hyper", "lambda_http", "mio", "rustls", "tokio", "tower"];

/// Turns the log on, for the whole process, panics included. `level` is Lambda's `AWS_LAMBDA_LOG_LEVEL`.
pub fn log_to_stdout(level: Option<&str>) {
    // It fails only if a log is on already, and then there is nothing to do.
    let _ = log(level, std::io::stdout).try_init();
    std::panic::set_hook(Box::new(log_panic));
}

/// Logs where the process panics. What the panic says may hold anything, so it isn't logged.
fn log_panic(panic: &PanicHookInfo<'_>) {
    tracing::error!(location = panic.location().map(ToString::to_string), "function panicked");
}

/// Logs why a function couldn't start or go on, and gives the exit code of its process.
///
/// The reason of a [`SettingError`] is logged, which never holds a value. Any other error is one of Lambda's Runtime API;
/// its text isn't ours, so only what it is about is logged.
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

/// The log, written to `out`, at `level` and at INFO without one.
///
/// Below INFO the SDK and the Lambda runtime log whole requests, which hold messages and numbers. So INFO is the most
/// that anything logs, whatever is set. Libraries that are talkative at INFO are held to WARN, but for the runtime's
/// span, which carries the request id.
pub fn log<W>(level: Option<&str>, out: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = level
        .and_then(|level| level.parse::<Level>().ok())
        .map_or(LevelFilter::INFO, LevelFilter::from_level)
        .min(LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(level)
        .with_targets(TALKATIVE.map(|name| (name, level.min(LevelFilter::WARN))))
        .with_target("lambda_runtime", LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer().json().with_span_list(false).with_writer(out);
    tracing_subscriber::registry().with(lines).with(targets)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is logged at this level.
    fn logged(level: &str, what: impl FnOnce()) -> String {
        let kept = Kept::default();
        let out = kept.clone();
        tracing::subscriber::with_default(log(Some(level), move || out.clone()), what);
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn crate_that_nobody_lists_is_heard() {
        let at = |level: &str| {
            logged(level, || {
                tracing::info!(target: "a_subscriber", "heard");
                tracing::debug!(target: "a_subscriber", "hushed");
                tracing::info!(target: "aws_sdk_sns::operation", "hushed");
                tracing::info!(target: "hyper_util::client", "hushed");
                tracing::warn!(target: "tower::retry", "warned");
                tracing::error!(target: "rustls::conn", "failed");
            })
        };
        let lines = |level: &str| {
            let log = at(level);
            ["heard", "hushed", "warned", "failed"].map(|word| log.contains(word))
        };
        assert_eq!(lines("TRACE"), [true, false, true, true]);
        assert_eq!(lines("INFO"), [true, false, true, true]);
        assert_eq!(lines("WARN"), [false, false, true, true]);
        assert_eq!(lines("ERROR"), [false, false, false, true]);
    }

    #[test]
    fn reason_of_a_failed_start_is_logged_at_error() {
        let missing = SettingError { name: "TABLE_NAME", problem: "is not set" };
        for (error, reason) in [
            (missing.into(), "environment variable TABLE_NAME is not set"),
            ("a secret".into(), "the Lambda Runtime API failed"),
        ] {
            let mut code = ExitCode::SUCCESS;
            let log = logged("ERROR", || code = exit_code(Err(error)));
            assert!(log.contains(r#""level":"ERROR""#) && log.contains("function cannot start"), "{log}");
            assert!(log.contains(reason) && !log.contains("secret"), "{log}");
            assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
        }
    }

    #[test]
    fn panic_is_logged_with_its_place_alone() {
        std::panic::set_hook(Box::new(log_panic));
        let log = logged("ERROR", || {
            let _ = std::panic::catch_unwind(|| panic!("a secret"));
        });
        let _ = std::panic::take_hook();
        assert!(log.contains(r#""level":"ERROR""#) && log.contains("function panicked"), "{log}");
        assert!(log.contains("log.rs:") && !log.contains("secret"), "{log}");
    }
}
