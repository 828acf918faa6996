//! `wab credentials`: makes a pair of credentials, and shows each part where it belongs: the verifier to
//! the stack, the callback URLs to the gateway. Nothing is kept.

use std::io::Write;

use anyhow::{Context, ensure};
use serde::Serialize;
use url::Url;
use wab_ingress::Verifier;

use crate::callback_url::{CallbackUrl, Login, join};
use crate::random;

/// Stands in the URLs until the API's address is known.
const PLACEHOLDER: &str = "https://api-id.execute-api.region.amazonaws.com";

/// Make credentials for the gateway: a verifier for the stack, two callback URLs for the gateway
///
/// The password is 256 random bits and is shown this once. The stack gets only a verifier, from which the
/// password can't be found.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The user name: the gateway application that will call. Stored with each of its events
    #[arg(long, value_name = "NAME", default_value = "gateway")]
    user: String,
    /// The API's address, as the stack's outputs show it; without it the URLs hold a placeholder
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Print one JSON object: user, password, verifier, mo_url, dlr_url
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Rotation, without losing a callback: two verifiers can live at once.
  1. Make new credentials. Deploy CallbackCredentials=OLD,NEW: both verifiers, joined by a comma.
  2. Put the new URLs into the gateway's configuration.
  3. When no callback comes with the old ones any more, deploy CallbackCredentials=NEW.

Examples:
  wab credentials
  wab credentials --user shop --url https://abc123.execute-api.ap-southeast-2.amazonaws.com
  wab credentials --json > credentials.json    (the file is secret)

Exit codes:
  0  made
  2  usage error: a user name that HTTP Basic can't send, a URL that is none";

/// A pair, and what is made of it.
#[derive(Serialize)]
struct Made {
    user: String,
    password: String,
    verifier: String,
    mo_url: String,
    dlr_url: String,
}

pub(crate) fn run(args: Args, out: &mut impl Write) -> anyhow::Result<u8> {
    let api = address(args.url.as_deref().unwrap_or(PLACEHOLDER)).context("--url")?;
    let made = make(args.user, random::password()?, &api)?;
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&made)?)?;
    } else {
        show(&made, args.url.is_none(), out)?;
    }
    Ok(0)
}

fn address(text: &str) -> anyhow::Result<Url> {
    let CallbackUrl { address, login } = CallbackUrl::parse(text)?;
    ensure!(login.is_none(), "give the API's address without credentials: new ones are made");
    ensure!(address.query().is_none() && address.fragment().is_none(), "give the API's address without a query");
    Ok(address)
}

fn make(user: String, password: String, api: &Url) -> anyhow::Result<Made> {
    let verifier = Verifier::new(&user, &password).context("--user")?.to_string();
    let login = Login::new(user.clone(), password.clone())?;
    let url = |path| CallbackUrl { address: join(api, path), login: Some(login.clone()) }.to_string();
    Ok(Made { mo_url: url("mo"), dlr_url: url("dlr"), user, password, verifier })
}

fn show(made: &Made, is_placeholder: bool, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "For the stack, template parameter CallbackCredentials (the verifier; not the password):\n")?;
    writeln!(out, "  {}\n", made.verifier)?;
    writeln!(out, "For the gateway's configuration. SECRET: the URLs hold the password, shown only now:\n")?;
    writeln!(out, "  MO callback URL   {}", made.mo_url)?;
    writeln!(out, "  DLR callback URL  {}\n", made.dlr_url)?;
    if is_placeholder {
        writeln!(out, "  api-id and region: see the stack's outputs, or give its address with --url.\n")?;
    }
    writeln!(out, "The same pair, for clients that take the two apart:\n")?;
    writeln!(out, "  user      {}", made.user)?;
    writeln!(out, "  password  {}  (SECRET)", made.password)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn run_with(user: &str, url: Option<&str>, json: bool) -> anyhow::Result<String> {
        let mut out = Vec::new();
        run(Args { user: user.to_owned(), url: url.map(str::to_owned), json }, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_parts_fit_each_other() {
        let printed = run_with("shop@home", Some("https://host.example/mo"), true).unwrap();
        let made: Value = serde_json::from_str(&printed).unwrap();
        let part = |name: &str| made[name].as_str().unwrap();
        assert_eq!(part("user"), "shop@home");
        assert_eq!(part("verifier"), Verifier::new("shop@home", part("password")).unwrap().to_string());
        assert!(part("verifier").parse::<wab_ingress::Credentials>().is_ok());
        for name in ["mo", "dlr"] {
            let url = part(&format!("{name}_url"));
            assert_eq!(url, format!("https://shop%40home:{}@host.example/{name}", part("password")));
            let login = CallbackUrl::parse(url).unwrap().login.unwrap();
            assert!(login.user == part("user") && login.password == part("password"));
        }
    }

    #[test]
    fn a_person_gets_the_verifier_and_both_urls_and_is_told_what_is_secret() {
        let text = run_with("gateway", None, false).unwrap();
        assert!(text.contains("  gateway:"));
        assert!(text.contains("@api-id.execute-api.region.amazonaws.com/mo"));
        assert!(text.contains("@api-id.execute-api.region.amazonaws.com/dlr"));
        assert_eq!(text.matches("SECRET").count(), 2);
        assert!(!run_with("gateway", Some("https://host"), false).unwrap().contains("api-id"));
    }

    #[track_caller]
    fn refused(user: &str, url: &str, why: &str) {
        let error = format!("{:#}", run_with(user, Some(url), false).unwrap_err());
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn an_unusable_user_name_or_address_is_refused() {
        for user in ["", "a:b", "a,b", "a\nb", " a", "a b"] {
            refused(user, "https://host", "--user");
        }
        refused("a", "host", "--url");
        refused("a", "https://b:c@host", "without credentials");
        refused("a", "https://host/?x=y", "without a query");
    }
}
