//! The function behind `POST /mo`: a message from a WhatsApp user arrives, is stored once, and is answered.
//!
//! It doesn't publish: `fanout` reads the table's stream.

use lambda_http::{Body, LambdaEvent, Response};
use wab_events::Kind;
use wab_ingress::{Admission, HttpEvent, Inbound, Kept, Receiver, Rejection, binary_content};
use wab_models::{MoCallback, utf8};

/// Answers one MO callback. 200 means that it is durable, and no other status does.
pub async fn handle(receiver: &Receiver, event: LambdaEvent<HttpEvent>) -> Response<Body> {
    let LambdaEvent { payload, context } = event;
    let inbound = match receiver.admit(Kind::Mo, payload, &context) {
        Admission::Callback(inbound) => inbound,
        Admission::Answered(response) => return response,
    };
    let outcome = receive(receiver, &inbound).await;
    receiver.answer(&inbound, outcome)
}

async fn receive(receiver: &Receiver, inbound: &Inbound<'_>) -> Result<Kept, Rejection> {
    let (body, callback) = match utf8(&inbound.body).and_then(|body| Ok((body, MoCallback::parse(body)?))) {
        Ok(read) => read,
        Err(problem) => return Err(receiver.quarantine(inbound, problem).await),
    };
    let item = receiver.content.mo(&callback, inbound.received(body));
    let binary = if receiver.content.is_full() { binary_content(&callback) } else { None };
    let accepted = receiver.store.keep(item, binary, inbound.deadline).await?;
    Ok(Kept { accepted, delivery_lag_ms: callback.content.sent_at().map(|since| inbound.lag_ms(since)) })
}
