//! AWS clients for a person's machine: configuration, time limits, and errors that may be shown.

use std::error::Error;
use std::time::Duration;

use anyhow::Context;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use wab_platform::Reason;

/// `fanout` may take a minute (`Timeout` in the template), and its answer comes at the end.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(75);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A call to AWS failed. Its text holds nothing of what was sent or received, so it may be shown.
#[derive(Debug, thiserror::Error)]
#[error("{problem}: {reason}")]
pub(crate) struct Unavailable {
    problem: &'static str,
    reason: String,
}

impl Unavailable {
    /// Explains an error by its code and AWS's own message.
    pub(crate) fn new<E, R>(problem: &'static str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        move |error| {
            let code = Reason::of(&error);
            let reason = message(&error).map_or_else(|| code.to_string(), |message| format!("{code}: {message}"));
            Self { problem, reason }
        }
    }

    /// The answer ended before it was complete.
    pub(crate) fn cut_off(problem: &'static str) -> Self {
        Self { problem, reason: "the connection broke off".to_owned() }
    }

    /// The service accepted the work, and then failed to do it.
    pub(crate) fn failed(problem: &'static str, reason: impl Into<String>) -> Self {
        Self { problem, reason: reason.into() }
    }

    /// The service did only a part of the work, however often it was asked.
    pub(crate) fn throttled(problem: &'static str) -> Self {
        Self { problem, reason: "throttled".to_owned() }
    }

    /// Explains an error by its code alone, where AWS's message may quote what was sent.
    pub(crate) fn without_message<E, R>(problem: &'static str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        move |error| Self { problem, reason: Reason::of(&error).to_string() }
    }
}

/// What helps a person: AWS's message, or why there are no credentials or no connection.
fn message<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<String> {
    match error {
        SdkError::ServiceError(service) => service.err().message().map(str::to_owned),
        SdkError::DispatchFailure(failure) => {
            let mut source: Option<&(dyn Error + 'static)> = failure.as_connector_error()?.source();
            let mut innermost = None;
            while let Some(error) = source {
                innermost = Some(error.to_string());
                if let (true, Some(inner)) = (error.is::<CredentialsError>(), error.source()) {
                    return Some(format!("no credentials: {inner}"));
                }
                source = error.source();
            }
            innermost
        }
        _ => None,
    }
}

/// Runs a command's calls to AWS on a runtime of their own.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(work)
}

/// The configuration that the AWS CLI would use: environment, profiles, SSO.
///
/// A profile that is named wins over credentials in the environment, as in the AWS CLI. The SDK's own chain reads the
/// environment first, and would act on another account than the one that was asked for.
///
/// # Errors
/// If there are no credentials, or the profile doesn't exist.
pub(crate) async fn ambient(profile: Option<&str>, region: Option<&str>) -> anyhow::Result<SdkConfig> {
    let http_client = http_client(ProxyConfig::from_env());
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client.clone())
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(profile) = profile {
        // Also where the region is looked up.
        loader = loader.profile_name(profile);
    }
    let mut sdk = loader.load().await;
    if let Some(profile) = profile {
        let settings = ProviderConfig::default().with_region(sdk.region().cloned()).with_http_client(http_client);
        let provider = ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&settings).build();
        sdk = sdk.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build();
    }
    let provider = sdk.credentials_provider().context("no AWS credentials")?;
    let provided = provider.provide_credentials().await;
    provided.map_err(|error| NoCredentials::new(profile, &error))?;
    Ok(sdk)
}

/// There are no credentials to call AWS with.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {reason}")]
struct NoCredentials {
    what: String,
    reason: String,
}

impl NoCredentials {
    fn new(profile: Option<&str>, error: &CredentialsError) -> Self {
        let what = match profile {
            Some(profile) => format!("no AWS credentials in the profile {profile}"),
            None => "no AWS credentials: set AWS_PROFILE, or give --profile".to_owned(),
        };
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            reason = inner.to_string();
            source = inner.source();
        }
        Self { what, reason }
    }
}

/// The number of the account that the credentials belong to.
pub(crate) async fn account(sdk: &SdkConfig) -> anyhow::Result<String> {
    let identity = aws_sdk_sts::Client::new(sdk).get_caller_identity().send().await;
    let identity = identity.map_err(Unavailable::new("cannot look up the account"))?;
    identity.account.context("AWS names no account")
}

/// A configuration for the local stack, without a proxy and without time limits.
pub(crate) fn local(endpoint: &str, region: &str, access_key_id: &str, secret_access_key: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key_id, secret_access_key, None, None, "local stack");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client(ProxyConfig::disabled()))
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(RetryConfig::standard())
        .build()
}

/// The same configuration with this tool's time limits.
pub(crate) fn with_time_limits(sdk: &SdkConfig) -> SdkConfig {
    sdk.to_builder().timeout_config(timeouts()).retry_config(RetryConfig::standard()).build()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build()
}

/// TLS by ring, as in the functions. Trusts the machine's root certificates.
fn http_client(proxy: ProxyConfig) -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_with_connector_fn(move |settings, _| {
        let mut connector = Connector::builder().proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    })
}
