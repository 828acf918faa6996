//! The names of the faults, as the table of hits and the table of failures in docs/operations.md have them.

use super::{Function, How, Kind, Target};

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calls(target, how) => named(target, how),
            Self::Entries(_) => "SNS: single entries fail",
            Self::Killed(Function::Fanout) => "fanout killed",
            Self::Killed(Function::Recover) => "recover killed",
            Self::Killed(_) => "mo, dlr killed",
            Self::Throttled(Function::Fanout) => "fanout throttled",
            Self::Throttled(Function::Recover) => "recover throttled",
            Self::Throttled(_) => "mo, dlr throttled",
            Self::RecordsTwice => "records twice",
            Self::MessagesTwice => "messages twice",
            Self::Split => "shard split",
            Self::Redrive => "redrive amid faults",
            Self::Foreign(_) => "foreign item",
        }
    }
}

fn named(target: Target, how: How) -> &'static str {
    macro_rules! names {
        ($($target:ident: $transient:literal $withheld:literal $slow:literal $silent:literal $lost:literal;)*) => {
            match (target, how) {
                $((Target::$target, How::Transient(_)) => $transient,
                (Target::$target, How::Withheld(_)) => $withheld,
                (Target::$target, How::Slow(_)) => $slow,
                (Target::$target, How::Silent) => $silent,
                (Target::$target, How::AnswerLost | How::BreaksOff) => $lost,)*
            }
        };
    }
    names! {
        TableWrites: "table rejects" "table withheld" "table slow" "table silent" "table's answer lost";
        TableReads: "query rejected" "query withheld" "query slow" "query silent" "query's answer lost";
        Bucket: "bucket rejects" "bucket withheld" "bucket slow" "bucket silent" "bucket's answer lost";
        Spill: "spill queue rejects" "spill queue withheld" "spill queue slow" "spill queue silent" "spill queue's answer lost";
        DeadLetters: "dead-letter queue rejects" "dead-letter queue withheld" "dead-letter queue slow" "dead-letter queue silent" "dead-letter queue's answer lost";
        MoTopic: "topic mo rejects" "topic mo withheld" "topic mo slow" "topic mo silent" "topic mo's answer lost";
        DlrTopic: "topic dlr rejects" "topic dlr withheld" "topic dlr slow" "topic dlr silent" "topic dlr's answer lost";
        FifoTopics: "fifo topics reject" "fifo topics withheld" "fifo topics slow" "fifo topics silent" "fifo topics' answer lost";
    }
}

/// One fault of each name.
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
        Target::FifoTopics,
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
