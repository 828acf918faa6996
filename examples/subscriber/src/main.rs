//! Wires the example subscriber: log, settings, clients.

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use wab_subscriber::{SqsEvent, Subscriber};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    wab_platform::log_to_stdout();
    wab_platform::exit_code(serve().await)
}

async fn serve() -> Result<(), Error> {
    let subscriber = &Subscriber::new(
        &wab_platform::sdk_config(var)?,
        wab_platform::required(var, "SEEN_TABLE_NAME")?,
        wab_platform::required(var, "REPLIES_QUEUE_URL")?,
    );
    let handle =
        async |event: LambdaEvent<SqsEvent>| Ok::<_, Error>(wab_subscriber::handle(subscriber, event.payload).await);
    run(service_fn(handle)).await
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
