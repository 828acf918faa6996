//! What the stack costs a month at its present rate, by the tables of docs/cost.md, which tests hold to measurements.

use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

use crate::stack::Stack;
use crate::status::readings::{Readings, Role, Source};

const PAGE: &str = include_str!("../../../../docs/cost.md");

const DAYS: f64 = 30.0;

const NOTE: &str = "Callbacks of the last 24 hours, times 30, at the prices of docs/cost.md for us-east-1: a text message and \
    a receipt of usual size. Left out: free tiers, data transfer, large bodies and what subscribers do.";

#[derive(Serialize)]
pub(super) struct Report {
    month_usd: f64,
    fixed: Vec<Line>,
    traffic: Vec<Line>,
    callbacks_per_day: f64,
    note: &'static str,
}

#[derive(PartialEq, Serialize)]
struct Line {
    line: String,
    usd: f64,
}

pub(super) async fn gather(stack: &Stack, now: Timestamp) -> anyhow::Result<Report> {
    let readings = Readings::read(stack, now).await?;
    let invoked = |role| readings.of(&[Source::Invocations(role)]).sum_since(Timestamp::MIN);
    report(PAGE, invoked(Role::Mo), invoked(Role::Dlr))
}

/// The report for this many callbacks a day.
fn report(page: &str, mo: f64, dlr: f64) -> anyhow::Result<Report> {
    let fixed: Vec<Line> = rows(page, "fixed")?
        .into_iter()
        .filter(|cells| cells.first().is_some_and(|name| name != "in all"))
        .filter_map(|cells| Some(Line { line: cells.first()?.replace('`', ""), usd: cells.get(2)?.parse().ok()? }))
        .collect();
    let million = rows(page, "cost")?;
    let head = million.first().context("docs/cost.md has no head")?;
    let of = |begins: &str| {
        let row = million.iter().find(|cells| cells.first().is_some_and(|name| name.starts_with(begins)));
        row.with_context(|| format!("docs/cost.md has no line {begins}"))
    };
    let (text, receipt) = (of("text MO")?, of("DLR")?);
    let usd = |cells: &[String], column: usize| cells.get(column).and_then(|cell| cell.parse::<f64>().ok());
    let traffic: Vec<Line> = (head.iter().enumerate())
        .filter(|(_, name)| *name != "USD in all")
        .filter_map(|(column, name)| {
            let usd = mo * usd(text, column)? + dlr * usd(receipt, column)?;
            Some(Line { line: name.clone(), usd: usd * DAYS / 1e6 })
        })
        .collect();
    let month_usd = fixed.iter().chain(&traffic).map(|line| line.usd).sum();
    Ok(Report { month_usd, fixed, traffic, callbacks_per_day: mo + dlr, note: NOTE })
}

/// The cells of a table between its markers, its head included.
fn rows(page: &str, name: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let (_, rest) = page.split_once(&format!("<!-- {name}:begin -->")).context("docs/cost.md has no such table")?;
    let (table, _) = rest.split_once(&format!("<!-- {name}:end -->")).context("a table of docs/cost.md has no end")?;
    let rows = table.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    Ok(rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_stack_costs_what_is_fixed() {
        let report = report(PAGE, 0.0, 0.0).unwrap();
        let total = PAGE.lines().find(|line| line.starts_with("| in all")).unwrap();
        assert!(total.contains(&format!("{:.2}", report.month_usd)), "{total} {}", report.month_usd);
        assert!(report.fixed.len() >= 3 && report.traffic.iter().all(|line| line.usd == 0.0));
    }

    #[test]
    fn million_messages_a_month_cost_what_the_page_says() {
        let report = report(PAGE, 1e6 / DAYS, 0.0).unwrap();
        let traffic: f64 = report.traffic.iter().map(|line| line.usd).sum();
        let row = PAGE.lines().find(|line| line.starts_with("| text MO")).unwrap();
        let all: f64 = row.trim_matches('|').split('|').next_back().unwrap().trim().parse().unwrap();
        // Each cell of the page is rounded.
        assert!((traffic - all).abs() < 0.05, "{traffic} {all}");
        assert!(report.traffic.iter().any(|line| line.line == "SNS"));
    }
}
