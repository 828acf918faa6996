//! The baseline for `mo`: parses the body, puts one item, answers 200. It has no authentication, digest or log, but all
//! optimizations of the functions: one connector, TLS by ring, few roots, no `aws-config`, a connection opened before the
//! first invocation, one thread.

use std::env::var;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_types::SdkConfig;
use aws_types::region::Region;
use lambda_http::{Error, Request, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let endpoint = var("AWS_ENDPOINT_URL")?;
    let roots = TrustStore::empty().with_pem_certificate(std::fs::read(var("SSL_CERT_FILE")?)?);
    let settings = HttpConnectorSettings::builder().connect_timeout(Duration::from_millis(500)).build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(TlsContext::builder().with_trust_store(roots).build()?)
        .build();
    let connector = SharedHttpConnector::new(connector);
    let _ = connector.call(HttpRequest::get(&endpoint)?).await;

    let credentials = Credentials::new(
        var("AWS_ACCESS_KEY_ID")?,
        var("AWS_SECRET_ACCESS_KEY")?,
        var("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    );
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(var("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let (client, table) = &(Client::new(&sdk), var("TABLE_NAME")?);
    run(service_fn(async |request: Request| store(client, table, &request).await)).await
}

async fn store(client: &Client, table: &str, request: &Request) -> Result<Value, Error> {
    let body: &[u8] = request.body();
    let callback: Value = serde_json::from_slice(body)?;
    let id = callback.get("id").and_then(Value::as_str).unwrap_or_default();
    client
        .put_item()
        .table_name(table)
        .item("pk", AttributeValue::S(format!("MO#{id}")))
        .item("sk", AttributeValue::S("EVENT".to_owned()))
        .item("body", AttributeValue::S(String::from_utf8_lossy(body).into_owned()))
        .condition_expression("attribute_not_exists(pk)")
        .send()
        .await?;
    Ok(json!({"id": id}))
}
