//! The function behind `POST /dlr`: a delivery receipt comes in, is stored once, and is answered.
//!
//! Publishing is not its business: the table's stream drives `fanout`.

use lambda_http::{Body, Request, Response};
use wab_events::Kind;
use wab_ingress::{Door, Receipt, Refusal, answer, read_body};
use wab_models::{DlrCallback, Item, utf8};

/// Answers one DLR callback. 200 says that the event is durable, and nothing else says so.
pub async fn handle(door: &Door, request: Request) -> Response<Body> {
    let outcome = receive(door, &request).await;
    answer(Kind::Dlr, &request, outcome)
}

async fn receive(door: &Door, request: &Request) -> Result<Receipt, Refusal> {
    let application = door.credentials.authenticate(request.headers())?;
    let bytes = read_body(request)?;
    let (body, callback) = match utf8(bytes).and_then(|body| Ok((body, DlrCallback::parse(body)?))) {
        Ok(read) => read,
        Err(why) => return Err(door.quarantine(Kind::Dlr, request, application, bytes, why).await),
    };
    let item = Item::dlr(&callback, door.received(request, application, body));
    let kept = door.keep(request, item, None).await?;
    Ok(Receipt { id: callback.id.as_str().to_owned(), kept })
}
