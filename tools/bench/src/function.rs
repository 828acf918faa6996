//! One function's process, and Lambda's Runtime API for it.

use std::path::Path;
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};

/// Longer than anything here takes; what waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running function. It ends with this value.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) init: Duration,
    pub(crate) pid: u32,
    events: mpsc::UnboundedSender<Bytes>,
    said: mpsc::UnboundedReceiver<Said>,
    log: NamedTempFile,
    cpu_clock: ClockId,
    _child: Child,
}

/// What a function tells the Runtime API.
#[derive(Debug)]
enum Said {
    Next,
    Response(Bytes),
    Error(Bytes),
}

impl Function {
    /// Starts `bootstrap` and waits until it asks for its first event.
    pub(crate) async fn start(bootstrap: &Path, environment: &[(&str, String)]) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let api = listener.local_addr()?.to_string();
        let (events, queue) = mpsc::unbounded_channel();
        let (say, mut said) = mpsc::unbounded_channel();
        serve(listener, say, queue);

        let log = NamedTempFile::new()?;
        let started = Instant::now();
        let child = Command::new(bootstrap)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.reopen()?))
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", bootstrap.display()))?;
        match tokio::time::timeout(PATIENCE, said.recv()).await? {
            Some(Said::Next) => {}
            other => bail!("{} did not start: {other:?}", bootstrap.display()),
        }
        let init = started.elapsed();
        let pid = child.id().context("the function has ended")?;
        let cpu_clock = clock_getcpuclockid(Pid::from_raw(pid.try_into()?))?;
        Ok(Self { init, pid, events, said, log, cpu_clock, _child: child })
    }

    /// Hands over an event and waits for its response: how long that took, and what it is.
    pub(crate) async fn invoke(&mut self, event: Bytes) -> anyhow::Result<(Duration, Bytes)> {
        let started = Instant::now();
        self.events.send(event)?;
        let response = match tokio::time::timeout(PATIENCE, self.said.recv()).await? {
            Some(Said::Response(response)) => response,
            Some(Said::Error(error)) => bail!("the function failed: {}", String::from_utf8_lossy(&error)),
            other => bail!("the function said {other:?} in place of a response"),
        };
        let took = started.elapsed();
        match tokio::time::timeout(PATIENCE, self.said.recv()).await? {
            Some(Said::Next) => Ok((took, response)),
            other => bail!("the function said {other:?} in place of asking for the next event"),
        }
    }

    /// What the process has computed so far, all its threads together.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        Ok(self.cpu_clock.now()?.into())
    }

    /// The most memory it ever had.
    pub(crate) fn peak_memory_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// All that it has logged so far. A file rather than a pipe: nobody has to wake up for it.
    pub(crate) fn log_bytes(&self) -> anyhow::Result<u64> {
        Ok(self.log.as_file().metadata()?.len())
    }
}

type Events = Rc<Mutex<mpsc::UnboundedReceiver<Bytes>>>;

/// Lambda's Runtime API (AWS Lambda developer guide, "Using the Lambda runtime API"), as much as the runtime asks for.
fn serve(listener: TcpListener, say: mpsc::UnboundedSender<Said>, events: mpsc::UnboundedReceiver<Bytes>) {
    let events: Events = Rc::new(Mutex::new(events));
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let (say, events) = (say.clone(), Rc::clone(&events));
            tokio::task::spawn_local(async move {
                let answer = service_fn(|request| answer(request, &say, &events));
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    });
}

async fn answer(
    request: Request<Incoming>,
    say: &mpsc::UnboundedSender<Said>,
    events: &Events,
) -> anyhow::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    if head.method == Method::GET {
        say.send(Said::Next)?;
        let event = events.lock().await.recv().await.context("no more events")?;
        let response = Response::builder()
            .header("lambda-runtime-aws-request-id", "3f1c8a52-7c55-4d0e-9b86-0d6a1f1c7d11")
            .header("lambda-runtime-deadline-ms", "4102444800000")
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
            .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0");
        return Ok(response.body(Full::new(event))?);
    }
    let body = body.collect().await?.to_bytes();
    say.send(if head.uri.path().ends_with("/response") { Said::Response(body) } else { Said::Error(body) })?;
    Ok(Response::builder().status(202).body(Full::default())?)
}
