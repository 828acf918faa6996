//! Splits the input of `wab check` into JSON values, with one value in memory at a time.
//!
//! Values are separated by white space, commas and square brackets. So the input may be JSON lines, pretty-printed JSON,
//! a JSON array, or the AWS CLI's text output, which separates the elements of a list by tabs.

use std::io::{self, Read};

use serde::de::IgnoredAny;
use serde_json::Deserializer;

/// How much is read at once. A longer value is read in steps of its own length.
const CHUNK_BYTES: usize = 64 * 1024;

/// The byte order mark, with which editors and shells on Windows begin a UTF-8 file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What the AWS CLI prints as text if there is nothing to print.
const NOTHING: &[u8] = b"None";

#[derive(PartialEq, Eq)]
pub(super) struct Value {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    pub(super) json: Result<String, NotJson>,
}

/// Text that isn't JSON. Reading continues after the next tab or line break.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotJson {
    /// Where parsing stopped, in bytes from 1.
    pub(super) column: usize,
}

pub(super) struct Values<R> {
    input: R,
    /// What is read. Everything before `start` is consumed.
    bytes: Vec<u8>,
    start: usize,
    is_ended: bool,
    /// The line of `start`, and the bytes before it on that line.
    line: usize,
    column: usize,
}

impl<R: Read> Values<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, bytes: Vec::new(), start: 0, is_ended: false, line: 1, column: 0 }
    }

    /// The next value. None at the end of the input.
    pub(super) fn next(&mut self) -> io::Result<Option<Value>> {
        while self.skip_separators()? {
            let line = self.line;
            if let Some(json) = self.value()? {
                return Ok(Some(Value { line, json }));
            }
        }
        Ok(None)
    }

    /// Whether there is anything after the separators.
    fn skip_separators(&mut self) -> io::Result<bool> {
        loop {
            let count = self.rest().iter().take_while(|byte| b" \t\r\n,[]".contains(byte)).count();
            self.consume(count);
            if self.rest().len() < BYTE_ORDER_MARK.len() && !self.is_ended {
                self.fill()?;
            } else if self.rest().starts_with(BYTE_ORDER_MARK) {
                self.consume(BYTE_ORDER_MARK.len());
                self.column = 0;
            } else if self.rest().starts_with(b"\xff\xfe") || self.rest().starts_with(b"\xfe\xff") {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it is UTF-16: convert it to UTF-8"));
            } else {
                return Ok(!self.rest().is_empty());
            }
        }
    }

    /// The value that begins here. None if it stands for nothing.
    fn value(&mut self) -> io::Result<Option<Result<String, NotJson>>> {
        loop {
            let mut values = Deserializer::from_slice(self.rest()).into_iter::<IgnoredAny>();
            let parsed = values.next();
            let end = values.byte_offset();
            match parsed {
                // A number at the end of what is read may go on.
                Some(Ok(_)) if end < self.rest().len() || self.is_ended => {
                    let json = self.rest().get(..end).unwrap_or_default();
                    // JSON must be UTF-8 (RFC 8259 section 8.1). Other bytes are replaced, so that the rest can be checked.
                    let json = String::from_utf8_lossy(json).into_owned();
                    self.consume(end);
                    return Ok(Some(Ok(json)));
                }
                Some(Err(error)) if self.is_ended || !self.may_end_early(&error) => return self.not_json(&error),
                _ => self.fill()?,
            }
        }
    }

    /// Whether the error may be that not all is read. A number that is cut off, such as `-`, isn't called an end.
    fn may_end_early(&self, error: &serde_json::Error) -> bool {
        let rest = self.rest();
        let last_line = rest.iter().rev().take_while(|&&byte| byte != b'\n').count();
        let lines = rest.iter().filter(|&&byte| byte == b'\n').count();
        error.is_eof() || (error.line() > lines && error.column() >= last_line)
    }

    fn not_json(&mut self, error: &serde_json::Error) -> io::Result<Option<Result<String, NotJson>>> {
        let (column, is_on_first_line) = (self.column, error.line() == 1);
        let mut skipped = 0;
        let mut is_nothing = false;
        loop {
            let line = self.rest().iter().position(|byte| b"\t\n".contains(byte));
            let count = line.unwrap_or(self.rest().len());
            is_nothing |= skipped == 0 && self.rest().get(..count).unwrap_or_default().trim_ascii() == NOTHING;
            self.consume(count);
            skipped += count;
            if line.is_some() || self.is_ended {
                break;
            }
            self.fill()?;
        }
        let column = column + if is_on_first_line { error.column() } else { skipped };
        Ok(if is_nothing { None } else { Some(Err(NotJson { column })) })
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        let consumed = self.rest().get(..count).unwrap_or_default();
        let lines = consumed.iter().filter(|&&byte| byte == b'\n').count();
        let last = consumed.iter().rev().position(|&byte| byte == b'\n');
        self.column = last.unwrap_or(self.column + count);
        self.line += lines;
        self.start += count;
    }

    /// Reads a chunk more, or as much again as there is, so that a long value is parsed a few times only.
    fn fill(&mut self) -> io::Result<()> {
        self.bytes.drain(..self.start);
        self.start = 0;
        let wanted = self.bytes.len().max(CHUNK_BYTES);
        let limit = u64::try_from(wanted).unwrap_or(u64::MAX);
        self.is_ended = self.input.by_ref().take(limit).read_to_end(&mut self.bytes)? < wanted;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &[u8]) -> Vec<(usize, Result<String, usize>)> {
        let mut values = Values::new(text);
        let next = || values.next().unwrap().map(|value| (value.line, value.json.map_err(|error| error.column)));
        std::iter::from_fn(next).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[(usize, Result<&str, usize>)]) {
        let expected: Vec<_> = expected.iter().map(|(line, json)| (*line, json.map(str::to_owned))).collect();
        assert_eq!(values(text.as_bytes()), expected);
    }

    #[test]
    fn values_are_separated_in_any_usual_way() {
        check("", &[]);
        check(" \n[\n]\n", &[]);
        check("{}", &[(1, Ok("{}"))]);
        check("{}\r\n\r\n{}\r\n", &[(1, Ok("{}")), (3, Ok("{}"))]);
        check("{\n \"a\": [1]\n}\n{}", &[(1, Ok("{\n \"a\": [1]\n}")), (4, Ok("{}"))]);
        check("[{},\n {}, \"a\", 1]", &[(1, Ok("{}")), (2, Ok("{}")), (2, Ok("\"a\"")), (2, Ok("1"))]);
        check("{}\t{\"a\":\"\\t\"}\t7\n", &[(1, Ok("{}")), (1, Ok("{\"a\":\"\\t\"}")), (1, Ok("7"))]);
    }

    #[test]
    fn byte_order_mark_is_skipped() {
        check("\u{feff}{}", &[(1, Ok("{}"))]);
        check("{}\n\u{feff}nope", &[(1, Ok("{}")), (2, Err(2))]);
    }

    #[test]
    fn utf_16_is_an_error() {
        let error = Values::new(&b"\xff\xfe{\0}\0"[..]).next().err().unwrap();
        assert!(error.to_string().contains("UTF-16"), "{error}");
    }

    #[test]
    fn reading_continues_after_text_that_is_not_json() {
        check("{}\nnope nope\n{}", &[(1, Ok("{}")), (2, Err(2)), (3, Ok("{}"))]);
        check("{}\tnope\t{}", &[(1, Ok("{}")), (1, Err(5)), (1, Ok("{}"))]);
        check("{\"a\":1\n{\"b\":2}\n", &[(1, Err(6)), (2, Ok("{\"b\":2}"))]);
        check("{\"a\":\"x\n{}\n", &[(1, Err(7)), (2, Ok("{}"))]);
        check("[INFO] started\n{}", &[(1, Err(2)), (2, Ok("{}"))]);
        check("[{},\n {\"a\":},\n {}]", &[(1, Ok("{}")), (2, Err(7)), (3, Ok("{}"))]);
        check("{\"a\":", &[(1, Err(5))]);
    }

    #[test]
    fn none_of_the_aws_cli_is_nothing() {
        check("None\n", &[]);
        check("None", &[]);
        check("{}\tNone\r\n", &[(1, Ok("{}"))]);
        check("Nonesuch", &[(1, Err(1))]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced() {
        assert_eq!(values(b"\"a\xffb\""), [(1, Ok("\"a\u{fffd}b\"".to_owned()))]);
    }

    #[test]
    fn values_longer_than_a_chunk_are_whole() {
        let long = format!("\"{}\"", "x".repeat(3 * CHUNK_BYTES));
        let garbage = "x".repeat(3 * CHUNK_BYTES);
        let text = format!("[{long},\n{garbage}\n12]");
        check(&text, &[(1, Ok(&long)), (2, Err(1)), (3, Ok("12"))]);
    }

    #[test]
    fn value_may_be_cut_by_a_chunk_anywhere() {
        let value = "{\"a\": -1.5e-3, \"b\": [true, false, null],\n \"c\": \"\\u00e9 \\\" é\"}";
        for read in 1..=value.len() {
            let text = format!("{}{value} -2.5 {value}", " ".repeat(CHUNK_BYTES - read));
            check(&text, &[(1, Ok(value)), (2, Ok("-2.5")), (2, Ok(value))]);
        }
    }

    #[test]
    fn memory_holds_one_value() {
        let line = format!("{{\"a\":\"{}\"}},\n", "x".repeat(999));
        let text = format!("[{}", line.repeat(5_000));
        let mut values = Values::new(text.as_bytes());
        let mut count = 0;
        while let Some(value) = values.next().unwrap() {
            assert!(value.json.is_ok());
            assert!(values.bytes.capacity() <= 4 * CHUNK_BYTES, "{}", values.bytes.capacity());
            count += 1;
        }
        assert_eq!(count, 5_000);
    }

    proptest! {
        /// However values are separated, and wherever chunks end.
        #[test]
        fn every_value_is_found(
            lengths in proptest::collection::vec(0..CHUNK_BYTES, 1..8),
            separator in prop_oneof![Just("\n"), Just("\t"), Just(","), Just(" ,\n")],
        ) {
            let texts: Vec<String> = lengths.iter().map(|&length| format!("{{\"a\":\"{}\"}}", "x".repeat(length))).collect();
            let found: Vec<String> =
                values(texts.join(separator).as_bytes()).into_iter().map(|(_, json)| json.unwrap()).collect();
            prop_assert_eq!(found, texts);
        }
    }
}
