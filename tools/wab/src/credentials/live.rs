//! The live pairs of credentials, and when the gateway used each: how far a rotation is. Only [`Live::read`] calls AWS.

use std::fmt;
use std::time::Duration;

use anyhow::{bail, ensure};
use aws_config::SdkConfig;
use jiff::{SignedDuration, Timestamp};

use crate::aws::Unavailable;
use crate::stack::{Configuration, Functions, Metric, Metrics, Resources};

/// The setting of mo and dlr: verifiers `user:hash`, separated by commas (docs/operations.md, "Settings").
const SETTING: &str = "CALLBACK_CREDENTIALS";

const MINUTE: Duration = Duration::from_secs(60);

/// How far back use is looked up. CloudWatch keeps data points of a minute for 15 days.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The live pairs of a stack, in the order of the setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) pairs: Vec<Pair>,
    /// From when the use of the pairs is known. Metrics count by position, and positions change only when the functions
    /// do, so what was counted earlier may be another pair's.
    pub(crate) since: Timestamp,
}

/// A user name and the verifier of its password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// From 1.
    pub(crate) position: usize,
    pub(crate) user: String,
    /// With the user name, as in the setting.
    pub(crate) verifier: String,
    pub(crate) callbacks: u64,
    /// The end of the last minute in which the gateway used it.
    pub(crate) last_used: Option<Timestamp>,
}

/// How far the rotation of one user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The user has one pair.
    Settled,
    /// The gateway hasn't used the newest pair yet.
    NewIsUnused,
    /// The gateway used an older pair after the newest.
    OldIsInUse,
    /// The gateway uses the newest pair. The older ones may be removed at this time.
    OldIsIdleAt(Timestamp),
    /// The gateway uses the newest pair, and no other any more.
    Replaced,
}

/// Omits the verifier, so that it is never logged.
impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("position", &self.position)
            .field("user", &self.user)
            .field("callbacks", &self.callbacks)
            .field("last_used", &self.last_used)
            .finish_non_exhaustive()
    }
}

impl Pair {
    /// The first digits of the password's hash, to tell pairs of one user apart.
    pub(crate) fn mark(&self) -> &str {
        let hash = self.verifier.rsplit(':').next().unwrap_or_default();
        hash.get(..8).unwrap_or(hash)
    }
}

impl Live {
    /// Reads the settings of both functions, and then the metrics.
    ///
    /// # Errors
    /// If a function is missing, its settings can't be read, or the two differ.
    pub(crate) async fn read(sdk: &SdkConfig, resources: &Resources, now: Timestamp) -> anyhow::Result<Self> {
        let functions = Functions::new(sdk);
        let (mo, dlr) = tokio::join!(
            functions.configuration(&resources.mo_function),
            functions.configuration(&resources.dlr_function)
        );
        let Some((mo, dlr)) = mo?.zip(dlr?) else { bail!("the function mo or dlr is gone: `wab doctor` has more") };
        Self::of(&mo, &dlr)?.with_use(sdk, &resources.stack_name, now).await.map_err(Into::into)
    }

    /// The pairs of the two functions' settings, before their use is known.
    pub(crate) fn of(mo: &Configuration, dlr: &Configuration) -> anyhow::Result<Self> {
        let setting = |function: &Configuration| function.environment.as_ref()?.get(SETTING).cloned();
        let Some((of_mo, of_dlr)) = setting(mo).zip(setting(dlr)) else {
            bail!("the settings of mo and dlr can't be read");
        };
        let pairs = pairs(&of_mo);
        let users = |pairs: &[Pair]| pairs.iter().map(|pair| &*pair.user).collect::<Vec<_>>().join(", ");
        ensure!(
            of_mo == of_dlr,
            "mo accepts other verifiers than dlr: those of {}, and of {}",
            users(&pairs),
            users(&self::pairs(&of_dlr))
        );
        Ok(Self { pairs, since: mo.modified.max(dlr.modified) })
    }

    pub(crate) async fn with_use(
        mut self,
        sdk: &SdkConfig,
        namespace: &str,
        now: Timestamp,
    ) -> Result<Self, Unavailable> {
        let metric = |pair: &Pair| Metric::sum(namespace, "Credentials").of("credential", &pair.position.to_string());
        let metrics: Vec<_> = self.pairs.iter().map(metric).collect();
        self.since = self.since.max(now - KEPT);
        // A minute counts if the functions changed in it.
        let from = Timestamp::from_second(self.since.as_second() / 60 * 60).unwrap_or(self.since);
        let series = Metrics::new(sdk).read(&metrics, MINUTE, from, now).await?;
        for (pair, series) in self.pairs.iter_mut().zip(&series) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the cast saturates, and counts are positive"
            )]
            let callbacks = series.sum_since(from).round() as u64;
            pair.callbacks = callbacks;
            pair.last_used = series.last_nonzero().map(|at| (at + MINUTE).min(now));
        }
        Ok(self)
    }

    /// The different users, in the order of their first pairs.
    pub(crate) fn users(&self) -> Vec<&str> {
        let mut users: Vec<&str> = Vec::new();
        for pair in &self.pairs {
            if !users.contains(&&*pair.user) {
                users.push(&pair.user);
            }
        }
        users
    }

    /// The older pairs of a user, and the newest, which is last. None if there is no such user.
    pub(crate) fn of_user(&self, user: &str) -> Option<(Vec<&Pair>, &Pair)> {
        let mut pairs: Vec<&Pair> = self.pairs.iter().filter(|pair| pair.user == user).collect();
        let newest = pairs.pop()?;
        Some((pairs, newest))
    }

    /// How far the rotation of a user is. Pairs that weren't used for `idle` may be removed. None if there is no such user.
    pub(crate) fn stage(&self, user: &str, idle: SignedDuration, now: Timestamp) -> Option<Stage> {
        let (older, newest) = self.of_user(user)?;
        if older.is_empty() {
            return Some(Stage::Settled);
        }
        let Some(new_used) = newest.last_used else { return Some(Stage::NewIsUnused) };
        let old_used = older.iter().filter_map(|pair| pair.last_used).max();
        if old_used.is_some_and(|old_used| old_used > new_used) {
            return Some(Stage::OldIsInUse);
        }
        let idle_at = old_used.unwrap_or(self.since).max(self.since) + idle;
        Some(if now < idle_at { Stage::OldIsIdleAt(idle_at) } else { Stage::Replaced })
    }

    /// The setting with another pair of a user at its end, where the newest is expected.
    pub(crate) fn with(&self, verifier: &str) -> String {
        let verifiers = self.pairs.iter().map(|pair| &*pair.verifier).chain([verifier]);
        verifiers.collect::<Vec<_>>().join(",")
    }

    /// Without the pairs at these positions. The others keep their order.
    pub(crate) fn without(&self, positions: &[usize]) -> Self {
        let pairs = self.pairs.iter().filter(|pair| !positions.contains(&pair.position)).cloned();
        Self { pairs: pairs.collect(), since: self.since }
    }

    /// The value of the setting.
    pub(crate) fn setting(&self) -> String {
        self.pairs.iter().map(|pair| &*pair.verifier).collect::<Vec<_>>().join(",")
    }
}

fn pairs(setting: &str) -> Vec<Pair> {
    let verifiers = setting.split(',').map(str::trim).zip(1..);
    let pair = |(verifier, position): (&str, usize)| Pair {
        position,
        user: verifier.split(':').next().unwrap_or_default().to_owned(),
        verifier: verifier.to_owned(),
        callbacks: 0,
        last_used: None,
    };
    verifiers.map(pair).collect()
}

/// Pairs of the users `users`, each last used so many minutes before `now`, of functions that were changed two days ago.
#[cfg(test)]
pub(crate) fn example(users: &[(&str, Option<i64>)], now: Timestamp) -> Live {
    let verifier = |(position, (user, _)): (usize, &(&str, Option<i64>))| format!("{user}:{position:064x}");
    let setting: Vec<_> = users.iter().enumerate().map(verifier).collect();
    let mut live = Live { pairs: pairs(&setting.join(",")), since: now - SignedDuration::from_hours(48) };
    for (pair, (_, minutes)) in live.pairs.iter_mut().zip(users) {
        pair.last_used = minutes.map(|minutes| now - SignedDuration::from_mins(minutes));
        pair.callbacks = u64::from(minutes.is_some());
    }
    live
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn now() -> Timestamp {
        "2026-11-29T02:50:00Z".parse().unwrap()
    }

    #[track_caller]
    fn check(minutes_ago: &[Option<i64>], stage: Stage) {
        let users: Vec<_> = minutes_ago.iter().map(|minutes| ("shop", *minutes)).collect();
        assert_eq!(example(&users, now()).stage("shop", DAY, now()), Some(stage), "{minutes_ago:?}");
    }

    #[test]
    fn old_pair_is_replaced_once_it_is_idle_and_the_new_is_used() {
        check(&[Some(1)], Stage::Settled);
        check(&[None], Stage::Settled);
        check(&[Some(1), None], Stage::NewIsUnused);
        check(&[None, None], Stage::NewIsUnused);
        check(&[Some(3_000), None], Stage::NewIsUnused);
        check(&[Some(1), Some(5)], Stage::OldIsInUse);
        check(&[Some(2_000), Some(2_001)], Stage::OldIsInUse);
        check(&[Some(60), Some(1)], Stage::OldIsIdleAt(now() + SignedDuration::from_hours(23)));
        check(&[Some(1_441), Some(1)], Stage::Replaced);
        check(&[None, Some(1)], Stage::Replaced);
        check(&[Some(1_500), Some(60), Some(1)], Stage::OldIsIdleAt(now() + SignedDuration::from_hours(23)));
    }

    #[test]
    fn pair_is_not_known_to_be_idle_before_the_functions_changed() {
        let live = Live {
            since: now() - SignedDuration::from_hours(1),
            ..example(&[("shop", None), ("shop", Some(1))], now())
        };
        let stage = live.stage("shop", DAY, now());
        assert_eq!(stage, Some(Stage::OldIsIdleAt(now() + SignedDuration::from_hours(23))));
        assert_eq!(live.stage("shop", SignedDuration::from_mins(60), now()), Some(Stage::Replaced));
    }

    #[test]
    fn each_user_has_a_rotation_of_its_own() {
        let live = example(&[("shop", Some(2_000)), ("bank", Some(1)), ("shop", Some(1))], now());
        assert_eq!(live.users(), ["shop", "bank"]);
        assert_eq!(live.stage("shop", DAY, now()), Some(Stage::Replaced));
        assert_eq!(live.stage("bank", DAY, now()), Some(Stage::Settled));
        assert_eq!(live.stage("other", DAY, now()), None);
    }

    #[test]
    fn setting_keeps_the_order_of_the_other_pairs() {
        let live = example(&[("shop", None), ("bank", None)], now());
        let [shop, bank] = [0, 1].map(|number: usize| live.pairs[number].verifier.clone());
        assert_eq!(live.setting(), format!("{shop},{bank}"));
        assert_eq!(live.with("shop:new"), format!("{shop},{bank},shop:new"));
        assert_eq!(live.without(&[1]).setting(), bank);
        assert_eq!(live.without(&[1]).with("shop:new"), format!("{bank},shop:new"));
        assert_eq!((live.pairs[1].mark(), live.pairs[1].position), ("00000000", 2));
    }

    #[test]
    fn functions_must_accept_the_same_verifiers() {
        let configuration = |setting: &str, modified: i64| Configuration {
            environment: Some(HashMap::from([(SETTING.to_owned(), setting.to_owned())])),
            modified: Timestamp::from_second(modified).unwrap(),
            ..Configuration::default()
        };
        let same = Live::of(&configuration("shop:00ff", 7), &configuration("shop:00ff", 9)).unwrap();
        assert_eq!((same.pairs.len(), same.since.as_second()), (1, 9));
        let error = Live::of(&configuration("shop:00ff", 7), &configuration("bank:11ee", 7)).unwrap_err().to_string();
        assert!(error.contains("those of shop, and of bank") && !error.contains("00ff"), "{error}");
        let error = Live::of(&Configuration::default(), &configuration("shop:00ff", 7)).unwrap_err();
        assert!(error.to_string().contains("can't be read"), "{error}");
    }
}
