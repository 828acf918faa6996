//! The report: a table with a row for each fault, and a line for each broken promise.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use comfy_table::{CellAlignment, Table, presets};

use crate::account::{Figures, Sent};
use crate::fault::Fault;

/// Time within which every event must arrive, once the fault and the load are over.
pub(crate) const DELIVERY_LIMIT: Duration = Duration::from_secs(60);

/// Time within which every callback must be answered.
const ANSWER_LIMIT: Duration = Duration::from_secs(4);

const HEADER: [&str; 17] = [
    "fault",
    "hits",
    "sent",
    "200",
    "400, malformed",
    "not 200",
    "stored",
    "events at the subscriber",
    "lost",
    "lost in order",
    "lost on the bus",
    "doubled in the store",
    "extra deliveries",
    "values in logs and errors",
    "longest answer, ms",
    "delivered within, s",
    "took, s",
];

/// Lines of all log groups, searched for values that were sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Searched {
    pub(crate) lines: usize,
    /// Lines with such a value.
    pub(crate) leaking: usize,
}

/// The result of one fault.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) fault: Fault,
    /// Calls that met the fault, entries that failed, processes killed, pauses, or credential changes.
    pub(crate) hits: usize,
    pub(crate) posted: usize,
    /// Answered 200.
    pub(crate) accepted: usize,
    /// Answered 200 with the outcome `deferred`: the event was spilled.
    pub(crate) deferred: usize,
    /// Malformed on purpose and answered 400.
    pub(crate) malformed: usize,
    /// Malformed on purpose and answered 200.
    pub(crate) malformed_accepted: usize,
    /// All other answers by status. None stands for no answer.
    pub(crate) rejected: BTreeMap<Option<u16>, usize>,
    pub(crate) figures: Figures,
    pub(crate) log: Searched,
    /// Error answers with a value that was sent.
    pub(crate) leaking_answers: usize,
    pub(crate) ended: SystemTime,
    pub(crate) longest: Duration,
    /// Time from the end of load and fault until the last event arrived. None if not all arrived.
    pub(crate) delivered: Option<Duration>,
    pub(crate) took: Duration,
    /// The prefix of its callbacks' ids.
    pub(crate) prefix: String,
    pub(crate) evidence: Vec<Sent>,
}

impl Row {
    /// One line of progress.
    pub(crate) fn line(&self) -> String {
        let Figures { lost, doubled, .. } = self.figures;
        let refused: String = self.rejected.iter().map(|(status, count)| named(*status, *count)).collect();
        let took = self.took.as_secs_f64();
        let title = self.fault.title();
        let Searched { lines, leaking } = self.log;
        let searched = format!("values in {leaking} of {lines} log lines");
        format!("{title}: {lost} lost, {doubled} doubled, {} deferred{refused}, {searched}; {took:.0} s", self.deferred)
    }

    fn cells(&self) -> [String; HEADER.len()] {
        let figures = &self.figures;
        [
            self.fault.title().to_owned(),
            self.hits.to_string(),
            self.posted.to_string(),
            self.accepted.to_string(),
            self.malformed.to_string(),
            self.rejected.values().sum::<usize>().to_string(),
            figures.stored.to_string(),
            figures.events.to_string(),
            figures.lost.to_string(),
            counted(figures.lost_in_order),
            counted(figures.lost_on_the_bus),
            figures.doubled.to_string(),
            figures.extra_deliveries.to_string(),
            (self.log.leaking + self.leaking_answers).to_string(),
            self.longest.as_millis().to_string(),
            self.delivered.map_or("not".to_owned(), |delivered| format!("{:.1}", delivered.as_secs_f64())),
            format!("{:.0}", self.took.as_secs_f64()),
        ]
    }

    fn complaints(&self) -> Vec<String> {
        let figures = &self.figures;
        let refused = self.rejected.get(&Some(401)).copied().unwrap_or_default();
        let mut complaints = Vec::new();
        for (count, what) in [
            (figures.lost, "answered 200 and lost"),
            (figures.doubled, "doubled in the store"),
            (figures.unpublished, "stored and never published"),
            (figures.lost_in_order.unwrap_or(0), "stored and never at the FIFO topics"),
            (figures.lost_on_the_bus.unwrap_or(0), "stored and never on the bus"),
            (self.malformed_accepted, "malformed and answered 200"),
            (refused, "rejected although their credentials are valid"),
            (self.log.leaking, "log lines with a value that was sent"),
            (self.leaking_answers, "error answers with a value that was sent"),
        ] {
            if count > 0 {
                complaints.push(format!("{}: {count} {what}", self.fault.title()));
            }
        }
        if self.longest > ANSWER_LIMIT {
            complaints.push(format!(
                "{}: an answer took {} ms, more than {} s",
                self.fault.title(),
                self.longest.as_millis(),
                ANSWER_LIMIT.as_secs()
            ));
        }
        if self.log.lines == 0 {
            complaints.push(format!("{}: no log line could be searched", self.fault.title()));
        }
        if self.hits == 0 && self.fault.must_hit() {
            complaints.push(format!("{}: the fault never hit", self.fault.title()));
        }
        if self.delivered.is_none() {
            let limit = DELIVERY_LIMIT.as_secs();
            complaints.push(format!("{}: not everything arrived within {limit} s", self.fault.title()));
        }
        complaints
    }
}

/// A count, or a dash if nothing was counted.
fn counted(count: Option<usize>) -> String {
    count.map_or("–".to_owned(), |count| count.to_string())
}

fn named(status: Option<u16>, count: usize) -> String {
    status.map_or_else(|| format!(", {count} without an answer"), |status| format!(", {count} answered {status}"))
}

/// The results of all faults.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    /// Events left in the spill queue at the end.
    pub(crate) spilled: usize,
}

impl Report {
    /// The broken promises.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self.rows.iter().flat_map(Row::complaints).collect();
        if self.spilled > 0 {
            complaints.push(format!("{} events are left in the spill queue", self.spilled));
        }
        complaints
    }

    /// The table, for a terminal.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(HEADER);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for row in &self.rows {
            table.add_row(row.cells());
        }
        table.to_string()
    }

    /// The table in Markdown, without padding.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let lines = [HEADER.map(str::to_owned), HEADER.map(|_| "---".to_owned())];
        let lines: Vec<String> =
            lines.into_iter().chain(self.rows.iter().map(Row::cells)).map(|it| line(&it)).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            fault: Fault::TableSlow,
            hits: 9,
            posted: 10,
            accepted: 8,
            deferred: 3,
            malformed: 1,
            malformed_accepted: 0,
            rejected: [(Some(503), 1)].into(),
            figures: Figures { stored: 8, events: 8, lost_in_order: Some(0), ..Figures::default() },
            log: Searched { lines: 10, leaking: 0 },
            leaking_answers: 0,
            ended: SystemTime::UNIX_EPOCH,
            longest: ANSWER_LIMIT,
            delivered: Some(Duration::from_secs(2)),
            took: Duration::from_secs(5),
            prefix: String::new(),
            evidence: Vec::new(),
        }
    }

    #[track_caller]
    fn check(row: Row, expected: &[&str]) {
        let report = Report { rows: vec![row], spilled: 0 };
        assert_eq!(report.complaints(), expected);
    }

    #[test]
    fn rejected_callbacks_break_no_promise() {
        check(row(), &[]);
    }

    #[test]
    fn broken_promises_are_named() {
        let figures = |change: fn(&mut Figures)| {
            let mut figures = row().figures;
            change(&mut figures);
            Row { figures, ..row() }
        };
        check(figures(|it| it.lost = 2), &["table slow: 2 answered 200 and lost"]);
        check(figures(|it| it.doubled = 1), &["table slow: 1 doubled in the store"]);
        check(figures(|it| it.unpublished = 1), &["table slow: 1 stored and never published"]);
        check(figures(|it| it.lost_in_order = Some(1)), &["table slow: 1 stored and never at the FIFO topics"]);
        check(figures(|it| it.lost_on_the_bus = Some(2)), &["table slow: 2 stored and never on the bus"]);
        check(figures(|it| it.extra_deliveries = 9), &[]);
        check(Row { malformed_accepted: 1, ..row() }, &["table slow: 1 malformed and answered 200"]);
        let rejected = [(Some(401), 3)].into();
        check(Row { rejected, ..row() }, &["table slow: 3 rejected although their credentials are valid"]);
        let log = |lines, leaking| Row { log: Searched { lines, leaking }, ..row() };
        check(log(10, 2), &["table slow: 2 log lines with a value that was sent"]);
        check(log(0, 0), &["table slow: no log line could be searched"]);
        check(Row { leaking_answers: 1, ..row() }, &["table slow: 1 error answers with a value that was sent"]);
        let longest = Duration::from_millis(4_001);
        check(Row { longest, ..row() }, &["table slow: an answer took 4001 ms, more than 4 s"]);
        check(Row { hits: 0, ..row() }, &["table slow: the fault never hit"]);
        check(Row { hits: 0, fault: Fault::SpillRefuses, ..row() }, &[]);
        check(Row { delivered: None, ..row() }, &["table slow: not everything arrived within 60 s"]);
    }

    #[test]
    fn events_left_in_the_spill_queue_are_named() {
        let report = Report { rows: vec![row()], spilled: 3 };
        assert_eq!(report.complaints(), ["3 events are left in the spill queue"]);
    }

    #[test]
    fn both_tables_have_a_row_for_each_fault() {
        let report = Report { rows: vec![row()], spilled: 0 };
        let markdown = report.markdown();
        let lines: Vec<&str> = markdown.lines().collect();
        assert!(lines[0].starts_with("| fault | hits |") && lines[1].starts_with("| --- | --- |"), "{markdown}");
        assert_eq!(lines[2], "| table slow | 9 | 10 | 8 | 1 | 1 | 8 | 8 | 0 | 0 | – | 0 | 0 | 0 | 4000 | 2.0 | 5 |");
        assert!(report.table().contains("table slow"));
    }
}
