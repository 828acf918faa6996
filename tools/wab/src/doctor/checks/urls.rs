//! The callback URLs answer 401 without credentials, and 200 with them; and the versions that answer.

use serde_json::Value;
use url::Url;
use wab_events::Kind;

use super::Facts;
use crate::callback_url::{CallbackUrl, Login, is_secret, join, without_secret};
use crate::doctor::probe::{Answer, probe};
use crate::doctor::{Finding, Wanted};
use crate::health::Commands;
use crate::stack::Invoked;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Findings about the URLs, and about versions.
pub(super) async fn check(facts: &Facts<'_>, wanted: &Wanted) -> (Vec<Finding>, Vec<Finding>) {
    let (mo, dlr, fanout) = tokio::join!(url(facts, wanted, Kind::Mo), url(facts, wanted, Kind::Dlr), fanout(facts));
    let mut urls = mo.0;
    urls.extend(dlr.0);
    let template = facts.stack.resources.version.clone();
    let versions = [("template", template), ("mo", mo.1), ("dlr", dlr.1), ("fanout", fanout)];
    (urls, vec![judge_versions(&versions, &facts.commands)])
}

async fn url(facts: &Facts<'_>, wanted: &Wanted, kind: Kind) -> (Vec<Finding>, Option<String>) {
    let (check, own) = match kind {
        Kind::Mo => ("mo url", &facts.stack.resources.mo_url),
        Kind::Dlr => ("dlr url", &facts.stack.resources.dlr_url),
    };
    let (address, login) = match &wanted.url {
        Some(CallbackUrl { address, login }) => (join(address, kind.as_str()), login.clone()),
        None => match CallbackUrl::parse(own) {
            Ok(CallbackUrl { address, login }) => (address, login),
            Err(error) => return (vec![Finding::unknown(check, error)], None),
        },
    };
    // A stack without the output `Version` is older than the probe, and would quarantine it.
    let login = login.filter(|_| facts.stack.resources.version.is_some());
    let stranger = call(without_secret(&address), None);
    let caller = async {
        match login {
            Some(login) => Some(call(address.clone(), Some(login)).await),
            None if is_secret(&address) => Some(call(address.clone(), None).await),
            None => None,
        }
    };
    let (stranger, caller) = tokio::join!(stranger, caller);
    let version = match &caller {
        Some(Answer::Probe { version }) => Some(version.clone()),
        _ => None,
    };
    (judge(check, &stranger, caller.as_ref(), &facts.commands), version)
}

async fn call(address: Url, login: Option<Login>) -> Answer {
    let call = tokio::task::spawn_blocking(move || probe(&address, login.as_ref()));
    call.await.unwrap_or_else(|error| Answer::None(error.to_string()))
}

fn judge(check: &'static str, stranger: &Answer, caller: Option<&Answer>, commands: &Commands) -> Vec<Finding> {
    let unanswered = |status: &u16| {
        let see = match status {
            403 | 404 => "runbook.md, Silence",
            429 => "runbook.md, RateLimited",
            _ => "runbook.md, Unanswered",
        };
        Finding::problem(check, format!("is answered {status}")).mended_by(commands.deploy("")).see(see)
    };
    let forbidden = || {
        Finding::skipped(check, "is answered 403: AllowedNetworks doesn't name this machine's network")
            .see("runbook.md, Forbidden")
    };
    let without = match stranger {
        Answer::Status(401) => None,
        Answer::Status(status) => Some(unanswered(status)),
        Answer::Forbidden => Some(forbidden()),
        Answer::Probe { .. } => {
            Some(Finding::problem(check, "is answered 200 without credentials").mended_by(commands.deploy("")))
        }
        Answer::None(reason) => {
            Some(Finding::problem(check, format!("doesn't answer: {reason}")).see("runbook.md, Silence"))
        }
    };
    if let Some(finding) = without {
        return vec![finding];
    }
    let finding = match caller {
        Some(Answer::Probe { .. }) => Finding::ok(check, "is answered 401 without credentials, 200 with them"),
        Some(Answer::Status(401)) => Finding::problem(check, "is answered 401 with the given credentials")
            .mended_by(commands.deploy("CallbackCredentials=OLD,NEW"))
            .see("runbook.md, The gateway gets 401"),
        Some(Answer::Forbidden) => forbidden(),
        Some(Answer::Status(status)) => unanswered(status),
        Some(Answer::None(reason)) => Finding::problem(check, format!("doesn't answer with credentials: {reason}")),
        None => Finding::ok(check, "is answered 401 without credentials; give --url to check it with them"),
    };
    vec![finding]
}

/// The version of the function `fanout`, which handles no record.
async fn fanout(facts: &Facts<'_>) -> Option<String> {
    let Ok(Invoked::Answered(answer)) = facts.stack.fanout.invoke(r#"{"Records":[],"count":true}"#.to_owned()).await
    else {
        return None;
    };
    serde_json::from_slice::<Value>(&answer).ok()?.get("version")?.as_str().map(str::to_owned)
}

fn judge_versions(versions: &[(&str, Option<String>)], commands: &Commands) -> Finding {
    let named = |wanted: &dyn Fn(Option<&str>) -> bool| {
        let names = versions.iter().filter(|(_, version)| wanted(version.as_deref()));
        let names = names.map(|(name, version)| format!("{name} {}", version.as_deref().unwrap_or("unknown")));
        names.collect::<Vec<_>>().join(", ")
    };
    let others = named(&|version| version.is_some_and(|version| version != VERSION));
    let unknown = named(&|version| version.is_none());
    if others.is_empty() {
        let unknown = if unknown.is_empty() { unknown } else { format!("; {unknown}") };
        return Finding::ok("versions", format!("{VERSION}, as this tool{unknown}"));
    }
    Finding::warning("versions", format!("{others}; this tool is {VERSION}"))
        .mended_by(commands.deploy(""))
        .see("runbook.md, Upgrading and rolling back")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Verdict, check_command};

    fn probed() -> Answer {
        Answer::Probe { version: VERSION.to_owned() }
    }

    #[track_caller]
    fn check(stranger: Answer, caller: Option<Answer>, verdict: Verdict, what: &str) {
        let findings = judge("mo url", &stranger, caller.as_ref(), &Commands::example());
        let [finding] = &findings[..] else { panic!("one finding") };
        assert_eq!(finding.verdict, verdict, "{}", finding.what);
        assert!(finding.what.contains(what), "{}", finding.what);
        finding.mends.iter().for_each(check_command);
    }

    #[test]
    fn url_must_reject_strangers_and_accept_the_gateway() {
        check(Answer::Status(401), Some(probed()), Verdict::Ok, "200 with them");
        check(Answer::Status(401), None, Verdict::Ok, "give --url");
        check(Answer::Status(401), Some(Answer::Status(401)), Verdict::Problem, "401 with the given");
        check(Answer::Status(401), Some(Answer::Status(500)), Verdict::Problem, "500");
        check(Answer::Forbidden, Some(Answer::Forbidden), Verdict::Skipped, "this machine's network");
        check(Answer::Status(401), Some(Answer::Forbidden), Verdict::Skipped, "this machine's network");
        check(Answer::Status(403), None, Verdict::Problem, "403");
        check(Answer::Status(404), Some(probed()), Verdict::Problem, "404");
        check(Answer::Status(200), None, Verdict::Problem, "200");
        check(probed(), Some(probed()), Verdict::Problem, "200 without credentials");
        check(Answer::None("no such host".to_owned()), None, Verdict::Problem, "no such host");
    }

    #[test]
    fn other_versions_are_a_warning() {
        let versions = |mo: Option<&str>| [("mo", mo.map(str::to_owned)), ("dlr", Some(VERSION.to_owned()))];
        let judge = |mo| judge_versions(&versions(mo), &Commands::example());
        assert_eq!(judge(Some(VERSION)).what, format!("{VERSION}, as this tool"));
        assert_eq!(
            (judge(None).verdict, &*judge(None).what),
            (Verdict::Ok, &*format!("{VERSION}, as this tool; mo unknown"))
        );
        let other = judge(Some("0.0.9"));
        assert_eq!((other.verdict, &*other.what), (Verdict::Warning, &*format!("mo 0.0.9; this tool is {VERSION}")));
        other.mends.iter().for_each(check_command);
    }
}
