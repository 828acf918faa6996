//! What is posted: made-up callbacks, some of them twice, and bodies that are no callbacks. One seed gives one plan.

use std::str::FromStr;

use anyhow::{Context, ensure};
use fastrand::Rng;
use serde_json::Value;
use wab_events::Kind;

/// A seed below this is exact in every JSON reader, and long enough for ids that never meet.
const RANDOM_SEEDS: u64 = 1 << 48;

/// How many callbacks one run may post. All of them are made before the first is posted.
const MAX_CALLBACKS: usize = 200_000;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Mix {
    /// How many to post
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) count: u32,
    /// Post this share of the callbacks twice, such as 10%
    #[arg(long, value_name = "PERCENT")]
    pub(crate) duplicates: Option<Percent>,
    /// Add this share of bodies that are not callbacks. The receiver answers 400 and quarantines them
    #[arg(long, value_name = "PERCENT")]
    pub(crate) malformed: Option<Percent>,
    /// Post in random order
    #[arg(long)]
    pub(crate) shuffle: bool,
    /// Make the same callbacks with the same ids as the run that printed this seed [default: random]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

/// A share from 0 to 100 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Percent(f64);

impl FromStr for Percent {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse().ok());
        let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
        percent.map(Self).context("not a percentage from 0% to 100%")
    }
}

impl Percent {
    pub(crate) fn new(percent: u8) -> Self {
        Self(f64::from(percent))
    }

    fn of(self, length: usize) -> usize {
        (length as f64 * self.0 / 100.0).round() as usize
    }
}

/// A body, and the kind of callback as which it is posted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Callback {
    pub(crate) kind: Kind,
    pub(crate) body: Vec<u8>,
    /// Whether it is to be answered 400.
    pub(crate) is_malformed: bool,
}

impl Callback {
    pub(crate) fn new(kind: Kind, body: Vec<u8>) -> Self {
        Self { kind, body, is_malformed: false }
    }
}

pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) callbacks: Vec<Callback>,
}

impl Plan {
    pub(crate) fn of_one(callback: Callback) -> Self {
        Self { seed: 0, callbacks: vec![callback] }
    }
}

impl Mix {
    /// Makes callbacks with `make`, `count` times, and mixes them.
    pub(crate) fn plan(&self, mut make: impl FnMut(&mut Rng) -> anyhow::Result<Vec<Callback>>) -> anyhow::Result<Plan> {
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..RANDOM_SEEDS));
        let mut rng = Rng::with_seed(seed);
        let mut callbacks = Vec::new();
        for _ in 0..self.count {
            callbacks.extend(make(&mut rng)?);
            ensure!(callbacks.len() <= MAX_CALLBACKS, "more than {MAX_CALLBACKS} callbacks: give a lower --count");
        }
        let share = |percent: Option<Percent>| percent.map_or(0, |percent| percent.of(callbacks.len()));
        let (duplicates, malformed) = (share(self.duplicates), share(self.malformed));

        // A place between 0 and 1 for each. A duplicate's is behind its original's.
        let place = |index: usize| index as f64 / callbacks.len() as f64;
        let mut mixed: Vec<(f64, Callback)> =
            callbacks.iter().enumerate().map(|(index, callback)| (place(index), callback.clone())).collect();
        for (index, callback) in rng.choose_multiple(callbacks.iter().enumerate(), duplicates) {
            mixed.push((place(index) + rng.f64() * (1.0 - place(index)), callback.clone()));
        }
        for _ in 0..malformed {
            let original = rng.choice(&callbacks).context("no callback")?;
            mixed.push((rng.f64(), broken(original, &mut rng)?));
        }
        if self.shuffle {
            rng.shuffle(&mut mixed);
        } else {
            mixed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        }
        Ok(Plan { seed, callbacks: mixed.into_iter().map(|(_, callback)| callback).collect() })
    }
}

/// A body like this callback's that isn't one.
fn broken(callback: &Callback, rng: &mut Rng) -> anyhow::Result<Callback> {
    let body = &callback.body;
    let body = match rng.u8(..3) {
        // Not JSON.
        0 => body.get(..body.len() / 2).unwrap_or_default().to_vec(),
        // Not an object.
        1 => [b"[", body.as_slice(), b"]"].concat(),
        // Without an id.
        _ => {
            let mut fields: Value = serde_json::from_slice(body)?;
            let fields = fields.as_object_mut().context("the callback is not an object")?;
            fields.remove("id");
            serde_json::to_vec(fields)?
        }
    };
    Ok(Callback { body, is_malformed: true, ..*callback })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;
    use wab_models::{MoCallback, utf8};

    use super::*;

    fn mix(count: u32, duplicates: &str, malformed: &str) -> Mix {
        let [duplicates, malformed] = [duplicates, malformed].map(|percent| Some(percent.parse().unwrap()));
        Mix { count, duplicates, malformed, shuffle: false, seed: Some(7) }
    }

    fn plan(mix: &Mix) -> Vec<Callback> {
        let mut number = 0;
        let plan = mix.plan(|_| {
            number += 1;
            Ok(vec![Callback::new(Kind::Mo, json!({"id": number}).to_string().into_bytes())])
        });
        plan.unwrap().callbacks
    }

    #[test]
    fn shares_are_added_to_the_count() {
        for (count, duplicates, malformed, expected) in [
            (1, "0%", "0%", 1),
            (1, "100%", "100%", 3),
            (1000, "10%", "1%", 1110),
            (3, "50%", "10%", 5),
            (7, "0%", "7.5%", 8),
        ] {
            let callbacks = plan(&mix(count, duplicates, malformed));
            assert_eq!(callbacks.len(), expected, "{count} {duplicates} {malformed}");
            let valid = callbacks.iter().filter(|callback| !callback.is_malformed);
            assert_eq!(valid.map(|callback| &callback.body).collect::<BTreeSet<_>>().len(), count as usize);
        }
    }

    #[test]
    fn duplicates_come_after_their_originals() {
        let callbacks = plan(&mix(200, "50%", "20%"));
        let valid: Vec<_> = callbacks.iter().filter(|callback| !callback.is_malformed).collect();
        let mut first = Vec::new();
        for callback in valid {
            if !first.contains(&&callback.body) {
                first.push(&callback.body);
            }
        }
        let expected: Vec<_> = (1..=200).map(|number| json!({"id": number}).to_string().into_bytes()).collect();
        assert!(first.into_iter().eq(&expected), "the originals keep their order");
    }

    #[test]
    fn malformed_bodies_are_no_callbacks() {
        let callbacks = plan(&mix(100, "0%", "100%"));
        let bodies: Vec<_> = callbacks.iter().filter(|callback| callback.is_malformed).collect();
        assert_eq!(bodies.len(), 100);
        let problem = |callback: &&Callback| {
            let problem = MoCallback::parse(utf8(&callback.body).unwrap()).unwrap_err().to_string();
            problem.split(':').next().unwrap().to_owned()
        };
        let problems: BTreeSet<_> = bodies.iter().map(problem).collect();
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    #[test]
    fn seed_decides_the_plan() {
        let mixed = Mix { shuffle: true, ..mix(50, "10%", "10%") };
        let ids = |seed| {
            let mix = Mix { seed, ..mixed.clone() };
            let made =
                mix.plan(|rng| Ok(vec![Callback::new(Kind::Dlr, json!({"id": rng.u64(..)}).to_string().into())]));
            made.unwrap().callbacks
        };
        assert!(ids(Some(1)) == ids(Some(1)));
        assert!(ids(Some(1)) != ids(Some(2)));
        assert!(ids(None) != ids(None));
    }

    #[test]
    fn percentage_needs_its_sign() {
        for (text, length, share) in
            [("10%", 1000, 100), ("0.5 %", 1000, 5), ("100%", 3, 3), ("0%", 3, 0), ("7%", 100, 7)]
        {
            assert_eq!(text.parse::<Percent>().unwrap().of(length), share, "{text}");
        }
        for text in ["10", "%", "-1%", "101%", "NaN%", "ten%", ""] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}
