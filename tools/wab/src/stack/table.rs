//! The table: single items, and scans of the events received in a range of time.

use std::collections::HashMap;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, Select};
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
    /// Count the items without returning them. The read units are the same.
    pub(crate) count_only: bool,
}

/// The key after which the next page begins.
#[derive(Debug)]
pub(crate) struct Start(HashMap<String, AttributeValue>);

/// One page of a scan, which reads at most one megabyte of the table.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<serde_dynamo::Item>,
    pub(crate) count: u64,
    pub(crate) scanned: u64,
    pub(crate) read_units: f64,
    pub(crate) next: Option<Start>,
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
        let prefix = |kind| AttributeValue::S(format!("{}#", if kind == Kind::Mo { "MO" } else { "DLR" }));
        scan = match range.kind {
            Some(kind) => scan
                .filter_expression(format!("{received} AND begins_with(pk, :kind)"))
                .expression_attribute_values(":kind", prefix(kind)),
            None => scan
                .filter_expression(format!("{received} AND (begins_with(pk, :mo) OR begins_with(pk, :dlr))"))
                .expression_attribute_values(":mo", prefix(Kind::Mo))
                .expression_attribute_values(":dlr", prefix(Kind::Dlr)),
        };
        if range.count_only {
            scan = scan.select(Select::Count);
        }
        let page = scan.send().await.map_err(Unavailable::new("cannot read the table"))?;
        let next = page.last_evaluated_key.filter(|key| !key.is_empty()).map(Start);
        Ok(Page {
            count: u64::try_from(page.count).unwrap_or(0),
            scanned: u64::try_from(page.scanned_count).unwrap_or(0),
            read_units: page.consumed_capacity.and_then(|capacity| capacity.capacity_units).unwrap_or(0.0),
            items: page.items.unwrap_or_default().into_iter().map(serde_dynamo::Item::from).collect(),
            next,
        })
    }

    pub(crate) async fn arn(&self) -> anyhow::Result<String> {
        let described = self.dynamodb.describe_table().table_name(&self.name).send().await;
        let described = described.map_err(Unavailable::new("cannot describe the table"))?;
        described.table.and_then(|table| table.table_arn).context("the table has no ARN")
    }
}
