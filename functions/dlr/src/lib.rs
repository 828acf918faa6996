//! The function behind `POST /dlr`: a delivery receipt arrives, is stored once, and is answered.
//!
//! It doesn't publish: `fanout` reads the table's stream.

use lambda_http::{Body, LambdaEvent, Response};
use wab_events::Kind;
use wab_ingress::{Admission, HttpEvent, Inbound, Kept, Receiver, Rejection};
use wab_models::{DlrCallback, utf8};

/// Answers one DLR callback. 200 means that it is durable, and no other status does.
pub async fn handle(receiver: &Receiver, event: LambdaEvent<HttpEvent>) -> Response<Body> {
    let LambdaEvent { payload, context } = event;
    let inbound = match receiver.admit(Kind::Dlr, payload, &context) {
        Admission::Callback(inbound) => inbound,
        Admission::Answered(response) => return response,
    };
    let outcome = receive(receiver, &inbound).await;
    receiver.answer(&inbound, outcome)
}

async fn receive(receiver: &Receiver, inbound: &Inbound<'_>) -> Result<Kept, Rejection> {
    let (body, callback) = match utf8(&inbound.body).and_then(|body| Ok((body, DlrCallback::parse(body)?))) {
        Ok(read) => read,
        Err(problem) => return Err(receiver.quarantine(inbound, problem).await),
    };
    let item = receiver.content.dlr(&callback, inbound.received(body));
    let accepted = receiver.store.keep(item, None, inbound.deadline).await?;
    Ok(Kept { accepted, delivery_lag_ms: None })
}
