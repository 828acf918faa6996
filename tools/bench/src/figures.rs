//! Turns measurements into figures and figures into ratios, and detects ratios that got worse. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The measurements of one process in one round.
#[derive(Debug, Default, Clone)]
pub(crate) struct Round {
    pub(crate) init_ms: f64,
    pub(crate) first_ms: f64,
    pub(crate) first_cpu_ms: f64,
    pub(crate) warm_ms: Vec<f64>,
    pub(crate) warm_cpu_s: f64,
    pub(crate) peak_memory_bytes: f64,
    pub(crate) aws_calls: f64,
    pub(crate) aws_bytes: f64,
    pub(crate) log_bytes: f64,
}

impl Round {
    fn cold_ms(&self) -> f64 {
        self.init_ms + self.first_ms
    }

    fn per_cpu_second(&self) -> f64 {
        self.warm_ms.len() as f64 / self.warm_cpu_s
    }
}

type Figure = fn(&Round) -> f64;

/// The figures of one function: medians over the rounds, and quantiles over all warm invocations. Calls and bytes are per
/// invocation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) init_ms: f64,
    pub(crate) first_ms: f64,
    pub(crate) cold_ms: f64,
    pub(crate) first_cpu_ms: f64,
    pub(crate) warm_p50_ms: f64,
    pub(crate) warm_p90_ms: f64,
    pub(crate) warm_p99_ms: f64,
    pub(crate) invocations_per_cpu_second: f64,
    pub(crate) peak_memory_mib: f64,
    pub(crate) size_bytes: u64,
    pub(crate) aws_calls: f64,
    pub(crate) aws_bytes: f64,
    pub(crate) log_bytes: f64,
}

impl Figures {
    pub(crate) fn of(rounds: &[Round], size_bytes: u64) -> Self {
        let median_of = |figure: Figure| quantile(rounds.iter().map(figure).collect(), 0.5);
        let warm = |at| quantile(rounds.iter().flat_map(|round| round.warm_ms.iter().copied()).collect(), at);
        Self {
            init_ms: median_of(|round| round.init_ms),
            first_ms: median_of(|round| round.first_ms),
            cold_ms: median_of(Round::cold_ms),
            first_cpu_ms: median_of(|round| round.first_cpu_ms),
            warm_p50_ms: warm(0.5),
            warm_p90_ms: warm(0.9),
            warm_p99_ms: warm(0.99),
            invocations_per_cpu_second: median_of(Round::per_cpu_second),
            peak_memory_mib: median_of(|round| round.peak_memory_bytes) / 1_048_576.0,
            size_bytes,
            aws_calls: median_of(|round| round.aws_calls),
            aws_bytes: median_of(|round| round.aws_bytes),
            log_bytes: median_of(|round| round.log_bytes),
        }
    }
}

/// A ratio of two functions, taken within each round: the median and the quartiles over the rounds. More is worse.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

pub(crate) type Ratios = BTreeMap<String, Ratio>;

impl Ratio {
    fn of(rounds: &[Round], to: &[Round], figure: Figure) -> Self {
        let ratios: Vec<f64> = rounds.iter().zip(to).map(|(ours, theirs)| figure(ours) / figure(theirs)).collect();
        let at = |at| quantile(ratios.clone(), at);
        Self { median: at(0.5), low: at(0.25), high: at(0.75) }
    }

    /// Whether it is worse than the recorded ratio by more than the noise: its middle half lies above the recorded one, and
    /// its median exceeds the recorded one by more than `noise`, the difference between two runs of the same code.
    fn is_worse_than(&self, recorded: &Self, noise: f64) -> bool {
        self.low > recorded.high && self.median > recorded.median * (1.0 + noise)
    }
}

/// The ratios of `rounds` to the bare function. Their names begin with `name`.
pub(crate) fn ratios(name: &str, rounds: &[Round], bare: &[Round]) -> Ratios {
    let figures: [(&str, Figure); 4] = [
        ("cold", Round::cold_ms),
        ("warm p50", |round| quantile(round.warm_ms.clone(), 0.5)),
        ("CPU per invocation", |round| 1.0 / round.per_cpu_second()),
        ("peak memory", |round| round.peak_memory_bytes),
    ];
    figures.into_iter().map(|(what, figure)| (format!("{name} {what}"), Ratio::of(rounds, bare, figure))).collect()
}

/// Limits of `mo`, relative to the bare function. Its memory exceeds 1.1 and has no limit here; it is only compared with
/// the recorded figures.
const LIMITS: [(&str, f64); 3] = [("mo cold", 1.15), ("mo warm p50", 1.1), ("mo CPU per invocation", 1.0 / 0.9)];

/// The maximum size of a bootstrap. `fanout` is the largest, with clients of four services. The clients of the bucket and
/// the spill queue take two megabytes of `mo` and `dlr`.
const SIZE_LIMIT_BYTES: u64 = 7_700_000;

/// Describes exceeded limits and ratios that got worse, one line each.
pub(crate) fn complaints(subjects: &BTreeMap<String, Figures>, now: &Ratios, recorded: Option<&Ratios>) -> Vec<String> {
    let limits = LIMITS.iter().filter_map(|(name, limit)| {
        let ratio = now.get(*name)?;
        (ratio.median > *limit).then(|| format!("{name}: {:.3}, limit {limit:.3}", ratio.median))
    });
    let worse = recorded.into_iter().flatten().filter_map(|(name, was)| {
        let noise = if name.ends_with("cold") { 0.1 } else { 0.03 };
        let ratio = now.get(name)?;
        ratio.is_worse_than(was, noise).then(|| format!("{name}: {:.3}, recorded {:.3}", ratio.median, was.median))
    });
    let sizes = subjects.iter().filter(|(_, figures)| figures.size_bytes > SIZE_LIMIT_BYTES);
    let sizes = sizes.map(|(name, figures)| format!("{name}: {} bytes, limit {SIZE_LIMIT_BYTES}", figures.size_bytes));
    limits.chain(worse).chain(sizes).collect()
}

/// The quantile `at` of `values`, interpolated. NaN if there are none.
pub(crate) fn quantile(mut values: Vec<f64>, at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let value = |index: usize| values.get(index.min(last)).copied().unwrap_or(f64::NAN);
    let position = at * last as f64;
    let below = position.floor();
    let share = position - below;
    value(below as usize) * (1.0 - share) + value(below as usize + 1) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantile_is_interpolated() {
        let values = vec![4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(values.clone(), 0.0), 1.0);
        assert_eq!(quantile(values.clone(), 0.5), 2.5);
        assert_eq!(quantile(values, 1.0), 4.0);
        assert!(quantile(Vec::new(), 0.5).is_nan());
    }

    fn rounds(cold_ms: f64) -> Vec<Round> {
        let round = |n: usize| Round {
            init_ms: cold_ms * (1.0 + n as f64 / 1_000.0),
            warm_ms: vec![1.0; 3],
            warm_cpu_s: 1.0,
            peak_memory_bytes: 1.0,
            ..Round::default()
        };
        (0..10).map(round).collect()
    }

    #[track_caller]
    fn check(now: f64, recorded: f64, expected: &[&str]) {
        let now = ratios("mo", &rounds(now), &rounds(1.0));
        let recorded = ratios("mo", &rounds(recorded), &rounds(1.0));
        let complaints = complaints(&BTreeMap::new(), &now, Some(&recorded));
        assert_eq!(complaints.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn worse_and_excessive_ratios_are_reported() {
        check(1.05, 1.0, &[]);
        check(0.5, 1.0, &[]);
        check(1.12, 1.0, &["mo cold: 1.120, recorded 1.000"]);
        check(1.2, 1.2, &["mo cold: 1.200, limit 1.150"]);
    }

    #[test]
    fn oversized_bootstrap_is_reported() {
        let figures = |size_bytes| Figures::of(&rounds(1.0), size_bytes);
        let subjects = BTreeMap::from([
            ("mo".to_owned(), figures(SIZE_LIMIT_BYTES)),
            ("dlr".to_owned(), figures(SIZE_LIMIT_BYTES + 1)),
        ]);
        assert_eq!(complaints(&subjects, &Ratios::new(), None), ["dlr: 7700001 bytes, limit 7700000"]);
    }
}
