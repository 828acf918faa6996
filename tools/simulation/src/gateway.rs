//! The gateway, and API Gateway in front of the functions.
//!
//! Sources: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs" (payload format 2.0; errors
//! of the function are answered 500 to 504).

use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::{Body, Context, LambdaEvent, Response};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};
use wab_ingress::{HttpEvent, basic_authorization};

use crate::ledger::CallbackAnswer;
use crate::plan::{Callback, Form, Function};
use crate::process::Code;
use crate::stack::{PASSWORD, USER};
use crate::time::{EPOCH_MS, Ms, SECOND};
use crate::world::World;
use crate::{body, promises};

/// `Timeout` of `mo` and `dlr` in the template.
const TIMEOUT: Ms = 5 * SECOND;

/// Sends a callback at its time, and retries it as planned.
pub(crate) async fn send(world: Rc<World>, callback: Callback) {
    sleep_until(world.start + Duration::from_millis(callback.at)).await;
    let (bytes, sent) = body::of(&callback, world.plan.setup.content_free);
    let bytes = Rc::new(bytes);
    world.sent(&bytes, &sent);
    for attempt in 0..=callback.retries {
        if attempt > 0 {
            sleep(Duration::from_millis(world.random(SECOND..60 * SECOND))).await;
        }
        let answer = post(&world, &callback, &bytes).await;
        world.note(|| {
            let outcome = answer.body["outcome"].as_str().or(answer.body["code"].as_str()).unwrap_or("-");
            format!("{:?} {} {outcome} after {} ms", callback.form, answer.status, answer.took)
        });
        promises::check_answer(&world, &callback, &bytes, &sent, &answer);
        if answer.status == 200 || world.is_over() {
            break;
        }
    }
    world.callback_done();
}

async fn post(world: &Rc<World>, callback: &Callback, bytes: &[u8]) -> CallbackAnswer {
    let arrived = Instant::now();
    let (function, path) = match callback.form {
        Form::Mo(_) => (Function::Mo, "/mo"),
        Form::Dlr(_) => (Function::Dlr, "/dlr"),
        Form::Malformed(_) if callback.message.is_multiple_of(2) => (Function::Mo, "/mo"),
        Form::Malformed(_) => (Function::Dlr, "/dlr"),
    };
    let event = event(world, path, callback.unauthenticated, bytes);
    let invoked = world
        .invoke(function, TIMEOUT, async move |process, deadline| {
            let mut context = Context::default();
            context.request_id = "r".to_owned();
            let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
            context.deadline = u64::try_from(deadline.as_millis()).unwrap_or(0);
            let event: HttpEvent = serde_json::from_str(&event).unwrap_or_else(|error| panic!("{error}"));
            let event = LambdaEvent::new(event, context);
            match (&process.code, function) {
                (Code::Callbacks(receiver), Function::Mo) => wab_mo::handle(receiver, event).await,
                (Code::Callbacks(receiver), _) => wab_dlr::handle(receiver, event).await,
                _ => unreachable!("this process receives callbacks"),
            }
        })
        .await;
    let took = u64::try_from(arrived.elapsed().as_millis()).unwrap_or(Ms::MAX);
    match invoked {
        Ok(response) => read(&response, took),
        Err(ended) => CallbackAnswer { status: ended.status(), body: Value::Null, text: String::new(), took },
    }
}

fn read(response: &Response<Body>, took: Ms) -> CallbackAnswer {
    let text = String::from_utf8_lossy(response.body()).into_owned();
    let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("every answer is JSON: {error}"));
    CallbackAnswer { status: response.status().as_u16(), body, text, took }
}

/// The event of a request. API Gateway passes JSON as text, and bytes that aren't UTF-8 as base64.
fn event(world: &World, path: &str, unauthenticated: bool, bytes: &[u8]) -> String {
    let password = if unauthenticated { "zQpR7x-guess" } else { PASSWORD };
    let authorization = basic_authorization(USER, password);
    let (body, is_base64) = match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(bytes), true),
    };
    json!({
        "version": "2.0",
        "routeKey": format!("POST {path}"),
        "rawPath": path,
        "headers": {"authorization": authorization, "content-type": "application/json"},
        "requestContext": {"requestId": "r", "stage": "$default", "timeEpoch": EPOCH_MS + world.now()},
        "body": body,
        "isBase64Encoded": is_base64,
    })
    .to_string()
}
