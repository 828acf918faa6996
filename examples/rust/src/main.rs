//! Wires the example subscriber: log, settings, clients.

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use wab_platform::required;
use wab_subscriber::{HandledEvents, Subscriber, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    wab_platform::log_to_stdout();
    wab_platform::exit_code(serve().await)
}

async fn serve() -> Result<(), Error> {
    let sdk = wab_platform::sdk_config(var)?;
    let subscriber = &Subscriber {
        handled: HandledEvents {
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            table_name: required(var, "HANDLED_TABLE_NAME")?,
        },
        sqs: aws_sdk_sqs::Client::new(&sdk),
        replies_queue_url: required(var, "REPLIES_QUEUE_URL")?,
    };
    run(service_fn(async |event: LambdaEvent<_>| Ok::<_, Error>(handle(subscriber, event.payload).await))).await
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
