//! What the server of `wab console` answers: nothing that it masks, unless it is asked to reveal it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use ureq::Body;
use ureq::http::Response;
use wab_events::Kind;
use wab_marked::{NUMBER, SENDER, WORD};

use super::listen::program;
use crate::marked::check_printed;
use crate::parked::Desk;
use crate::requests::{dlr, fresh_id, mo_text};
use crate::stack::{Stack, agent};

/// A running `wab console`.
struct Console {
    child: Child,
    _desk: Desk,
    origin: String,
    authorization: String,
}

impl Console {
    fn start() -> Self {
        let desk = Desk::new(&json!({}));
        let mut command = Command::new(program());
        command
            .args(["console", "--port", "0"])
            .current_dir(&desk.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let (origin, token) = address.trim().split_once("/#token=").expect("it prints its address");
        Self { child, _desk: desk, origin: origin.to_owned(), authorization: format!("Bearer {token}") }
    }

    fn get(&self, path: &str) -> Response<Body> {
        let url = format!("{}{path}", self.origin);
        let response = agent().get(url).header("authorization", &self.authorization).call().unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response
    }

    fn text(&self, path: &str) -> String {
        self.get(path).body_mut().read_to_string().unwrap()
    }

    /// Lets the server run a command that only reads. Returns the answer.
    fn run(&self, args: &[&str]) -> Value {
        let request = agent().post(format!("{}/api/run", self.origin)).header("authorization", &self.authorization);
        let request = request.content_type("application/json");
        let mut response = request.send(json!({"args": args}).to_string()).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        assert_eq!(response.status(), 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The lines of the live list up to the row of this message, and its number.
    fn listed(&self, id: &str) -> (Vec<String>, u64) {
        let mut lines = Vec::new();
        for line in BufReader::new(self.get("/api/live").into_body().into_reader()).lines() {
            let news: Value = serde_json::from_str(&line.unwrap()).unwrap();
            lines.push(news.to_string());
            let mut rows = news["rows"].as_array().into_iter().flatten();
            if let Some(row) = rows.find(|row| row["id"] == id) {
                return (lines, row["seq"].as_u64().unwrap());
            }
        }
        panic!("the list ended without {id}");
    }
}

/// Ends the console as Ctrl-C does.
impl Drop for Console {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn console_answers_nothing_that_it_masks() {
    let stack = Stack::connect().await;
    let console = Console::start();
    let (message, receipt) = (fresh_id("console"), fresh_id("console"));
    stack.post_ok(Kind::Dlr, &dlr(&receipt, "sent")).await;
    stack.post_ok(Kind::Mo, &mo_text(&message)).await;
    let (mut answers, seq) = console.listed(&message);

    answers.extend(["/api/about", "/api/faults", "/api/cost"].map(|path| console.text(path)));
    for args in [
        &["status"][..],
        &["status", "Deferred"],
        &["doctor"],
        &["show", "--", &message],
        &["show", "--", &receipt],
        &["conversation", "--", SENDER],
        &["parked", "list"],
        &["quarantine", "list"],
    ] {
        let mut answer = console.run(args);
        assert!(answer["json"].is_object(), "{args:?}: {answer}");
        // It names the contact that was asked for.
        let command = answer.as_object_mut().unwrap().remove("command").unwrap();
        assert!(command.as_str().unwrap().starts_with(&format!("wab {}", args[0])), "{command}");
        answers.push(answer.to_string());
    }
    for answer in answers {
        check_printed(&["console"], &answer);
    }
    for revealed in
        [console.text(&format!("/api/rows/{seq}")), console.run(&["show", "--reveal", "--", &message]).to_string()]
    {
        assert!(revealed.contains(WORD) && revealed.contains(NUMBER), "{revealed}");
    }
}
