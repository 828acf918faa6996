//! Finds the event of an event id. The id is a hash of the event's key, so keys are read until one has this hash.

use std::io::Write;
use std::time::{Duration, Instant};

use wab_models::Key;

use crate::shell::Shell;
use crate::stack::{Consent, Index, Meter, Size, Stack};

/// Interval of progress reports.
const PROGRESS: Duration = Duration::from_secs(5);

/// Whether a text may be an event id.
pub(super) fn is_event_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Searches the indexes, which have the keys alone, and then the table, which also has the events without a sender or a
/// reference. Each is confirmed first.
pub(super) async fn find(
    stack: &Stack,
    event_id: &str,
    consent: Consent,
    shell: &mut Shell<'_>,
    meter: &Meter,
) -> anyhow::Result<Option<Key>> {
    let mut size = Size { items: 0, bytes: 0 };
    for index in Index::ALL {
        let index = stack.table.size(Some(index)).await?;
        size = Size { items: size.items + index.items, bytes: size.bytes + index.bytes };
    }
    stack.confirm(&format!("search the keys in both indexes ({})", estimate(&size)), consent, shell)?;
    for index in Index::ALL {
        if let Some(key) = search(stack, Some(index), event_id, shell.err, meter).await? {
            return Ok(Some(key));
        }
    }
    let size = stack.table.size(None).await?;
    writeln!(shell.err, "no index has the event: it has no sender and no reference, or isn't stored")?;
    stack.confirm(&format!("search the whole table ({})", estimate(&size)), consent, shell)?;
    search(stack, None, event_id, shell.err, meter).await
}

async fn search(
    stack: &Stack,
    index: Option<Index>,
    event_id: &str,
    err: &mut dyn Write,
    meter: &Meter,
) -> anyhow::Result<Option<Key>> {
    let mut progress = Progress::default();
    let mut read = 0;
    let mut start = None;
    loop {
        let (keys, next) = stack.table.keys(index, start, meter).await?;
        read += u64::try_from(keys.len())?;
        if let Some(key) = keys.into_iter().find(|key| key.event_id() == event_id) {
            return Ok(Some(key));
        }
        progress.report(read, err);
        start = next;
        if start.is_none() {
            return Ok(None);
        }
    }
}

/// `about 12 000 items, 12.3 MB, 1 573 read units`
pub(super) fn estimate(size: &Size) -> String {
    let Size { items, bytes } = size;
    let (whole, tenth) = (bytes / 1_000_000, bytes % 1_000_000 / 100_000);
    format!("about {items} items, {whole}.{tenth} MB, {} read units", size.scan_units())
}

/// Reports how many items were read, every few seconds.
#[derive(Debug, Default)]
pub(super) struct Progress(Option<Instant>);

impl Progress {
    pub(super) fn report(&mut self, read: u64, err: &mut dyn Write) {
        let reported_at = self.0.get_or_insert_with(Instant::now);
        if reported_at.elapsed() >= PROGRESS {
            *reported_at = Instant::now();
            // If stderr is closed, there is nobody to report to.
            let _ = writeln!(err, "{read} items read");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_id_has_32_hex_digits() {
        assert!(is_event_id("2261d224ea3b4a40860397f823cb7d66"));
        for other in [
            "",
            "2261d224ea3b4a40860397f823cb7d6",
            "2261d224ea3b4a40860397f823cb7d6g",
            "7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11",
        ] {
            assert!(!is_event_id(other), "{other}");
        }
    }

    #[test]
    fn estimate_counts_half_a_unit_for_4_kb() {
        let size = Size { items: 12_000, bytes: 12_345_678 };
        assert_eq!(estimate(&size), "about 12000 items, 12.3 MB, 1508 read units");
        assert_eq!(Size { items: 1, bytes: 1 }.scan_units(), 1);
    }
}
