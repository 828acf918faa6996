//! CloudWatch metrics: data points of the last hours or days.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric as Name, MetricDataQuery, MetricStat, ScanBy};
use jiff::Timestamp;

use crate::aws::Unavailable;

/// Maximum number of metrics in one call (CloudWatch API reference, "GetMetricData").
const MAX_QUERIES: usize = 500;

#[derive(Debug)]
pub(crate) struct Metrics {
    cloudwatch: aws_sdk_cloudwatch::Client,
}

/// One metric, and the statistic to read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Metric {
    namespace: String,
    name: &'static str,
    dimension: Option<(&'static str, String)>,
    statistic: &'static str,
}

impl Metric {
    pub(crate) fn sum(namespace: &str, name: &'static str) -> Self {
        Self { namespace: namespace.to_owned(), name, dimension: None, statistic: "Sum" }
    }

    pub(crate) fn maximum(namespace: &str, name: &'static str) -> Self {
        Self { statistic: "Maximum", ..Self::sum(namespace, name) }
    }

    pub(crate) fn of(self, dimension: &'static str, value: &str) -> Self {
        Self { dimension: Some((dimension, value.to_owned())), ..self }
    }

    fn query(&self, id: usize, period: Duration) -> MetricDataQuery {
        let dimension =
            self.dimension.as_ref().map(|(name, value)| Dimension::builder().name(*name).value(value).build());
        let metric = Name::builder().namespace(&self.namespace).metric_name(self.name);
        let metric = metric.set_dimensions(dimension.map(|dimension| vec![dimension])).build();
        let seconds = i32::try_from(period.as_secs()).unwrap_or(i32::MAX);
        let stat = MetricStat::builder().metric(metric).stat(self.statistic).period(seconds).build();
        // An id begins with a lower-case letter.
        MetricDataQuery::builder().id(format!("m{id}")).metric_stat(stat).build()
    }
}

/// The data points of one metric, oldest first. A period without data has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Series {
    /// Start of the period, and value.
    pub(crate) points: Vec<(Timestamp, f64)>,
}

impl Series {
    /// The sum of the points at `from` or later.
    pub(crate) fn sum_since(&self, from: Timestamp) -> f64 {
        self.points.iter().filter(|(at, _)| *at >= from).map(|(_, value)| value).sum()
    }

    /// The largest of the points at `from` or later.
    pub(crate) fn maximum_since(&self, from: Timestamp) -> Option<f64> {
        self.points.iter().filter(|(at, _)| *at >= from).map(|(_, value)| *value).reduce(f64::max)
    }

    /// The last point that isn't zero.
    pub(crate) fn last_nonzero(&self) -> Option<Timestamp> {
        self.points.iter().rev().find(|(_, value)| *value > 0.0).map(|(at, _)| *at)
    }

    /// The points of several metrics, added up.
    pub(crate) fn total<'a>(series: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut points: Vec<_> = series.into_iter().flat_map(|series| series.points.iter().copied()).collect();
        points.sort_by_key(|(at, _)| *at);
        points.dedup_by(|(later, more), (at, value)| {
            let is_same = later == at;
            if is_same {
                *value += *more;
            }
            is_same
        });
        Self { points }
    }
}

impl Metrics {
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        Self { cloudwatch: aws_sdk_cloudwatch::Client::new(sdk) }
    }

    /// The data points of each metric, in the order of `metrics`. One call, unless the answer has several pages.
    pub(crate) async fn read(
        &self,
        metrics: &[Metric],
        period: Duration,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Series>, Unavailable> {
        let mut all = vec![Series::default(); metrics.len()];
        for (chunk, metrics) in metrics.chunks(MAX_QUERIES).enumerate() {
            let first = chunk * MAX_QUERIES;
            let queries = metrics.iter().enumerate().map(|(number, metric)| metric.query(first + number, period));
            let get = self
                .cloudwatch
                .get_metric_data()
                .set_metric_data_queries(Some(queries.collect()))
                .start_time(DateTime::from_secs(from.as_second()))
                .end_time(DateTime::from_secs(to.as_second()))
                .scan_by(ScanBy::TimestampAscending);
            let mut next = None;
            loop {
                let page = get.clone().set_next_token(next).send().await;
                let page = page.map_err(Unavailable::new("cannot read the metrics"))?;
                for result in page.metric_data_results() {
                    let number = result.id().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
                    let Some(series) = number.and_then(|number| all.get_mut(number)) else { continue };
                    let points = result
                        .timestamps()
                        .iter()
                        .zip(result.values())
                        .filter_map(|(at, value)| Some((Timestamp::from_second(at.secs()).ok()?, *value)));
                    series.points.extend(points);
                }
                next = page.next_token.filter(|token| !token.is_empty());
                if next.is_none() {
                    break;
                }
            }
        }
        for series in &mut all {
            series.points.sort_by_key(|(at, _)| *at);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    #[test]
    fn series_are_added_by_period() {
        let one = Series { points: vec![(at(1), 1.0), (at(3), 2.0)] };
        let two = Series { points: vec![(at(2), 4.0), (at(3), 8.0)] };
        assert_eq!(Series::total([&one, &two]).points, [(at(1), 1.0), (at(2), 4.0), (at(3), 10.0)]);
    }

    #[test]
    fn series_answer_what_happened_since() {
        let series = Series { points: vec![(at(1), 3.0), (at(2), 2.0), (at(3), 0.0)] };
        assert_eq!((series.sum_since(at(2)), series.maximum_since(at(2))), (2.0, Some(2.0)));
        assert_eq!(series.maximum_since(at(4)), None);
        assert_eq!(series.last_nonzero(), Some(at(2)));
    }
}
