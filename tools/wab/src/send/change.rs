//! `--set PATH=VALUE`: a change to a made-up callback.

use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value};

/// One value of a callback, and its place.
#[derive(Clone, PartialEq)]
pub(crate) struct Change {
    /// The keys to the place, from the callback's outermost object. In an array, a key is a number.
    path: Vec<String>,
    value: Value,
}

impl FromStr for Change {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (path, value) = text.split_once('=').context("there is no `=`: write PATH=VALUE")?;
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        ensure!(!path.iter().any(String::is_empty), "a key of the path is empty: write it as content.text.body");
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        Ok(Self { path, value })
    }
}

impl Change {
    /// Makes the change. Objects that are missing, or null, are created.
    pub(crate) fn apply(&self, body: &mut Value) -> anyhow::Result<()> {
        let mut place = body;
        for (depth, key) in self.path.iter().enumerate() {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            let here = || self.path.get(..depth).unwrap_or_default().join(".");
            place = match place {
                Value::Object(members) => members.entry(key).or_insert(Value::Null),
                Value::Array(elements) => {
                    let count = elements.len();
                    let index = key.parse().ok().filter(|&index: &usize| index <= count);
                    let index = index.with_context(|| {
                        format!("--set: {} is an array, and {key} is not an index from 0 to {count}", here())
                    })?;
                    if index == count {
                        elements.push(Value::Null);
                    }
                    elements.get_mut(index).context("--set: no such element")?
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    bail!("--set: {} is neither an object nor an array, so it has no {key}", here())
                }
            };
        }
        place.clone_from(&self.value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn changed(body: &Value, changes: &[&str]) -> anyhow::Result<Value> {
        let mut body = body.clone();
        for change in changes {
            change.parse::<Change>()?.apply(&mut body)?;
        }
        Ok(body)
    }

    #[track_caller]
    fn check(change: &str, expected: Value) {
        let body = json!({"id": "a", "content": {"type": "text", "list": [1, {"a": 2}], "none": null}});
        let mut whole = body.clone();
        whole.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
        assert_eq!(changed(&body, &[change]).unwrap(), whole, "{change}");
    }

    #[track_caller]
    fn rejected(change: &str, problem: &str) {
        let error = changed(&json!({"id": "a", "list": [1]}), &[change]).unwrap_err().to_string();
        assert!(error.contains(problem), "{change}: {error}");
    }

    #[test]
    fn value_that_is_json_is_json() {
        for (text, value) in [
            ("Kia ora", json!("Kia ora")),
            ("a=b", json!("a=b")),
            ("", json!("")),
            ("42", json!(42)),
            ("\"42\"", json!("42")),
            ("null", json!(null)),
            ("{\"a\": [1]}", json!({"a": [1]})),
            ("{\"a\"", json!("{\"a\"")),
            ("007", json!("007")),
        ] {
            check(&format!("id={text}"), json!({"id": value}));
        }
    }

    #[test]
    fn missing_objects_and_elements_are_created() {
        check("new=1", json!({"new": 1}));
        check("a.b.c=1", json!({"a": {"b": {"c": 1}}}));
        let content = |list: Value, none: Value| json!({"content": {"type": "text", "list": list, "none": none}});
        check("content.none.b=1", content(json!([1, {"a": 2}]), json!({"b": 1})));
        check("content.list.0=5", content(json!([5, {"a": 2}]), json!(null)));
        check("content.list.1.a=5", content(json!([1, {"a": 5}]), json!(null)));
        check("content.list.2.b=5", content(json!([1, {"a": 2}, {"b": 5}]), json!(null)));
    }

    #[test]
    fn impossible_path_is_named() {
        rejected("id", "PATH=VALUE");
        rejected("=1", "empty");
        rejected("a..b=1", "empty");
        rejected("id.b=1", "id is neither an object nor an array, so it has no b");
        rejected("list.0.b=1", "list.0 is neither");
        rejected("list.2=1", "list is an array, and 2 is not an index from 0 to 1");
        rejected("list.first=1", "first is not an index");
        rejected("list.-1=1", "-1 is not an index");
    }

    proptest! {
        #[test]
        fn value_is_set_at_its_path_only(
            path in proptest::collection::vec("[a-z_]{1,4}", 1..6),
            number in any::<i64>(),
            other in "[A-Z]{1,4}",
        ) {
            let change: Change = format!("{}={number}", path.join(".")).parse().unwrap();
            let mut body = json!({&other: {"kept": true}});
            change.apply(&mut body).unwrap();
            prop_assert_eq!(body.pointer(&format!("/{}", path.join("/"))), Some(&json!(number)));
            prop_assert_eq!(&body[&other], &json!({"kept": true}));
            prop_assert_eq!(body.as_object().unwrap().len(), 2);
        }

        /// Whatever is given, there is an error or a change, and never a panic.
        #[test]
        fn any_text_is_a_change_or_an_error(text in "[a.0=\"\\[{é-]{0,8}") {
            let _ = changed(&json!({"a": {"a": [0, {"a": null}]}}), &[&text]);
        }
    }
}
