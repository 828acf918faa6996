//! A function's process, and Lambda's Runtime API for it.

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

/// Longer than any step takes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A running function. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) init: Duration,
    pub(crate) pid: u32,
    events: mpsc::UnboundedSender<Bytes>,
    calls: mpsc::UnboundedReceiver<ApiCall>,
    log: NamedTempFile,
    cpu_clock: ClockId,
    _child: Child,
}

/// A call of the function to the Runtime API.
#[derive(Debug)]
enum ApiCall {
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
        let (sender, mut calls) = mpsc::unbounded_channel();
        serve(listener, sender, queue);

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
        match tokio::time::timeout(TIMEOUT, calls.recv()).await? {
            Some(ApiCall::Next) => {}
            other => bail!("{} did not start: {other:?}", bootstrap.display()),
        }
        let init = started.elapsed();
        let pid = child.id().context("the function has ended")?;
        let cpu_clock = clock_getcpuclockid(Pid::from_raw(pid.try_into()?))?;
        Ok(Self { init, pid, events, calls, log, cpu_clock, _child: child })
    }

    /// Sends an event and waits for the response. Returns the duration and the response.
    pub(crate) async fn invoke(&mut self, event: Bytes) -> anyhow::Result<(Duration, Bytes)> {
        let started = Instant::now();
        self.events.send(event)?;
        let response = match tokio::time::timeout(TIMEOUT, self.calls.recv()).await? {
            Some(ApiCall::Response(response)) => response,
            Some(ApiCall::Error(error)) => bail!("the function failed: {}", String::from_utf8_lossy(&error)),
            other => bail!("the function made the call {other:?} instead of a response"),
        };
        let took = started.elapsed();
        match tokio::time::timeout(TIMEOUT, self.calls.recv()).await? {
            Some(ApiCall::Next) => Ok((took, response)),
            other => bail!("the function made the call {other:?} instead of asking for the next event"),
        }
    }

    /// CPU time of all threads so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        Ok(self.cpu_clock.now()?.into())
    }

    pub(crate) fn peak_memory_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// Bytes logged so far. The log is a file rather than a pipe, so that no reader takes CPU time.
    pub(crate) fn log_bytes(&self) -> anyhow::Result<u64> {
        Ok(self.log.as_file().metadata()?.len())
    }
}

type Events = Rc<Mutex<mpsc::UnboundedReceiver<Bytes>>>;

/// Lambda's Runtime API (AWS Lambda developer guide, "Using the Lambda runtime API"), as far as the runtime uses it.
fn serve(listener: TcpListener, calls: mpsc::UnboundedSender<ApiCall>, events: mpsc::UnboundedReceiver<Bytes>) {
    let events: Events = Rc::new(Mutex::new(events));
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let (calls, events) = (calls.clone(), Rc::clone(&events));
            tokio::task::spawn_local(async move {
                let answer = service_fn(|request| answer(request, &calls, &events));
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    });
}

async fn answer(
    request: Request<Incoming>,
    calls: &mpsc::UnboundedSender<ApiCall>,
    events: &Events,
) -> anyhow::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    if head.method == Method::GET {
        calls.send(ApiCall::Next)?;
        let event = events.lock().await.recv().await.context("no more events")?;
        let response = Response::builder()
            .header("lambda-runtime-aws-request-id", "3f1c8a52-7c55-4d0e-9b86-0d6a1f1c7d11")
            .header("lambda-runtime-deadline-ms", "4102444800000")
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
            .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0");
        return Ok(response.body(Full::new(event))?);
    }
    let body = body.collect().await?.to_bytes();
    calls.send(if head.uri.path().ends_with("/response") { ApiCall::Response(body) } else { ApiCall::Error(body) })?;
    Ok(Response::builder().status(202).body(Full::default())?)
}
