//! X-Ray: annotates the trace of an invocation with the ids of its events, so that an event is found in the traces of the
//! function that stored it and of the one that published it.
//!
//! Lambda runs the X-Ray daemon next to a function whose tracing is active. It takes segment documents as UDP datagrams
//! ("Sending trace data to X-Ray" and "X-Ray segment documents", X-Ray developer guide). Nothing is sent for an
//! invocation that isn't sampled, and a datagram that is lost is only missing from the trace.

use std::net::{SocketAddr, UdpSocket};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// The header of each datagram.
const HEADER: &str = r#"{"format": "json", "version": 1}"#;

/// Where traces are sent. Without the daemon's address, nowhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tracer {
    daemon: Option<SocketAddr>,
}

/// The trace of one invocation.
#[derive(Debug, Clone)]
pub struct Trace {
    daemon: SocketAddr,
    trace_id: String,
    /// The id of the segment that Lambda made for the function.
    parent_id: String,
    began: SystemTime,
}

impl Tracer {
    /// Reads `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Self {
        Self { daemon: var("AWS_XRAY_DAEMON_ADDRESS").and_then(|address| address.parse().ok()) }
    }

    /// The trace of an invocation that begins now. `header` is its tracing header: `Root=1-…;Parent=…;Sampled=1`. None
    /// unless it is sampled.
    #[must_use]
    pub fn trace(&self, header: Option<&str>, now: SystemTime) -> Option<Trace> {
        let (daemon, header) = (self.daemon?, header?);
        let field = |name| header.split(';').find_map(|field| field.trim().split_once('=').filter(|it| it.0 == name));
        let (_, sampled) = field("Sampled")?;
        let ((_, trace_id), (_, parent_id)) = (field("Root")?, field("Parent")?);
        (sampled == "1").then(|| Trace { daemon, trace_id: trace_id.into(), parent_id: parent_id.into(), began: now })
    }
}

#[derive(Serialize)]
struct Subsegment<'a> {
    name: &'a str,
    id: &'a str,
    trace_id: &'a str,
    parent_id: &'a str,
    #[serde(rename = "type")]
    segment_type: &'static str,
    start_time: f64,
    end_time: f64,
    annotations: Annotations<'a>,
}

#[derive(Serialize)]
struct Annotations<'a> {
    event_id: &'a str,
}

impl Trace {
    /// Adds a subsegment `name` for each event, from the invocation's begin until `now`, with the annotation `event_id`.
    pub fn annotate(&self, name: &str, event_ids: impl IntoIterator<Item = String>, now: SystemTime) {
        let Ok(socket) = UdpSocket::bind(("0.0.0.0", 0)) else { return };
        let seconds = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        for event_id in event_ids {
            // An event id is a hash: its half is as unique within a trace as an id needs to be.
            let Some(id) = event_id.get(..16) else { continue };
            let subsegment = Subsegment {
                name,
                id,
                trace_id: &self.trace_id,
                parent_id: &self.parent_id,
                segment_type: "subsegment",
                start_time: seconds(self.began),
                end_time: seconds(now),
                annotations: Annotations { event_id: &event_id },
            };
            let Ok(subsegment) = serde_json::to_string(&subsegment) else { continue };
            let _ = socket.send_to(format!("{HEADER}\n{subsegment}").as_bytes(), self.daemon);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

    const SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0";

    fn tracer(address: &str) -> Tracer {
        Tracer::read(|name| (name == "AWS_XRAY_DAEMON_ADDRESS").then(|| address.to_owned()))
    }

    #[test]
    fn event_is_annotated_in_a_subsegment() {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        daemon.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let began = UNIX_EPOCH + Duration::from_millis(1_763_889_302_417);
        let trace = tracer(&daemon.local_addr().unwrap().to_string()).trace(Some(SAMPLED), began).unwrap();
        let ids = ["2261d224ea3b4a40860397f823cb7d66", "b48e0ae6ab12d6a90aab59f0ecf2e500"];
        trace.annotate("store", ids.map(str::to_owned), began + Duration::from_millis(25));
        for event_id in ids {
            let mut datagram = [0; 1_000];
            let length = daemon.recv(&mut datagram).unwrap();
            let text = std::str::from_utf8(&datagram[..length]).unwrap();
            let (header, document) = text.split_once('\n').unwrap();
            let parse = |text| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(parse(header), json!({"format": "json", "version": 1}));
            let expected = json!({
                "name": "store",
                "id": event_id[..16],
                "trace_id": "1-5759e988-bd862e3fe1be46a994272793",
                "parent_id": "53995c3f42cd8ad8",
                "type": "subsegment",
                "start_time": 1_763_889_302.417,
                "end_time": 1_763_889_302.442,
                "annotations": {"event_id": event_id},
            });
            assert_eq!(parse(document), expected);
        }
    }

    #[test]
    fn invocation_that_is_not_sampled_has_no_trace() {
        let address = "169.254.100.1:2000";
        let is_traced =
            |address: &str, header: Option<&str>| tracer(address).trace(header, SystemTime::UNIX_EPOCH).is_some();
        assert!(is_traced(address, Some(SAMPLED)));
        for header in [
            None,
            Some(""),
            Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"),
            Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"),
            Some("Sampled=1"),
        ] {
            assert!(!is_traced(address, header), "{header:?}");
        }
        assert!(!is_traced("", Some(SAMPLED)) && !is_traced("localhost", Some(SAMPLED)));
    }
}
