//! The function behind `POST /mo`: a message from a WhatsApp user arrives, is stored once, and is answered.
//!
//! It doesn't publish: `fanout` reads the table's stream.

use lambda_http::{Body, Context, LambdaEvent, Response};
use wab_events::Kind;
use wab_ingress::{HttpEvent, Receiver, Rejection, answer, binary_content};
use wab_models::{Item, MoCallback, utf8};
use wab_store::Accepted;

/// Answers one MO callback. 200 means that it is durable, and no other status does.
pub async fn handle(receiver: &Receiver, event: LambdaEvent<HttpEvent>) -> Response<Body> {
    let LambdaEvent { payload, context } = event;
    let outcome = receive(receiver, payload, &context).await;
    answer(Kind::Mo, &context.request_id, outcome)
}

async fn receive(receiver: &Receiver, event: HttpEvent, context: &Context) -> Result<Accepted, Rejection> {
    let inbound = receiver.admit(event, context)?;
    let (body, callback) = match utf8(&inbound.body).and_then(|body| Ok((body, MoCallback::parse(body)?))) {
        Ok(read) => read,
        Err(problem) => return Err(receiver.quarantine(Kind::Mo, &inbound, problem).await),
    };
    let item = Item::mo(&callback, inbound.received(body));
    Ok(receiver.store.keep(item, binary_content(&callback), inbound.deadline).await?)
}
