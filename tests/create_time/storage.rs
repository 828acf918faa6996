//! Amazon DynamoDB and Amazon S3.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{check, within};

/// "CreateTable": exactly the attributes that keys use are defined. On demand, neither table nor index has a
/// provisioned throughput. A key is a hash key and at most one range key.
#[test]
fn table_defines_exactly_the_attributes_of_its_keys() {
    let keeps = |_: &Value, table: &Value| {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let names = |attributes: Vec<Value>| -> BTreeSet<String> {
            attributes.iter().map(|it| it["AttributeName"].as_str().unwrap().to_owned()).collect()
        };
        let indexes = list(&table["GlobalSecondaryIndexes"]);
        let keys: Vec<Vec<Value>> =
            std::iter::once(table).chain(&indexes).map(|keyed| list(&keyed["KeySchema"])).collect();
        let key_types: Vec<Vec<&str>> =
            keys.iter().map(|key| key.iter().filter_map(|part| part["KeyType"].as_str()).collect()).collect();
        let on_demand = table["BillingMode"] == "PAY_PER_REQUEST";
        names(list(&table["AttributeDefinitions"])) == names(keys.concat())
            && key_types.iter().all(|types| types == &["HASH"] || types == &["HASH", "RANGE"])
            && indexes.len() <= 20
            && std::iter::once(table).chain(&indexes).all(|it| it["ProvisionedThroughput"].is_null() == on_demand)
    };
    let bad = [
        "{BillingMode: PAY_PER_REQUEST, AttributeDefinitions: [{AttributeName: pk}, {AttributeName: body}], KeySchema: [{AttributeName: pk, KeyType: HASH}]}",
        "{BillingMode: PAY_PER_REQUEST, AttributeDefinitions: [], KeySchema: [{AttributeName: pk, KeyType: HASH}]}",
        "{BillingMode: PAY_PER_REQUEST, AttributeDefinitions: [{AttributeName: pk}], KeySchema: [{AttributeName: pk, KeyType: RANGE}]}",
        "{BillingMode: PAY_PER_REQUEST, ProvisionedThroughput: {}, AttributeDefinitions: [{AttributeName: pk}], KeySchema: [{AttributeName: pk, KeyType: HASH}]}",
    ];
    check("AWS::DynamoDB::Table", keeps, &bad);
}

/// "Lifecycle configuration elements": each rule has an action, a period of at least one day, and a unique id.
#[test]
fn lifecycle_rules_are_complete() {
    let keeps = |template: &Value, bucket: &Value| {
        let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap();
        let ids: BTreeSet<_> = rules.iter().map(|rule| rule["Id"].as_str().unwrap_or_default()).collect();
        let complete = |rule: &Value| {
            !rule["ExpirationInDays"].is_null()
                && within(template, &rule["ExpirationInDays"], 1..=i64::from(i32::MAX))
                && within(template, &rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"], 1..=3_650)
                && rule["Status"] == "Enabled"
        };
        ids.len() == rules.len() && ids.iter().all(|id| (1..=255).contains(&id.len())) && rules.iter().all(complete)
    };
    let bad = [
        "{LifecycleConfiguration: {Rules: [{Id: a, Status: Enabled}]}}",
        "{LifecycleConfiguration: {Rules: [{Id: a, Status: Enabled, ExpirationInDays: 0}]}}",
        "{LifecycleConfiguration: {Rules: [{Id: a, Status: Enabled, ExpirationInDays: 1}, {Id: a, Status: Enabled, ExpirationInDays: 2}]}}",
        "{LifecycleConfiguration: {Rules: [{Id: a, Status: Enabled, ExpirationInDays: !Ref SilenceMinutes}]}}",
    ];
    check("AWS::S3::Bucket", keeps, &bad);
}
