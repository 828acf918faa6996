//! What a run did, and which promise it broke.

use std::collections::BTreeMap;

use crate::time::Ms;

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The promise, in a few words.
    pub promise: &'static str,
    /// How it was broken in this run.
    pub how: String,
    /// When.
    pub at: Ms,
}

/// Statistics of one or many runs.
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
    /// Messages published to topics.
    pub deliveries: u64,
    /// Messages that the functions and Lambda sent to the dead-letter queue.
    pub parked: u64,
    /// How often each fault hit.
    pub hits: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// Adds the statistics of another run.
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

/// The result of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The first promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// The run's statistics.
    pub stats: Stats,
    /// What happened, in order. Empty unless the run was traced.
    pub trace: Vec<String>,
}
