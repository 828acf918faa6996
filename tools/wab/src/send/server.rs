//! A receiver on this machine for tests: it answers as it is told, and keeps what it got.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use crate::target::{self, Target};

pub(super) struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    bodies: Mutex<Vec<Vec<u8>>>,
    connections: Mutex<usize>,
}

type Answer = dyn Fn(&[u8]) -> (u16, &'static str) + Send + Sync;

impl Server {
    /// Answers each body with a status, and an outcome or a code. Runs until the process ends.
    pub(super) fn start(answer: impl Fn(&[u8]) -> (u16, &'static str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (seen_by_threads, answer): (_, Arc<Answer>) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (Arc::clone(&seen_by_threads), Arc::clone(&answer));
                *locked(&seen.connections) += 1;
                std::thread::spawn(move || serve(stream.unwrap(), &seen, &*answer));
            }
        });
        Self { address, seen }
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The URL for the callbacks that `wab send WHAT` posts.
    pub(super) fn url(&self, what: &str) -> String {
        let path = if what == "dlr" { "dlr" } else { "mo" };
        format!("http://gateway:p@{}/{path}", self.address)
    }

    pub(super) fn target(&self) -> Target {
        target::at(&self.url("mo"))
    }

    /// A target at which nobody listens.
    pub(super) fn nobody() -> Target {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        target::at(&format!("http://{closed}"))
    }

    pub(super) fn bodies(&self) -> Vec<Vec<u8>> {
        locked(&self.seen.bodies).clone()
    }

    pub(super) fn connections(&self) -> usize {
        *locked(&self.seen.connections)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the requests of a connection until it is closed.
fn serve(mut stream: TcpStream, seen: &Seen, answer: &Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let (status, word) = answer(&body);
        locked(&seen.bodies).push(body);
        let key = if status == 200 { "outcome" } else { "code" };
        let text = json!({key: word}).to_string();
        let head = format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}", text.len());
        if write!(stream, "{head}\r\n\r\n{text}").is_err() {
            return;
        }
    }
}
