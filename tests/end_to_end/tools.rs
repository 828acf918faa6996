//! The event files of `sam local invoke`, and `wab send`, against the stack.

use std::path::Path;

use serde_json::{Value, json};

use super::of;
use super::show;
use crate::requests::fresh_id;
use crate::stack::{Stack, run_wab};

fn fixture(name: &str) -> String {
    let path = format!("{}/fixtures/events/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn event_files_of_sam_local_get_their_answers() {
    let stack = Stack::connect().await;
    let (mo, dlr) = (stack.file.mo_function.clone(), stack.file.dlr_function.clone());
    for (function, file, status) in [
        (&mo, "mo-text.json", 200),
        (&mo, "mo-text.json", 200),
        (&mo, "mo-image.json", 200),
        (&mo, "mo-base64-body.json", 200),
        (&mo, "mo-unauthorized.json", 401),
        (&mo, "mo-not-json.json", 400),
        (&dlr, "dlr-received.json", 200),
        (&dlr, "dlr-unknown-status.json", 200),
    ] {
        let answer = stack.invoke(function, &fixture(file)).await;
        assert_eq!(answer["statusCode"], status, "{file}: {answer}");
    }
    let subscriber = stack.subscribe(None).await;
    let answer = stack.invoke(&stack.file.fanout_function, &fixture("fanout-mo-and-dlr.json")).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let events = subscriber.everything_so_far().await;
    for kind in ["mo", "dlr"] {
        assert!(events.iter().any(|delivered| delivered.attributes["kind"] == kind), "{kind}");
    }
    let answer = stack.invoke(&stack.file.recover_function, &fixture("recover-mo.json")).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(stack.items("MO#11111111-1111-4111-8111-000000000031").await.len(), 1);
    let answer = stack.invoke(&stack.file.fanout_function, &fixture("fanout-one-poison.json")).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let poison = fixture("fanout-one-poison.json");
    let poison: Value = serde_json::from_str(&poison).unwrap();
    let key = &poison["Records"][1]["dynamodb"]["Keys"];
    stack.parked(|message| message["key"] == json!({"pk": key["pk"]["S"], "sk": key["sk"]["S"]})).await;
}

/// Runs `wab send`. Returns the exit code and the output.
async fn wab(stack: &Stack, kind: &str, arguments: &[&str]) -> (u8, String) {
    let url = if kind == "mo" { &stack.file.mo_url } else { &stack.file.dlr_url };
    let arguments = [&["send", kind, "--url", url, "--user", &stack.file.username], arguments].concat();
    run_wab(Path::new("."), &arguments).await
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn wab_send_reports_the_answer_as_exit_code() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let id = fresh_id("wab");
    let right = ["--password", &stack.file.password];
    let mo = ["--type", "document", "--id", &id];
    let (code, printed) = wab(&stack, "mo", &[&right[..], &mo].concat()).await;
    assert!(code == 0 && printed.contains("Stored"), "{printed}");
    let (code, printed) = wab(&stack, "mo", &[&right[..], &mo].concat()).await;
    assert!(code == 0 && printed.contains("Duplicate"), "{printed}");
    let (code, printed) = wab(&stack, "dlr", &[&right[..], &["--status", "frozen", "--id", &id]].concat()).await;
    assert!(code == 0 && printed.contains("Stored"), "{printed}");
    let (code, printed) = wab(&stack, "mo", &["--password", "wrong"]).await;
    assert!(code == 1 && printed.contains("401"), "{printed}");

    let events = subscriber.everything_so_far().await;
    let [document, frozen] = of(&events, &id)[..] else { panic!("two events") };
    assert_eq!((&*document.attributes["type"], &*frozen.attributes["status"]), ("document", "frozen"));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn drift_is_looked_for_on_request() {
    let _stack = Stack::connect().await;
    for (arguments, expected) in [
        (&["doctor", "--json"][..], "give --drift to compare the resources with the template"),
        (&["doctor", "--json", "--drift"], "the emulator doesn't compare as CloudFormation does"),
    ] {
        let report = show::wab(arguments).await.json();
        let findings = report["findings"].as_array().unwrap();
        let drift = findings.iter().find(|finding| finding["check"] == "drift").unwrap();
        assert_eq!(drift["what"], expected, "{drift}");
    }
}
