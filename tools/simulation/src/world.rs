//! One run: the plan's callbacks and faults against the functions and the models of AWS, on virtual time.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::sync::{Notify, mpsc};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};
use wab::Resources;

use crate::aws::dynamodb::{Put, Record, TABLE_ARN, Table};
use crate::aws::s3::Bucket;
use crate::aws::sqs::Queue;
use crate::body::Sent;
use crate::ledger::Ledger;
use crate::network;
use crate::plan::{Callback, Fault, Function, HOUR, Kind, MINUTE, Ms, Plan, SECOND};
use crate::process::{Caller, DEAD_LETTERS_URL, EPOCH_MS, Network, Process, SPILL_URL, sdk};
use crate::{gateway, ledger};

/// After the last fault everything must be quiet within a pause of Lambda's, the spill queue's visibility timeout, and
/// this much.
const TIME_TO_SETTLE: Ms = 5 * MINUTE;

/// What broke a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise, in a few words: the same for all its breaches.
    pub promise: &'static str,
    /// How it was broken.
    pub how: String,
    /// When.
    pub at: Ms,
}

/// What a run did.
#[derive(Debug, Default, Clone)]
pub struct Stats {
    /// Virtual time that passed.
    pub time: Ms,
    /// Callbacks posted.
    pub callbacks: u64,
    /// Answers by status.
    pub answers: BTreeMap<u16, u64>,
    /// Events stored.
    pub stored: u64,
    /// Deliveries to topics.
    pub deliveries: u64,
    /// Messages in the dead-letter queue, of functions and of Lambda.
    pub parked: u64,
    /// How often each fault hit.
    pub hits: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.time += other.time;
        self.callbacks += other.callbacks;
        self.stored += other.stored;
        self.deliveries += other.deliveries;
        self.parked += other.parked;
        for (status, count) in &other.answers {
            *self.answers.entry(*status).or_default() += count;
        }
        for (fault, count) in &other.hits {
            *self.hits.entry(fault).or_default() += count;
        }
    }
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The first promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// What it did.
    pub stats: Stats,
    /// What happened, in order; empty unless it was asked for.
    pub trace: Vec<String>,
}

/// The run's state. Everything happens in one thread, one thing at a time.
pub(crate) struct World {
    pub(crate) start: Instant,
    pub(crate) plan: Plan,
    pub(crate) table: RefCell<Table>,
    pub(crate) bucket: RefCell<Bucket>,
    pub(crate) spill: RefCell<Queue>,
    pub(crate) dead_letters: RefCell<Queue>,
    pub(crate) spill_changed: Notify,
    pub(crate) stream_changed: Notify,
    /// Invocations of `recover` under way.
    pub(crate) recovering: Cell<usize>,
    pub(crate) ledger: RefCell<Ledger>,
    pub(crate) stats: RefCell<Stats>,
    network: Network,
    idle: RefCell<BTreeMap<Function, Vec<Rc<Process>>>>,
    processes: Cell<u64>,
    /// When the current invocation of each process began.
    began: RefCell<BTreeMap<u64, Ms>>,
    rng: RefCell<fastrand::Rng>,
    /// Callbacks and other tasks of the plan that aren't done.
    pending: Cell<usize>,
    /// Stream records in a reader's hands.
    unread: Cell<usize>,
    /// Whether faults may still happen.
    is_faulty: Cell<bool>,
    violation: RefCell<Option<Violation>>,
    log: Log,
    trace: Option<RefCell<Vec<String>>>,
}

/// Runs a plan.
pub(crate) fn run(plan: &Plan, with_trace: bool) -> Outcome {
    // The SDK draws its pauses from the thread's generator.
    fastrand::seed(plan.noise);
    let log = Log::default();
    let out = log.clone();
    let _log = tracing::subscriber::set_default(wab_platform::log(Some("INFO"), move || out.clone()));
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let (network, calls) = mpsc::unbounded_channel();
        let world = Rc::new(World::new(plan.clone(), network, log, with_trace));
        world.spawn(network::serve(Rc::clone(&world), calls));
        world.live().await;
        let mut stats = world.stats.borrow().clone();
        stats.time = world.now();
        Outcome {
            violation: world.violation.borrow().clone(),
            stats,
            trace: world.trace.as_ref().map(|trace| trace.borrow().clone()).unwrap_or_default(),
        }
    })
}

impl World {
    fn new(plan: Plan, network: Network, log: Log, with_trace: bool) -> Self {
        Self {
            start: Instant::now(),
            table: RefCell::new(Table::new(plan.setup.shards)),
            rng: RefCell::new(fastrand::Rng::with_seed(plan.noise)),
            plan,
            network,
            log,
            bucket: RefCell::default(),
            spill: RefCell::default(),
            dead_letters: RefCell::default(),
            spill_changed: Notify::new(),
            stream_changed: Notify::new(),
            recovering: Cell::new(0),
            ledger: RefCell::default(),
            stats: RefCell::default(),
            idle: RefCell::default(),
            processes: Cell::new(0),
            began: RefCell::default(),
            pending: Cell::new(0),
            unread: Cell::new(0),
            is_faulty: Cell::new(true),
            violation: RefCell::default(),
            trace: with_trace.then(RefCell::default),
        }
    }

    /// The whole run: what the plan says, the time to heal, a person who redrives what was parked, and the balance.
    async fn live(self: &Rc<Self>) {
        for shard in 0..usize::from(self.plan.setup.shards) {
            self.spawn(Rc::clone(self).read_shard(shard));
        }
        self.spawn(Rc::clone(self).read_spill_queue());
        for callback in &self.plan.callbacks {
            self.pending.set(self.pending.get() + 1);
            self.spawn(gateway::send(Rc::clone(self), *callback));
        }
        for fault in &self.plan.faults {
            self.pending.set(self.pending.get() + 1);
            self.spawn(Rc::clone(self).happen(*fault));
        }
        self.sleep_until(self.plan.end()).await;
        while self.pending.get() > 0 && !self.is_over() {
            sleep(Duration::from_millis(SECOND)).await;
        }
        self.is_faulty.set(false);
        self.note(|| "all faults are over".to_owned());
        self.settle().await;
        // What is parked again comes along once more, and what is sent on takes its way through the table.
        for _ in 0..3 {
            if self.is_over() || self.dead_letters.borrow().len() == 0 {
                break;
            }
            self.redrive().await;
            self.settle().await;
        }
        if !self.is_over() {
            ledger::balance(self);
        }
    }

    /// Waits until nothing is on its way any more.
    async fn settle(self: &Rc<Self>) {
        let give_up = self.now() + self.plan.setup.retry_pause + TIME_TO_SETTLE;
        while !self.is_over() {
            // A record that was just stored is in no reader's hands yet.
            tokio::task::yield_now().await;
            sleep(Duration::from_millis(SECOND)).await;
            if self.unread.get() == 0 && self.spill.borrow().len() == 0 && self.recovering.get() == 0 {
                return;
            }
            if self.now() > give_up {
                self.violation("heals without a person", || {
                    format!(
                        "{} records and {} spilled messages still wait",
                        self.unread.get(),
                        self.spill.borrow().len()
                    )
                });
            }
        }
    }

    /// What `wab parked redrive` does.
    async fn redrive(self: &Rc<Self>) {
        let sdk = sdk(Caller::Person, self.network.clone(), self.start, 0);
        let resources = Resources {
            table: TABLE_ARN.rsplit('/').next().unwrap_or_default().to_owned(),
            dead_letter_queue_url: DEAD_LETTERS_URL.to_owned(),
            spill_queue_url: Some(SPILL_URL.to_owned()),
            fanout_function: "fanout".to_owned(),
        };
        // Deferred events were received long before the stream saw them.
        let margin = u32::try_from(self.now() / MINUTE + 1).unwrap_or(u32::MAX);
        let result = wab::redrive(&sdk, resources, margin).await;
        self.note(|| {
            format!("wab parked redrive: {}", result.as_ref().map_or_else(ToString::to_string, ToString::to_string))
        });
        if result.is_err() && !self.is_faulty.get() {
            self.violation("redrive works", || "AWS is reached, and it fails".to_owned());
        }
    }

    /// Forgets an item when its time has come, up to two days late ("Using time to live (TTL) in DynamoDB").
    pub(crate) async fn expire(self: Rc<Self>, put: Put) {
        let expires_at = put.item.get("expires_at").and_then(|at| at["N"].as_str()?.parse::<Ms>().ok());
        let Some(expires_at) = expires_at.and_then(|at| (at * SECOND).checked_sub(EPOCH_MS)) else { return };
        let at = expires_at + self.random(0..48 * HOUR);
        if at > self.plan.end() {
            return;
        }
        self.sleep_until(at).await;
        if self.table.borrow_mut().expire(&put.pk, &put.sk, self.now()) {
            ledger::expired(&self, &put.pk, &put.sk);
        }
    }

    /// The faults that happen at one instant, and the note of the others.
    async fn happen(self: Rc<Self>, fault: Fault) {
        self.sleep_until(fault.at).await;
        self.note(|| format!("{:?}, {} % for {} s", fault.kind, fault.percent, fault.lasts / SECOND));
        match fault.kind {
            Kind::Split => {
                let which = usize::try_from(self.random(0..100)).unwrap_or(0);
                self.table.borrow_mut().split(which);
                self.stream_changed.notify_waiters();
                self.hit("shard split");
            }
            Kind::Redrive => {
                self.redrive().await;
                self.hit("redrive amid faults");
            }
            Kind::Foreign(which) => {
                ledger::write_foreign(&self, which);
                self.hit("foreign item");
            }
            Kind::Calls(..)
            | Kind::Entries(_)
            | Kind::Killed(_)
            | Kind::Throttled(_)
            | Kind::RecordsTwice
            | Kind::MessagesTwice => {}
        }
        self.pending.set(self.pending.get() - 1);
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        tokio::task::spawn_local(task);
    }

    async fn sleep_until(&self, at: Ms) {
        tokio::time::sleep_until(self.start + Duration::from_millis(at)).await;
    }

    /// Since the run's beginning.
    pub(crate) fn now(&self) -> Ms {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(Ms::MAX)
    }

    pub(crate) fn random(&self, range: Range<u64>) -> u64 {
        if range.is_empty() { range.start } else { self.rng.borrow_mut().u64(range) }
    }

    /// The faults that are under way.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &Fault> {
        let now = self.now();
        self.plan.faults.iter().filter(move |fault| self.is_faulty.get() && fault.is_active(now))
    }

    /// Whether a fault that is under way hits this case.
    pub(crate) fn hits(&self, fault: &Fault) -> bool {
        let hits = self.random(0..100) < u64::from(fault.percent);
        if hits {
            self.hit(fault.kind.name());
        }
        hits
    }

    pub(crate) fn hit(&self, fault: &'static str) {
        *self.stats.borrow_mut().hits.entry(fault).or_default() += 1;
    }

    /// Whether something of this kind happens now.
    pub(crate) fn happens(&self, kind: Kind) -> bool {
        let fault = self.faults().find(|fault| fault.kind == kind).copied();
        fault.is_some_and(|fault| self.hits(&fault))
    }

    pub(crate) fn idle(&self, function: Function) -> RefMut<'_, Vec<Rc<Process>>> {
        RefMut::map(self.idle.borrow_mut(), |idle| idle.entry(function).or_default())
    }

    pub(crate) fn new_process(&self, function: Function) -> Process {
        let number = self.processes.get() + 1;
        self.processes.set(number);
        let most = self.plan.setup.skew;
        let skew = i64::try_from(self.random(0..2 * most + 1)).unwrap_or(0) - i64::try_from(most).unwrap_or(0);
        Process::new(function, number, &self.plan.setup, self.network.clone(), self.start, skew)
    }

    pub(crate) fn invocation_begins(&self, process: u64, at: Ms) {
        self.began.borrow_mut().insert(process, at);
    }

    /// When the caller's invocation began.
    pub(crate) fn invocation_began(&self, caller: Caller) -> Ms {
        let Caller::Process(_, process) = caller else { return self.now() };
        self.began.borrow().get(&process).copied().unwrap_or_default()
    }

    pub(crate) fn unread_add(&self, records: usize) {
        self.unread.set(self.unread.get() + records);
    }

    pub(crate) fn unread_remove(&self, records: usize) {
        self.unread.set(self.unread.get() - records);
    }

    pub(crate) fn callback_done(&self) {
        self.pending.set(self.pending.get() - 1);
    }

    pub(crate) fn sent(&self, bytes: &[u8], sent: &Sent) {
        self.stats.borrow_mut().callbacks += 1;
        self.ledger.borrow_mut().bodies.insert(bytes.to_vec(), sent.clone());
    }

    pub(crate) fn heard(&self, callback: &Callback, bytes: &[u8], sent: &Sent, heard: &gateway::Heard) {
        *self.stats.borrow_mut().answers.entry(heard.status).or_default() += 1;
        ledger::heard(self, callback, bytes, sent, heard);
    }

    pub(crate) fn given_up(&self, record: &Record) {
        self.stats.borrow_mut().parked += 1;
        self.ledger.borrow_mut().given_up(&record.json);
    }

    /// Stores an item that isn't an event of this project, or is none at all.
    pub(crate) fn write(&self, pk: &str, sk: &str, item: Value) {
        let Value::Object(item) = item else { return };
        self.table.borrow_mut().insert(pk.to_owned(), sk.to_owned(), item, self.now());
        self.stream_changed.notify_waiters();
    }

    /// Holds the log's lines since the last look against what must never be in them.
    pub(crate) fn read_log(&self) {
        let lines = self.log.take();
        if lines.is_empty() {
            return;
        }
        if let Some(mark) = ledger::personal(&lines) {
            self.violation("no personal data in the log", || format!("{mark} is in: {lines}"));
        }
        for line in lines.lines() {
            // The SDK misses what a real connection would tell it.
            if line.contains("unable to mark the connection for closure") {
                continue;
            }
            self.note(|| {
                let line: Value = serde_json::from_str(line).unwrap_or_else(|_| json!({}));
                format!("log {} {}", line["level"].as_str().unwrap_or("-"), line["fields"])
            });
        }
    }

    /// A line of the trace.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            let now = self.now();
            let (minutes, rest) = (now / MINUTE, now % MINUTE);
            trace.borrow_mut().push(format!(
                "{:>3}:{:02}:{:06.3}  {}",
                minutes / 60,
                minutes % 60,
                rest as f64 / 1e3,
                line()
            ));
        }
    }

    /// A promise was broken. The first one ends the run.
    pub(crate) fn violation(&self, promise: &'static str, how: impl FnOnce() -> String) {
        let mut violation = self.violation.borrow_mut();
        if violation.is_none() {
            let found = Violation { promise, how: how(), at: self.now() };
            self.note(|| format!("VIOLATION of `{promise}`: {}", found.how));
            *violation = Some(found);
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.violation.borrow().is_some()
    }
}

/// What the functions log.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
