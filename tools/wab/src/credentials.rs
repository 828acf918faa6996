//! `wab credentials`: generates a user name and password, and prints the verifier for the stack and the callback URLs for
//! the gateway. Nothing is stored. `wab credentials rotate` replaces those of a stack.

mod live;
mod rotate;

use std::io::Write;

use anyhow::{Context, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Subcommand;
use serde::Serialize;
use url::Url;
use wab_ingress::Verifier;

#[cfg(test)]
pub(crate) use self::live::example;
pub(crate) use self::live::{Live, Stage};
use crate::callback_url::{CallbackUrl, Login, join};
use crate::shell::Shell;
use crate::style;

/// Stands in for the API's address until that is known.
const PLACEHOLDER: &str = "https://api-id.execute-api.region.amazonaws.com";

/// Generate credentials: a verifier for the stack, two callback URLs for the gateway
///
/// The password is 256 random bits and is printed only once. The stack gets a verifier, from which the password
/// can't be recovered.
#[derive(clap::Args)]
#[command(after_help = HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// User name: identifies the gateway application, and is stored with each of its events
    #[arg(long, value_name = "NAME", default_value = "gateway")]
    user: String,
    /// The API's address from the stack's outputs. Without it, the URLs contain a placeholder
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Generate secret callback URLs, /mo/SECRET and /dlr/SECRET, for a sender that can't send credentials
    #[arg(long)]
    secret_path: bool,
    /// Print one JSON object: user, password (not with --secret-path), verifier, mo_url, dlr_url
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Rotate(rotate::Args),
}

const HELP: &str = "\
`wab credentials rotate` replaces the credentials of a stack without losing a callback.

Examples:
  wab credentials
  wab credentials --user shop --url https://abc123.execute-api.ap-southeast-2.amazonaws.com
  wab credentials --secret-path --user legacy
  wab credentials --json > credentials.json    (the file is secret)

Exit codes:
  0  generated
  2  usage error: HTTP Basic can't send the user name, or the URL is invalid";

/// Secret callback URLs, and the verifier of their secret.
#[derive(Serialize)]
struct SecretPath {
    user: String,
    verifier: String,
    mo_url: String,
    dlr_url: String,
}

#[derive(Serialize)]
struct Generated {
    user: String,
    password: String,
    verifier: String,
    mo_url: String,
    dlr_url: String,
}

pub(crate) fn run(args: Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    match &args.command {
        Some(Command::Rotate(args)) => rotate::run(args, shell),
        None => make(args, &mut shell.out),
    }
}

fn make(args: Args, out: &mut impl Write) -> anyhow::Result<u8> {
    let api = address(args.url.as_deref().unwrap_or(PLACEHOLDER)).context("--url")?;
    match (args.secret_path, args.json) {
        (false, false) => generate(args.user, password()?, &api)?.show(out)?,
        (false, true) => style::json(&generate(args.user, password()?, &api)?, out)?,
        (true, false) => SecretPath::of(args.user, &password()?, &api)?.show(out)?,
        (true, true) => style::json(&SecretPath::of(args.user, &password()?, &api)?, out)?,
    }
    if args.url.is_none() && !args.json {
        writeln!(out, "Replace api-id and region by those of the stack's outputs, or give the address with --url.")?;
    }
    Ok(0)
}

fn address(text: &str) -> anyhow::Result<Url> {
    let CallbackUrl { address, login } = CallbackUrl::parse(text)?;
    ensure!(login.is_none(), "give the API's address without credentials: new ones are generated");
    ensure!(address.query().is_none() && address.fragment().is_none(), "give the API's address without a query");
    Ok(address)
}

fn generate(user: String, password: String, api: &Url) -> anyhow::Result<Generated> {
    let verifier = Verifier::new(&user, &password).context("--user")?.to_string();
    let login = Login::new(user.clone(), password.clone())?;
    let url = |path| CallbackUrl { address: join(api, path), login: Some(login.clone()) }.to_string();
    Ok(Generated { mo_url: url("mo"), dlr_url: url("dlr"), user, password, verifier })
}

impl SecretPath {
    fn of(user: String, secret: &str, api: &Url) -> anyhow::Result<Self> {
        let verifier = Verifier::new(&user, secret).context("--user")?.to_string();
        let url = |kind| format!("{}/{secret}", join(api, kind));
        Ok(Self { mo_url: url("mo"), dlr_url: url("dlr"), user, verifier })
    }

    fn show(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        writeln!(out, "For the stack, as the template parameter SecretPaths (the verifier, not the secret):\n")?;
        writeln!(out, "  {}\n", self.verifier)?;
        writeln!(out, "For the sender's configuration. SECRET: whoever has a URL may call it. Shown only once:\n")?;
        writeln!(out, "  MO callback URL   {}", self.mo_url)?;
        Ok(writeln!(out, "  DLR callback URL  {}\n", self.dlr_url)?)
    }
}

impl Generated {
    fn show(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        writeln!(
            out,
            "For the stack, as the template parameter CallbackCredentials (the verifier, not the password):\n"
        )?;
        writeln!(out, "  {}\n", self.verifier)?;
        self.show_secrets(out)
    }

    /// Prints what the gateway gets.
    fn show_secrets(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        writeln!(
            out,
            "For the gateway's configuration. SECRET: the URLs contain the password, which is shown only once:\n"
        )?;
        writeln!(out, "  MO callback URL   {}", self.mo_url)?;
        writeln!(out, "  DLR callback URL  {}\n", self.dlr_url)?;
        writeln!(out, "The same credentials, for clients that take user and password separately:\n")?;
        writeln!(out, "  user      {}", self.user)?;
        Ok(writeln!(out, "  password  {}  (SECRET)\n", self.password)?)
    }
}

/// 256 random bits in base64url without padding, which a URL carries unencoded.
fn password() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system provides no random bytes: {error}"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn password_is_256_bits_that_urls_carry_unencoded() {
        let password = password().unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(&password).unwrap().len(), 32);
        assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_ne!(password, self::password().unwrap());
    }

    fn run_with(user: &str, url: Option<&str>, json: bool) -> anyhow::Result<String> {
        made(Args { command: None, user: user.to_owned(), url: url.map(str::to_owned), secret_path: false, json })
    }

    fn made(args: Args) -> anyhow::Result<String> {
        let mut out = Vec::new();
        make(args, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn secret_urls_end_with_the_secret_of_the_verifier() {
        let args = |json| {
            let (user, url) = ("shop".to_owned(), Some("https://host.example/mo".to_owned()));
            Args { command: None, user, url, secret_path: true, json }
        };
        let made_json: Value = serde_json::from_str(&made(args(true)).unwrap()).unwrap();
        let part = |name: &str| made_json[name].as_str().unwrap();
        let secret = part("mo_url").strip_prefix("https://host.example/mo/").unwrap();
        assert_eq!(part("dlr_url"), format!("https://host.example/dlr/{secret}"));
        assert_eq!(part("verifier"), Verifier::new("shop", secret).unwrap().to_string());
        let live: wab_ingress::Credentials = part("verifier").parse().unwrap();
        assert!(live.authenticate_path(secret).is_ok());
        let text = made(args(false)).unwrap();
        assert!(text.contains("parameter SecretPaths") && text.matches("SECRET").count() == 1, "{text}");
    }

    #[test]
    fn verifier_and_urls_match_the_password() {
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
    fn output_has_verifier_and_urls_and_marks_secrets() {
        let text = run_with("gateway", None, false).unwrap();
        assert!(text.contains("  gateway:"));
        assert!(text.contains("@api-id.execute-api.region.amazonaws.com/mo"));
        assert!(text.contains("@api-id.execute-api.region.amazonaws.com/dlr"));
        assert_eq!(text.matches("SECRET").count(), 2);
        assert!(!run_with("gateway", Some("https://host"), false).unwrap().contains("api-id"));
    }

    #[track_caller]
    fn rejected(user: &str, url: &str, problem: &str) {
        let error = format!("{:#}", run_with(user, Some(url), false).unwrap_err());
        assert!(error.contains(problem), "{error}");
    }

    #[test]
    fn invalid_user_name_or_address_is_rejected() {
        for user in ["", "a:b", "a,b", "a\nb", " a", "a b"] {
            rejected(user, "https://host", "--user");
        }
        rejected("a", "host", "--url");
        rejected("a", "https://b:c@host", "without credentials");
        rejected("a", "https://host/?x=y", "without a query");
    }
}
