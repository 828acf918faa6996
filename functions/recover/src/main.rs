//! The process of the function `recover`: sets up the log, reads the settings, builds the clients.

use std::convert::Infallible;
use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use wab_recover::{Recover, Settings, SpillBatch};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    wab_platform::log_to_stdout();
    wab_platform::exit_code(serve().await)
}

async fn serve() -> Result<(), Error> {
    let settings = Settings::read(var)?;
    let recover = &Recover::new(settings, &wab_platform::sdk_config(var)?);
    let handle =
        async |event: LambdaEvent<SpillBatch>| Ok::<_, Infallible>(wab_recover::handle(recover, event.payload).await);
    run(service_fn(handle)).await
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
