//! The AWS SDK's configuration: one HTTP client and one connection pool for all clients of a function.
//!
//! It is built by hand from Lambda's environment variables. `aws-config` would look for profiles, containers and token
//! services, which a function doesn't have, and their clients add a megabyte to every binary.

use std::sync::LazyLock;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, HttpClientError};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
pub use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::settings::{SettingError, optional, required};

const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

/// The root certificates of AWS's own endpoints. Each start parses the roots it trusts, and these five are far fewer than
/// the system's store.
pub const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");

/// The settings with which a connection may present another certificate than Amazon's: a custom certificate store, a
/// custom endpoint, or a proxy that intercepts TLS.
const CUSTOM_TRUST: [&str; 11] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_SQS",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// The configuration of every AWS client.
///
/// It is read from the environment variables that Lambda sets (`AWS_REGION`, `AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`) and from those that a deployment may set: `AWS_ENDPOINT_URL`,
/// `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT` and the common proxy variables.
///
/// A call has three attempts of one second each, with at most 50 ms and 100 ms between them, so it ends within 3.2
/// seconds. A call with a deadline of its own uses [`one_long_attempt`] instead.
///
/// # Errors
/// If the region or the credentials are missing, or the HTTP client can't be built.
pub fn sdk_config(var: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Result<SdkConfig, SettingError> {
    let credentials = Credentials::new(
        required(&var, "AWS_ACCESS_KEY_ID")?,
        required(&var, "AWS_SECRET_ACCESS_KEY")?,
        var("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let is_true = |name| var(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let retries = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(required(&var, "AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client(roots(&var)).map_err(|_| SettingError {
            name: "SSL_CERT_FILE",
            problem: "does not name a file of usable certificates",
        })?)
        .timeout_config(timeouts)
        .retry_config(retries)
        // It is for long transfers. Here each attempt has a timeout.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .use_fips(is_true("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_true("AWS_USE_DUALSTACK_ENDPOINT"));
    config.set_endpoint_url(optional(&var, "AWS_ENDPOINT_URL"));
    Ok(config.service_config(ServiceEndpoints(var)).build())
}

/// Whether a custom endpoint is configured for this service.
#[must_use]
pub fn has_custom_endpoint(sdk: &SdkConfig, service_id: &str) -> bool {
    let key =
        ServiceConfigKey::builder().service_id(service_id).profile("endpoint_url").env("AWS_ENDPOINT_URL").build();
    let of_service = || sdk.service_config()?.load_config(key.ok()?);
    sdk.endpoint_url().is_some() || of_service().is_some()
}

/// The timeouts of a call with a deadline. One attempt, its handshake included, may take all of the time: handshakes are
/// slow just when the spill queue or the bucket is needed. A quick failure is still retried.
#[must_use]
pub fn one_long_attempt() -> TimeoutConfig {
    TimeoutConfig::builder().disable_connect_timeout().disable_operation_attempt_timeout().build()
}

/// One connector for all clients, and a second one for calls without a connect timeout, which is a property of the
/// connector. The second one is built on first use. TLS uses ring: the SDK's default provider takes about 45 ms of CPU in
/// its first handshake.
fn http_client(roots: Option<&'static str>) -> Result<SharedHttpClient, HttpClientError> {
    let trust_store = roots.map_or_else(TrustStore::default, |roots| TrustStore::empty().with_pem_certificate(roots));
    let tls = TlsContext::builder().with_trust_store(trust_store).build()?;
    let prompt = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let prompt = connector(prompt, tls.clone());
    let patient = LazyLock::new(move || connector(HttpConnectorSettings::builder().build(), tls));
    Ok(http_client_fn(move |settings, _| match settings.connect_timeout() {
        Some(_) => prompt.clone(),
        None => LazyLock::force(&patient).clone(),
    }))
}

fn connector(settings: HttpConnectorSettings, tls: TlsContext) -> SharedHttpConnector {
    let connector = Connector::builder()
        .connector_settings(settings)
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build();
    SharedHttpConnector::new(connector)
}

/// The only roots to trust, or none to trust the system's store.
fn roots(var: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    CUSTOM_TRUST.iter().all(|name| optional(&var, name).is_none()).then_some(AMAZON_ROOTS)
}

/// The endpoints of single services, for example `AWS_ENDPOINT_URL_DYNAMODB`.
struct ServiceEndpoints<F>(F);

impl<F> std::fmt::Debug for ServiceEndpoints<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServiceEndpoints")
    }
}

impl<F: Fn(&str) -> Option<String> + Send + Sync> LoadServiceConfig for ServiceEndpoints<F> {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        optional(&self.0, &format!("{}_{}", key.env(), key.service_id().replace(' ', "_").to_uppercase()))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    fn lambda(name: &str) -> Option<String> {
        let value = match name {
            "AWS_REGION" => "ap-southeast-2",
            "AWS_ACCESS_KEY_ID" => "id",
            "AWS_SECRET_ACCESS_KEY" => "secret",
            "AWS_SESSION_TOKEN" => "token",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn variables_set_by_lambda_are_enough() {
        let config = sdk_config(lambda).unwrap();
        assert_eq!(config.region().unwrap().as_ref(), "ap-southeast-2");
        assert_eq!(config.endpoint_url(), None);
        assert!(config.http_client().is_some() && config.credentials_provider().is_some());
    }

    #[test]
    fn configuration_is_printed_without_the_environment() {
        let printed = format!("{:?}", sdk_config(lambda).unwrap());
        assert!(printed.contains("ServiceEndpoints"), "{printed}");
        assert!(!printed.contains(r#""secret""#) && !printed.contains(r#""token""#), "{printed}");
    }

    #[test]
    fn missing_region_or_credentials_are_an_error() {
        for missing in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            let refused = sdk_config(move |name| lambda(name).filter(|_| name != missing)).unwrap_err();
            assert_eq!(refused.name, missing);
        }
    }

    #[test]
    fn single_service_can_have_custom_endpoint() {
        let config = sdk_config(|name| match name {
            "AWS_ENDPOINT_URL" => Some("http://all".to_owned()),
            "AWS_ENDPOINT_URL_DYNAMODB" => Some("http://table".to_owned()),
            "AWS_ENDPOINT_URL_SNS" => Some(String::new()),
            name => lambda(name),
        });
        let config = config.unwrap();
        let endpoint = |service| {
            let key = ServiceConfigKey::builder().service_id(service).profile("endpoint_url").env("AWS_ENDPOINT_URL");
            config.service_config().unwrap().load_config(key.build().unwrap())
        };
        assert_eq!(config.endpoint_url(), Some("http://all"));
        assert_eq!(endpoint("DynamoDB").as_deref(), Some("http://table"));
        assert_eq!((endpoint("SNS"), endpoint("SQS")), (None, None));
        let only_s3 = sdk_config(|name| match name {
            "AWS_ENDPOINT_URL_S3" => Some("http://bucket".to_owned()),
            name => lambda(name),
        });
        let only_s3 = only_s3.unwrap();
        assert!(has_custom_endpoint(&only_s3, "S3") && !has_custom_endpoint(&only_s3, "SNS"));
    }

    #[test]
    fn amazon_roots_are_trusted_unless_trust_is_custom() {
        assert_eq!(roots(lambda), Some(AMAZON_ROOTS));
        for custom in CUSTOM_TRUST {
            assert_eq!(roots(|name| (name == custom).then(|| "there".to_owned())), None, "{custom}");
            assert_eq!(roots(|name| (name == custom).then(String::new)), Some(AMAZON_ROOTS), "{custom}");
        }
    }

    #[test]
    fn roots_are_those_that_amazon_publishes() {
        // The SHA-256 fingerprints under https://www.amazontrust.com/repository/.
        let published = [
            "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
            "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
            "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
            "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
            "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
        ];
        let fingerprint = |pem: &str| {
            let der = STANDARD.decode(pem.split_whitespace().collect::<String>()).unwrap();
            Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let ours: Vec<String> = AMAZON_ROOTS
            .split("-----BEGIN CERTIFICATE-----")
            .skip(1)
            .map(|rest| fingerprint(rest.split("-----END").next().unwrap()))
            .collect();
        assert_eq!(ours, published);
        http_client(roots(lambda)).unwrap();
    }
}
