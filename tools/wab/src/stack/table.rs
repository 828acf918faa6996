//! The table: single items, and scans of the events received in a range of time.

use std::collections::HashMap;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use wab_events::Kind;
use wab_models::Key;

use crate::aws::Unavailable;

#[derive(Debug)]
pub(crate) struct Table {
    dynamodb: aws_sdk_dynamodb::Client,
    name: String,
}

/// Selects the events received at `from` or later, and before `to`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) kind: Option<Kind>,
}

/// The key after which the next page begins.
#[derive(Debug)]
pub(crate) struct Start(HashMap<String, AttributeValue>);

impl Start {
    pub(crate) fn after(key: &Key) -> Self {
        let text = |text: &String| AttributeValue::S(text.clone());
        Self(HashMap::from([("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(&key.sk))]))
    }

    pub(crate) fn key(&self) -> Option<Key> {
        let text = |name: &str| self.0.get(name)?.as_s().ok().cloned();
        Some(Key { pk: text("pk")?, sk: text("sk")? })
    }
}

/// What DynamoDB knows of the table. The size is updated about every six hours.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) arn: String,
    /// Another table has another id, even under the same name.
    pub(crate) id: String,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

/// One page of a scan, which reads at most one megabyte of the table.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<serde_dynamo::Item>,
    pub(crate) scanned: u64,
    pub(crate) read_units: f64,
    pub(crate) next: Option<Start>,
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
        Self { dynamodb: aws_sdk_dynamodb::Client::new(sdk), name }
    }

    /// Reads an item, consistently.
    pub(crate) async fn item(&self, key: &Key) -> Result<Option<serde_dynamo::Item>, Unavailable> {
        let get = self.dynamodb.get_item().table_name(&self.name).consistent_read(true);
        let get = get.key("pk", AttributeValue::S(key.pk.clone())).key("sk", AttributeValue::S(key.sk.clone()));
        let got = get.send().await.map_err(Unavailable::new("cannot read the table"))?;
        Ok(got.item.map(serde_dynamo::Item::from))
    }

    /// Reads every item under a partition key, consistently, in the order of the sort keys.
    pub(crate) async fn partition(&self, pk: &str) -> Result<Vec<serde_dynamo::Item>, Unavailable> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let query = self.dynamodb.query().table_name(&self.name).consistent_read(true);
            let query = query
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                .set_exclusive_start_key(start);
            let page = query.send().await.map_err(Unavailable::new("cannot read the table"))?;
            items.extend(page.items.unwrap_or_default().into_iter().map(serde_dynamo::Item::from));
            start = page.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Reads one page of the events in a range.
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
            items: number(table.item_count),
            bytes: number(table.table_size_bytes),
        })
    }
}
