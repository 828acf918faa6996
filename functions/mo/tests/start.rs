//! What `mo` logs when it can't start. The runbook's query must match it.

use std::process::Command;

#[test]
fn missing_setting_is_logged_at_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_mo")).env_clear().envs([("RETENTION_DAYS", "30")]).output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(1), ""));
    assert!(line.contains(r#""level":"ERROR""#) && line.contains("function cannot start"), "{line}");
    assert!(line.contains("environment variable CALLBACK_CREDENTIALS is not set"), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
}
