//! Cost and duration at each memory setting. Lambda gives a function memory / 1,769 MB of a core (AWS Lambda developer
//! guide, "Configure Lambda function memory"), which a CPU cgroup reproduces here.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// The memory setting that has one whole core.
const MEMORY_MB_OF_ONE_CORE: f64 = 1_769.0;
const PERIOD_US: f64 = 20_000.0;

/// Prices of AWS Lambda in us-east-1, x86, first tier (<https://aws.amazon.com/lambda/pricing/>, as of 2026-11).
const USD_PER_GB_SECOND: f64 = 0.000_016_666_7;
const USD_PER_REQUEST: f64 = 0.000_000_2;

/// A function at one memory setting. The times are those that Lambda would bill and the gateway would wait for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AtMemory {
    pub(crate) function: String,
    pub(crate) memory_mb: u32,
    pub(crate) first_ms: f64,
    pub(crate) warm_p50_ms: f64,
    pub(crate) warm_p99_ms: f64,
    /// Mean billed duration of a warm invocation, each rounded up to a millisecond.
    pub(crate) billed_ms: f64,
    pub(crate) usd_per_million: f64,
}

pub(crate) fn usd_per_million(memory_mb: u32, billed_ms: f64) -> f64 {
    let gb_seconds = f64::from(memory_mb) / 1_024.0 * billed_ms / 1_000.0;
    (gb_seconds * USD_PER_GB_SECOND + USD_PER_REQUEST) * 1e6
}

/// A CPU cgroup. Dropping it removes the cgroup, once its processes have ended.
#[derive(Debug)]
pub(crate) struct CpuShare(PathBuf);

impl CpuShare {
    /// Creates a cgroup with the share of `memory_mb`.
    pub(crate) fn of(memory_mb: u32) -> anyhow::Result<Self> {
        let quota_us = (PERIOD_US * f64::from(memory_mb) / MEMORY_MB_OF_ONE_CORE).round();
        let v1 = Path::new("/sys/fs/cgroup/cpu");
        let root = if v1.is_dir() { v1 } else { Path::new("/sys/fs/cgroup") };
        let group = Self(root.join(format!("wab-bench-{}", std::process::id())));
        std::fs::create_dir(&group.0)
            .context("cannot create a CPU cgroup: run as root with a writable /sys/fs/cgroup, or leave it out with an empty --memory")?;
        if v1.is_dir() {
            group.write("cpu.cfs_period_us", &PERIOD_US.to_string())?;
            group.write("cpu.cfs_quota_us", &quota_us.to_string())?;
        } else {
            group.write("cpu.max", &format!("{quota_us} {PERIOD_US}"))?;
        }
        Ok(group)
    }

    pub(crate) fn add(&self, pid: u32) -> anyhow::Result<()> {
        self.write("cgroup.procs", &pid.to_string())
    }

    fn write(&self, file: &str, value: &str) -> anyhow::Result<()> {
        let path = self.0.join(file);
        std::fs::write(&path, value).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // A killed process takes a moment to leave the cgroup.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_is_gigabyte_seconds_plus_requests() {
        // A thousand seconds of one gigabyte, and a million requests.
        assert!((usd_per_million(1_024, 1.0) - 0.216_666_7).abs() < 1e-6);
        assert!((usd_per_million(128, 8.0) - 0.216_666_7).abs() < 1e-6);
    }
}
