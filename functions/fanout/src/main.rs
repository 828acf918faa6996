//! Wiring of the function `fanout`: its log, its settings, its clients.

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use wab_fanout::{Fanout, Settings};
use wab_models::StreamBatch;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    wab_platform::log_to_stdout();
    wab_platform::exit_code(serve().await)
}

async fn serve() -> Result<(), Error> {
    let settings = Settings::read(var)?;
    let fanout = &Fanout::new(settings, &wab_platform::sdk_config(var)?);
    fanout.warm_up().await;
    let handle = async |event: LambdaEvent<StreamBatch>| {
        let LambdaEvent { payload, context } = event;
        // Boxed, because the compiler gives up on a future that has the runtime's and the SDK's in one.
        let handled = wab_fanout::handle(fanout, payload, context.deadline(), context.xray_trace_id.as_deref());
        Box::pin(handled).await.map_err(Error::from)
    };
    run(service_fn(handle)).await
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
