//! An event is found in the traces of the function that stored it and of the one that published it.

use std::net::UdpSocket;
use std::time::Duration;

use lambda_http::LambdaEvent;
use serde_json::{Value, json};
use wab_fanout::Fanout;

use crate::fake_aws::{aws, published, receiver_settings, sdk, success};
use crate::marked::check_unmarked;
use crate::records::{mo_record, plenty};
use crate::requests::{PASSWORD, USER, basic, mo_text, request};

const SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// The X-Ray daemon's socket, and its address.
fn daemon() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// The next subsegment that the daemon gets.
fn subsegment(daemon: &UdpSocket) -> Value {
    let mut datagram = [0; 1_000];
    let length = daemon.recv(&mut datagram).unwrap();
    let (_, document) = std::str::from_utf8(&datagram[..length]).unwrap().split_once('\n').unwrap();
    check_unmarked(document);
    serde_json::from_str(document).unwrap()
}

/// Posts a callback in a traced invocation of `mo`.
async fn post(address: &str, header: Option<&str>, body: &str) -> u16 {
    let (sdk, _) = sdk(success);
    let settings = receiver_settings(|name| (name == "AWS_XRAY_DAEMON_ADDRESS").then(|| address.to_owned()));
    let receiver = wab_ingress::Receiver::new(settings, &sdk);
    let LambdaEvent { payload, mut context } = request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes());
    context.xray_trace_id = header.map(str::to_owned);
    wab_mo::handle(&receiver, LambdaEvent::new(payload, context)).await.status().as_u16()
}

#[tokio::test]
async fn both_traces_of_an_event_have_its_id() {
    let (daemon, address) = daemon();
    assert_eq!(post(&address, Some(SAMPLED), &mo_text("7c1f").to_string()).await, 200);
    let stored = subsegment(&daemon);
    let event_id = "2261d224ea3b4a40860397f823cb7d66";
    assert_eq!((&stored["name"], &stored["annotations"]), (&json!("store"), &json!({"event_id": event_id})));

    let settings = wab_fanout::Settings::read(|name| {
        Some(if name == "AWS_XRAY_DAEMON_ADDRESS" { address.clone() } else { format!("http://localhost/{name}") })
    });
    let (sdk, _) = sdk(aws(|request| published(request, &[(1, "InternalError", false)])));
    let batch = json!({"Records": [mo_record(1, "7c1f"), mo_record(2, "waits")]});
    let batch = serde_json::from_value(batch).unwrap();
    let fanout = Fanout::new(settings.unwrap(), &sdk);
    wab_fanout::handle(&fanout, batch, plenty(), Some(SAMPLED)).await.unwrap();
    let published = subsegment(&daemon);
    assert_eq!((&published["name"], &published["annotations"]), (&json!("publish"), &stored["annotations"]));
    assert_eq!(published["trace_id"], stored["trace_id"]);
    daemon.set_nonblocking(true).unwrap();
    assert!(daemon.recv(&mut [0; 1]).is_err(), "an event that waits isn't annotated");
}

#[tokio::test]
async fn nothing_is_sent_without_sampling() {
    let (daemon, address) = daemon();
    let unsampled = SAMPLED.replace("Sampled=1", "Sampled=0");
    let callback = mo_text("7c1f").to_string();
    for (header, body) in [(None, &*callback), (Some(&*unsampled), &*callback), (Some(SAMPLED), "not JSON")] {
        post(&address, header, body).await;
    }
    daemon.set_nonblocking(true).unwrap();
    assert!(daemon.recv(&mut [0; 1]).is_err());
}
