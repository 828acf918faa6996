//! The table: items, its two indexes, and scans of the events received in a range of time.
//!
//! A tombstone of `wab erase` is no item: only [`Table::all`] returns it. An item that has expired is none either, although
//! DynamoDB may delete it days later ("Using time to live (TTL) in DynamoDB"). Only what `wab erase` reads includes it.

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use serde::Deserialize;
use wab_events::Kind;
use wab_models::{Key, ReceivedAt};
use wab_platform::Clock;

use super::meter::Meter;
use super::tombstone::{ERASED, Tombstone};
use crate::aws::Unavailable;

/// Maximum number of keys in one `BatchGetItem` (DynamoDB API reference).
const MAX_KEYS: usize = 100;

/// Pauses before keys that a throttled `BatchGetItem` left are asked for again.
const BATCH_PAUSES: [u64; 6] = [50, 100, 200, 400, 800, 1600];

/// Leaves out tombstones and what has expired by `:now`. An index has neither attribute, so its entries are checked when
/// their items are read.
const KEPT: &str = "attribute_not_exists(erased) AND (attribute_not_exists(expires_at) OR expires_at > :now)";

/// The attributes of an item without its body.
const HEAD: [&str; 13] = [
    "pk",
    "sk",
    "received_at",
    "body_bytes",
    "application",
    "source",
    "destination",
    "type",
    "status",
    "reference",
    "binary",
    // Of a quarantined body.
    "kind",
    "reason",
];

pub(crate) struct Table {
    dynamodb: aws_sdk_dynamodb::Client,
    name: String,
    clock: Clock,
}

/// Whether items that have expired are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    LeftOut,
    Included,
}

/// Selects the events received at `from` or later, and before `to`.
#[derive(Clone, Copy)]
pub(crate) struct Range<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) kind: Option<Kind>,
}

/// The key after which the next page begins.
pub(crate) struct Start(HashMap<String, AttributeValue>);

impl Start {
    pub(crate) fn after(key: &Key) -> Self {
        Self(attributes(key))
    }

    pub(crate) fn key(&self) -> Option<Key> {
        let text = |name: &str| self.0.get(name)?.as_s().ok().cloned();
        Some(Key { pk: text("pk")?, sk: text("sk")? })
    }
}

/// What DynamoDB knows of the table.
#[derive(Clone)]
pub(crate) struct Described {
    pub(crate) arn: String,
    /// Another table has another id, even under the same name.
    pub(crate) id: String,
    pub(crate) size: Size,
}

/// One page of a scan, which reads at most one megabyte of the table.
pub(crate) struct Page {
    pub(crate) items: Vec<serde_dynamo::Item>,
    pub(crate) scanned: u64,
    pub(crate) read_units: f64,
    pub(crate) next: Option<Start>,
}

/// The two indexes of the template. They have keys only, and lack the items without the attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    BySource,
    ByReference,
}

impl Index {
    pub(crate) const ALL: [Self; 2] = [Self::BySource, Self::ByReference];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BySource => "by-source",
            Self::ByReference => "by-reference",
        }
    }

    const fn attribute(self) -> &'static str {
        match self {
            Self::BySource => "source",
            Self::ByReference => "reference",
        }
    }
}

/// A range of an index: the items with this value, received at `from` or later and before `to`.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'a> {
    pub(crate) index: Index,
    pub(crate) value: &'a str,
    pub(crate) from: Option<&'a ReceivedAt>,
    pub(crate) to: Option<&'a ReceivedAt>,
    pub(crate) newest_first: bool,
    pub(crate) limit: usize,
}

/// An item's key, and when its callback was received.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Dated {
    #[serde(flatten)]
    pub(crate) key: Key,
    pub(crate) received_at: ReceivedAt,
}

/// The size of the table or an index. DynamoDB updates it about every six hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

impl Size {
    /// The read units of a scan: half a unit for every 4 KB (DynamoDB developer guide, "Capacity unit consumption for
    /// read operations").
    pub(crate) fn scan_units(&self) -> u64 {
        self.bytes.div_ceil(2 * 4096)
    }
}

/// The partition key of the events with this message id.
pub(crate) fn partition_key(kind: Kind, id: &str) -> String {
    let prefix = match kind {
        Kind::Mo => "MO",
        Kind::Dlr => "DLR",
    };
    format!("{prefix}#{id}")
}

impl Table {
    pub(crate) fn new(sdk: &SdkConfig, name: String) -> Self {
        Self { dynamodb: aws_sdk_dynamodb::Client::new(sdk), name, clock: Clock::of(sdk) }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> i64 {
        let since_1970 = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
    }

    /// The value of `:now` in [`KEPT`].
    fn now_attribute(&self) -> AttributeValue {
        AttributeValue::N(self.now().to_string())
    }

    pub(crate) fn has_expired(&self, item: &serde_dynamo::Item) -> bool {
        match item.get("expires_at") {
            Some(serde_dynamo::AttributeValue::N(at)) => at.parse::<i64>().is_ok_and(|at| at <= self.now()),
            _ => false,
        }
    }

    /// Reads an item, consistently.
    pub(crate) async fn item(&self, key: &Key) -> Result<Option<serde_dynamo::Item>, Unavailable> {
        let get = self.dynamodb.get_item().table_name(&self.name).consistent_read(true);
        let get = get.key("pk", AttributeValue::S(key.pk.clone())).key("sk", AttributeValue::S(key.sk.clone()));
        let got = get.send().await.map_err(Unavailable::new("cannot read the table"))?;
        let item = got.item.filter(|item| !item.contains_key(ERASED)).map(serde_dynamo::Item::from);
        Ok(item.filter(|item| !self.has_expired(item)))
    }

    /// Reads every item under a partition key, consistently, in the order of the sort keys.
    pub(crate) async fn partition(&self, pk: &str, meter: &Meter) -> Result<Vec<serde_dynamo::Item>, Unavailable> {
        self.partition_with(pk, Expired::LeftOut, meter).await
    }

    /// The same, and what has expired too if it is included.
    pub(crate) async fn partition_with(
        &self,
        pk: &str,
        expired: Expired,
        meter: &Meter,
    ) -> Result<Vec<serde_dynamo::Item>, Unavailable> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let query = self.dynamodb.query().table_name(&self.name).consistent_read(true);
            let query = query
                .key_condition_expression("pk = :pk")
                .filter_expression(KEPT)
                .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                .expression_attribute_values(
                    ":now",
                    match expired {
                        Expired::LeftOut => self.now_attribute(),
                        // Nothing expires before 1970.
                        Expired::Included => AttributeValue::N("-1".to_owned()),
                    },
                )
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let page = query.send().await.map_err(Unavailable::new("cannot read the table"))?;
            meter.read(page.consumed_capacity.as_slice());
            items.extend(page.items.unwrap_or_default().into_iter().map(serde_dynamo::Item::from));
            start = page.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Looks up keys in an index, in the order of arrival or newest first. An index is updated some time after the table,
    /// usually within a second. It doesn't know what has expired: [`Self::items`] and [`Self::partition`] leave that out.
    pub(crate) async fn lookup(&self, lookup: Lookup<'_>, meter: &Meter) -> Result<Vec<Dated>, Unavailable> {
        let Lookup { index, value, from, to, newest_first, limit } = lookup;
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let mut query = self
                .dynamodb
                .query()
                .table_name(&self.name)
                .index_name(index.name())
                .expression_attribute_names("#value", index.attribute())
                .expression_attribute_values(":value", AttributeValue::S(value.to_owned()))
                .scan_index_forward(!newest_first)
                .limit(i32::try_from(limit - found.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let time = |at: &ReceivedAt| AttributeValue::S(at.as_str().to_owned());
            // BETWEEN includes its upper bound. A key condition may name the sort key once only.
            let condition = match (from, to) {
                (None, None) => "#value = :value",
                (Some(_), None) => "#value = :value AND received_at >= :from",
                (None, Some(_)) => "#value = :value AND received_at < :to",
                (Some(_), Some(_)) => "#value = :value AND received_at BETWEEN :from AND :to",
            };
            query = query.key_condition_expression(condition);
            if let Some(from) = from {
                query = query.expression_attribute_values(":from", time(from));
            }
            if let Some(to) = to {
                query = query.expression_attribute_values(":to", time(to));
            }
            let page = query.send().await.map_err(Unavailable::new("cannot read an index of the table"))?;
            meter.read(page.consumed_capacity.as_slice());
            let keys = page.items.unwrap_or_default().into_iter().filter_map(dated);
            found.extend(keys.filter(|dated| to.is_none_or(|to| dated.received_at < *to)));
            start = page.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() || found.len() >= limit {
                return Ok(found);
            }
        }
    }

    /// Reads the items with these keys, in any order. A key without an item, or with one that has expired, is left out.
    /// Eventually consistent.
    pub(crate) async fn items(&self, keys: &[Key], meter: &Meter) -> anyhow::Result<Vec<serde_dynamo::Item>> {
        let mut items = Vec::new();
        for keys in keys.chunks(MAX_KEYS) {
            let mut left: Vec<_> = keys.iter().map(attributes).collect();
            let mut pauses = BATCH_PAUSES.into_iter();
            while !left.is_empty() {
                let wanted = KeysAndAttributes::builder().set_keys(Some(left)).build().context("no keys")?;
                let get = self.dynamodb.batch_get_item().request_items(&self.name, wanted);
                let got = get.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
                let got = got.map_err(Unavailable::new("cannot read the table"))?;
                meter.read(got.consumed_capacity());
                let responses = got.responses.unwrap_or_default().into_values().flatten();
                items.extend(responses.map(serde_dynamo::Item::from).filter(|item| !self.has_expired(item)));
                // What exceeds 16 MB, or is throttled.
                left = got.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys).collect();
                if !left.is_empty() {
                    let pause = pauses.next().ok_or(Unavailable::throttled("cannot read the table"))?;
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
            }
        }
        Ok(items)
    }

    /// Scans one page of the keys of an index, or without one of the table, which also has those that no index has. An index
    /// also has the keys of what has expired.
    pub(crate) async fn keys(
        &self,
        index: Option<Index>,
        start: Option<Start>,
        meter: &Meter,
    ) -> Result<(Vec<Key>, Option<Start>), Unavailable> {
        let scan = self
            .dynamodb
            .scan()
            .table_name(&self.name)
            .projection_expression("pk, sk")
            .set_exclusive_start_key(start.map(|Start(key)| key))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let scan = match index {
            Some(index) => scan.index_name(index.name()),
            None => scan.filter_expression(KEPT).expression_attribute_values(":now", self.now_attribute()),
        };
        let page = scan.send().await.map_err(Unavailable::new("cannot read the table"))?;
        meter.read(page.consumed_capacity.as_slice());
        let items = page.items.unwrap_or_default().into_iter();
        let keys = items.filter_map(|item| serde_dynamo::from_item(serde_dynamo::Item::from(item)).ok()).collect();
        Ok((keys, page.last_evaluated_key.filter(|key| !key.is_empty()).map(Start)))
    }

    /// Reads one page of what was received at `from` or later and before `to`, quarantined bodies included. The items lack
    /// their bodies.
    pub(crate) async fn heads(
        &self,
        from: &ReceivedAt,
        to: &ReceivedAt,
        start: Option<Start>,
        meter: &Meter,
    ) -> Result<(Vec<serde_dynamo::Item>, Option<Start>), Unavailable> {
        let names: Vec<String> = (0..HEAD.len()).map(|number| format!("#a{number}")).collect();
        let attributes = names.iter().cloned().zip(HEAD.map(str::to_owned));
        let scan = self
            .dynamodb
            .scan()
            .table_name(&self.name)
            .filter_expression(format!("received_at >= :from AND received_at < :to AND {KEPT}"))
            .expression_attribute_values(":now", self.now_attribute())
            .expression_attribute_values(":from", AttributeValue::S(from.as_str().to_owned()))
            .expression_attribute_values(":to", AttributeValue::S(to.as_str().to_owned()))
            .projection_expression(names.join(", "))
            .set_expression_attribute_names(Some(attributes.collect()))
            .set_exclusive_start_key(start.map(|Start(key)| key))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let page = scan.send().await.map_err(Unavailable::new("cannot read the table"))?;
        meter.read(page.consumed_capacity.as_slice());
        let items = page.items.unwrap_or_default().into_iter().map(serde_dynamo::Item::from).collect();
        Ok((items, page.last_evaluated_key.filter(|key| !key.is_empty()).map(Start)))
    }

    /// Reads one page of everything in the table, tombstones and what has expired included.
    pub(crate) async fn all(
        &self,
        start: Option<Start>,
        meter: &Meter,
    ) -> Result<(Vec<serde_dynamo::Item>, Option<Start>), Unavailable> {
        let scan = self.dynamodb.scan().table_name(&self.name).set_exclusive_start_key(start.map(|Start(key)| key));
        let scan = scan.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let page = scan.send().await.map_err(Unavailable::new("cannot read the table"))?;
        meter.read(page.consumed_capacity.as_slice());
        let items = page.items.unwrap_or_default().into_iter().map(serde_dynamo::Item::from).collect();
        Ok((items, page.last_evaluated_key.filter(|key| !key.is_empty()).map(Start)))
    }

    /// The size of an index, or without one of the table.
    pub(crate) async fn size(&self, index: Option<Index>) -> Result<Size, Unavailable> {
        let described = self.dynamodb.describe_table().table_name(&self.name).send().await;
        let table = described.map_err(Unavailable::new("cannot describe the table"))?.table;
        let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        let (items, bytes) = match index {
            None => table.map_or((None, None), |table| (table.item_count, table.table_size_bytes)),
            Some(index) => {
                let indexes = table.and_then(|table| table.global_secondary_indexes).unwrap_or_default();
                let index = indexes.into_iter().find(|described| described.index_name() == Some(index.name()));
                index.map_or((None, None), |index| (index.item_count, index.index_size_bytes))
            }
        };
        Ok(Size { items: number(items), bytes: number(bytes) })
    }

    /// Reads one page of the events in a range, those that have expired included: a replay counts them.
    pub(crate) async fn events(&self, range: Range<'_>, start: Option<Start>) -> Result<Page, Unavailable> {
        let received = "received_at >= :from AND received_at < :to";
        let mut scan = self
            .dynamodb
            .scan()
            .table_name(&self.name)
            .set_exclusive_start_key(start.map(|Start(key)| key))
            .expression_attribute_values(":from", AttributeValue::S(range.from.to_owned()))
            .expression_attribute_values(":to", AttributeValue::S(range.to.to_owned()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        // Other items, such as quarantined bodies, are not events.
        let prefix = |kind| AttributeValue::S(partition_key(kind, ""));
        scan = match range.kind {
            Some(kind) => scan
                .filter_expression(format!("{received} AND begins_with(pk, :kind)"))
                .expression_attribute_values(":kind", prefix(kind)),
            None => scan
                .filter_expression(format!("{received} AND (begins_with(pk, :mo) OR begins_with(pk, :dlr))"))
                .expression_attribute_values(":mo", prefix(Kind::Mo))
                .expression_attribute_values(":dlr", prefix(Kind::Dlr)),
        };
        let page = scan.send().await.map_err(Unavailable::new("cannot read the table"))?;
        let next = page.last_evaluated_key.filter(|key| !key.is_empty()).map(Start);
        Ok(Page {
            scanned: u64::try_from(page.scanned_count).unwrap_or(0),
            read_units: page.consumed_capacity.and_then(|capacity| capacity.capacity_units).unwrap_or(0.0),
            items: page.items.unwrap_or_default().into_iter().map(serde_dynamo::Item::from).collect(),
            next,
        })
    }

    pub(crate) async fn arn(&self) -> anyhow::Result<String> {
        Ok(self.describe().await?.arn)
    }

    pub(crate) async fn describe(&self) -> anyhow::Result<Described> {
        let described = self.dynamodb.describe_table().table_name(&self.name).send().await;
        let described = described.map_err(Unavailable::new("cannot describe the table"))?;
        let table = described.table.context("the table isn't described")?;
        let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        Ok(Described {
            arn: table.table_arn.context("the table has no ARN")?,
            id: table.table_id.unwrap_or_default(),
            size: Size { items: number(table.item_count), bytes: number(table.table_size_bytes) },
        })
    }

    /// The quarantined bodies of a day, newest first, from one page to the next.
    pub(crate) async fn quarantined(
        &self,
        date: &str,
        start: Option<Start>,
    ) -> Result<(Vec<serde_dynamo::Item>, Option<Start>), Unavailable> {
        self.quarantine_query(date, None, start).await
    }

    /// The quarantined bodies of a day whose sort key begins with this.
    pub(crate) async fn quarantined_as(&self, date: &str, sk: &str) -> Result<Vec<serde_dynamo::Item>, Unavailable> {
        Ok(self.quarantine_query(date, Some(sk), None).await?.0)
    }

    async fn quarantine_query(
        &self,
        date: &str,
        sk: Option<&str>,
        start: Option<Start>,
    ) -> Result<(Vec<serde_dynamo::Item>, Option<Start>), Unavailable> {
        let mut query = self
            .dynamodb
            .query()
            .table_name(&self.name)
            .filter_expression(KEPT)
            .expression_attribute_values(":now", self.now_attribute())
            .expression_attribute_values(":pk", AttributeValue::S(format!("QUARANTINE#{date}")))
            .scan_index_forward(false)
            .set_exclusive_start_key(start.map(|Start(key)| key));
        query = match sk {
            None => query.key_condition_expression("pk = :pk"),
            Some(sk) => query
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", AttributeValue::S(sk.to_owned())),
        };
        let page = query.send().await.map_err(Unavailable::new("cannot read the table"))?;
        let items = page.items.unwrap_or_default().into_iter().map(serde_dynamo::Item::from).collect();
        Ok((items, page.last_evaluated_key.filter(|key| !key.is_empty()).map(Start)))
    }

    pub(crate) async fn delete(&self, key: &Key) -> Result<(), Unavailable> {
        let delete = self.dynamodb.delete_item().table_name(&self.name).set_key(Some(attributes(key)));
        delete.send().await.map_err(Unavailable::new("cannot delete from the table"))?;
        Ok(())
    }

    /// Replaces an item by its tombstone, unless the item is gone: a put under a new key would be a new item to the stream.
    pub(crate) async fn bury(&self, tombstone: &Tombstone) -> anyhow::Result<()> {
        let attributes =
            serde_dynamo::aws_sdk_dynamodb_1::to_item(tombstone).context("the tombstone can't be written")?;
        let put = self.dynamodb.put_item().table_name(&self.name).set_item(Some(attributes));
        match put.condition_expression("attribute_exists(pk)").send().await {
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(())
            }
            put => Ok(put.map(|_| ()).map_err(Unavailable::new("cannot write to the table"))?),
        }
    }
}

fn dated(item: HashMap<String, AttributeValue>) -> Option<Dated> {
    serde_dynamo::from_item(serde_dynamo::Item::from(item)).ok()
}

fn attributes(key: &Key) -> HashMap<String, AttributeValue> {
    let text = |name: &str, value: &str| (name.to_owned(), AttributeValue::S(value.to_owned()));
    HashMap::from([text("pk", &key.pk), text("sk", &key.sk)])
}
