//! What a run did, and which promise it broke.

use std::collections::BTreeMap;

use crate::time::Ms;

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
