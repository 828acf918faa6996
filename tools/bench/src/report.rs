//! The report: printed as tables, and recorded as JSON.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};

use crate::figures::{Figures, Ratios};
use crate::memory::AtMemory;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) subjects: BTreeMap<String, Figures>,
    pub(crate) ratios: Ratios,
    pub(crate) memory: Vec<AtMemory>,
}

pub(crate) fn print(report: &Report) {
    let mut table = table(&[
        "",
        "init ms",
        "first ms",
        "cold ms",
        "CPU of first",
        "warm p50",
        "p90",
        "p99 ms",
        "per CPU s",
        "peak MiB",
        "size bytes",
        "AWS calls",
        "AWS bytes",
        "log bytes",
    ]);
    for (name, it) in &report.subjects {
        let milliseconds =
            [it.init_ms, it.first_ms, it.cold_ms, it.first_cpu_ms, it.warm_p50_ms, it.warm_p90_ms, it.warm_p99_ms];
        let mut row = vec![name.clone()];
        row.extend(milliseconds.map(|ms| format!("{ms:.3}")));
        row.push(format!("{:.0}", it.invocations_per_cpu_second));
        row.push(format!("{:.1}", it.peak_memory_mib));
        row.push(it.size_bytes.to_string());
        row.extend([it.aws_calls, it.aws_bytes, it.log_bytes].map(|each| format!("{each:.0}")));
        table.add_row(row);
    }
    println!("{table}\n");
    println!("Ratios to the bare function: the median of the rounds and their middle half. More is worse.");
    let mut table = self::table(&["", "ratio", "from", "to"]);
    for (name, ratio) in &report.ratios {
        let values = [ratio.median, ratio.low, ratio.high].map(|value| format!("{value:.3}"));
        table.add_row(std::iter::once(name.clone()).chain(values));
    }
    println!("{table}");
    if report.memory.is_empty() {
        return;
    }
    println!("\nAt Lambda's share of a core for each memory setting:");
    let mut table = self::table(&["", "MB", "first ms", "warm p50", "p99 ms", "billed ms", "USD per million"]);
    for it in &report.memory {
        let milliseconds = [it.first_ms, it.warm_p50_ms, it.warm_p99_ms, it.billed_ms].map(|ms| format!("{ms:.2}"));
        let mut row = vec![it.function.clone(), it.memory_mb.to_string()];
        row.extend(milliseconds);
        row.push(format!("{:.3}", it.usd_per_million));
        table.add_row(row);
    }
    println!("{table}");
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
