//! DynamoDB: one table with its stream.
//!
//! Sources: API reference (`PutItem`, `Query`, `GetItem`, `Scan`); developer guide, "DynamoDB item sizes and formats",
//! "Constraints in Amazon DynamoDB", "DynamoDB read consistency", "Change data capture for DynamoDB Streams".

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::request::{Answer, Request, Service};
use crate::stack::TABLE_ARN;
use crate::time::{EPOCH_MS, HOUR, Ms, SECOND};

/// "The maximum item size in DynamoDB is 400 KB."
const MAX_ITEM_BYTES: usize = 400 * 1024;

/// "All data in DynamoDB Streams is subject to a 24-hour lifetime."
pub(crate) const STREAM_RETENTION: Ms = 24 * HOUR;

/// An eventually consistent read "might not reflect the results of a recently completed write"; "usually within one
/// second". The model takes up to two.
pub(crate) const STALENESS: Ms = 2 * SECOND;

/// The attributes of the index `by-source`, which has keys only.
const INDEX_KEYS: [&str; 4] = ["pk", "sk", "source", "received_at"];

/// "A single Query operation will read up to ... 1 MB of data", and a `Scan` as well.
const PAGE_BYTES: usize = 1024 * 1024;

type Item = Map<String, Value>;

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<(String, String), Row>,
    pub(crate) shards: Vec<Shard>,
    changes: u64,
}

#[derive(Debug)]
struct Row {
    item: Item,
    stored_at: Ms,
}

/// A shard of the stream. "Shards can also split into multiple new shards"; "applications must always process a parent
/// shard before it processes a child shard".
#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) records: Vec<Rc<Record>>,
    pub(crate) children: Option<[usize; 2]>,
}

/// A stream record.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) sequence_number: String,
    pub(crate) pk: String,
    pub(crate) is_insert: bool,
    pub(crate) stored_at: Ms,
    pub(crate) json: String,
}

/// An item that was put.
#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) pk: String,
    pub(crate) sk: String,
    pub(crate) item: Item,
    /// Whether it replaced another item.
    pub(crate) overwritten: bool,
}

impl Table {
    pub(crate) fn new(shards: u8) -> Self {
        Self { shards: (0..shards).map(|_| Shard::default()).collect(), ..Self::default() }
    }

    /// `PutItem`: the answer, and the item if it was stored.
    pub(crate) fn put(&mut self, request: &Request, now: Ms) -> (Answer, Option<Put>) {
        let request = request.json();
        let invalid = || (Answer::error(Service::DynamoDb, 400, "ValidationException"), None);
        let Some(item) = request["Item"].as_object().cloned() else { return invalid() };
        let (Some(pk), Some(sk)) = (text(&item, "pk"), text(&item, "sk")) else { return invalid() };
        if !is_valid(&item) {
            return invalid();
        }
        match request.get("ConditionExpression").and_then(Value::as_str) {
            None => {}
            Some("attribute_not_exists(pk)") => {
                if let Some(row) = self.rows.get(&(pk.to_owned(), sk.to_owned())) {
                    let mut error = json!({
                        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                        "message": "The conditional request failed",
                    });
                    if request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD" {
                        error["Item"] = Value::Object(row.item.clone());
                    }
                    return (Answer { status: 400, ..Answer::json(&error) }, None);
                }
            }
            Some(other) => panic!("the condition {other} is not modelled"),
        }
        let put = self.insert(pk.to_owned(), sk.to_owned(), item.clone(), now);
        (Answer::json(&json!({})), Some(put))
    }

    /// Stores an item unconditionally.
    pub(crate) fn insert(&mut self, pk: String, sk: String, item: Item, now: Ms) -> Put {
        let before = self.rows.insert((pk.clone(), sk.clone()), Row { item: item.clone(), stored_at: now });
        // "If you perform a PutItem or UpdateItem operation that does not change any data in an item, DynamoDB Streams
        // does not write a stream record for that operation."
        if before.as_ref().is_none_or(|row| row.item != item) {
            self.stream(&pk, &sk, &item, if before.is_none() { "INSERT" } else { "MODIFY" }, now);
        }
        Put { pk, sk, item, overwritten: before.is_some() }
    }

    /// Deletes an expired item: "typically within a few days of their expiration". Until then it can be read. Its stream
    /// record is a `REMOVE`.
    pub(crate) fn expire(&mut self, pk: &str, sk: &str, now: Ms) -> bool {
        let row = self.rows.remove(&(pk.to_owned(), sk.to_owned()));
        if let Some(row) = &row {
            self.stream(pk, sk, &row.item, "REMOVE", now);
        }
        row.is_some()
    }

    fn stream(&mut self, pk: &str, sk: &str, item: &Item, name: &str, now: Ms) {
        self.changes += 1;
        let sequence_number = format!("{:021}", self.changes * 100);
        let image = if name == "REMOVE" { Item::new() } else { item.clone() };
        let record = json!({
            "eventID": format!("{:032x}", self.changes),
            "eventName": name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                // "Rounded down to the closest second."
                "ApproximateCreationDateTime": (EPOCH_MS + now) / 1000,
                "Keys": {"pk": {"S": pk}, "sk": {"S": sk}},
                "NewImage": image,
                "SequenceNumber": sequence_number,
                "SizeBytes": size_bytes(item),
                "StreamViewType": "NEW_IMAGE",
            },
            "eventSourceARN": format!("{TABLE_ARN}/stream/2026-01-05T00:00:00.000"),
        });
        let is_insert = name == "INSERT";
        let record = Record { sequence_number, pk: pk.to_owned(), is_insert, stored_at: now, json: record.to_string() };
        let shard = self.open_shard(pk);
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.records.push(Rc::new(record));
        }
    }

    /// The open shard that receives the changes of an item.
    fn open_shard(&self, pk: &str) -> usize {
        let hash = pk.bytes().fold(5_381_u64, |hash, byte| hash.wrapping_mul(33) ^ u64::from(byte));
        let roots = self.shards.iter().enumerate().filter(|(index, _)| !self.is_child(*index)).count() as u64;
        let mut shard = usize::try_from(hash % roots.max(1)).unwrap_or(0);
        let mut bits = hash / roots.max(1);
        while let Some(children) = self.shards[shard].children {
            shard = children[usize::from(bits % 2 == 1)];
            bits /= 2;
        }
        shard
    }

    fn is_child(&self, index: usize) -> bool {
        self.shards.iter().any(|shard| shard.children.is_some_and(|children| children.contains(&index)))
    }

    /// Closes an open shard. Its children receive later changes.
    pub(crate) fn split(&mut self, which: usize) {
        let open: Vec<usize> = (0..self.shards.len()).filter(|index| self.shards[*index].children.is_none()).collect();
        let parent = open[which % open.len()];
        self.shards[parent].children = Some([self.shards.len(), self.shards.len() + 1]);
        self.shards.extend([Shard::default(), Shard::default()]);
    }

    /// `Query` of one partition, or of the index `by-source`.
    pub(crate) fn query(&self, request: &Request, now: Ms) -> Answer {
        let request = request.json();
        let value = |name: &str| request["ExpressionAttributeValues"][name]["S"].as_str().unwrap_or_default();
        let limit = request["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let is_seen = |row: &Row| request["ConsistentRead"] == true || row.stored_at + STALENESS <= now;
        let items: Vec<Value> = if request["IndexName"] == "by-source" {
            let condition = "#source = :source AND received_at BETWEEN :from AND :until";
            assert_eq!(request["KeyConditionExpression"], condition, "no other query is modelled");
            assert_eq!(request["ScanIndexForward"], false, "the latest are asked for");
            let span = value(":from")..=value(":until");
            let is_meant = |item: &Item| {
                text(item, "source") == Some(value(":source"))
                    && text(item, "received_at").is_some_and(|at| span.contains(&at))
            };
            let rows = self.rows.values().filter(|row| is_seen(row) && is_meant(&row.item));
            // Keys only: those of the table and of the index.
            let key =
                |item: &Item| item.iter().filter(|(name, _)| INDEX_KEYS.contains(&name.as_str())).map(owned).collect();
            let mut keys: Vec<Item> = rows.map(|row| key(&row.item)).collect();
            keys.sort_by(|one, other| text(other, "received_at").cmp(&text(one, "received_at")));
            keys.into_iter().take(limit).map(Value::Object).collect()
        } else {
            assert_eq!(request["KeyConditionExpression"], "pk = :pk", "no other query is modelled");
            let pk = value(":pk");
            let rows = self.rows.range((pk.to_owned(), String::new())..).take_while(|((row, _), _)| row == pk);
            let names = request["ProjectionExpression"].as_str();
            let names =
                names.map(|names| names.split(", ").map(|name| attribute_name(&request, name)).collect::<Vec<_>>());
            let is_meant = |name: &str| names.as_ref().is_none_or(|names| names.contains(&name));
            let project = |item: &Item| item.clone().into_iter().filter(|(name, _)| is_meant(name)).collect();
            let rows = rows.filter(|(_, row)| is_seen(row)).take(limit);
            rows.map(|(_, row)| Value::Object(project(&row.item))).collect()
        };
        Answer::json(&json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items}))
    }

    /// `GetItem`.
    pub(crate) fn get(&self, request: &Request) -> Answer {
        let request = request.json();
        let key = |name: &str| request["Key"][name]["S"].as_str().unwrap_or_default().to_owned();
        Answer::json(&match self.rows.get(&(key("pk"), key("sk"))) {
            Some(row) => json!({"Item": row.item}),
            None => json!({}),
        })
    }

    /// `Scan` with the filter of `wab replay`, page by page.
    pub(crate) fn scan(&self, request: &Request) -> Answer {
        let request = request.json();
        let filter = "received_at >= :from AND received_at < :to AND (begins_with(pk, :mo) OR begins_with(pk, :dlr))";
        assert_eq!(request["FilterExpression"], filter, "no other scan is modelled");
        let value = |name: &str| request["ExpressionAttributeValues"][name]["S"].as_str().unwrap_or_default();
        let start = |name: &str| request["ExclusiveStartKey"][name]["S"].as_str().map(str::to_owned);
        let start = start("pk").zip(start("sk"));
        let (mut bytes, mut scanned, mut found, mut last) = (0, 0, Vec::new(), None);
        let mut rows = self.rows.iter().skip_while(|(key, _)| start.as_ref().is_some_and(|start| *key <= start));
        for (key, row) in rows.by_ref() {
            bytes += size_bytes(&row.item);
            scanned += 1;
            let received_at = text(&row.item, "received_at").unwrap_or_default();
            let is_meant = (value(":from")..value(":to")).contains(&received_at)
                && (key.0.starts_with(value(":mo")) || key.0.starts_with(value(":dlr")));
            if is_meant {
                found.push(Value::Object(row.item.clone()));
            }
            if bytes > PAGE_BYTES {
                last = Some(key);
                break;
            }
        }
        let mut answer = json!({"Count": found.len(), "ScannedCount": scanned, "Items": found});
        if let Some((pk, sk)) = last {
            answer["LastEvaluatedKey"] = json!({"pk": {"S": pk}, "sk": {"S": sk}});
        }
        Answer::json(&answer)
    }

    /// The items of a partition.
    pub(crate) fn partition(&self, pk: &str) -> impl Iterator<Item = (&str, &Item, Ms)> {
        let pk = pk.to_owned();
        self.rows
            .range((pk.clone(), String::new())..)
            .take_while(move |((row, _), _)| *row == pk)
            .map(|((_, sk), row)| (sk.as_str(), &row.item, row.stored_at))
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = (&str, &str, &Item)> {
        self.rows.iter().map(|((pk, sk), row)| (pk.as_str(), sk.as_str(), &row.item))
    }
}

/// Resolves a name in an expression to its attribute.
fn attribute_name<'a>(request: &'a Value, name: &'a str) -> &'a str {
    request["ExpressionAttributeNames"][name].as_str().unwrap_or(name)
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// A string attribute.
pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.get("S")?.as_str()
}

/// Keys are strings of 1 to 2,048 and 1 to 1,024 bytes. So are the keys of an index, if present ("Constraints").
fn is_valid(item: &Item) -> bool {
    let is_key = |name: &str, most: usize, needed: bool| match item.get(name) {
        None => !needed,
        Some(_) => text(item, name).is_some_and(|value| (1..=most).contains(&value.len())),
    };
    size_bytes(item) <= MAX_ITEM_BYTES
        && is_key("pk", 2048, true)
        && is_key("sk", 1024, true)
        && is_key("source", 2048, false)
        && is_key("reference", 2048, false)
        && is_key("received_at", 1024, false)
}

/// "The size of an item is the sum of its attribute names plus the sum of its attribute values." Numbers: "approximately
/// (length of attribute name) + (1 byte per two significant digits) + (1 byte)". A map: "3 bytes of overhead", and "1 byte"
/// for each of its members.
fn size_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    let (of_type, value) = value.as_object().and_then(|typed| typed.iter().next()).unwrap_or_else(|| panic!("{value}"));
    match (of_type.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("M", Value::Object(members)) => 3 + members.len() + size_bytes(members),
        ("NULL" | "BOOL", _) => 1,
        (of_type, _) => panic!("attributes of type {of_type} are not modelled"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: &Value) -> Request {
        Request {
            service: Service::DynamoDb,
            operation: String::new(),
            path: String::new(),
            body: json.to_string().into_bytes(),
        }
    }

    fn put(table: &mut Table, pk: &str, body: &str, condition: bool) -> (u16, Value) {
        let mut json = json!({"Item": {"pk": {"S": pk}, "sk": {"S": "EVENT"}, "body": {"S": body}}});
        if condition {
            json["ConditionExpression"] = "attribute_not_exists(pk)".into();
            json["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD".into();
        }
        let (answer, _) = table.put(&request(&json), 0);
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    #[test]
    fn condition_keeps_and_returns_the_existing_item() {
        let mut table = Table::new(1);
        assert_eq!(put(&mut table, "MO#a", "first", true).0, 200);
        let (status, answer) = put(&mut table, "MO#a", "second", true);
        assert_eq!((status, &answer["Item"]["body"]["S"]), (400, &json!("first")));
        assert_eq!(put(&mut table, "MO#a", "second", false).0, 200);
        assert_eq!(table.items().map(|(_, _, item)| text(item, "body").unwrap()).collect::<Vec<_>>(), ["second"]);
    }

    #[test]
    fn unchanged_put_is_not_in_the_stream() {
        let mut table = Table::new(1);
        for body in ["first", "first", "second"] {
            put(&mut table, "MO#a", body, false);
        }
        let inserts: Vec<bool> = table.shards[0].records.iter().map(|record| record.is_insert).collect();
        assert_eq!(inserts, [true, false]);
    }

    #[test]
    fn item_is_at_most_400_kb_and_has_keys() {
        let names = "pk".len() + "MO#a".len() + "sk".len() + "EVENT".len() + "body".len();
        let largest = "x".repeat(400 * 1024 - names);
        let mut table = Table::new(1);
        assert_eq!(put(&mut table, "MO#a", &largest, true).0, 200);
        assert_eq!(put(&mut table, "MO#b", &format!("{largest}x"), true).0, 400);
        assert_eq!(put(&mut table, "", "x", true).0, 400);
    }

    #[test]
    fn records_of_a_key_stay_in_order_across_splits() {
        let mut table = Table::new(2);
        for round in 0..20 {
            table.split(round);
            for pk in ["MO#a", "MO#b", "MO#c"] {
                put(&mut table, pk, &round.to_string(), false);
            }
        }
        // A parent is read before its children, so the sequence numbers of a key must rise along each path from a root.
        fn check(table: &Table, shard: usize, pk: &str, mut last: String) {
            for record in table.shards[shard].records.iter().filter(|record| record.pk == pk) {
                assert!(record.sequence_number > last);
                last.clone_from(&record.sequence_number);
            }
            for child in table.shards[shard].children.into_iter().flatten() {
                check(table, child, pk, last.clone());
            }
        }
        for pk in ["MO#a", "MO#b", "MO#c"] {
            check(&table, 0, pk, String::new());
            check(&table, 1, pk, String::new());
        }
        assert_eq!(table.shards.iter().map(|shard| shard.records.len()).sum::<usize>(), 60);
    }

    #[test]
    fn eventually_consistent_read_may_miss_the_latest_write() {
        let mut table = Table::new(1);
        put(&mut table, "DLR#a", "x", true);
        let mut query =
            json!({"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "DLR#a"}}});
        let count = |table: &Table, query: &Value, now| {
            let answer: Value = serde_json::from_slice(&table.query(&request(query), now).body).unwrap();
            answer["Count"].clone()
        };
        assert_eq!((count(&table, &query, 1), count(&table, &query, STALENESS)), (json!(0), json!(1)));
        query["ConsistentRead"] = true.into();
        assert_eq!(count(&table, &query, 1), 1);
    }
}
