//! Where `wab send` posts, and with which credentials: those of its options, or those of the local stack.

use std::path::Path;

use anyhow::Context;
use url::Url;
use wab_events::Kind;

use crate::callback_url::{CallbackUrl, Login, is_loopback, join};
use crate::stack::StackFile;

#[derive(clap::Args)]
#[group(skip)] // its name would be that of the command's own arguments
pub(crate) struct Args {
    /// Callback URL, which may contain credentials (https://user:password@host/mo, percent-encoded)
    ///
    /// Without it, the command uses the local stack that `make up` started (.local/stack.json in the current
    /// directory or above).
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// User name, instead of the one in the URL or of the local stack
    #[arg(long, value_name = "NAME", requires = "password")]
    user: Option<String>,
    /// Password for --user
    #[arg(long, value_name = "PASSWORD", requires = "user", allow_hyphen_values = true)]
    password: Option<String>,
}

/// Where to post, and with which credentials. Without any, the request is sent anyway, and the receiver rejects it.
#[derive(Clone)]
pub(crate) struct Target {
    mo: Url,
    dlr: Url,
    pub(crate) login: Option<Login>,
}

impl Target {
    pub(crate) fn url(&self, kind: Kind) -> &Url {
        match kind {
            Kind::Mo => &self.mo,
            Kind::Dlr => &self.dlr,
        }
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.mo) && is_loopback(&self.dlr)
    }
}

impl Args {
    pub(crate) fn has_url(&self) -> bool {
        self.url.is_some()
    }

    /// The target of callbacks of one kind, or of both. A URL for both may be the API's, or that of either callback.
    pub(crate) fn resolve(&self, kind: Option<Kind>, directory: &Path) -> anyhow::Result<Target> {
        let mut target = match &self.url {
            Some(url) => {
                let CallbackUrl { address, login } = CallbackUrl::parse(url).context("--url")?;
                let (mo, dlr) = (join(&address, "mo"), join(&address, "dlr"));
                match kind {
                    Some(Kind::Mo) => Target { mo: address, dlr, login },
                    Some(Kind::Dlr) => Target { mo, dlr: address, login },
                    None => Target { mo, dlr, login },
                }
            }
            None => local_stack(directory)?,
        };
        if let Some((user, password)) = self.user.clone().zip(self.password.clone()) {
            target.login = Some(Login::new(user, password).context("--user")?);
        }
        Ok(target)
    }
}

fn local_stack(directory: &Path) -> anyhow::Result<Target> {
    let file = StackFile::find(directory)
        .context("no --url, and no local stack here or in the directories above: give --url, or run `make up`")?;
    let stack = StackFile::read(&file)?;
    let address = |url| anyhow::Ok(CallbackUrl::parse(url)?.address);
    let login = Login::new(stack.username, stack.password)?;
    Ok(Target { mo: address(&stack.mo_url)?, dlr: address(&stack.dlr_url)?, login: Some(login) })
}

/// The target of an API's URL, for tests.
#[cfg(test)]
pub(crate) fn at(url: &str) -> Target {
    Args { url: Some(url.to_owned()), user: None, password: None }.resolve(None, Path::new("/nonexistent")).unwrap()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::stack::example;

    fn args(url: Option<&str>, login: Option<(&str, &str)>) -> Args {
        let (user, password) = login.unzip();
        Args { url: url.map(str::to_owned), user: user.map(str::to_owned), password: password.map(str::to_owned) }
    }

    #[track_caller]
    fn check(args: Args, kind: Kind, directory: &Path, address: &str, login: Option<(&str, &str)>) {
        let target = args.resolve(Some(kind), directory).unwrap();
        assert_eq!(target.url(kind).as_str(), address);
        assert_eq!(target.login.as_ref().map(|login| (&*login.user, &*login.password)), login);
    }

    #[test]
    fn options_override_the_credentials_in_the_url() {
        let here = Path::new("/nonexistent");
        check(args(Some("https://host/mo"), None), Kind::Mo, here, "https://host/mo", None);
        check(args(Some("https://a:b@host/mo"), None), Kind::Mo, here, "https://host/mo", Some(("a", "b")));
        let both = args(Some("https://a:b@host/mo"), Some(("c", "d:e")));
        check(both, Kind::Mo, here, "https://host/mo", Some(("c", "d:e")));
    }

    #[test]
    fn both_urls_follow_from_any_one() {
        for url in ["https://host", "https://host/", "https://host/mo", "https://host/dlr"] {
            let target = args(Some(url), None).resolve(None, Path::new("/nonexistent")).unwrap();
            assert_eq!(Kind::ALL.map(|kind| target.url(kind).as_str()), ["https://host/mo", "https://host/dlr"]);
            assert!(!target.is_loopback());
        }
    }

    #[test]
    fn local_stack_is_used_without_a_url() {
        let directory = example::directory("target", &example::json());
        let below = directory.join("tools/wab");
        check(args(None, None), Kind::Mo, &directory, "http://localhost:1/mo", Some(("local", "p@ss")));
        check(args(None, None), Kind::Dlr, &below, "http://localhost:1/dlr", Some(("local", "p@ss")));
        check(args(None, Some(("a", "b"))), Kind::Dlr, &below, "http://localhost:1/dlr", Some(("a", "b")));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn errors_name_what_is_missing_in_one_line() {
        let here = Path::new("/nonexistent");
        let error =
            |args: Args, directory: &Path| format!("{:#}", args.resolve(Some(Kind::Mo), directory).err().unwrap());
        assert!(error(args(None, None), here).contains("no --url"));
        assert!(error(args(Some("https://host/mo"), Some(("a:b", "c"))), here).contains("--user"));
        let directory = example::directory("unusable", &serde_json::json!({}));
        let unusable = error(args(None, None), &directory);
        assert!(unusable.contains("make up") && !unusable.contains('\n'), "{unusable}");
        fs::remove_dir_all(&directory).unwrap();
    }
}
