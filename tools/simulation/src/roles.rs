//! The functions' roles.

use crate::aws::request::{Request, Service};
use crate::plan::Function;
use crate::process::Caller;

/// Whether the template's role of the caller allows a call.
pub(crate) fn is_allowed(from: Caller, request: &Request) -> bool {
    let operation = request.operation.as_str();
    match from {
        Caller::Person => true,
        Caller::Process(..) if operation == "Ping" => true,
        Caller::Process(Function::Mo | Function::Dlr, _) => {
            matches!(operation, "PutItem" | "PutObject") || (operation == "SendMessage" && is_to(request, "spill"))
        }
        Caller::Process(Function::Recover, _) => {
            operation == "PutItem" || (operation == "SendMessage" && is_to(request, "dead-letters"))
        }
        Caller::Process(Function::Fanout, _) => {
            matches!(operation, "Query" | "GetItem" | "GetObject" | "PublishBatch")
                || (operation == "SendMessage" && is_to(request, "dead-letters"))
        }
    }
}

fn is_to(request: &Request, queue: &str) -> bool {
    request.service == Service::Sqs && request.json()["QueueUrl"].as_str().is_some_and(|url| url.ends_with(queue))
}
