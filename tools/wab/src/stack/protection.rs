//! What protects the table's data: deletion protection, backups, encryption, and the settings that it can't work without.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, SseStatus, StreamViewType, TimeToLiveStatus};

use crate::aws::Unavailable;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent setting, as DynamoDB reports it")]
pub(crate) struct Protection {
    pub(crate) deletion: bool,
    pub(crate) encryption: bool,
    pub(crate) stream: bool,
    pub(crate) time_to_live: bool,
    pub(crate) point_in_time_recovery: bool,
}

/// Reads the settings, with three calls.
pub(crate) async fn of_table(sdk: &SdkConfig, table: &str) -> Result<Protection, Unavailable> {
    let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
    let described = dynamodb.describe_table().table_name(table).send();
    let time_to_live = dynamodb.describe_time_to_live().table_name(table).send();
    let backups = dynamodb.describe_continuous_backups().table_name(table).send();
    let (described, time_to_live, backups) = tokio::join!(described, time_to_live, backups);

    let table = described.map_err(Unavailable::new("cannot describe the table"))?.table;
    let table = table.as_ref();
    let time_to_live = time_to_live.map_err(Unavailable::new("cannot read the table's time to live"))?;
    let time_to_live = time_to_live.time_to_live_description().and_then(|ttl| ttl.time_to_live_status()).cloned();
    let backups = backups.map_err(Unavailable::new("cannot read the table's backups"))?;
    let recovery =
        backups.continuous_backups_description().and_then(|backups| backups.point_in_time_recovery_description());
    let encryption = table.and_then(|table| table.sse_description()).and_then(|sse| sse.status());
    let stream = table.and_then(|table| table.stream_specification());
    Ok(Protection {
        deletion: table.and_then(|table| table.deletion_protection_enabled()).unwrap_or(false),
        encryption: encryption == Some(&SseStatus::Enabled),
        stream: stream.is_some_and(|stream| {
            stream.stream_enabled() && stream.stream_view_type() == Some(&StreamViewType::NewImage)
        }),
        time_to_live: matches!(time_to_live, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)),
        point_in_time_recovery: recovery.and_then(|recovery| recovery.point_in_time_recovery_status())
            == Some(&PointInTimeRecoveryStatus::Enabled),
    })
}
