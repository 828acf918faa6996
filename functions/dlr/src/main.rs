//! Wiring of the function `dlr`: its log, its settings, its clients.

use std::process::ExitCode;

use lambda_http::Error;
use wab_ingress::{Door, Settings, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    wab_platform::log_to_stdout(var("AWS_LAMBDA_LOG_LEVEL").as_deref());
    wab_platform::exit_code(serve().await)
}

async fn serve() -> Result<(), Error> {
    let settings = Settings::read(var)?;
    let door = &Door::new(settings, &wab_platform::sdk_config(var)?);
    door.store.warm_up().await;
    run(|request| wab_dlr::handle(door, request)).await
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
