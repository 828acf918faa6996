//! The state of a run, and its clock, randomness and trace. Everything happens in one thread, one thing at a time.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::aws::dynamodb::{Record, Table};
use crate::aws::s3::Bucket;
use crate::aws::sns::Recent;
use crate::aws::sqs::Queue;
use crate::body::Sent;
use crate::ledger::Ledger;
use crate::outcome::{Stats, Violation};
use crate::plan::{Fault, Function, Kind, Plan};
use crate::privacy;
use crate::process::{Caller, Network, Process};
use crate::time::{MINUTE, Ms};

pub(crate) struct World {
    pub(crate) start: Instant,
    pub(crate) plan: Plan,
    pub(crate) table: RefCell<Table>,
    pub(crate) bucket: RefCell<Bucket>,
    pub(crate) spill: RefCell<Queue>,
    pub(crate) dead_letters: RefCell<Queue>,
    pub(crate) on_fifo_topics: RefCell<Recent>,
    pub(crate) spill_changed: Notify,
    pub(crate) stream_changed: Notify,
    /// Invocations of `recover` in progress.
    pub(crate) recovering: Cell<usize>,
    pub(crate) ledger: RefCell<Ledger>,
    pub(crate) stats: RefCell<Stats>,
    pub(crate) network: Network,
    idle: RefCell<BTreeMap<Function, Vec<Rc<Process>>>>,
    processes: Cell<u64>,
    /// The start of the current invocation of each process.
    began: RefCell<BTreeMap<u64, Ms>>,
    rng: RefCell<fastrand::Rng>,
    /// Callbacks and faults of the plan that are not finished.
    pub(crate) pending: Cell<usize>,
    /// Stream records that a shard reader holds.
    pub(crate) unread: Cell<usize>,
    /// Whether faults are still injected.
    pub(crate) is_faulty: Cell<bool>,
    pub(crate) violation: RefCell<Option<Violation>>,
    log: Log,
    pub(crate) trace: Option<RefCell<Vec<String>>>,
}

impl World {
    pub(crate) fn new(plan: Plan, network: Network, log: Log, with_trace: bool) -> Self {
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
            on_fifo_topics: RefCell::default(),
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

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        tokio::task::spawn_local(task);
    }

    pub(crate) async fn sleep_until(&self, at: Ms) {
        tokio::time::sleep_until(self.start + Duration::from_millis(at)).await;
    }

    /// Virtual time since the start of the run.
    pub(crate) fn now(&self) -> Ms {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(Ms::MAX)
    }

    pub(crate) fn random(&self, range: Range<u64>) -> u64 {
        if range.is_empty() { range.start } else { self.rng.borrow_mut().u64(range) }
    }

    /// The active faults.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &Fault> {
        let now = self.now();
        self.plan.faults.iter().filter(move |fault| self.is_faulty.get() && fault.is_active(now))
    }

    /// Draws whether an active fault hits this case, and counts the hit.
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

    /// Whether an active fault of this kind hits now.
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

    /// The start of the caller's invocation.
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

    pub(crate) fn given_up(&self, record: &Record) {
        self.stats.borrow_mut().parked += 1;
        self.ledger.borrow_mut().given_up(&record.json);
    }

    /// Checks new log lines for values that were sent.
    pub(crate) fn read_log(&self) {
        let lines = self.log.take();
        if lines.is_empty() {
            return;
        }
        privacy::check(self, "the log", &lines);
        for line in lines.lines() {
            // The SDK logs this because the simulated connection has no metadata.
            if line.contains("unable to mark the connection for closure") {
                continue;
            }
            self.note(|| {
                let line: Value = serde_json::from_str(line).unwrap_or_else(|_| json!({}));
                format!("log {} {}", line["level"].as_str().unwrap_or("-"), line["fields"])
            });
        }
    }

    /// Adds a line to the trace, if the run is traced.
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

    /// Reports a broken promise. The first one ends the run.
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

/// The functions' log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

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
