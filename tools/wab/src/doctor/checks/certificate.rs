//! The last day of the certificate of the stack's domain.

use jiff::{SignedDuration, Timestamp};

use super::{Facts, Found};
use crate::doctor::Finding;
use crate::health::{Commands, span};
use crate::stack::Certificate;

/// ACM renews 60 days before the end (ACM user guide, "Managed certificate renewal").
const SOON: SignedDuration = SignedDuration::from_hours(45 * 24);
const VERY_SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

pub(super) async fn check(facts: &Facts<'_>) -> Found {
    if facts.description.is_err() {
        return Ok(vec![Finding::unknown("certificate", "the stack's parameters can't be read")]);
    }
    let Some(arn) = facts.parameter("CertificateArn") else {
        return Ok(vec![Finding::skipped("certificate", "the stack has no domain of its own")]);
    };
    let certificate = Certificate::read(&facts.stack.sdk, arn).await?;
    Ok(vec![judge(certificate, arn, facts.now, &facts.commands)])
}

fn judge(certificate: Certificate, arn: &str, now: Timestamp, commands: &Commands) -> Finding {
    let describe = || commands.aws(&format!("acm describe-certificate --certificate-arn {arn}"));
    let Some(last_day) = certificate.last_day else {
        return Finding::problem("certificate", "isn't issued").mended_by(describe());
    };
    let left = last_day.duration_since(now);
    let ends = if left < SignedDuration::ZERO { "ended" } else { "ends" };
    let what = format!("{ends} on {}, {} left", last_day.strftime("%Y-%m-%d"), span(left));
    let renewal = match certificate {
        Certificate { is_imported: true, .. } => "; it was imported, so ACM doesn't renew it",
        Certificate { is_renewal_stuck: true, .. } => "; its renewal failed, or waits for validation",
        _ => "",
    };
    let what = format!("{what}{renewal}");
    if left < VERY_SOON {
        Finding::problem("certificate", what).mended_by(describe())
    } else if left < SOON || certificate.is_renewal_stuck {
        Finding::warning("certificate", what).mended_by(describe())
    } else {
        Finding::ok("certificate", what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Verdict, check_command};

    #[track_caller]
    fn check(days: i64, is_imported: bool, is_renewal_stuck: bool, verdict: Verdict, what: &str) {
        let now: Timestamp = "2026-11-29T00:00:00Z".parse().unwrap();
        let last_day = Some(now + SignedDuration::from_hours(days * 24));
        let certificate = Certificate { last_day, is_imported, is_renewal_stuck };
        let finding = judge(certificate, "arn:aws:acm:us-east-1:1:certificate/1", now, &Commands::example());
        assert_eq!((finding.verdict, &*finding.what), (verdict, what));
        finding.mends.iter().for_each(check_command);
    }

    #[test]
    fn certificate_must_be_renewed_in_time() {
        check(200, false, false, Verdict::Ok, "ends on 2027-06-17, 200 days left");
        check(44, false, false, Verdict::Warning, "ends on 2027-01-12, 44 days left");
        let imported = "ends on 2026-12-09, 10 days left; it was imported, so ACM doesn't renew it";
        check(10, true, false, Verdict::Problem, imported);
        let stuck = "ends on 2027-01-27, 59 days left; its renewal failed, or waits for validation";
        check(59, false, true, Verdict::Warning, stuck);
        check(-1, false, false, Verdict::Problem, "ended on 2026-11-28, 0 s left");
    }
}
