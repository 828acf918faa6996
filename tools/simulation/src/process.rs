//! A process of a function: the function's own code, with AWS clients whose calls go to the simulated network.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_types::region::Region;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use wab_fanout::Fanout;
use wab_ingress::{Receiver, Verifier};
use wab_platform::SdkConfig;
use wab_recover::Recover;

use crate::content_free;
use crate::plan::{Function, Setup};
use crate::stack::{
    BUCKET, DEAD_LETTERS_URL, DLR_FIFO_TOPIC, DLR_TOPIC, MO_FIFO_TOPIC, MO_TOPIC, PASSWORD, SPILL_URL, TABLE_ARN, USER,
};
use crate::time::{EPOCH_MS, Ms};

/// Who calls AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A process of a function, by its number.
    Process(Function, u64),
    /// An operator with `wab`.
    Person,
}

/// A call on its way to AWS.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) from: Caller,
    pub(crate) request: HttpRequest,
    pub(crate) reply: oneshot::Sender<HttpResponse>,
}

/// The network between a process and AWS.
pub(crate) type Network = mpsc::UnboundedSender<Call>;

/// A caller's HTTP client. It sends each request to the network and waits for the answer.
#[derive(Debug)]
struct Connector {
    from: Caller,
    network: Network,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (reply, answer) = oneshot::channel();
        let sent = self.network.send(Call { from: self.from, request, reply });
        HttpConnectorFuture::new(async move {
            let broken = |_| ConnectorError::io("the connection broke".into());
            sent.map_err(|_| ConnectorError::io("there is no network".into()))?;
            let response: HttpResponse = answer.await.map_err(broken)?;
            Ok(response)
        })
    }
}

/// The wall clock of a process: virtual time with an error.
#[derive(Clone, Copy)]
struct Clock {
    start: Instant,
    skew: i64,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({} ms)", self.skew)
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        let now = EPOCH_MS + u64::try_from(self.start.elapsed().as_millis()).unwrap_or(0);
        UNIX_EPOCH + Duration::from_millis(now.saturating_add_signed(self.skew))
    }
}

/// The functions' own configuration, with the network and the clock of a run.
pub(crate) fn sdk(from: Caller, network: Network, start: Instant, skew: i64) -> SdkConfig {
    thread_local! {
        static BASE: SdkConfig = wab_platform::sdk_config(|name: &str| match name {
            "AWS_REGION" => Some("us-east-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            _ => None,
        })
        .unwrap_or_else(|error| unreachable!("everything is set: {error}"));
    }
    // The SDK has one retry quota for each service and region in an operating system process. With its own region, each
    // simulated process has its own quota.
    static REGIONS: AtomicU64 = AtomicU64::new(0);
    let region = Region::new(format!("simulated-{}", REGIONS.fetch_add(1, Ordering::Relaxed)));
    let connector = SharedHttpConnector::new(Connector { from, network });
    let client = http_client_fn(move |_, _| connector.clone());
    let with = |base: &SdkConfig| base.clone().into_builder().region(region).http_client(client);
    BASE.with(|base| with(base).time_source(Clock { start, skew }).build())
}

/// The function that a process runs.
pub(crate) enum Code {
    Callbacks(Receiver),
    Fanout(Fanout),
    Recover(Recover),
}

pub(crate) struct Process {
    pub(crate) number: u64,
    pub(crate) code: Code,
    pub(crate) idle_since: Cell<Ms>,
    clock: Clock,
}

impl Process {
    pub(crate) fn new(
        function: Function,
        number: u64,
        setup: &Setup,
        network: Network,
        start: Instant,
        skew: i64,
    ) -> Self {
        let setting = |name: &str| match name {
            "RETENTION_DAYS" => Some(setup.retention_days.to_string()),
            "CONTENT" => Some(if setup.content_free { "none" } else { "full" }.to_owned()),
            "CONTENT_KEY" => setup.content_free.then(|| content_free::KEY.to_owned()),
            "MO_FIFO_TOPIC_ARN" => setup.fifo_topics.then(|| MO_FIFO_TOPIC.to_owned()),
            "DLR_FIFO_TOPIC_ARN" => setup.fifo_topics.then(|| DLR_FIFO_TOPIC.to_owned()),
            name => setting(name),
        };
        let sdk = sdk(Caller::Process(function, number), network, start, skew);
        let usable = "the settings are complete";
        let code = match function {
            Function::Mo | Function::Dlr => {
                let settings = wab_ingress::Settings::read(setting).unwrap_or_else(|_| unreachable!("{usable}"));
                Code::Callbacks(Receiver::new(settings, &sdk))
            }
            Function::Fanout => {
                let settings = wab_fanout::Settings::read(setting).unwrap_or_else(|_| unreachable!("{usable}"));
                Code::Fanout(Fanout::new(settings, &sdk))
            }
            Function::Recover => {
                let settings = wab_recover::Settings::read(setting).unwrap_or_else(|_| unreachable!("{usable}"));
                Code::Recover(Recover::new(settings, &sdk))
            }
        };
        Self { number, code, idle_since: Cell::new(0), clock: Clock { start, skew } }
    }

    /// What the function's `main` does before its first invocation.
    pub(crate) async fn init(&self) {
        match &self.code {
            Code::Callbacks(receiver) => receiver.store.warm_up().await,
            Code::Fanout(fanout) => fanout.warm_up().await,
            Code::Recover(_) => {}
        }
    }

    /// The deadline of an invocation that begins now, on this process's clock.
    pub(crate) fn deadline(&self, timeout: Ms) -> SystemTime {
        self.clock.now() + Duration::from_millis(timeout)
    }
}

/// The environment variables of all functions.
fn setting(name: &str) -> Option<String> {
    Some(match name {
        "TABLE_NAME" => TABLE_ARN.rsplit('/').next()?.to_owned(),
        "METRIC_NAMESPACE" => "wab".to_owned(),
        "BUCKET_NAME" => BUCKET.to_owned(),
        "SPILL_QUEUE_URL" => SPILL_URL.to_owned(),
        "DEAD_LETTER_QUEUE_URL" => DEAD_LETTERS_URL.to_owned(),
        "MO_TOPIC_ARN" => MO_TOPIC.to_owned(),
        "DLR_TOPIC_ARN" => DLR_TOPIC.to_owned(),
        "CALLBACK_CREDENTIALS" => Verifier::new(USER, PASSWORD).ok()?.to_string(),
        _ => return None,
    })
}
