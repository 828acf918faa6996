//! The function behind `POST /mo`: a message from a WhatsApp user comes in, is stored once, and is answered.
//!
//! Publishing is not its business: the table's stream drives `fanout`.

use ingress::{Door, Receipt, Refusal, answer, read_body};
use lambda_http::{Body, Request, Response};
use models::{Item, Kind, MoCallback};

/// Answers one MO callback. 200 says that the event is durable, and nothing else says so.
pub async fn handle(door: &Door, request: Request) -> Response<Body> {
    let outcome = receive(door, &request).await;
    answer(Kind::Mo, &request, outcome)
}

async fn receive(door: &Door, request: &Request) -> Result<Receipt, Refusal> {
    let application = door.credentials.authenticate(request.headers())?;
    let body = read_body(request)?;
    let callback = MoCallback::parse(body)?;
    let item = Item::mo(&callback, door.received(request, application, body));
    let stored = door.table.put_once(item).await?;
    Ok(Receipt { id: callback.id.as_str().to_owned(), stored })
}
