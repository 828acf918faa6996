//! Log lines by their reason. Pure.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::stack::Line;

/// How many events are named for each reason.
const MAX_EVENTS: usize = 10;

/// The lines with one reason.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    /// The function, or `api`.
    pub(crate) from: &'static str,
    pub(crate) reason: String,
    pub(crate) count: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// The ids of the events that are concerned, ten at most.
    pub(crate) event_ids: Vec<String>,
}

/// Groups the lines of one log group, most frequent first.
pub(crate) fn group(from: &'static str, lines: &[Line]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for Line { at, json } in lines {
        let reason = reason(json);
        let position = causes.iter().position(|cause| cause.reason == reason);
        let new = || Cause { from, reason, count: 0, first: *at, last: *at, event_ids: Vec::new() };
        let mut cause = position.map_or_else(new, |position| causes.remove(position));
        cause.count += 1;
        cause.first = cause.first.min(*at);
        cause.last = cause.last.max(*at);
        for id in event_ids(json) {
            if cause.event_ids.len() < MAX_EVENTS && !cause.event_ids.contains(&id) {
                cause.event_ids.push(id);
            }
        }
        causes.push(cause);
    }
    causes.sort_by(|one, two| two.count.cmp(&one.count).then(one.first.cmp(&two.first)));
    causes
}

/// Why, in the words of the line: the function's, Lambda's, or those of the access log.
fn reason(json: &Value) -> String {
    let text = |pointer: &str| {
        let text = json.pointer(pointer).and_then(Value::as_str).filter(|text| !matches!(*text, "" | "-"));
        text.map(str::to_owned)
    };
    let of_function = || {
        let message = text("/fields/message")?;
        let place = text("/fields/location").map(|location| format!(" at {location}"));
        let why = text("/fields/reason").map(|reason| format!(": {reason}"));
        let spill = text("/fields/spill.reason").map(|reason| format!("; spill queue: {reason}"));
        Some([Some(message), place, why, spill].into_iter().flatten().collect::<String>())
    };
    let of_lambda = || {
        let status = text("/record/status").or_else(|| text("/record/errorType"))?;
        Some(format!("{} from Lambda", status))
    };
    let of_api = || {
        let status = text("/status")?;
        let route = text("/routeKey").map(|route| format!(" to {route}"));
        let error = text("/integrationError").or_else(|| text("/error")).map(|error| format!(": {error}"));
        Some([Some(format!("answered {status}")), route, error].into_iter().flatten().collect::<String>())
    };
    of_function().or_else(of_lambda).or_else(of_api).unwrap_or_else(|| "no reason given".to_owned())
}

/// The events that a line names.
fn event_ids(json: &Value) -> Vec<String> {
    let one = json.pointer("/fields/event.id").and_then(Value::as_str);
    // As a list of words, in one string.
    let several = json.pointer("/fields/event.ids").and_then(Value::as_str).unwrap_or_default();
    let is_id = |word: &&str| word.len() == 32 && word.chars().all(|char| char.is_ascii_hexdigit());
    let words = several.split(|char: char| !char.is_ascii_alphanumeric()).filter(is_id);
    one.into_iter().chain(words).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "b48e0ae6ab12d6a90aab59f0ecf2e500";

    #[track_caller]
    fn check(json: Value, expected: &str, ids: &[&str]) {
        let line = Line { at: Timestamp::UNIX_EPOCH, json };
        let causes = group("mo", &[line]);
        assert_eq!((&*causes[0].reason, causes[0].count), (expected, 1));
        assert_eq!(causes[0].event_ids, ids);
    }

    #[test]
    fn reason_is_read_from_every_kind_of_line() {
        let spilled = json!({"message": "callback spilled", "reason": "ThrottlingException", "event.id": ID});
        check(json!({"level": "WARN", "fields": spilled}), "callback spilled: ThrottlingException", &[ID]);
        let panicked = json!({"message": "function panicked", "location": "src/lib.rs:7:3"});
        check(json!({"level": "ERROR", "fields": panicked}), "function panicked at src/lib.rs:7:3", &[]);
        let both = json!({"message": "not stored", "reason": "no answer", "spill.reason": "no connection"});
        check(json!({"fields": both}), "not stored: no answer; spill queue: no connection", &[]);
        check(json!({"type": "platform.report", "record": {"status": "timeout"}}), "timeout from Lambda", &[]);
        let api = json!({"status": "503", "routeKey": "POST /mo", "integrationError": "-", "error": "-"});
        check(api, "answered 503 to POST /mo", &[]);
        let failed = json!({"status": "500", "routeKey": "POST /mo", "integrationError": "no permission"});
        check(failed, "answered 500 to POST /mo: no permission", &[]);
        let waiting = json!({"message": "fan-out stopped", "event.ids": format!("[\"{ID}\", \"x\"]")});
        check(json!({"fields": waiting}), "fan-out stopped", &[ID]);
        check(json!({}), "no reason given", &[]);
    }

    #[test]
    fn lines_are_counted_by_reason() {
        let line = |second: i64, reason: &str, id: &str| Line {
            at: Timestamp::from_second(second).unwrap(),
            json: json!({"fields": {"message": "m", "reason": reason, "event.id": id}}),
        };
        let lines = [line(3, "a", "1"), line(1, "b", "2"), line(2, "b", "2"), line(9, "b", "3")];
        let causes = group("dlr", &lines);
        let of: Vec<_> = causes.iter().map(|cause| (&*cause.reason, cause.count, cause.event_ids.len())).collect();
        assert_eq!(of, [("m: b", 3, 2), ("m: a", 1, 1)]);
        let times = (causes[0].first.as_second(), causes[0].last.as_second());
        assert_eq!((times, causes[0].from), ((1, 9), "dlr"));
    }
}
