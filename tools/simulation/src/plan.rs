//! What happens in one run: which callbacks are sent when, and what fails when.

pub(crate) mod draw;
pub(crate) mod names;

use crate::time::Ms;

/// One run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Seed for everything else: latencies, which of several calls fail, when exactly a process dies.
    pub noise: u64,
    /// The environment.
    pub setup: Setup,
    /// The callbacks that the gateway sends.
    pub callbacks: Vec<Callback>,
    /// The faults.
    pub faults: Vec<Fault>,
}

/// The environment of a run.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Number of shards of the stream at the start.
    pub shards: u8,
    /// Approximate latency of a call to AWS.
    pub latency: Ms,
    /// Time from the start of a process until its own code runs.
    pub cold_start: Ms,
    /// Maximum error of a process's clock, in either direction.
    pub skew: Ms,
    /// `FifoTopics` of the template.
    pub fifo_topics: bool,
    /// Whether `Content` of the template is `none`.
    pub content_free: bool,
    /// `RetentionDays` of the template.
    pub retention_days: u16,
    /// Lambda's longest pause between two tries of a stream batch. AWS doesn't document it.
    pub retry_pause: Ms,
}

/// A callback of the gateway.
#[derive(Debug, Clone, Copy)]
pub struct Callback {
    /// When it is sent.
    pub at: Ms,
    /// The message it belongs to. The same number gives the same id.
    pub message: u8,
    /// Its content.
    pub form: Form,
    /// Selects one of several bodies under the same key.
    pub edition: u8,
    /// Whether the body has another order of keys and other white space.
    pub rearranged: bool,
    /// How often the gateway retries it until it is answered 200.
    pub retries: u8,
    /// Whether the password is wrong.
    pub unauthenticated: bool,
}

/// The content of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// A message from a user.
    Mo(Shape),
    /// A delivery receipt, by the index of its status.
    Dlr(u8),
    /// A body that is not a callback.
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
    /// The key of the id is `message_id`, and there is no content.
    NoContent,
    /// An unknown message type.
    UnknownType,
    /// Characters that SNS and SQS reject unless they are escaped.
    Noncharacters,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// More nesting levels than strict parsers accept.
    Deep,
    /// A duplicate key.
    DoubleKey,
    /// Base64 content.
    Binary,
    /// Base64 content that is cheaper in the bucket.
    LargeBinary,
    /// A text that is cheaper in the bucket.
    Large,
    /// Too large for SNS.
    Huge,
    /// Too large for the table.
    Giant,
    /// Base64 content whose item, without its description, has the maximum size.
    BinaryAtTheLimit,
}

/// A fault in a span of time.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// When it begins.
    pub at: Ms,
    /// How long it lasts.
    pub lasts: Ms,
    /// The percentage of cases that it hits.
    pub percent: u8,
    /// What fails.
    pub kind: Kind,
}

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Calls to a service fail.
    Calls(Target, How),
    /// Single entries of an SNS batch fail, with the error code of this index.
    Entries(u8),
    /// Processes of a function are killed during an invocation.
    Killed(Function),
    /// Lambda doesn't invoke a function.
    Throttled(Function),
    /// Lambda delivers stream records twice.
    RecordsTwice,
    /// The spill queue delivers messages twice.
    MessagesTwice,
    /// A shard of the stream splits.
    Split,
    /// An operator runs `wab parked redrive`.
    Redrive,
    /// Another program writes an item that is not an event of this project.
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
    /// The topic for messages from users.
    MoTopic,
    /// The topic for delivery receipts.
    DlrTopic,
    /// Both FIFO topics.
    FifoTopics,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It is rejected with a transient error code of this index.
    Transient(u8),
    /// It is rejected with an error code of this index that needs manual action.
    Withheld(u8),
    /// It takes this many milliseconds.
    Slow(u16),
    /// It has no effect and gets no answer.
    Silent,
    /// It takes effect and gets no answer.
    AnswerLost,
    /// It takes effect, and then the connection breaks.
    BreaksOff,
}

/// A function of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Messages from users.
    Mo,
    /// Delivery receipts.
    Dlr,
    /// The consumer of the stream.
    Fanout,
    /// The consumer of the spill queue.
    Recover,
}

impl Fault {
    pub(crate) fn is_active(&self, now: Ms) -> bool {
        (self.at..self.at + self.lasts).contains(&now)
    }
}

impl Plan {
    /// When the last callback is sent and the last fault is over.
    pub(crate) fn end(&self) -> Ms {
        let callbacks = self.callbacks.iter().map(|callback| callback.at);
        let faults = self.faults.iter().map(|fault| fault.at + fault.lasts);
        callbacks.chain(faults).max().unwrap_or(0)
    }
}
