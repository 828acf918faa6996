//! The planned procedures of the runbook, walked on a stack of their own: from an empty account to the first callback,
//! rotation, domain, upgrade, and the end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use wab::stack::StackFile;
use wab_events::Kind;

use crate::ALONE;
use crate::bash::Bash;
use crate::document::Document;
use crate::faults::{Repeated, put, repeat};
use crate::requests::{basic, fresh_id, mo_text};
use crate::stack::Stack;

const NAME: &str = "wab-walk";

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
        let printed: Value = serde_json::from_str(&printed).unwrap();
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

    /// The callback URL with credentials, as it is entered at the gateway.
    fn url(&self, credentials: &Credentials) -> String {
        let Credentials { user, password, .. } = credentials;
        self.stack.file.mo_url.replacen("://", &format!("://{user}:{password}@"), 1)
    }

    async fn status(&self, credentials: &Credentials) -> u16 {
        let body = mo_text(&fresh_id("walk")).to_string();
        self.stack.post_as(Kind::Mo, Some(&credentials.authorization()), body).await.status
    }
}

#[track_caller]
fn step(bash: &mut Bash, runbook: &Document, section: &str, beginning: &str, filled: &[(&str, &str)]) -> String {
    let mut command = runbook.section(section).span(beginning);
    for (placeholder, value) in filled {
        assert!(command.contains(placeholder), "no {placeholder} in `{command}`");
        command = command.replace(placeholder, value);
    }
    // `wab doctor` exits with 1 if it finds something, such as alarms that notify nobody.
    bash.exits(&command, if command.starts_with("wab doctor") { &[0, 1] } else { &[0] }).out
}

#[test]
#[ignore = "needs the local stack: make test"]
fn stack_is_walked_from_an_empty_account_to_its_end() {
    let _alone = ALONE.blocking_lock();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap().block_on(async {
        let (mut walk, old) = from_an_empty_account().await;
        let new = rotation(&mut walk, &old).await;
        domain(&mut walk, &new).await;
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

async fn rotation(walk: &mut Walk, old: &Credentials) -> Credentials {
    const SECTION: &str = "Rotating credentials";
    let (traffic, authorization, sent) = gateway(&walk.stack, old);
    let new = Credentials::make(&mut walk.bash, "gateway-next");
    let deploy = "make deploy PARAMETERS='CallbackCredentials=";
    walk.step(SECTION, &format!("{deploy}OLD,NEW"), &[("OLD", &old.verifier), ("NEW", &new.verifier)]);
    // Step 2: the new URLs are entered at the gateway.
    *authorization.lock().unwrap() = new.authorization();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = walk.step(SECTION, "wab doctor --stack $STACK", &[]);
    assert!(used.contains(&old.user) && used.contains(&new.user), "{used}");
    walk.step(SECTION, &format!("{deploy}NEW"), &[("NEW", &new.verifier)]);
    assert_eq!((walk.status(old).await, walk.status(&new).await), (401, 200));
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
    let [watch] = &walk.runbook.section(SECTION).commands()[..] else { panic!("one command") };
    let called = walk.bash.exits(watch, &[0]).out;
    assert!(called.contains("amazonaws.com"), "{called}");
}

async fn upgrade(walk: &mut Walk, credentials: &Credentials) {
    walk.stack.take_all(&walk.team).await;
    let (traffic, _, sent) = gateway(&walk.stack, credentials);
    // Items of both layouts, one of a layout to come, and parked messages.
    let ids = [fresh_id("one"), fresh_id("two"), fresh_id("newer")];
    put(&walk.stack, &golden("item-v1-mo.json", &ids[0])).await;
    let object = golden("item-v2-mo-object.json", &ids[1]);
    let large = walk.stack.s3.put_object().bucket(&walk.stack.file.bucket).key(object["body_key"].as_str().unwrap());
    large.body(mo_text(&ids[1]).to_string().into_bytes().into()).send().await.unwrap();
    put(&walk.stack, &object).await;
    let mut newer = golden("item-v1-mo.json", &ids[2]);
    newer["v"] = json!(99);
    put(&walk.stack, &newer).await;
    walk.bash.exits("make deploy PARAMETERS='RetentionDays=90'", &[0]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(traffic);
    let parked = walk.step("DeadLetters", "wab parked list", &[("wab parked list", "wab parked list --stack $STACK")]);
    assert!(parked.contains("the item's layout is not known"), "{parked}");
    // The newer version is deployed again, and knows the layout.
    newer["v"] = json!(1);
    put(&walk.stack, &newer).await;
    walk.step("Upgrading and rolling back", "wab parked redrive", &[]);
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
    let arrived = walk.stack.take_all(&walk.team).await.join("\n");
    let lost: Vec<_> = wanted.iter().filter(|id| !arrived.contains(id.as_str())).collect();
    assert!(lost.is_empty(), "lost {lost:?} of {}", wanted.len());
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
    let remove = "sam delete --stack-name $STACK";
    let no_questions = format!("{remove} --no-prompts --region $REGION");
    walk.step("Deleting the stack", remove, &[(remove, &no_questions)]);
    let table = walk.bash.exits("aws dynamodb describe-table --table-name $TABLE --query Table.TableStatus", &[0]).out;
    assert!(table.contains("ACTIVE"), "events that exist nowhere else are kept: {table}");
}
