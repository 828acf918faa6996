//! Wiring of the function `fanout`: its log, its settings, its clients.

use fanout::{Fanout, Settings, StreamBatch};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let var = |name: &str| std::env::var(name).ok();
    platform::log_to_stdout(var("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let settings = Settings::read(var)?;
    let fanout = &Fanout::new(settings, &platform::sdk_config(var)?);
    fanout.warm_up().await;
    let handle = async |event: LambdaEvent<StreamBatch>| {
        let deadline = event.context.deadline();
        fanout::handle(fanout, event.payload, deadline).await.map_err(Error::from)
    };
    run(service_fn(handle)).await
}
