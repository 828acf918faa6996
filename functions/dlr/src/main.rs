//! Wiring of the function `dlr`: its log, its settings, its clients.

use ingress::{Door, Settings, run};
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let var = |name: &str| std::env::var(name).ok();
    platform::log_to_stdout(var("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let settings = Settings::read(var)?;
    let door = &Door::new(settings, &platform::sdk_config(var)?);
    door.store.warm_up().await;
    run(|request| dlr::handle(door, request)).await
}
