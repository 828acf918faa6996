//! One run: a plan's callbacks and faults, the time to heal, a redrive, and the balance.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::sleep;
use wab::Resources;
use wab_marked::WORD;
use wab_models::Key;

use crate::outcome::Outcome;
use crate::plan::{Fault, Kind, Plan};
use crate::process::{Caller, sdk};
use crate::promises::balance;
use crate::stack::{DEAD_LETTERS_URL, SPILL_URL, TABLE_ARN};
use crate::time::{MINUTE, Ms, SECOND};
use crate::world::{Log, World};
use crate::{gateway, network, privacy};

/// After the last fault, all work must be done within Lambda's longest pause and this much time, which covers the spill
/// queue's visibility timeout.
const TIME_TO_SETTLE: Ms = 5 * MINUTE;

/// Runs a plan.
pub(crate) fn run(plan: &Plan, with_trace: bool) -> Outcome {
    // The SDK draws its retry delays from the thread's generator.
    fastrand::seed(plan.noise);
    let log = Log::default();
    let out = log.clone();
    let _log = tracing::subscriber::set_default(wab_platform::log(move || out.clone()));
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let (network, calls) = mpsc::unbounded_channel();
        let world = Rc::new(World::new(plan.clone(), network, log, with_trace));
        world.spawn(network::serve(Rc::clone(&world), calls));
        run_plan(&world).await;
        let mut stats = world.stats.borrow().clone();
        stats.time = world.now();
        Outcome {
            violation: world.violation.borrow().clone(),
            stats,
            trace: world.trace.as_ref().map(|trace| trace.borrow().clone()).unwrap_or_default(),
        }
    })
}

/// The whole run: the plan, the time to heal, redrives of parked messages, and the balance.
async fn run_plan(world: &Rc<World>) {
    for shard in 0..usize::from(world.plan.setup.shards) {
        world.spawn(Rc::clone(world).read_shard(shard));
    }
    world.spawn(Rc::clone(world).read_spill_queue());
    for callback in &world.plan.callbacks {
        world.pending.set(world.pending.get() + 1);
        world.spawn(gateway::send(Rc::clone(world), *callback));
    }
    for fault in &world.plan.faults {
        world.pending.set(world.pending.get() + 1);
        world.spawn(begin_fault(Rc::clone(world), *fault));
    }
    world.sleep_until(world.plan.end()).await;
    while world.pending.get() > 0 && !world.is_over() {
        sleep(Duration::from_millis(SECOND)).await;
    }
    world.is_faulty.set(false);
    world.note(|| "all faults are over".to_owned());
    settle(world).await;
    // An event that is parked again needs another redrive.
    for _ in 0..3 {
        if world.is_over() || world.dead_letters.borrow().len() == 0 {
            break;
        }
        redrive(world).await;
        settle(world).await;
    }
    if !world.is_over() {
        balance::check(world);
    }
}

/// Waits until all records and spilled messages are processed.
async fn settle(world: &Rc<World>) {
    let give_up = world.now() + world.plan.setup.retry_pause + TIME_TO_SETTLE;
    while !world.is_over() {
        // Lets a shard reader take a record that was just stored.
        tokio::task::yield_now().await;
        sleep(Duration::from_millis(SECOND)).await;
        if world.unread.get() == 0 && world.spill.borrow().len() == 0 && world.recovering.get() == 0 {
            return;
        }
        if world.now() > give_up {
            world.violation("heals without a person", || {
                format!("{} records and {} spilled messages still wait", world.unread.get(), world.spill.borrow().len())
            });
        }
    }
}

/// Runs `wab parked redrive`.
async fn redrive(world: &Rc<World>) {
    let sdk = sdk(Caller::Person, world.network.clone(), world.start, 0);
    let resources = Resources {
        table: TABLE_ARN.rsplit('/').next().unwrap_or_default().to_owned(),
        dead_letter_queue_url: DEAD_LETTERS_URL.to_owned(),
        spill_queue_url: Some(SPILL_URL.to_owned()),
        fanout_function: "fanout".to_owned(),
        ..Resources::default()
    };
    // Spilled events were received long before they reached the stream.
    let margin = u32::try_from(world.now() / MINUTE + 1).unwrap_or(u32::MAX);
    let result = wab::redrive(&sdk, resources, margin).await;
    let printed = result.as_ref().map_or_else(ToString::to_string, ToString::to_string);
    privacy::check(world, "what wab prints", &printed);
    world.note(|| format!("wab parked redrive: {printed}"));
    if result.is_err() && !world.is_faulty.get() {
        world.violation("redrive works", || "AWS is reached, and it fails".to_owned());
    }
}

/// Waits for the start of a fault. Carries it out if it is a single action; faults that last are looked up when a call or
/// an invocation happens.
async fn begin_fault(world: Rc<World>, fault: Fault) {
    world.sleep_until(fault.at).await;
    world.note(|| format!("{:?}, {} % for {} s", fault.kind, fault.percent, fault.lasts / SECOND));
    match fault.kind {
        Kind::Split => {
            let which = usize::try_from(world.random(0..100)).unwrap_or(0);
            world.table.borrow_mut().split(which);
            world.stream_changed.notify_waiters();
            world.hit("shard split");
        }
        Kind::Redrive => {
            redrive(&world).await;
            world.hit("redrive amid faults");
        }
        Kind::Foreign(which) => {
            write_foreign(&world, which);
            world.hit("foreign item");
        }
        Kind::Calls(..)
        | Kind::Entries(_)
        | Kind::Killed(_)
        | Kind::Throttled(_)
        | Kind::RecordsTwice
        | Kind::MessagesTwice => {}
    }
    world.pending.set(world.pending.get() - 1);
}

/// Another program writes an item that can't be published: with a newer layout, without a body, with the body of another
/// callback, or with a body that is not a callback.
fn write_foreign(world: &World, which: u8) {
    let pk = format!("MO#{WORD}-foreign-{which}");
    let mut item = json!({
        "pk": {"S": pk}, "sk": {"S": "EVENT"}, "v": {"N": "1"}, "received_at": {"S": "2026-01-05T00:00:00.000Z"},
        "expires_at": {"N": "1770163200"}, "body": {"S": "{\"id\":\"other\"}"}, "digest": {"S": "0".repeat(64)},
        "application": {"S": "shop"},
    });
    match which {
        0 => item["v"]["N"] = "99".into(),
        1 => drop(item.as_object_mut().and_then(|item| item.remove("body"))),
        2 => {}
        _ => item["body"]["S"] = "no JSON".into(),
    }
    let id = Key { pk: pk.clone(), sk: "EVENT".to_owned() }.event_id();
    world.ledger.borrow_mut().foreign.insert(id);
    let Value::Object(item) = item else { return };
    world.table.borrow_mut().insert(pk, "EVENT".to_owned(), item, world.now());
    world.stream_changed.notify_waiters();
}
