//! Settings from the environment, which only a function's `main` reads.

/// The value of the setting `name`, if it is there and not empty.
pub(crate) fn optional(var: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    var(name).filter(|value| !value.is_empty())
}

/// The value of the setting `name`.
///
/// # Errors
/// If it is missing or empty: a function never starts on a guess.
pub fn required(var: impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, SettingError> {
    optional(var, name).ok_or(SettingError { name, problem: "is not set" })
}

/// A setting that keeps a function from starting. Never holds the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name} {problem}")]
pub struct SettingError {
    /// The environment variable.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}
