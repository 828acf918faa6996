//! The functions as they are configured, their event source mappings, and the account's concurrency.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::types::Environment;
use jiff::Timestamp;

use crate::aws::Unavailable;

#[derive(Debug)]
pub(crate) struct Functions {
    lambda: aws_sdk_lambda::Client,
}

#[derive(Clone, Default)]
pub(crate) struct Configuration {
    /// Why the function can't be invoked, or its last update failed.
    pub(crate) failure: Option<String>,
    /// None if the caller may not decrypt it.
    pub(crate) environment: Option<HashMap<String, String>>,
    /// When code or configuration last changed. Now, if Lambda doesn't tell.
    pub(crate) modified: Timestamp,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) uuid: String,
    pub(crate) state: String,
    /// `OK`, `No records processed`, or `PROBLEM: …`.
    pub(crate) result: String,
}

/// Concurrent executions of the whole account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountConcurrency {
    pub(crate) limit: u32,
    /// What functions without a reservation share.
    pub(crate) unreserved: u32,
}

/// Reads a time of Lambda, such as `2026-11-29T02:50:30.000+0000`.
fn modified(text: &str) -> Option<Timestamp> {
    Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()
}

impl Functions {
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        Self { lambda: aws_sdk_lambda::Client::new(sdk) }
    }

    /// None if there is no such function.
    pub(crate) async fn configuration(&self, function: &str) -> Result<Option<Configuration>, Unavailable> {
        let got = match self.lambda.get_function_configuration().function_name(function).send().await {
            Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => return Ok(None),
            got => got.map_err(Unavailable::new("cannot read a function's configuration"))?,
        };
        let is_failed = got.state().is_some_and(|state| state.as_str() == "Failed");
        let is_stale = got.last_update_status().is_some_and(|status| status.as_str() == "Failed");
        let reason = if is_failed { got.state_reason() } else { got.last_update_status_reason() };
        let failure = (is_failed || is_stale).then(|| reason.unwrap_or("no reason given").to_owned());
        let environment = match got.environment() {
            Some(environment) if environment.error().is_some() => None,
            environment => {
                environment.and_then(|environment| environment.variables()).cloned().or(Some(HashMap::new()))
            }
        };
        let modified = got.last_modified().and_then(modified).unwrap_or_else(Timestamp::now);
        Ok(Some(Configuration { failure, environment, modified }))
    }

    pub(crate) async fn mappings(&self, function: &str) -> Result<Vec<Mapping>, Unavailable> {
        let list = self.lambda.list_event_source_mappings().function_name(function).send().await;
        let listed = list.map_err(Unavailable::new("cannot read the event source mappings"))?;
        let mappings = listed.event_source_mappings().iter().map(|mapping| Mapping {
            uuid: mapping.uuid().unwrap_or_default().to_owned(),
            state: mapping.state().unwrap_or_default().to_owned(),
            result: mapping.last_processing_result().unwrap_or_default().to_owned(),
        });
        Ok(mappings.collect())
    }

    /// Starts or stops reading what an event source mapping reads.
    pub(crate) async fn set_enabled(&self, mapping: &Mapping, enabled: bool) -> Result<(), Unavailable> {
        let update = self.lambda.update_event_source_mapping().uuid(&mapping.uuid).enabled(enabled).send().await;
        update.map(drop).map_err(Unavailable::new("cannot change an event source mapping"))
    }

    /// Replaces a function's environment.
    pub(crate) async fn set_environment(
        &self,
        function: &str,
        environment: HashMap<String, String>,
    ) -> Result<(), Unavailable> {
        let environment = Environment::builder().set_variables(Some(environment)).build();
        let update = self.lambda.update_function_configuration().function_name(function).environment(environment);
        update.send().await.map(drop).map_err(Unavailable::new("cannot change a function's configuration"))
    }

    /// Reserves this many executions for a function, or none in particular.
    pub(crate) async fn set_reserved(&self, function: &str, reserved: Option<i32>) -> Result<(), Unavailable> {
        const PROBLEM: &str = "cannot change a function's concurrency";
        match reserved {
            Some(reserved) => {
                let put = self.lambda.put_function_concurrency().function_name(function);
                let put = put.reserved_concurrent_executions(reserved).send().await;
                put.map(drop).map_err(Unavailable::new(PROBLEM))
            }
            None => {
                let delete = self.lambda.delete_function_concurrency().function_name(function).send().await;
                delete.map(drop).map_err(Unavailable::new(PROBLEM))
            }
        }
    }

    /// The executions reserved for a function, which are also its maximum.
    pub(crate) async fn reserved(&self, function: &str) -> Result<Option<u32>, Unavailable> {
        let got = self.lambda.get_function_concurrency().function_name(function).send().await;
        let got = got.map_err(Unavailable::new("cannot read a function's concurrency"))?;
        Ok(got.reserved_concurrent_executions().and_then(|reserved| u32::try_from(reserved).ok()))
    }

    pub(crate) async fn account_concurrency(&self) -> Result<AccountConcurrency, Unavailable> {
        let got = self.lambda.get_account_settings().send().await;
        let got = got.map_err(Unavailable::new("cannot read the account's concurrency"))?;
        let limit = got.account_limit();
        let limit_of = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        Ok(AccountConcurrency {
            limit: limit_of(limit.map(|limit| limit.concurrent_executions())),
            unreserved: limit_of(limit.and_then(|limit| limit.unreserved_concurrent_executions())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_the_last_change_is_read() {
        let read = |text| modified(text).map(|at| at.to_string());
        assert_eq!(read("2026-11-29T02:50:30.000+0000").as_deref(), Some("2026-11-29T02:50:30Z"));
        assert_eq!(read("2026-11-29T02:50:30.123+0000").as_deref(), Some("2026-11-29T02:50:30.123Z"));
        assert_eq!(read("yesterday"), None);
    }
}
