//! Settings from environment variables. Only a function's `main` reads the environment.

/// The value of a setting that may be missing. An empty value counts as missing.
#[must_use]
pub fn optional(var: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    var(name).filter(|value| !value.is_empty())
}

/// # Errors
/// If the setting is missing or empty: a function never starts with a guess.
pub fn required(var: impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, SettingError> {
    optional(var, name).ok_or(SettingError { name, problem: "is not set" })
}

/// A setting that is missing or malformed. Never contains the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name} {problem}")]
pub struct SettingError {
    pub name: &'static str,
    /// What is wrong with it, as the end of a sentence: `is not set`.
    pub problem: &'static str,
}
