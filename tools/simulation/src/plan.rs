//! What happens in one run: who calls when, and what fails when. Drawn from a seed by `proptest`, which also makes it
//! smaller when a run fails.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Milliseconds of virtual time, from the beginning of the run or as a span.
pub type Ms = u64;

pub(crate) const SECOND: Ms = 1_000;
pub(crate) const MINUTE: Ms = 60 * SECOND;
pub(crate) const HOUR: Ms = 60 * MINUTE;

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

/// How long a run is, and how much goes on in it.
#[derive(Debug, Clone, Copy)]
struct Scale {
    length: Ms,
    callbacks: usize,
    retry_pause: Ms,
    longest_fault: Ms,
}

impl Scale {
    /// Seven runs of ten take up to an hour, one of twenty up to three days.
    fn of(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        match rng.u8(0..100) {
            0..70 => Self {
                length: rng.u64(MINUTE..HOUR),
                callbacks: 30,
                retry_pause: rng.u64(5 * SECOND..MINUTE),
                longest_fault: 10 * MINUTE,
            },
            70..95 => Self {
                length: rng.u64(HOUR..12 * HOUR),
                callbacks: 24,
                retry_pause: rng.u64(MINUTE..10 * MINUTE),
                longest_fault: 3 * HOUR,
            },
            _ => Self {
                length: rng.u64(12 * HOUR..60 * HOUR),
                callbacks: 12,
                retry_pause: rng.u64(5 * MINUTE..15 * MINUTE),
                longest_fault: 31 * HOUR,
            },
        }
    }
}

/// The plan of a seed, and smaller ones that lead to the same.
pub(crate) fn tree(seed: u64) -> impl ValueTree<Value = Plan> {
    let mut bytes = [0; 32];
    for (byte, of_seed) in bytes.iter_mut().zip(seed.to_le_bytes()) {
        *byte = of_seed;
    }
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    match plan(Scale::of(seed)).new_tree(&mut runner) {
        Ok(tree) => tree,
        Err(reason) => unreachable!("no strategy here rejects anything: {reason}"),
    }
}

fn plan(scale: Scale) -> impl Strategy<Value = Plan> {
    let setup = (
        1u8..4,
        2u64..20,
        20u64..900,
        prop_oneof![3 => Just(0u64), 1 => 1u64..2_000],
        prop_oneof![2 => Just(30u16), 1 => Just(1u16)],
    )
        .prop_map(move |(shards, latency, cold_start, skew, retention_days)| Setup {
            shards,
            latency,
            cold_start,
            skew,
            retention_days,
            retry_pause: scale.retry_pause,
        });
    (
        any::<u64>().no_shrink(),
        setup,
        prop::collection::vec((callback(scale.length), any::<bool>()), 1..scale.callbacks),
        prop::collection::vec(faults(scale), 0..5),
    )
        .prop_map(|(noise, setup, callbacks, faults)| {
            let faults: Vec<Fault> = faults.into_iter().flatten().collect();
            // Half of the callbacks come while something fails.
            let amid = |(callback, amid): (Callback, bool)| match faults.iter().cycle().nth(callback.message.into()) {
                Some(fault) if amid => Callback { at: fault.at + callback.at % fault.lasts, ..callback },
                _ => callback,
            };
            Plan { noise, setup, callbacks: callbacks.into_iter().map(amid).collect(), faults }
        })
}

fn callback(length: Ms) -> impl Strategy<Value = Callback> {
    let form = prop_oneof![
        45 => shape().prop_map(Form::Mo),
        50 => (0u8..14).prop_map(Form::Dlr),
        5 => (0u8..6).prop_map(Form::Malformed),
    ];
    let once = prop_oneof![9 => Just(false), 1 => Just(true)];
    (0..length, 0u8..6, form, prop_oneof![8 => Just(0u8), 2 => 1u8..3], once.clone(), 0u8..3, once).prop_map(
        |(at, message, form, edition, rearranged, retries, stranger)| Callback {
            at,
            message,
            form,
            edition,
            rearranged,
            retries,
            stranger: stranger && at % 2 == 0,
        },
    )
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        60 => Just(Shape::Text),
        20 => Just(Shape::Image),
        8 => Just(Shape::NumericId),
        8 => Just(Shape::NoContent),
        8 => Just(Shape::UnknownType),
        8 => Just(Shape::Noncharacters),
        8 => Just(Shape::LoneSurrogate),
        4 => Just(Shape::Deep),
        4 => Just(Shape::DoubleKey),
        6 => Just(Shape::Binary),
        3 => Just(Shape::LargeBinary),
        10 => Just(Shape::Large),
        1 => Just(Shape::Huge),
        1 => Just(Shape::Giant),
        1 => Just(Shape::BinaryAtTheLimit),
    ]
}

/// One fault; or two at once, since the second line of defence is needed only while the first one fails; or an outage that
/// ends in throttling, while what has waited is published; or something to park while the dead-letter queue fails.
fn faults(scale: Scale) -> impl Strategy<Value = Vec<Fault>> {
    let together = prop_oneof![
        3 => Just((Target::TableWrites, Target::Spill)),
        2 => Just((Target::TableWrites, Target::Bucket)),
        1 => Just((Target::MoTopic, Target::DlrTopic)),
        1 => Just((Target::MoTopic, Target::DeadLetters)),
    ];
    let pair =
        (fault(scale), together, how(), how(), 20u8..101).prop_map(|(fault, (one, other), how, as_well, percent)| {
            let lasts = fault.lasts.min(HOUR);
            vec![
                Fault { kind: Kind::Calls(one, how), lasts, ..fault },
                Fault { kind: Kind::Calls(other, as_well), lasts, percent, ..fault },
            ]
        });
    let topic = prop_oneof![Just(Target::MoTopic), Just(Target::DlrTopic)];
    let code = prop_oneof![Just(0u8), Just(1), Just(5)];
    let drain = (fault(scale), topic, (MINUTE..10 * MINUTE, 20u8..80, code)).prop_map(
        |(outage, topic, (lasts, percent, code))| {
            let outage = Fault { kind: Kind::Calls(topic, How::Transient(0)), percent: 100, ..outage };
            vec![outage, Fault { at: outage.at + outage.lasts, lasts, percent, kind: Kind::Entries(code) }]
        },
    );
    let parking = (fault(scale), how(), 0u8..4).prop_map(|(fault, how, which)| {
        let refused = Fault { kind: Kind::Calls(Target::DeadLetters, how), lasts: fault.lasts.min(HOUR), ..fault };
        vec![refused, Fault { kind: Kind::Foreign(which), at: fault.at + 1, ..fault }]
    });
    prop_oneof![
        8 => fault(scale).prop_map(|fault| vec![fault]),
        4 => pair,
        1 => drain,
        1 => parking,
    ]
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        4 => (0u8..4).prop_map(How::Transient),
        3 => (0u8..4).prop_map(How::Withheld),
        3 => (300u16..2_500).prop_map(How::Slow),
        2 => Just(How::Silent),
        2 => Just(How::AnswerLost),
        1 => Just(How::BreaksOff),
    ]
}

fn fault(scale: Scale) -> impl Strategy<Value = Fault> {
    let lasts = prop_oneof![
        5 => SECOND..MINUTE,
        4 => MINUTE..11 * MINUTE,
        3 => 10 * MINUTE..scale.longest_fault.max(11 * MINUTE),
    ];
    (0..scale.length, lasts, prop_oneof![2 => Just(100u8), 1 => 20u8..100], kind()).prop_map(
        |(at, lasts, percent, kind)| {
            // While the table rejects writes, each callback that waits is tried every 30 s.
            let is_costly = matches!(kind, Kind::Calls(Target::TableWrites, _) | Kind::Killed(Function::Recover));
            let lasts = if is_costly && at % 16 != 0 { lasts.min(10 * MINUTE) } else { lasts };
            Fault { at, lasts, percent, kind }
        },
    )
}

fn kind() -> impl Strategy<Value = Kind> {
    let target = prop_oneof![
        5 => Just(Target::TableWrites),
        2 => Just(Target::TableReads),
        2 => Just(Target::Bucket),
        3 => Just(Target::Spill),
        2 => Just(Target::DeadLetters),
        4 => Just(Target::MoTopic),
        4 => Just(Target::DlrTopic),
    ];
    let function = || prop::sample::select(&[Function::Mo, Function::Dlr, Function::Fanout, Function::Recover][..]);
    prop_oneof![
        20 => (target, how()).prop_map(|(target, how)| Kind::Calls(target, how)),
        3 => (0u8..6).prop_map(Kind::Entries),
        4 => function().prop_map(Kind::Killed),
        2 => function().prop_map(Kind::Throttled),
        2 => Just(Kind::RecordsTwice),
        1 => Just(Kind::MessagesTwice),
        2 => Just(Kind::Split),
        1 => Just(Kind::Redrive),
        3 => (0u8..4).prop_map(Kind::Foreign),
    ]
}

/// One of each kind.
pub(crate) fn all_kinds() -> impl Iterator<Item = Kind> {
    use Function::{Fanout, Mo, Recover};
    let targets = [
        Target::TableWrites,
        Target::TableReads,
        Target::Bucket,
        Target::Spill,
        Target::DeadLetters,
        Target::MoTopic,
        Target::DlrTopic,
    ];
    let hows = [How::Transient(0), How::Withheld(0), How::Slow(0), How::Silent, How::AnswerLost];
    let calls = targets.into_iter().flat_map(move |target| hows.map(|how| Kind::Calls(target, how)));
    calls.chain([Mo, Fanout, Recover].map(Kind::Killed)).chain([Mo, Fanout, Recover].map(Kind::Throttled)).chain([
        Kind::Entries(0),
        Kind::RecordsTwice,
        Kind::MessagesTwice,
        Kind::Split,
        Kind::Redrive,
        Kind::Foreign(0),
    ])
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
