//! wiring
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(lambda_runtime::service_fn(|_e: lambda_runtime::LambdaEvent<serde_json::Value>| async { Ok::<_, lambda_runtime::Error>(()) })).await
}
