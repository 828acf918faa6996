//! What a drill breaks, and the events it needs for that.

use std::time::{Duration, SystemTime};

use aws_sdk_lambda::types::Environment;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use wab_events::Kind;
use wab_models::{DlrCallback, Item, MoCallback, Spilled};

use crate::lane::Lane;
use crate::records::{received_at, record};
use crate::requests::{dlr, fresh_id, mo_text};
use crate::stack::Stack;

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

fn message(body: &str) -> Item<'_> {
    Item::mo(&MoCallback::parse(body).unwrap(), received_at(body, now_ms()))
}

fn receipt(body: &str) -> Item<'_> {
    Item::dlr(&DlrCallback::parse(body).unwrap(), received_at(body, now_ms()))
}

/// Puts a message into the table, as `mo` does.
pub(crate) async fn put_message(stack: &Stack, id: &str) {
    put(stack, &message(&mo_text(id).to_string())).await;
}

/// Puts a receipt into the table, as `dlr` does.
pub(crate) async fn put_receipt(stack: &Stack, id: &str) {
    put(stack, &receipt(&dlr(id, "sent").to_string())).await;
}

/// Puts an item into the table.
pub(crate) async fn put(stack: &Stack, item: &impl Serialize) {
    let item = serde_dynamo::to_item(item).unwrap();
    stack.dynamodb.put_item().table_name(&stack.file.table).set_item(Some(item)).send().await.unwrap();
}

/// Puts a message into the spill queue, as `mo` does.
pub(crate) async fn spill(stack: &Stack, id: &str) {
    let body = mo_text(id).to_string();
    stack.spill(&Spilled::Event(message(&body)).to_message().unwrap()).await;
}

/// Hands `fanout` a record that has waited in the stream.
pub(crate) async fn hand_over(stack: &Stack, id: &str, waited: Duration) {
    let body = mo_text(id).to_string();
    let mut record = record(1, &message(&body));
    let created = SystemTime::now() - waited;
    let created = created.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    record["eventSource"] = "aws:dynamodb".into();
    record["dynamodb"]["ApproximateCreationDateTime"] = created.into();
    stack.invoke(&stack.file.fanout_function, &json!({"Records": [record]}).to_string()).await;
}

/// Something that goes on until this is dropped.
#[derive(Debug)]
pub(crate) struct Repeated(JoinHandle<()>);

impl Drop for Repeated {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Does something twice a second.
pub(crate) fn repeat<F: Future<Output = ()> + Send + 'static>(
    stack: &Stack,
    act: impl Fn(Stack) -> F + Send + 'static,
) -> Repeated {
    let stack = stack.clone();
    Repeated(tokio::spawn(async move {
        loop {
            act(stack.clone()).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }))
}

/// The gateway calls, whatever the answers are.
pub(crate) fn gateway(stack: &Stack) -> Repeated {
    repeat(stack, |stack| async move {
        let id = fresh_id("drill");
        stack.post(Kind::Mo, mo_text(&id).to_string()).await;
        stack.post(Kind::Dlr, dlr(&id, "sent").to_string()).await;
    })
}

/// Events are stored, whether or not the gateway is answered.
pub(crate) fn events(stack: &Stack) -> Repeated {
    repeat(stack, |stack| async move {
        put_message(&stack, &fresh_id("drill")).await;
        put_receipt(&stack, &fresh_id("drill")).await;
    })
}

impl Lane {
    /// Removes a setting of a function.
    pub(crate) async fn remove_setting(&self, function: &str, name: &str) {
        let lambda = &self.stack.lambda;
        let found = lambda.get_function_configuration().function_name(function).send().await.unwrap();
        let mut variables = found.environment.unwrap().variables.unwrap();
        variables.remove(name).unwrap();
        let environment = Environment::builder().set_variables(Some(variables)).build();
        lambda.update_function_configuration().function_name(function).environment(environment).send().await.unwrap();
    }

    /// Allows a function no execution.
    pub(crate) async fn reserve_none(&self, function: &str) {
        let put = self.stack.lambda.put_function_concurrency().function_name(function);
        put.reserved_concurrent_executions(0).send().await.unwrap();
    }

    /// Takes a permission from the role of every function that has it.
    pub(crate) async fn withdraw(&mut self, action: &str) {
        let file = self.stack.file.clone();
        let functions = [
            ("mo", &file.mo_function),
            ("dlr", &file.dlr_function),
            ("fanout", &file.fanout_function),
            ("recover", &file.recover_function),
        ];
        for (policy, function) in functions {
            let found = self.stack.lambda.get_function_configuration().function_name(function).send().await.unwrap();
            let role = found.role.unwrap();
            let named = format!("--role-name {} --policy-name {policy}", role.rsplit('/').next().unwrap());
            let get = format!("aws iam get-role-policy {named} --query PolicyDocument --output json");
            let mut document: Value = serde_json::from_str(&self.bash.exits(&get, &[0]).out).unwrap();
            let statements = document["Statement"].as_array_mut().unwrap();
            let before = statements.len();
            statements.retain(|statement| statement["Action"] != action);
            if statements.len() < before {
                self.bash.exits(&format!("aws iam put-role-policy {named} --policy-document '{document}'"), &[0]);
            }
        }
    }

    /// Stops Lambda from reading the stream.
    pub(crate) async fn disable_stream(&self) {
        let lambda = &self.stack.lambda;
        let function = &self.stack.file.fanout_function;
        let found = lambda.list_event_source_mappings().function_name(function).send().await.unwrap();
        let mapping = found.event_source_mappings()[0].uuid().unwrap();
        lambda.update_event_source_mapping().uuid(mapping).enabled(false).send().await.unwrap();
    }
}
