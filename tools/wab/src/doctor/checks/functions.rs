//! The functions exist, and Lambda can invoke them.

use super::{Facts, Found, or_ok};
use crate::doctor::Finding;
use crate::mask::printable;

pub(super) fn check(facts: &Facts<'_>) -> Found {
    let mut findings = Vec::new();
    for ((role, name), configuration) in facts.roles.iter().zip(&facts.configurations) {
        let finding = match configuration {
            Err(error) => Finding::unknown("functions", format!("{role}: {error:#}")),
            Ok(None) => Finding::problem("functions", format!("{role} is gone: there is no function {name}"))
                .mended_by(facts.commands.deploy("")),
            Ok(Some(configuration)) => match &configuration.failure {
                None => continue,
                Some(reason) => Finding::problem("functions", format!("{role} failed: {}", printable(reason)))
                    .mended_by(facts.commands.deploy("")),
            },
        };
        findings.push(finding);
    }
    Ok(or_ok(findings, "functions", "all exist, and can be invoked"))
}
