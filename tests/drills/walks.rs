//! The planned procedures of the runbook, walked on a stack of their own: from an empty account to the first callback,
//! questions of teams, rotation, domain, upgrade, and the end.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wab::stack::StackFile;
use wab_events::Kind;
use wab_models::Key;

use crate::ALONE;
use crate::bash::{Bash, tool};
use crate::document::{Document, lines};
use crate::faults::{Repeated, put, repeat};
use crate::requests::{basic, dlr, fresh_id, mo_text};
use crate::stack::{PATIENCE, Stack, agent};

const NAME: &str = "wab-walk";

const DOMAIN: &str = "callbacks.example.com";

/// What is kept of a stack, each by the command that fails once it is deleted.
const KEPT: [&str; 4] = [
    "aws dynamodb describe-table --table-name $TABLE",
    "aws s3api head-bucket --bucket $BUCKET",
    "aws sqs get-queue-attributes --queue-url $SPILL_QUEUE",
    "aws sqs get-queue-attributes --queue-url $DEAD_LETTERS",
];

/// Every parked message that was ever written, by its file. What `wab parked list` shows of it: the kind, the reason,
/// and whether its event is known.
const PARKED: [(&str, &str, Option<&str>, bool); 6] = [
    ("parked-event", "event", Some("the item's layout is not known"), true),
    ("parked-position", "position", Some("RetryAttemptsExhausted"), false),
    ("parked-record", "record", Some("the record has no key of this table"), false),
    ("parked-spilled", "spilled", None, true),
    ("parked-spilled-by-recover", "spilled", Some("the table did not take the event"), true),
    ("parked-spilled-unreadable", "spilled", Some("the message is not known"), false),
];

/// A pair of credentials as `wab credentials` prints it.
#[derive(Debug, Clone)]
struct Credentials {
    user: String,
    password: String,
    verifier: String,
}

impl Credentials {
    fn make(bash: &mut Bash, user: &str) -> Self {
        let printed = bash.exits(&format!("wab credentials --user {user} --json"), &[0]).out;
        Self::of(&serde_json::from_str(&printed).unwrap())
    }

    fn of(printed: &Value) -> Self {
        let text = |key: &str| printed[key].as_str().unwrap().to_owned();
        Self { user: text("user"), password: text("password"), verifier: text("verifier") }
    }

    fn authorization(&self) -> String {
        basic(&self.user, &self.password)
    }
}

/// One stack, its procedures, and the person who follows them.
struct Walk {
    bash: Bash,
    runbook: Document,
    stack: Stack,
    /// The queue of the subscribed team.
    team: String,
}

impl Walk {
    /// Runs the command of the section that begins like this, with these placeholders filled in.
    #[track_caller]
    fn step(&mut self, section: &str, beginning: &str, filled: &[(&str, &str)]) -> String {
        step(&mut self.bash, &self.runbook, section, beginning, filled)
    }

    /// The messages that `wab parked list` shows.
    #[track_caller]
    fn parked(&mut self) -> Vec<Value> {
        let listed = self.step("DeadLetters", "wab parked list", &[("list", "list --json --stack $STACK")]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        listed["messages"].as_array().unwrap().clone()
    }

    /// The callback URL with credentials, as it is entered at the gateway.
    fn url(&self, credentials: &Credentials) -> String {
        let Credentials { user, password, .. } = credentials;
        self.stack.file.mo_url.replacen("://", &format!("://{user}:{password}@"), 1)
    }

    async fn status(&self, credentials: &Credentials) -> u16 {
        let body = mo_text(&fresh_id("walk")).to_string();
        self.stack.post_as(Kind::Mo, Some(&credentials.authorization()), body).await.status
    }

    /// The status of a callback to the domain. Its DNS record would point at the emulator.
    async fn status_at_domain(&self, credentials: &Credentials) -> u16 {
        let (url, authorization) = (format!("{}/mo", self.stack.file.endpoint), credentials.authorization());
        let body = mo_text(&fresh_id("walk")).to_string();
        let post = move || {
            let request = agent().post(&url).header("host", DOMAIN).header("authorization", authorization);
            request.send(body).unwrap().status().as_u16()
        };
        tokio::task::spawn_blocking(post).await.unwrap()
    }
}

#[track_caller]
fn step(bash: &mut Bash, runbook: &Document, section: &str, beginning: &str, filled: &[(&str, &str)]) -> String {
    let command = command(runbook, section, beginning, filled);
    // `wab doctor` exits with 1 if it finds something, such as alarms that notify nobody.
    bash.exits(&command, if command.starts_with("wab doctor") { &[0, 1] } else { &[0] }).out
}

/// The command of the section that begins like this, with these placeholders filled in.
#[track_caller]
fn command(runbook: &Document, section: &str, beginning: &str, filled: &[(&str, &str)]) -> String {
    let mut command = runbook.section(section).span(beginning);
    for (placeholder, value) in filled {
        assert!(command.contains(placeholder), "no {placeholder} in `{command}`");
        command = command.replace(placeholder, value);
    }
    command
}

/// The words of each line, to compare tables whatever their width.
fn words(printed: &str) -> Vec<String> {
    printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Checks that all that is kept of a stack is there, or that nothing is.
#[track_caller]
fn check_kept(bash: &mut Bash, is_there: bool) {
    for command in KEPT {
        let done = bash.run(command);
        assert_eq!(done.code == 0, is_there, "`{command}`: {done:?}");
    }
}

#[test]
#[ignore = "needs the local stack: make test"]
fn stack_is_walked_from_an_empty_account_to_its_end() {
    let _alone = ALONE.blocking_lock();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap().block_on(async {
        let (mut walk, old) = from_an_empty_account().await;
        who_sent_or_got_what(&mut walk).await;
        subscriber_gets_nothing(&mut walk).await;
        let new = rotation(&mut walk, &old).await;
        domain(&mut walk, &new).await;
        without_content(&mut walk, &new).await;
        upgrade(&mut walk, &new).await;
        end(&mut walk);
    });
}

async fn from_an_empty_account() -> (Walk, Credentials) {
    const SECTION: &str = "From an empty account to the first callback";
    let file = Stack::connect().await.file;
    let runbook = Document::read("runbook.md");
    let mut bash = Bash::open(&file, NAME);
    bash.exits("export AWS_REGION=$REGION AWS_DEFAULT_REGION=$REGION", &[0]);
    let credentials = Credentials::make(&mut bash, "gateway");
    first_deployment_failed(&mut bash, &runbook, &credentials);
    let given = format!("make deploy PARAMETERS='CallbackCredentials={}'", credentials.verifier);
    step(&mut bash, &runbook, SECTION, "make deploy", &[("make deploy", &given)]);
    bash.prepare(&runbook);
    let stack = Stack::of(outputs(&mut bash, &file, &credentials));
    let team = format!("{}/000000000000/team-a", file.endpoint);
    let mut walk = Walk { bash, runbook, stack, team };
    let url = format!("'{}'", walk.url(&credentials));
    let checked = walk.step(SECTION, "wab doctor --stack $STACK --url URL", &[("URL", &url)]);
    assert!(checked.contains("200"), "{checked}");
    walk.step(SECTION, "wab subscribe team-a", &[]);
    let sent = walk.step(SECTION, "wab send mo --url URL", &[("URL", &url)]);
    assert!(sent.contains("Stored"), "{sent}");
    assert_eq!(walk.stack.take_all(&walk.team).await.len(), 1, "the first callback arrives");
    (walk, credentials)
}

/// More executions are reserved than the account has. What CloudFormation keeps of the stack is deleted.
fn first_deployment_failed(bash: &mut Bash, runbook: &Document, credentials: &Credentials) {
    let [(_, why), (_, names), (_, delete)] = &runbook.section("The first deployment failed").blocks()[..] else {
        panic!("three blocks")
    };
    let parameters = format!("CallbackCredentials={} CallbackConcurrency=1000", credentials.verifier);
    assert_ne!(bash.run(&format!("make deploy PARAMETERS='{parameters}'")).code, 0);
    let status = "aws cloudformation describe-stacks --stack-name $STACK --query 'Stacks[].StackStatus' --output text";
    assert_eq!(bash.exits(status, &[0]).out.trim(), "ROLLBACK_COMPLETE");
    let [why] = &lines(why)[..] else { panic!("one command") };
    let failed = bash.exits(why, &[0]).out;
    let first = failed.lines().last().unwrap_or_default();
    assert!(first.contains("ReservedConcurrentExecutions"), "{failed}");
    let mut kept = String::new();
    for command in lines(names) {
        kept += &bash.exits(&command, &[0]).out;
    }
    assert_eq!(kept.lines().count(), KEPT.len(), "{kept}");
    check_kept(bash, true);
    for command in lines(delete) {
        bash.exits(&command, &[0]);
    }
    check_kept(bash, false);
    assert_ne!(bash.run(status).code, 0, "the stack is deleted");
}

/// The stack `wab-walk` as a client sees it: the test's stack file with this stack's outputs.
fn outputs(bash: &mut Bash, of: &StackFile, credentials: &Credentials) -> StackFile {
    let printed = bash.exits("echo \"$OUTPUTS\"", &[0]).out;
    let output = |key: &str| {
        let value = printed.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('\t'));
        value.unwrap_or_else(|| panic!("no output {key}")).to_owned()
    };
    let url = |path: &str| format!("{}/_aws/execute-api/{}/$default/{path}", of.endpoint, output("ApiId"));
    StackFile {
        mo_url: url("mo"),
        dlr_url: url("dlr"),
        username: credentials.user.clone(),
        password: credentials.password.clone(),
        table: output("TableName"),
        bucket: output("BucketName"),
        mo_topic_arn: output("MoTopicArn"),
        dlr_topic_arn: output("DlrTopicArn"),
        spill_queue_url: output("SpillQueueUrl"),
        dead_letter_queue_url: output("DeadLetterQueueUrl"),
        mo_function: output("MoFunction"),
        dlr_function: output("DlrFunction"),
        fanout_function: output("FanoutFunction"),
        recover_function: output("RecoverFunction"),
        stack_name: NAME.to_owned(),
        api_id: output("ApiId"),
        ..of.clone()
    }
}

/// The commands are run as printed, about a conversation that they find.
async fn who_sent_or_got_what(walk: &mut Walk) {
    const MESSAGE: &str = "7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11";
    const REFERENCE: &str = "order-1042";
    let sent = fresh_id("sent");
    for status in ["sent", "received"] {
        let mut receipt = dlr(&sent, status);
        receipt["reference"] = REFERENCE.into();
        walk.stack.post_ok(Kind::Dlr, &receipt).await;
    }
    let mut message = mo_text(MESSAGE);
    message["source"] = "+6421000001".into(); // the runbook's example
    message["reference"] = REFERENCE.into();
    walk.stack.post_ok(Kind::Mo, &message).await;
    let commands = walk.runbook.section("Who sent or got what").commands();
    let [conversation, reference, show] = &commands[..] else { panic!("three commands") };
    let conversation = walk.bash.exits(conversation, &[0]).out;
    assert!([&sent, "replies to order-1042", MESSAGE].iter().all(|part| conversation.contains(part)), "{conversation}");
    let reference = walk.bash.exits(reference, &[0]).out;
    assert!([&sent, "received, which is final", MESSAGE].iter().all(|part| reference.contains(part)), "{reference}");
    let shown = walk.bash.exits(show, &[0]).out;
    assert!([MESSAGE, REFERENCE, "event id"].iter().all(|part| shown.contains(part)), "{shown}");
}

/// A team's filter policy names an attribute that no event has.
async fn subscriber_gets_nothing(walk: &mut Walk) {
    const SECTION: &str = "A subscriber gets nothing";
    let team = format!("{}/000000000000/team-b", walk.stack.file.endpoint);
    walk.bash.exits("wab subscribe team-b --topic mo --stack $STACK", &[0]);
    let subscription = "$(aws sns list-subscriptions \
        --query \"Subscriptions[?ends_with(Endpoint, ':team-b')].SubscriptionArn\" --output text)";
    let filter = |policy: &str| {
        format!(
            "aws sns set-subscription-attributes --subscription-arn {subscription} --attribute-name FilterPolicy \
             --attribute-value '{policy}'"
        )
    };
    walk.bash.exits(&filter(r#"{"sender": ["+6421000001"]}"#), &[0]);
    let missed = jiff::Timestamp::now();
    let ids = [fresh_id("one"), fresh_id("two")];
    for id in &ids {
        walk.stack.post_ok(Kind::Mo, &mo_text(id)).await;
    }
    arrive(walk, &walk.team, &ids).await;
    assert_eq!(walk.stack.take_all(&team).await, [] as [String; 0], "the team gets nothing");

    let commands = walk.runbook.section(SECTION).commands();
    let printed: Vec<String> = commands.iter().map(|command| walk.bash.exits(command, &[0, 1]).out).collect();
    let [status, doctor] = &printed[..] else { panic!("two commands") };
    assert!(status.contains("published"), "{status}");
    assert!(doctor.contains("filters by sender, which no event has"), "{doctor}");
    let shown = walk.step(SECTION, "wab show ID", &[("ID", &ids[0])]);
    assert!(words(&shown).iter().any(|line| line == "attribute type: text") && !shown.contains("sender:"), "{shown}");
    // `wab` takes the emulator for AWS, and recognises a queue by its URL there.
    let queue = "https://sqs.us-east-1.amazonaws.com/000000000000/team-b";
    walk.step(SECTION, "wab resend ID", &[("ID", &ids[0]), ("QUEUE_URL", queue)]);
    let [only] = &walk.stack.take_all(&team).await[..] else { panic!("one event") };
    assert!(only.contains(&ids[0]), "{only}");

    walk.bash.exits(&filter("{}"), &[0]);
    let from = format!("{missed:.0}");
    walk.step(SECTION, "wab replay", &[("2026-11-23T09:00:00Z", &from), ("QUEUE_URL", queue)]);
    arrive(walk, &team, &ids).await;
    let doctor = walk.bash.exits(&commands[1], &[0, 1]).out;
    assert!(!doctor.contains("filters by sender"), "{doctor}");
}

/// Waits until an event of each of these ids has arrived in a queue.
async fn arrive(walk: &Walk, queue: &str, ids: &[String]) -> String {
    let give_up = Instant::now() + PATIENCE;
    let mut arrived = String::new();
    loop {
        arrived += &walk.stack.take_all(queue).await.join("\n");
        let lost: Vec<_> = ids.iter().filter(|id| !arrived.contains(id.as_str())).collect();
        if lost.is_empty() {
            return arrived;
        }
        assert!(Instant::now() < give_up, "lost {lost:?} of {}", ids.len());
    }
}

/// What the gateway sent, with the status of each answer.
type Sent = Arc<Mutex<Vec<(String, u16)>>>;

/// The gateway sends messages with credentials that can be changed while it runs.
fn gateway(stack: &Stack, credentials: &Credentials) -> (Repeated, Arc<Mutex<String>>, Sent) {
    let authorization = Arc::new(Mutex::new(credentials.authorization()));
    let sent = Sent::default();
    let (current, log) = (Arc::clone(&authorization), Arc::clone(&sent));
    let traffic = repeat(stack, move |stack| {
        let (authorization, log) = (current.lock().unwrap().clone(), Arc::clone(&log));
        async move {
            let id = fresh_id("walk");
            let answer = stack.post_as(Kind::Mo, Some(&authorization), mo_text(&id).to_string()).await;
            log.lock().unwrap().push((id, answer.status));
        }
    });
    (traffic, authorization, sent)
}

/// Runs `wab credentials rotate` as the runbook has it, with more options. Returns its report.
#[track_caller]
fn rotate(walk: &mut Walk, options: &str, code: i32) -> Value {
    const ROTATE: &str = "wab credentials rotate";
    let filled = format!("{ROTATE} --json {options}");
    let command = command(&walk.runbook, "Rotating credentials", ROTATE, &[(ROTATE, &filled)]);
    serde_json::from_str(&walk.bash.exits(&command, &[code]).out).unwrap()
}

/// Starts a rotation, and kills the command while CloudFormation updates the stack. Returns the report.
fn begin_and_die(stack: &Stack) -> Value {
    let mut process = Command::new(tool())
        .args(["credentials", "rotate", "--stack", NAME, "--json", "--yes"])
        .env_clear()
        .env("AWS_ENDPOINT_URL", &stack.file.endpoint)
        .env("AWS_REGION", &stack.file.region)
        .env("AWS_ACCESS_KEY_ID", &stack.file.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &stack.file.secret_access_key)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut printed = String::new();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    while !printed.ends_with("\n}\n") {
        assert_ne!(out.read_line(&mut printed).unwrap(), 0, "{printed}");
    }
    // It asks for the update next, and then waits for longer than this.
    std::thread::sleep(Duration::from_secs(1));
    process.kill().unwrap();
    assert_eq!(process.wait().unwrap().code(), None, "killed, not ended");
    serde_json::from_str(&printed).unwrap()
}

async fn rotation(walk: &mut Walk, old: &Credentials) -> Credentials {
    let (traffic, authorization, sent) = gateway(&walk.stack, old);
    let planned = rotate(walk, "--dry-run", 0);
    assert_eq!(
        (&planned["step"], &planned["user"], &planned["generated"]),
        (&json!("begin"), &json!(old.user), &Value::Null)
    );
    // The terminal is closed, and with it the password is lost.
    let lost = Credentials::of(&begin_and_die(&walk.stack)["generated"]);
    let give_up = Instant::now() + PATIENCE;
    while walk.bash.run("wab credentials rotate --dry-run --stack $STACK").code == 3 {
        assert!(Instant::now() < give_up, "the stack is still being updated");
    }
    let waits = rotate(walk, "", 1);
    assert_eq!((&waits["step"], waits["pairs"].as_array().unwrap().len()), (&json!("wait"), 2), "it begins once");
    let new = Credentials::of(&rotate(walk, "--again", 0)["generated"]);
    assert_eq!((&new.user, walk.status(&lost).await), (&old.user, 401));
    assert!(rotate(walk, "", 1)["reason"].as_str().unwrap().contains("hasn't used the new pair 2"));

    // The new URLs are entered at the gateway.
    *authorization.lock().unwrap() = new.authorization();
    let give_up = Instant::now() + PATIENCE;
    while !rotate(walk, "", 1)["reason"].as_str().unwrap().contains("must be idle until") {
        assert!(Instant::now() < give_up, "the use of the new pair isn't counted");
    }
    let used = walk.step("Rotating credentials", "wab doctor --stack $STACK", &[]);
    assert!(used.contains("gateway, used within the hour; gateway, used within the hour"), "{used}");
    let printed = rotate(walk, "--idle 0s --print", 0);
    let deploy = format!("make deploy PARAMETERS='CallbackCredentials={}'", new.verifier);
    assert_eq!((&printed["step"], &printed["deploy"]["command"]), (&json!("finish"), &json!(deploy)));
    assert_eq!(rotate(walk, "", 1)["step"], "wait", "the old pair was used lately");
    assert_eq!(rotate(walk, "--idle 0s", 0)["step"], "finish");
    assert_eq!((walk.status(old).await, walk.status(&new).await), (401, 200));
    assert_eq!(rotate(walk, "--dry-run", 0)["step"], "begin", "nothing is left of the rotation");
    drop(traffic);
    let sent = sent.lock().unwrap();
    assert!(sent.len() > 5 && sent.iter().all(|(_, status)| *status == 200), "a callback was lost: {sent:?}");
    new
}

async fn domain(walk: &mut Walk, credentials: &Credentials) {
    const SECTION: &str = "Moving to a domain of your own";
    let request =
        "aws acm request-certificate --domain-name callbacks.example.com --query CertificateArn --output text";
    let certificate = walk.bash.exits(request, &[0]).out;
    walk.step(SECTION, "make deploy PARAMETERS='DomainName=", &[("=ARN", &format!("={}", certificate.trim()))]);
    let show = "aws cloudformation describe-stacks --stack-name $STACK --query 'Stacks[0].Outputs' --output text";
    let outputs = walk.bash.exits(show, &[0]).out;
    assert!(outputs.contains("https://callbacks.example.com/mo") && outputs.contains("DomainTarget"), "{outputs}");
    assert_eq!(walk.status(credentials).await, 200, "the default address still works");
    assert_eq!(walk.status_at_domain(credentials).await, 200);
    let [watch] = &walk.runbook.section(SECTION).commands()[..] else { panic!("one command") };
    let called = walk.bash.exits(watch, &[0]).out;
    assert!(called.contains("amazonaws.com") && !called.contains(DOMAIN), "{called}");

    let disabled = |walk: &mut Walk| {
        let show =
            format!("aws apigatewayv2 get-api --api-id {} --query DisableExecuteApiEndpoint", walk.stack.file.api_id);
        walk.bash.exits(&show, &[0]).out.trim().to_owned()
    };
    let close = "make deploy PARAMETERS='DisableDefaultEndpoint=";
    walk.step(SECTION, &format!("{close}true'"), &[]);
    assert_eq!(disabled(walk), "true");
    assert_eq!((walk.status(credentials).await, walk.status_at_domain(credentials).await), (404, 200));
    let url = format!("'{}'", walk.url(credentials));
    let found = walk.step(SECTION, "wab doctor", &[("URL", &url)]);
    assert!(found.contains("is answered 404"), "{found}");
    walk.step(SECTION, &format!("{close}false'"), &[]);
    assert_eq!(disabled(walk), "false");
    assert_eq!((walk.status(credentials).await, walk.status_at_domain(credentials).await), (200, 200));
}

/// Content is kept, not kept, and kept again, and the gateway repeats what it sent before.
async fn without_content(walk: &mut Walk, credentials: &Credentials) {
    const SECTION: &str = "Keeping no content";
    const NUMBER: &str = "+6421000077";
    const SECRET: &str = "Nga mihi nui";
    let (before, during, after, sent) = (fresh_id("before"), fresh_id("during"), fresh_id("after"), fresh_id("sent"));
    let authorization = credentials.authorization();
    let message = |id: &str| {
        let mut body = mo_text(id);
        (body["source"], body["content"]["from"]) = (NUMBER.into(), NUMBER[1..].into());
        body["content"]["text"]["body"] = SECRET.into();
        body.to_string()
    };
    let receipt = json!({"id": sent, "status": "received", "reference": "order-1042", "detail": SECRET}).to_string();
    let post = async |stack: &Stack, kind, body: &str| {
        let answer = stack.post_as(kind, Some(&authorization), body).await;
        (answer.status, answer.body["outcome"].as_str().unwrap_or_default().to_owned())
    };
    let (stored, duplicate) = ((200, "stored".to_owned()), (200, "duplicate".to_owned()));
    walk.stack.take_all(&walk.team).await;
    assert_eq!(post(&walk.stack, Kind::Mo, &message(&before)).await, stored);

    let key = walk.bash.exits("openssl rand -hex 32", &[0]).out;
    walk.step(SECTION, "make deploy PARAMETERS='Content=none", &[("=KEY", &format!("={}", key.trim()))]);
    assert_eq!(post(&walk.stack, Kind::Mo, &message(&during)).await, stored);
    assert_eq!(post(&walk.stack, Kind::Dlr, &receipt).await, stored);
    assert_eq!(post(&walk.stack, Kind::Mo, SECRET).await.0, 400);
    for id in [&before, &during] {
        assert_eq!(post(&walk.stack, Kind::Mo, &message(id)).await, duplicate);
    }
    let arrived = arrive(walk, &walk.team, &[before.clone(), during.clone()]).await;
    let arrived: Vec<Value> = serde_json::Deserializer::from_str(&arrived).into_iter().map(Result::unwrap).collect();
    let of = |id: &str| arrived.iter().find(|event| event["subject"] == id).unwrap();
    assert_eq!(of(&before)["data"]["content"]["text"]["body"], SECRET);
    assert_eq!(
        (&of(&during)["data"]["omitted"]["type"], &of(&during)["data"]["content"]),
        (&json!("text"), &Value::Null)
    );
    for (pk, is_kept) in
        [(format!("MO#{before}"), true), (format!("MO#{during}"), false), (format!("DLR#{sent}"), false)]
    {
        let [item] = &walk.stack.items(&pk).await[..] else { panic!("{pk}") };
        let text = format!("{item:?}");
        assert_eq!((text.contains(SECRET), text.contains(&NUMBER[1..])), (is_kept, is_kept), "{text}");
    }
    // The person on call sees both kinds, and what isn't kept.
    let shown = walk.bash.exits(&format!("wab show {during} --event --reveal --stack $STACK"), &[0]).out;
    assert!(shown.contains("not kept: the stack was deployed with Content=none") && !shown.contains(SECRET), "{shown}");
    assert_eq!(walk.bash.run(&format!("wab show {during} --raw --reveal --stack $STACK")).code, 1);
    let talk = walk.bash.exits(&format!("wab conversation {NUMBER} --reveal --stack $STACK"), &[0]).out;
    assert!(talk.contains(SECRET) && talk.contains("[not kept] content of "), "{talk}");
    let quarantined = walk.bash.exits("wab quarantine list --json --stack $STACK", &[0]).out;
    let quarantined: Value = serde_json::from_str(&quarantined).unwrap();
    let id = quarantined["quarantined"][0]["id"].as_str().unwrap();
    let shown = walk.bash.exits(&format!("wab quarantine show {id} --reveal --stack $STACK"), &[0]).out;
    assert!(shown.contains("12, not kept") && !shown.contains(SECRET), "{shown}");

    walk.step(SECTION, "make deploy PARAMETERS='Content=full'", &[]);
    for id in [&before, &during] {
        assert_eq!(post(&walk.stack, Kind::Mo, &message(id)).await, duplicate, "the key is still there");
    }
    assert_eq!(post(&walk.stack, Kind::Mo, &message(&after)).await, stored);
    assert!(arrive(walk, &walk.team, &[after]).await.contains(SECRET));
    let resent = walk.bash.exits(&format!("wab resend {during} --stack $STACK"), &[0]).out;
    assert!(resent.contains("published"), "{resent}");
    assert!(arrive(walk, &walk.team, &[during]).await.contains("omitted"));
    let erased = walk.bash.exits(&format!("wab erase {NUMBER} --json --stack $STACK"), &[0]).out;
    let erased: Value = serde_json::from_str(&erased).unwrap();
    assert_eq!((&erased["messages"], &erased["left"]["unmatched"]), (&json!(3), &json!(0)), "{erased}");
}

async fn upgrade(walk: &mut Walk, credentials: &Credentials) {
    walk.stack.take_all(&walk.team).await;
    let (traffic, _, sent) = gateway(&walk.stack, credentials);
    // Items of each layout, one of a layout to come, and parked messages.
    let ids = [fresh_id("one"), fresh_id("two"), fresh_id("newer"), fresh_id("three")];
    put(&walk.stack, &golden("item-v1-mo.json", &ids[0])).await;
    let object = golden("item-v2-mo-object.json", &ids[1]);
    let large = walk.stack.s3.put_object().bucket(&walk.stack.file.bucket).key(object["body_key"].as_str().unwrap());
    large.body(mo_text(&ids[1]).to_string().into_bytes().into()).send().await.unwrap();
    put(&walk.stack, &object).await;
    put(&walk.stack, &golden("item-v3-mo.json", &ids[3])).await;
    let mut newer = golden("item-v1-mo.json", &ids[2]);
    newer["v"] = json!(99);
    put(&walk.stack, &newer).await;
    let parked = park_every_layout(walk).await;
    walk.bash.exits("make deploy PARAMETERS='RetentionDays=90'", &[0]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(traffic);
    check_listed(&walk.parked(), &parked, &ids[2]);
    // The newer version is deployed again, and knows the layout.
    newer["v"] = json!(1);
    put(&walk.stack, &newer).await;
    let redrive = command(&walk.runbook, "Upgrading and rolling back", "wab parked redrive", &[]);
    let redriven = walk.bash.exits(&redrive, &[1]).out;
    let rows = words(&redriven);
    for row in ["published 2", "sent on 3 to the spill queue", "replayed 1 ", "parked again 1 "] {
        assert!(rows.iter().any(|line| line.starts_with(row)), "no `{row}` in\n{redriven}");
    }
    let mut wanted: Vec<String> = sent
        .lock()
        .unwrap()
        .iter()
        .map(|(id, status)| {
            assert_eq!(*status, 200, "{id}");
            id.clone()
        })
        .collect();
    wanted.extend(ids);
    wanted.extend(parked.into_values().flatten());
    arrive(walk, &walk.team, &wanted).await;
    discard_the_rest(walk).await;
}

/// Parks every message that was ever written, each about an event of its own. Returns the ids of the events.
async fn park_every_layout(walk: &Walk) -> BTreeMap<String, Option<String>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/wab/golden");
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("parked-"));
    let mut parked = BTreeMap::new();
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (.., has_event) = PARKED.iter().find(|(file, ..)| *file == name).unwrap_or_else(|| panic!("{name}"));
        let id = fresh_id("parked");
        if name == "parked-event" {
            put(&walk.stack, &golden("item-v1-mo.json", &id)).await;
        }
        let message = std::fs::read_to_string(&path).unwrap().replace("7c1f", &id).replace("1766481302", "4000000000");
        walk.stack.send(&walk.stack.file.dead_letter_queue_url, &message).await;
        parked.insert(name.to_owned(), has_event.then_some(id));
    }
    assert_eq!(parked.len(), PARKED.len());
    parked
}

/// Checks that each parked message is listed, and the event that `fanout` parked because of its layout.
#[track_caller]
fn check_listed(listed: &[Value], parked: &BTreeMap<String, Option<String>>, by_fanout: &str) {
    let mut expected: Vec<(&str, Option<&str>, Option<&str>)> =
        PARKED.iter().map(|(file, kind, reason, _)| (*kind, *reason, parked[*file].as_deref())).collect();
    expected.push(("event", Some("the item's layout is not known"), Some(by_fanout)));
    for (kind, reason, id) in &expected {
        let event = id.map(|id| Key { pk: format!("MO#{id}"), sk: "EVENT".to_owned() }.event_id());
        let is_it = |row: &&Value| {
            (row["kind"].as_str(), row["reason"].as_str(), row["event_id"].as_str())
                == (Some(*kind), *reason, event.as_deref())
        };
        assert_eq!(listed.iter().filter(is_it).count(), 1, "{kind} {reason:?} {event:?} in {listed:#?}");
    }
    assert_eq!(listed.len(), expected.len(), "{listed:#?}");
}

/// What can never be published is parked again, until it is discarded.
async fn discard_the_rest(walk: &mut Walk) {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let listed = walk.parked();
        let mut rest: Vec<_> = listed.iter().map(|row| (row["kind"].as_str(), row["reason"].as_str())).collect();
        rest.sort_unstable();
        let expected =
            [("record", "the record has no key of this table"), ("spilled", "the message is no spilled item")];
        if rest == expected.map(|(kind, reason)| (Some(kind), Some(reason))) {
            break;
        }
        assert!(Instant::now() < give_up, "{listed:#?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    for kind in ["record", "spilled"] {
        let only = format!("discard --only {kind} --stack $STACK");
        walk.step("DeadLetters", "wab parked discard", &[("discard", &only)]);
    }
    assert_eq!(walk.parked(), [] as [Value; 0]);
}

/// A golden item under another id.
fn golden(name: &str, id: &str) -> Value {
    let path = format!("{}/../shared/models/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut item: Value = serde_json::from_str(&text.replace("7c1f", id)).unwrap();
    item["expires_at"] = json!(4_000_000_000_i64);
    item
}

fn end(walk: &mut Walk) {
    const SECTION: &str = "Leaving";
    // Someone has a policy, and a listener's queue.
    let trust =
        r#"{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}]}"#;
    walk.bash.exits(&format!("aws iam create-role --role-name ana --assume-role-policy-document '{trust}'"), &[0]);
    walk.bash.exits("aws iam attach-role-policy --role-name ana --policy-arn $(output ReaderPolicyArn)", &[0]);
    walk.bash.exits("aws sqs create-queue --queue-name wab-listen-$STACK-ana", &[0]);
    walk.bash.exits("cd \"$HOME\"", &[0]); // where the export is written

    let commands = walk.runbook.section(SECTION).commands();
    let [export @ .., queues, policies, entities, table, bucket, spill_queue, dead_letters] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(export.len(), 3);
    for command in export {
        walk.bash.exits(command, &[0]);
    }
    let exported =
        "grep -c received_at export/items.json; ls export/objects/body; grep -c ReaderPolicy export/template.json";
    walk.bash.exits(exported, &[0]);
    assert!(walk.bash.exits(queues, &[0]).out.contains("wab-listen-wab-walk-ana"));
    walk.bash.exits("aws sqs delete-queue --queue-url $(aws sqs get-queue-url --queue-name wab-listen-$STACK-ana --query QueueUrl --output text)", &[0]);
    walk.bash.exits(policies, &[0]);
    assert_eq!(walk.bash.exits(entities, &[0]).out.trim(), "ana");
    walk.step(SECTION, "aws iam detach-role-policy", &[("ROLE", "ana"), ("POLICY", "$(output ReaderPolicyArn)")]);
    assert_eq!(walk.bash.exits(entities, &[0]).out.trim(), "");

    let remove = "sam delete --stack-name $STACK";
    let no_questions = format!("{remove} --no-prompts --region $REGION");
    walk.step(SECTION, remove, &[(remove, &no_questions)]);
    check_kept(&mut walk.bash, true);
    for command in [table, bucket, spill_queue, dead_letters] {
        walk.bash.exits(command, &[0]);
    }
    check_kept(&mut walk.bash, false);
}
