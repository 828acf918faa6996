//! The process of the function `mo`: sets up the log, reads the settings, builds the clients.

use std::process::ExitCode;

use lambda_http::Error;
use wab_ingress::{Receiver, Settings, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    wab_platform::log_to_stdout();
    wab_platform::exit_code(serve().await)
}

async fn serve() -> Result<(), Error> {
    let settings = Settings::read(var)?;
    let receiver = &Receiver::new(settings, &wab_platform::sdk_config(var)?);
    receiver.store.warm_up().await;
    run(|event| wab_mo::handle(receiver, event)).await
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
