//! The function behind `POST /mo`: a message from a WhatsApp user comes in, is stored once, and is answered.
//!
//! Publishing is not its business: the table's stream drives `fanout`.

use lambda_http::{Body, Request, Response};
use wab_events::Kind;
use wab_ingress::{Door, Receipt, Refusal, answer, binary_content, read_body};
use wab_models::{Item, MoCallback, utf8};

/// Answers one MO callback. 200 says that the event is durable, and nothing else says so.
pub async fn handle(door: &Door, request: Request) -> Response<Body> {
    let outcome = receive(door, &request).await;
    answer(Kind::Mo, &request, outcome)
}

async fn receive(door: &Door, request: &Request) -> Result<Receipt, Refusal> {
    let application = door.credentials.authenticate(request.headers())?;
    let bytes = read_body(request)?;
    let (body, callback) = match utf8(bytes).and_then(|body| Ok((body, MoCallback::parse(body)?))) {
        Ok(read) => read,
        Err(why) => return Err(door.quarantine(Kind::Mo, request, application, bytes, why).await),
    };
    let item = Item::mo(&callback, door.received(request, application, body));
    let kept = door.keep(request, item, binary_content(&callback)).await?;
    Ok(Receipt { id: callback.id.as_str().to_owned(), kept })
}
