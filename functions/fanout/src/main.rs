//! Wiring of the function `fanout`: its log, its settings, its clients.

use std::process::ExitCode;

use fanout::{Fanout, Settings, StreamBatch};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    platform::log_to_stdout(var("AWS_LAMBDA_LOG_LEVEL").as_deref());
    platform::exit_code(serve().await)
}

async fn serve() -> Result<(), Error> {
    let settings = Settings::read(var)?;
    let fanout = &Fanout::new(settings, &platform::sdk_config(var)?);
    fanout.warm_up().await;
    let handle = async |event: LambdaEvent<StreamBatch>| {
        let deadline = event.context.deadline();
        // Boxed, because the compiler gives up on a future that has the runtime's and the SDK's in one.
        Box::pin(fanout::handle(fanout, event.payload, deadline)).await.map_err(Error::from)
    };
    run(service_fn(handle)).await
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
