//! What `wab status` finds out.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::readings::{OUTCOMES, Readings, Role, Source};
use super::spell::{PERIOD, Spell};
use crate::aws::Unavailable;
use crate::health::{Command, Commands, Verdict};
use crate::stack::{Alarm, Alarms, CloudFormation, Depth, Place, Series, Stack};

/// The shorter of the two times for which things are counted.
const RECENTLY: SignedDuration = SignedDuration::from_mins(15);

/// The callbacks without valid credentials, or from another network, in [`RECENTLY`] from which a single caller's mistake
/// is unlikely: the threshold of the alarms `Unauthorized` and `Forbidden`.
const MANY_STRANGERS: u64 = 5;

/// The seconds after which the alarm `FanoutLag` goes off.
const LONG_LAG_SECONDS: u64 = 300;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) stack: Place,
    /// The version of the template.
    pub(crate) version: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) received: [Received; 2],
    pub(crate) callbacks: Vec<Callbacks>,
    /// The start of the last minute in which a callback was answered 200.
    pub(crate) last_accepted: Option<Timestamp>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) alarms: Vec<Alarm>,
    /// What couldn't be read, and why.
    pub(crate) unread: Vec<String>,
    pub(crate) seconds: f64,
}

/// Callbacks that reached their function, whatever it answered: its invocations.
#[derive(Debug, Serialize)]
pub(crate) struct Received {
    pub(crate) kind: &'static str,
    pub(crate) last_15_minutes: u64,
    pub(crate) last_24_hours: u64,
}

/// Callbacks with one outcome, or events that were published.
#[derive(Debug, Serialize)]
pub(crate) struct Callbacks {
    pub(crate) outcome: &'static str,
    pub(crate) last_15_minutes: u64,
    pub(crate) last_24_hours: u64,
}

/// One line of the screen: something that should be zero.
#[derive(Serialize)]
pub(crate) struct Signal {
    pub(crate) name: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) amount: Amount,
    /// When it was last wrong.
    #[serde(flatten)]
    pub(crate) spell: Option<Spell>,
    pub(crate) meaning: &'static str,
    pub(crate) shows: Command,
    pub(crate) mends: Option<Command>,
    /// The alarm that watches the same, and the section of docs/runbook.md.
    pub(crate) alarm: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Amount {
    Counted {
        last_15_minutes: u64,
        last_24_hours: u64,
    },
    /// In a queue or in the stream, now.
    Waiting(u64),
    /// The age of the oldest record that was read from the stream, in the last minutes and at most.
    Seconds {
        now: u64,
        at_most: u64,
    },
    Unknown,
}

impl Report {
    pub(crate) fn verdict(&self) -> Verdict {
        let alarms = self.alarms.iter().map(|alarm| if alarm.is_firing { Verdict::Problem } else { Verdict::Ok });
        let unread = self.unread.iter().map(|_| Verdict::Unknown);
        self.signals.iter().map(|signal| signal.verdict).chain(alarms).chain(unread).max().unwrap_or(Verdict::Unknown)
    }
}

/// Reads metrics, alarms and queues at once.
pub(crate) async fn gather(stack: &Stack, now: Timestamp) -> anyhow::Result<Report> {
    let started = Instant::now();
    let resources = &stack.resources;
    let alarms = async {
        let listed = CloudFormation::new(&stack.sdk, &resources.stack_name).resources().await?;
        Alarms::new(&stack.sdk).of(&listed).await
    };
    let spilled = async {
        match &resources.spill_queue_url {
            Some(url) => Depth::of_queue(&stack.sdk, url).await,
            None => Ok(Depth::default()),
        }
    };
    let parked = Depth::of_queue(&stack.sdk, &resources.dead_letter_queue_url);
    let (readings, alarms, parked, spilled) = tokio::join!(Readings::read(stack, now), alarms, parked, spilled);
    // Without metrics there is nothing to show. Each of the others can be left out.
    let readings = readings?;
    let mut unread = Vec::new();
    let parked = or_unread(parked, &mut unread);
    let spilled = or_unread(spilled, &mut unread);
    let alarms = or_unread(alarms, &mut unread).unwrap_or_default();

    let screen = Screen { readings: &readings, commands: Commands::new(stack), now };
    Ok(Report {
        stack: stack.place.clone(),
        version: resources.version.clone(),
        at: now,
        received: screen.received(),
        callbacks: screen.callbacks(),
        last_accepted: screen.last_accepted(),
        signals: screen.signals(parked, spilled).into_iter().map(|signal| signal.ended_with(&alarms)).collect(),
        alarms,
        unread,
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn or_unread<T>(read: Result<T, Unavailable>, unread: &mut Vec<String>) -> Option<T> {
    read.map_err(|error| unread.push(error.to_string())).ok()
}

/// Judges what was read. Pure.
pub(crate) struct Screen<'a> {
    pub(crate) readings: &'a Readings,
    pub(crate) commands: Commands,
    pub(crate) now: Timestamp,
}

impl Screen<'_> {
    pub(crate) fn received(&self) -> [Received; 2] {
        [("mo", Role::Mo), ("dlr", Role::Dlr)].map(|(kind, role)| {
            let (last_15_minutes, last_24_hours) = self.counts(&self.readings.of(&[Source::Invocations(role)]));
            Received { kind, last_15_minutes, last_24_hours }
        })
    }

    pub(crate) fn callbacks(&self) -> Vec<Callbacks> {
        let outcomes = OUTCOMES.map(|outcome| (outcome, Source::Callbacks(outcome)));
        let sources = outcomes.into_iter().chain([("published", Source::Published)]);
        let counted = sources.map(|(outcome, source)| {
            let (last_15_minutes, last_24_hours) = self.counts(&self.readings.of(&[source]));
            Callbacks { outcome, last_15_minutes, last_24_hours }
        });
        counted.collect()
    }

    pub(crate) fn last_accepted(&self) -> Option<Timestamp> {
        let accepted = ["stored", "duplicate", "variant", "deferred"];
        accepted.into_iter().filter_map(|outcome| self.readings.of(&[Source::Callbacks(outcome)]).last_nonzero()).max()
    }

    fn counts(&self, series: &Series) -> (u64, u64) {
        (whole(series.sum_since(self.now - RECENTLY)), whole(series.sum_since(Timestamp::MIN)))
    }

    /// All lines, in the order in which a callback passes what they watch.
    pub(crate) fn signals(&self, parked: Option<Depth>, spilled: Option<Depth>) -> Vec<Signal> {
        let outcome = Source::Callbacks;
        let crashed = [
            (Source::Errors(Role::Mo), "MoErrors"),
            (Source::Errors(Role::Dlr), "DlrErrors"),
            (Source::Errors(Role::Fanout), "FanoutErrors"),
            (Source::Errors(Role::Recover), "RecoverErrors"),
        ];
        let throttled = [
            (Source::Throttles(Role::Mo), "MoThrottles"),
            (Source::Throttles(Role::Dlr), "DlrThrottles"),
            (Source::Throttles(Role::Fanout), "FanoutThrottles"),
        ];
        vec![
            self.counted("unanswered", &[(Source::Unanswered, "Unanswered")], Verdict::Problem)
                .means("answered 5xx: not stored, or only the answer was lost"),
            self.counted("crashed", &crashed, Verdict::Problem).means("a function crashed or timed out"),
            self.counted("throttled", &throttled, Verdict::Problem)
                .means("Lambda had no concurrency for an invocation"),
            self.counted("rate limited", &[(Source::RateLimited, "RateLimited")], Verdict::Problem)
                .means("answered 429: more than ThrottleRate; not stored"),
            self.strangers("unauthorized", Source::Unauthorized, "Unauthorized")
                .means("answered 401: no valid credentials; not stored"),
            self.strangers("forbidden", Source::Forbidden, "Forbidden")
                .means("answered 403: from no network of AllowedNetworks; not stored"),
            self.counted("too large", &[(Source::TooLarge, "TooLarge")], Verdict::Warning)
                .means("answered 413: larger than Lambda accepts; not stored"),
            self.counted("quarantined", &[(outcome("quarantined"), "Quarantine")], Verdict::Warning)
                .means("not a callback: answered 400, the body is kept"),
            self.counted("variant", &[(outcome("variant"), "Variant")], Verdict::Warning)
                .means("the gateway reused an id; both are stored"),
            self.counted("deferred", &[(outcome("deferred"), "Deferred")], Verdict::Problem)
                .means("the table rejects writes; events wait in the spill queue, and are stored later"),
            self.spilled(spilled).means("events wait in the spill queue"),
            self.lag().means("events are published late"),
            self.unpublished().means("events are stored, and fanout isn't invoked"),
            self.parked(parked).means("events need manual action"),
            self.counted(
                "failed notifications, mo",
                &[(Source::MoNotificationsFailed, "MoNotificationsFailed")],
                Verdict::Problem,
            )
            .means("SNS gave up delivering to a subscriber"),
            self.counted(
                "failed notifications, dlr",
                &[(Source::DlrNotificationsFailed, "DlrNotificationsFailed")],
                Verdict::Problem,
            )
            .means("SNS gave up delivering to a subscriber"),
        ]
    }

    fn signal(
        &self,
        name: &'static str,
        amount: Amount,
        spell: Option<Spell>,
        bad: Verdict,
        alarm: &'static str,
    ) -> Signal {
        let verdict = match spell {
            None => Verdict::Ok,
            Some(Spell { until: Some(_), .. }) => Verdict::Over,
            Some(Spell { until: None, .. }) => bad,
        };
        let shows = match alarm {
            "DeadLetters" => self.commands.wab("parked list"),
            _ => self.commands.wab(&format!("status {alarm}")),
        };
        let mends = mend(alarm, spell, self.now, &self.commands);
        Signal { name, verdict, amount, spell, meaning: "", shows, mends, alarm }
    }

    /// What several metrics count. The one with the last data point names the alarm.
    fn counted(&self, name: &'static str, sources: &[(Source, &'static str)], bad: Verdict) -> Signal {
        let series = self.readings.of(&sources.iter().map(|(source, _)| *source).collect::<Vec<_>>());
        let last = sources.iter().max_by_key(|(source, _)| self.readings.of(&[*source]).last_nonzero());
        let alarm = last.map_or("", |(_, alarm)| alarm);
        let (last_15_minutes, last_24_hours) = self.counts(&series);
        let spell = Spell::last(&series, |value| value > 0.0, self.now);
        self.signal(name, Amount::Counted { last_15_minutes, last_24_hours }, spell, bad, alarm)
    }

    fn strangers(&self, name: &'static str, source: Source, alarm: &'static str) -> Signal {
        let mut signal = self.counted(name, &[(source, alarm)], Verdict::Problem);
        if let (Verdict::Problem, Amount::Counted { last_15_minutes: ..MANY_STRANGERS, .. }) =
            (signal.verdict, signal.amount)
        {
            signal.verdict = Verdict::Warning;
        }
        signal
    }

    /// What is in the queue now, and since when the metric says so.
    fn waiting(
        &self,
        name: &'static str,
        depth: Option<Depth>,
        series: &Series,
        bad: Verdict,
        alarm: &'static str,
    ) -> Signal {
        let Some(depth) = depth.map(Depth::total) else {
            let unknown = self.signal(name, Amount::Unknown, None, bad, alarm);
            return Signal { verdict: Verdict::Unknown, ..unknown };
        };
        let spell = Spell::last(series, |value| value > 0.0, self.now);
        let spell = match spell.map(|spell| spell.going_on(depth > 0, self.now)) {
            // The queue is faster than its metric.
            None if depth > 0 => Some(Spell { since: self.now, until: None, last: self.now }),
            spell => spell,
        };
        self.signal(name, Amount::Waiting(depth), spell, bad, alarm)
    }

    fn spilled(&self, depth: Option<Depth>) -> Signal {
        let series = self.readings.of(&[Source::SpillVisible, Source::SpillInFlight]);
        self.waiting("spill queue", depth, &series, Verdict::Warning, "SpillLag")
    }

    fn parked(&self, depth: Option<Depth>) -> Signal {
        let mut signal =
            self.waiting("parked", depth, &self.readings.of(&[Source::DeadLetters]), Verdict::Problem, "DeadLetters");
        // The age reaches further back than 24 hours.
        let age = self.readings.of(&[Source::DeadLetterAge]).points.last().copied();
        if let (Some(Spell { until: None, since, .. }), Some((at, age))) = (&mut signal.spell, age) {
            let oldest = SignedDuration::try_from_secs_f64(age).ok().and_then(|age| at.checked_sub(age).ok());
            *since = oldest.map_or(*since, |oldest| oldest.min(*since));
        }
        signal
    }

    fn lag(&self) -> Signal {
        let series = self.readings.of(&[Source::IteratorAge]);
        let seconds = |milliseconds: Option<f64>| whole(milliseconds.unwrap_or(0.0) / 1_000.0);
        let now = seconds(series.maximum_since(self.now - RECENTLY / 3 - PERIOD));
        let amount = Amount::Seconds { now, at_most: seconds(series.maximum_since(Timestamp::MIN)) };
        let bad = if now > LONG_LAG_SECONDS { Verdict::Problem } else { Verdict::Warning };
        let spell = Spell::last(&self.readings.lag(), |_| true, self.now);
        self.signal("stream lag", amount, spell, bad, "FanoutLag")
    }

    fn unpublished(&self) -> Signal {
        let waiting = self.readings.unpublished(self.now);
        let spell = waiting.points.first().map(|(at, _)| Spell { since: *at, until: None, last: self.now });
        let amount = Amount::Waiting(whole(waiting.sum_since(Timestamp::MIN)));
        self.signal("unpublished", amount, spell, Verdict::Problem, "FanoutStopped")
    }
}

/// The command that mends what an alarm reports, if there is one for every cause.
pub(crate) fn mend(alarm: &str, spell: Option<Spell>, now: Timestamp, commands: &Commands) -> Option<Command> {
    let replay = |kind: &str| {
        let Spell { since, until, .. } = spell?;
        let until = until.unwrap_or(now);
        Some(commands.wab(&format!("replay --kind {kind} --from {since:.0} --until {until:.0}")))
    };
    match alarm {
        "RateLimited" => Some(commands.deploy("ThrottleRate=1000 ThrottleBurst=2000")),
        "Unauthorized" => Some(commands.deploy("CallbackCredentials=OLD,NEW")),
        "Forbidden" => Some(commands.deploy("AllowedNetworks=OLD,NEW")),
        "DeadLetters" => Some(commands.wab("parked redrive")),
        "MoNotificationsFailed" => replay("mo"),
        "DlrNotificationsFailed" => replay("dlr"),
        _ => None,
    }
}

/// Counts are whole, but metrics are not.
fn whole(number: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and counts are positive"
    )]
    let whole = number.round() as u64;
    whole
}

impl Signal {
    fn means(self, meaning: &'static str) -> Self {
        Self { meaning, ..self }
    }

    /// An alarm that has ended since the last bad data point is faster than [`Spell`], which waits for quiet minutes.
    fn ended_with(self, alarms: &[Alarm]) -> Self {
        let alarm = alarms.iter().find(|alarm| alarm.name == self.alarm && !alarm.is_firing);
        let Amount::Counted { .. } = self.amount else { return self };
        let spell = self.spell.map(|spell| spell.ended_with(alarm.and_then(|alarm| alarm.since)));
        let is_over = spell.is_some_and(|spell| spell.until.is_some());
        Self { spell, verdict: if is_over { Verdict::Over } else { self.verdict }, ..self }
    }

    pub(crate) fn needs_action(&self) -> bool {
        self.verdict.exit_code() != 0
    }
}
