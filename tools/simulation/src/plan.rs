//! What happens in one run: which callbacks are sent when, and what fails when.

pub(crate) mod draw;
pub(crate) mod names;

use crate::time::Ms;

/// One run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Seeds whatever isn't said here: latencies, which of several calls fail, when exactly a process dies.
    pub noise: u64,
    /// The surroundings.
    pub setup: Setup,
    /// What the gateway sends.
    pub callbacks: Vec<Callback>,
    /// What fails.
    pub faults: Vec<Fault>,
}

/// The surroundings of a run.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Shards of the stream at the beginning.
    pub shards: u8,
    /// How long a call of AWS takes, about.
    pub latency: Ms,
    /// How long a process takes to start, before its own code runs.
    pub cold_start: Ms,
    /// By how much the clock of a process may be wrong, to either side.
    pub skew: Ms,
    /// `RetentionDays` of the template.
    pub retention_days: u16,
    /// The longest pause of Lambda between two tries of a stream batch. AWS documents none.
    pub retry_pause: Ms,
}

/// A callback of the gateway.
#[derive(Debug, Clone, Copy)]
pub struct Callback {
    /// When it is sent.
    pub at: Ms,
    /// Which message it is about: the same number is the same id.
    pub message: u8,
    /// What it says.
    pub form: Form,
    /// Which of several bodies under the same key.
    pub edition: u8,
    /// Whether keys and white space are arranged differently, which says the same.
    pub rearranged: bool,
    /// How often the gateway sends it again unless it is answered 200.
    pub retries: u8,
    /// Whether the password is wrong.
    pub stranger: bool,
}

/// What a callback says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// A message from a user.
    Mo(Shape),
    /// A delivery receipt, by the number of its status word.
    Dlr(u8),
    /// No callback at all.
    Malformed(u8),
}

/// The body of a message from a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// A text.
    Text,
    /// A picture with a caption.
    Image,
    /// The id is a number.
    NumericId,
    /// The id is called `message_id`, and there is no content.
    NoContent,
    /// A type that nobody knows.
    UnknownType,
    /// Characters that SNS and SQS refuse unless they are escaped.
    Noncharacters,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// More levels than strict parsers take.
    Deep,
    /// A key that comes twice.
    DoubleKey,
    /// Base64 content.
    Binary,
    /// Base64 content too large for an item of its own cost.
    LargeBinary,
    /// A text that is cheaper in the bucket.
    Large,
    /// Too large for SNS.
    Huge,
    /// Too large for the table.
    Giant,
    /// Base64 content whose item is as large as the table takes, without its description.
    BinaryAtTheLimit,
}

/// Something that fails for a while.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// From when.
    pub at: Ms,
    /// For how long.
    pub lasts: Ms,
    /// How many of a hundred cases it hits.
    pub percent: u8,
    /// What it is.
    pub kind: Kind,
}

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Calls of a service.
    Calls(Target, How),
    /// Single entries of a batch for SNS, by the number of the error code.
    Entries(u8),
    /// Processes of a function die in the middle of an invocation.
    Killed(Function),
    /// Lambda doesn't invoke a function.
    Throttled(Function),
    /// Lambda hands records of the stream over twice.
    RecordsTwice,
    /// The spill queue hands messages over twice.
    MessagesTwice,
    /// A shard of the stream splits.
    Split,
    /// Somebody runs `wab parked redrive`.
    Redrive,
    /// Something else writes an item that is no event of this project.
    Foreign(u8),
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Puts into the table.
    TableWrites,
    /// Queries of the table.
    TableReads,
    /// The bucket.
    Bucket,
    /// The spill queue.
    Spill,
    /// The dead-letter queue.
    DeadLetters,
    /// One of the two topics.
    MoTopic,
    /// The other.
    DlrTopic,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// With an error that passes, by the number of its code.
    Transient(u8),
    /// With an error that somebody must mend, by the number of its code.
    Withheld(u8),
    /// It takes so long.
    Slow(u16),
    /// It has no effect and is never answered.
    Silent,
    /// It has its effect and is never answered.
    AnswerLost,
    /// It has its effect, and then the connection breaks.
    BreaksOff,
}

/// A function of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Messages from users.
    Mo,
    /// Delivery receipts.
    Dlr,
    /// The stream's reader.
    Fanout,
    /// The spill queue's reader.
    Recover,
}

impl Fault {
    /// Whether it is under way.
    pub(crate) fn is_active(&self, now: Ms) -> bool {
        (self.at..self.at + self.lasts).contains(&now)
    }
}

impl Plan {
    /// When the last callback was sent and the last fault is over.
    pub(crate) fn end(&self) -> Ms {
        let callbacks = self.callbacks.iter().map(|callback| callback.at);
        let faults = self.faults.iter().map(|fault| fault.at + fault.lasts);
        callbacks.chain(faults).max().unwrap_or(0)
    }
}
