//! The findings as text.

use std::io::{self, Write};

use super::Report;
use crate::health::Verdict;
use crate::mask::printable;
use crate::style::{BOLD, DIM, paint};

pub(crate) fn show(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}\n", paint(BOLD, &report.stack.to_string()))?;
    for finding in &report.findings {
        writeln!(out, "{} {:<18}{}", finding.verdict.painted(), finding.check, printable(&finding.what))?;
        if finding.verdict.exit_code() == 0 {
            continue;
        }
        if let Some(command) = &finding.mends {
            writeln!(out, "{:10}{:18}mend: {command}", "", "")?;
        }
        if let Some(section) = finding.see {
            writeln!(out, "{:10}{:18}see: docs/{section}", "", "")?;
        }
    }
    let count =
        |verdicts: &[Verdict]| report.findings.iter().filter(|finding| verdicts.contains(&finding.verdict)).count();
    let (to_do, unknown) = (count(&[Verdict::Warning, Verdict::Problem]), count(&[Verdict::Unknown]));
    let summary = match (to_do, unknown) {
        (0, 0) => "nothing to do".to_owned(),
        (0, unknown) => format!("nothing to do, as far as known; {unknown} unknown"),
        (to_do, 0) => format!("{to_do} to do"),
        (to_do, unknown) => format!("{to_do} to do, {unknown} unknown"),
    };
    writeln!(out, "\n{}", paint(BOLD, &summary))?;
    writeln!(out, "{}", paint(DIM, &format!("checked in {:.1} s", report.seconds)))
}
