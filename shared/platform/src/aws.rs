//! The AWS SDK: one configuration, one HTTP client and one connection pool for every client of a function.
//!
//! Built by hand from what Lambda sets rather than by `aws-config`, whose chain looks for profiles, containers
//! and token services that a function hasn't got, and brings their clients into every binary: a megabyte.

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

/// The roots that vouch for AWS's own endpoints. Every start decodes what it trusts, and these five are far
/// fewer than the machine's whole store.
const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");

/// What says that a connection may end at another certificate than Amazon's: a store of one's own, an endpoint
/// of one's own, a proxy that may look inside.
const OWN_SURROUNDINGS: [&str; 11] = [
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

/// The configuration of every AWS client, from the environment variables that Lambda sets (`AWS_REGION`,
/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`) and those of the SDKs' common reference
/// that a deployment may set: `AWS_ENDPOINT_URL`, also with a service's name behind it,
/// `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`, and the usual ones for a proxy.
///
/// Three attempts of one second each, with at most 50 ms and 100 ms between them: a call ends within 3.2 seconds. A
/// call that its caller bounds more closely has [`one_long_attempt`] instead.
///
/// # Errors
/// If the region or the credentials are missing, or no HTTP client can be built.
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
            problem: "doesn't lead to certificates that can be used",
        })?)
        .timeout_config(timeouts)
        .retry_config(retries)
        // It watches over long transfers; here every attempt has its own end.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .use_fips(is_true("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_true("AWS_USE_DUALSTACK_ENDPOINT"));
    config.set_endpoint_url(optional(&var, "AWS_ENDPOINT_URL"));
    Ok(config.service_config(ServiceEndpoints(var)).build())
}

/// Whether a service is reached at an endpoint of one's own rather than at AWS's.
#[must_use]
pub fn has_own_endpoint(sdk: &SdkConfig, service_id: &str) -> bool {
    let key =
        ServiceConfigKey::builder().service_id(service_id).profile("endpoint_url").env("AWS_ENDPOINT_URL").build();
    let of_service = || sdk.service_config()?.load_config(key.ok()?);
    sdk.endpoint_url().is_some() || of_service().is_some()
}

/// The timeouts of a call that its caller ends. One attempt may take all of that time, and so may opening its
/// connection: a handshake can take longer than usual just when the call matters most. A quick failure is still
/// retried.
#[must_use]
pub fn one_long_attempt() -> TimeoutConfig {
    TimeoutConfig::builder().disable_connect_timeout().disable_operation_attempt_timeout().build()
}

/// One connector for all clients, and a second one, built only when it is needed, for calls without a connect timeout:
/// a connector has one for all its connections. TLS by ring: the SDK's default provider costs some 45 ms of CPU in its
/// first handshake.
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

/// The only roots to trust; none if the machine's whole store is trusted.
fn roots(var: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    OWN_SURROUNDINGS.iter().all(|name| optional(&var, name).is_none()).then_some(AMAZON_ROOTS)
}

/// The endpoints of single services, `AWS_ENDPOINT_URL_DYNAMODB` and its like.
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
    fn what_lambda_sets_is_enough() {
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
    fn without_region_or_credentials_it_refuses() {
        for missing in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            let refused = sdk_config(move |name| lambda(name).filter(|_| name != missing)).unwrap_err();
            assert_eq!(refused.name, missing);
        }
    }

    #[test]
    fn a_service_may_have_an_endpoint_of_its_own() {
        let config = sdk_config(|name| match name {
            "AWS_ENDPOINT_URL" => Some("http://all".to_owned()),
            "AWS_ENDPOINT_URL_DYNAMODB" => Some("http://table".to_owned()),
            "AWS_ENDPOINT_URL_SNS" => Some(String::new()),
            name => lambda(name),
        });
        let config = config.unwrap();
        let of = |service| {
            let key = ServiceConfigKey::builder().service_id(service).profile("endpoint_url").env("AWS_ENDPOINT_URL");
            config.service_config().unwrap().load_config(key.build().unwrap())
        };
        assert_eq!(config.endpoint_url(), Some("http://all"));
        assert_eq!(of("DynamoDB").as_deref(), Some("http://table"));
        assert_eq!((of("SNS"), of("SQS")), (None, None));
        let only_s3 = sdk_config(|name| match name {
            "AWS_ENDPOINT_URL_S3" => Some("http://bucket".to_owned()),
            name => lambda(name),
        });
        let only_s3 = only_s3.unwrap();
        assert!(has_own_endpoint(&only_s3, "S3") && !has_own_endpoint(&only_s3, "SNS"));
    }

    #[test]
    fn amazon_alone_is_trusted_until_the_surroundings_are_ones_own() {
        assert_eq!(roots(lambda), Some(AMAZON_ROOTS));
        for own in OWN_SURROUNDINGS {
            assert_eq!(roots(|name| (name == own).then(|| "there".to_owned())), None, "{own}");
            assert_eq!(roots(|name| (name == own).then(String::new)), Some(AMAZON_ROOTS), "{own}");
        }
    }

    #[test]
    fn the_roots_are_those_that_amazon_publishes() {
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
