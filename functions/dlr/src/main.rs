//! wiring
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::run(lambda_http::service_fn(|_r: lambda_http::Request| async { Ok::<_, lambda_http::Error>("ok") })).await
}
