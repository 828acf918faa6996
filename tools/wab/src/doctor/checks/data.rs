//! The table's settings, and how long logs are kept.

use super::{Facts, Found, or_ok};
use crate::doctor::Finding;
use crate::health::Commands;
use crate::stack::{Group, Logs, Protection, protection_of_table};

pub(super) async fn check_table(facts: &Facts<'_>) -> Found {
    let table = &facts.stack.resources.table;
    let protection = protection_of_table(&facts.stack.sdk, table).await?;
    if facts.stack.is_local() {
        // CloudFormation on the emulator doesn't apply the other settings to the table.
        let emulated = Protection { encryption: true, time_to_live: true, point_in_time_recovery: true, ..protection };
        let findings = judge_table(emulated, table, &facts.commands);
        return Ok(or_ok(findings, "table", "protected from deletion; the emulator has no TTL, backups or encryption"));
    }
    let findings = judge_table(protection, table, &facts.commands);
    Ok(or_ok(findings, "table", "protected from deletion, encrypted, backed up; expires and streams items"))
}

fn judge_table(protection: Protection, table: &str, commands: &Commands) -> Vec<Finding> {
    let check = "table";
    let aws =
        |command: &str, options: &str| commands.aws(&format!("dynamodb {command} --table-name {table} {options}"));
    let mut findings = Vec::new();
    if !protection.stream {
        let what = "its stream is disabled: nothing is published";
        findings.push(Finding::problem(check, what).mended_by(commands.deploy("")).see("runbook.md, FanoutStopped"));
    }
    if !protection.time_to_live {
        let enable = aws("update-time-to-live", "--time-to-live-specification Enabled=true,AttributeName=expires_at");
        findings.push(Finding::warning(check, "expired items aren't deleted: its TTL is off").mended_by(enable));
    }
    if !protection.deletion {
        let enable = aws("update-table", "--deletion-protection-enabled");
        findings.push(Finding::warning(check, "its deletion protection is off").mended_by(enable));
    }
    if !protection.point_in_time_recovery {
        let enable = "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true";
        let enable = aws("update-continuous-backups", enable);
        findings.push(Finding::warning(check, "it can't be restored: point-in-time recovery is off").mended_by(enable));
    }
    if !protection.encryption {
        let what = "it isn't encrypted with a key of the account's KMS";
        findings.push(Finding::warning(check, what).mended_by(aws("update-table", "--sse-specification Enabled=true")));
    }
    findings
}

pub(super) async fn check_logs(facts: &Facts<'_>) -> Found {
    let stack = &facts.stack.resources.stack_name;
    let logs = Logs::new(&facts.stack.sdk);
    let (functions, api) = (format!("/aws/lambda/{stack}/"), format!("/aws/vendedlogs/{stack}/"));
    let (functions, api) = tokio::join!(logs.groups(&functions), logs.groups(&api));
    let groups = [functions?, api?].concat();
    let names = facts.roles.iter().map(|(role, _)| format!("/aws/lambda/{stack}/{role}"));
    let names: Vec<_> = names.chain([format!("/aws/vendedlogs/{stack}/api")]).collect();
    Ok(or_ok(judge_logs(&names, &groups, &facts.commands), "logs", "every log group exists, and deletes old lines"))
}

fn judge_logs(names: &[String], groups: &[Group], commands: &Commands) -> Vec<Finding> {
    let findings = names.iter().filter_map(|name| {
        let finding = match groups.iter().find(|group| group.name == *name) {
            Some(Group { retention_days: Some(_), .. }) => return None,
            Some(Group { retention_days: None, .. }) => {
                let set = format!("logs put-retention-policy --log-group-name {name} --retention-in-days 30");
                Finding::warning("logs", format!("{name} keeps its lines for ever")).mended_by(commands.aws(&set))
            }
            None => {
                let what = format!("{name} is gone: its metrics and alarms see nothing");
                Finding::problem("logs", what).mended_by(commands.deploy(""))
            }
        };
        Some(finding)
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::check_command;

    #[test]
    fn each_protection_is_checked() {
        let on = Protection {
            deletion: true,
            encryption: true,
            stream: true,
            time_to_live: true,
            point_in_time_recovery: true,
        };
        let judge = |protection| judge_table(protection, "events", &Commands::example());
        assert!(judge(on).is_empty());
        for off in [
            Protection { deletion: false, ..on },
            Protection { encryption: false, ..on },
            Protection { stream: false, ..on },
            Protection { time_to_live: false, ..on },
            Protection { point_in_time_recovery: false, ..on },
        ] {
            let findings = judge(off);
            assert_eq!(findings.len(), 1, "{off:?}");
            findings.iter().flat_map(|finding| &finding.mends).for_each(check_command);
        }
    }

    #[test]
    fn log_groups_must_exist_and_forget() {
        let names = ["/a", "/b", "/c"].map(str::to_owned);
        let group = |name: &str, retention_days| Group { name: name.to_owned(), retention_days };
        let findings = judge_logs(&names, &[group("/a", Some(30)), group("/b", None)], &Commands::example());
        let found: Vec<_> = findings.iter().map(|finding| &*finding.what).collect();
        assert_eq!(found, ["/b keeps its lines for ever", "/c is gone: its metrics and alarms see nothing"]);
        findings.iter().flat_map(|finding| &finding.mends).for_each(check_command);
    }
}
