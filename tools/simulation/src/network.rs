//! The network between callers and AWS. It delays each call, and loses or rejects it if a fault says so.

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::aws::request::{Answer, Request, Service};
use crate::aws::sns::Batch;
use crate::errors::{Code, ENTRY_CODES, transient, withheld};
use crate::expiry::expire;
use crate::plan::{How, Kind, Target};
use crate::process::{Call, Caller};
use crate::stack::{DLR_FIFO_TOPIC, DLR_TOPIC, MO_FIFO_TOPIC, SPILL_URL, TABLE_ARN};
use crate::time::{HOUR, Ms, SECOND};
use crate::world::World;
use crate::{promises, roles};

/// Answers calls until the run ends.
pub(crate) async fn serve(world: Rc<World>, mut calls: mpsc::UnboundedReceiver<Call>) {
    while let Some(call) = calls.recv().await {
        world.spawn(carry(Rc::clone(&world), call));
    }
}

/// Carries a call to AWS and its answer back, also if the caller is gone meanwhile.
async fn carry(world: Rc<World>, call: Call) {
    let Call { from, request, reply } = call;
    let request = Request::read(&request);
    let began = world.invocation_began(from);
    let target = target(&request);
    let latency = world.plan.setup.latency;
    let way = || Duration::from_millis(world.random(latency / 2..latency + 1));
    let fault = target.and_then(|target| {
        let how = |kind| if let Kind::Calls(hit, how) = kind { (hit == target).then_some(how) } else { None };
        world.faults().find_map(|fault| Some((*fault, how(fault.kind)?))).filter(|(fault, _)| world.hits(fault))
    });
    let name = request.operation.clone();
    let noted = |what: &str| {
        if name != "Ping" {
            world.note(|| format!("{from:?} {name} {what}"));
        }
    };
    sleep(way()).await;
    let answer = match (fault.map(|(_, how)| how), target) {
        (Some(How::Transient(number)), Some(target)) => error(&request, transient(target, number)),
        (Some(How::Withheld(number)), Some(target)) => error(&request, withheld(target, number)),
        (Some(How::Silent), _) => {
            noted("is not answered");
            return silence(reply).await;
        }
        (Some(How::AnswerLost), _) => {
            answer(&world, from, began, &request).await;
            noted("is done, and the answer is lost");
            return silence(reply).await;
        }
        (Some(How::BreaksOff), _) => {
            answer(&world, from, began, &request).await;
            noted("is done, and the connection breaks");
            return;
        }
        (Some(How::Slow(ms)), _) => {
            let half = Duration::from_millis(Ms::from(ms) / 2);
            sleep(half).await;
            let answer = answer(&world, from, began, &request).await;
            sleep(half).await;
            answer
        }
        (None, _) | (_, None) => answer(&world, from, began, &request).await,
    };
    noted(&format!("{}", answer.status));
    sleep(way()).await;
    // The caller may be gone.
    let _ = reply.send(answer.into_http());
}

/// Keeps the connection open without an answer.
async fn silence<T>(reply: T) {
    sleep(Duration::from_millis(2 * HOUR)).await;
    drop(reply);
}

/// The target of a call. None if no fault can hit it.
fn target(request: &Request) -> Option<Target> {
    Some(match (request.service, request.operation.as_str()) {
        (Service::DynamoDb, "PutItem" | "Ping") => Target::TableWrites,
        (Service::DynamoDb, _) => Target::TableReads,
        (Service::S3, _) => Target::Bucket,
        (Service::Sqs, _) if is_for_spill_queue(request) => Target::Spill,
        (Service::Sqs, _) => Target::DeadLetters,
        (Service::Sns, "Ping") => Target::MoTopic,
        (Service::Sns, _) => match &*Batch::read(request).topic_arn {
            DLR_TOPIC => Target::DlrTopic,
            MO_FIFO_TOPIC | DLR_FIFO_TOPIC => Target::FifoTopics,
            _ => Target::MoTopic,
        },
        (Service::Lambda, _) => return None,
    })
}

fn is_for_spill_queue(request: &Request) -> bool {
    request.json()["QueueUrl"] == SPILL_URL
}

fn error(request: &Request, (status, code): Code) -> Answer {
    Answer::error(request.service, status, code)
}

/// Executes a call. `began` is the start of the invocation that made it.
async fn answer(world: &Rc<World>, from: Caller, began: Ms, request: &Request) -> Answer {
    if !roles::is_allowed(from, request) {
        world.violation("no call without a permission", || format!("{from:?} calls {}", request.operation));
    }
    if matches!(from, Caller::Process(..)) {
        promises::sent_to_aws(world, request);
    }
    let now = world.now();
    match (request.service, request.operation.as_str()) {
        (_, "Ping") => Answer::ok("healthy"),
        (Service::DynamoDb, "PutItem") => {
            let (answer, put) = world.table.borrow_mut().put(request, now);
            if let Some(put) = put {
                promises::stored(world, &put);
                world.stream_changed.notify_waiters();
                world.spawn(expire(Rc::clone(world), put));
            }
            answer
        }
        (Service::DynamoDb, "Query") => world.table.borrow().query(request, now),
        (Service::DynamoDb, "GetItem") => world.table.borrow().get(request),
        (Service::DynamoDb, "Scan") => world.table.borrow().scan(request),
        (Service::DynamoDb, "DescribeTable") => Answer::json(&json!({"Table": {"TableArn": TABLE_ARN}})),
        (Service::S3, "PutObject") => {
            promises::object_put(world, request);
            world.bucket.borrow_mut().put(request)
        }
        (Service::S3, "GetObject") => world.bucket.borrow().get(request),
        (Service::Sns, "PublishBatch") => {
            let batch = Batch::read(request);
            let topic_arn = batch.topic_arn.clone();
            let fails = || {
                let fault = world.faults().find(|fault| matches!(fault.kind, Kind::Entries(_))).copied();
                match fault.filter(|fault| world.hits(fault))?.kind {
                    Kind::Entries(number) => Some(ENTRY_CODES[usize::from(number) % ENTRY_CODES.len()]),
                    _ => None,
                }
            };
            let (answer, messages) = batch.publish(&mut world.on_fifo_topics.borrow_mut(), now, fails);
            for message in messages {
                promises::delivered(world, began, &topic_arn, &message);
            }
            answer
        }
        (Service::Sqs, "SendMessage") => {
            let is_spilled = is_for_spill_queue(request);
            let queue = if is_spilled { &world.spill } else { &world.dead_letters };
            let (answer, body) = queue.borrow_mut().send(request, now);
            match body {
                Some(_) if is_spilled => world.spill_changed.notify_one(),
                Some(body) => promises::parked(world, from, &body),
                None => {}
            }
            answer
        }
        (Service::Sqs, operation) => {
            let queue = if is_for_spill_queue(request) { &world.spill } else { &world.dead_letters };
            if operation == "ReceiveMessage" && queue.borrow().next_visible().is_none_or(|next| next > now) {
                // Long polling: "waits until at least one message is available", a second as the tool asks.
                sleep(Duration::from_millis(SECOND)).await;
            }
            queue.borrow_mut().call(request, world.now())
        }
        (Service::Lambda, _) => {
            let event = String::from_utf8_lossy(&request.body).into_owned();
            match world.invoke_fanout(&event).await {
                Ok(answer) => Answer::json(&answer),
                Err(_) => Answer { function_error: true, ..Answer::ok("{}") },
            }
        }
        (service, operation) => panic!("{service:?}'s {operation} is not modelled"),
    }
}
