//! Draws the plan of a seed. `proptest` makes the choices, and makes a plan smaller when its run fails.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{Callback, Fault, Form, Function, How, Kind, Plan, Setup, Shape, Target};
use crate::time::{HOUR, MINUTE, Ms, SECOND};

/// The length of a run, and how much happens in it.
#[derive(Debug, Clone, Copy)]
struct Scale {
    length: Ms,
    callbacks: usize,
    retry_pause: Ms,
    longest_fault: Ms,
}

impl Scale {
    /// Seven in ten runs take up to an hour, one in twenty up to three days.
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

/// The plan of a seed, which proptest can simplify.
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
        any::<bool>(),
    )
        .prop_map(move |(shards, latency, cold_start, skew, retention_days, fifo_topics)| Setup {
            shards,
            latency,
            cold_start,
            skew,
            retention_days,
            fifo_topics,
            content_free: false,
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
            // Half of the callbacks are sent while a fault is active.
            let amid = |(callback, amid): (Callback, bool)| match faults.iter().cycle().nth(callback.message.into()) {
                Some(fault) if amid => Callback { at: fault.at + callback.at % fault.lasts, ..callback },
                _ => callback,
            };
            // From the noise, so that the rest of a seed's plan doesn't depend on it.
            let setup = Setup { content_free: noise % 4 == 0, ..setup };
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
        |(at, message, form, edition, rearranged, retries, unauthenticated)| Callback {
            at,
            message,
            form,
            edition,
            rearranged,
            retries,
            unauthenticated: unauthenticated && at % 2 == 0,
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

/// Draws one of: a single fault; two faults at once, because a fallback is used only while the first choice fails; an outage
/// that ends in throttling while the backlog is published; an event to park while the dead-letter queue fails.
fn faults(scale: Scale) -> impl Strategy<Value = Vec<Fault>> {
    let together = prop_oneof![
        3 => Just((Target::TableWrites, Target::Spill)),
        2 => Just((Target::TableWrites, Target::Bucket)),
        1 => Just((Target::MoTopic, Target::DlrTopic)),
        1 => Just((Target::MoTopic, Target::DeadLetters)),
        1 => Just((Target::DlrTopic, Target::FifoTopics)),
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
            // While the table rejects writes, each spilled event is retried every 30 s.
            let is_costly = matches!(kind, Kind::Calls(Target::TableWrites, _) | Kind::Killed(Function::Recover));
            let lasts = if is_costly && at % 16 != 0 { lasts.min(10 * MINUTE) } else { lasts };
            Fault { at, lasts, percent, kind }
        },
    )
}

fn kind() -> impl Strategy<Value = Kind> {
    let target = prop_oneof![
        5 => Just(Target::TableWrites),
        3 => Just(Target::TableReads),
        2 => Just(Target::Bucket),
        3 => Just(Target::Spill),
        2 => Just(Target::DeadLetters),
        4 => Just(Target::MoTopic),
        4 => Just(Target::DlrTopic),
        3 => Just(Target::FifoTopics),
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
