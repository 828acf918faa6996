//! A proxy in front of one service of the emulator, which forwards requests until it is told to inject a fault.

mod behaviour;
mod upstream;

use std::convert::Infallible;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

pub(crate) use self::behaviour::Behaviour;
use self::upstream::{Upstream, response};
use crate::form::{PublishBatch, name_failed, nothing_published};
use crate::lock::lock;
use crate::service::Service;

/// A running proxy. Dropping it stops the proxy and the requests in progress.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    state: Arc<State>,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    service: Service,
    upstream: Upstream,
    /// The emulator's administrator, whose signature it doesn't check. For requests that the proxy changes.
    administrator: HeaderValue,
    behaviour: Mutex<Behaviour>,
    random: Mutex<fastrand::Rng>,
    hits: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy on loopback.
    pub(crate) async fn start(
        service: Service,
        emulator: &Uri,
        administrator: HeaderValue,
        seed: u64,
    ) -> anyhow::Result<Self> {
        // With an IP address in place of a name, S3 clients put the bucket into the path.
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let state = Arc::new(State {
            service,
            upstream: Upstream::new(emulator)?,
            administrator,
            behaviour: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            hits: AtomicUsize::new(0),
        });
        let url = format!("http://{}", listener.local_addr()?);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { url, state, accepting })
    }

    pub(crate) fn set(&self, behaviour: Behaviour) {
        *lock(&self.state.behaviour) = behaviour;
    }

    /// The number of requests that met a fault since the last call.
    pub(crate) fn take_hits(&self) -> usize {
        self.state.hits.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors for the moment.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let serve = service_fn(|request| {
                let state = Arc::clone(&state);
                async move { state.answer(request).await }
            });
            // A function that is killed or gives up closes its connections.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve).await;
        });
    }
}

/// Closes the connection instead of answering.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed")]
struct Closed;

impl State {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Closed> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
        let behaviour = lock(&self.behaviour).clone();
        if !matches!(behaviour, Behaviour::None | Behaviour::FailEntries | Behaviour::Strike(_)) {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        match behaviour {
            Behaviour::None => Ok(self.upstream.forward(head, body).await),
            Behaviour::Reject => self.reject(),
            Behaviour::Slow(range) => {
                tokio::time::sleep(self.between(&range)).await;
                Ok(self.upstream.forward(head, body).await)
            }
            Behaviour::AnswerLate(by) => {
                // In a task of its own, because the caller gives up earlier and its call must be done all the same.
                let state = Arc::clone(&self);
                let done =
                    tokio::spawn(async move { state.upstream.forward(head, body).await }).await.map_err(|_| Closed)?;
                tokio::time::sleep(by).await;
                Ok(done)
            }
            Behaviour::FailEntries => match PublishBatch::read(&body) {
                Some(batch) => Ok(self.fail_entries(head, batch).await),
                None => Ok(self.upstream.forward(head, body).await),
            },
            Behaviour::Strike(strike) => {
                // A starting function sends GET requests, which are not batches. The first batch is always hit.
                let first = self.hits.load(Ordering::Relaxed) == 0;
                let strikes = head.method == Method::POST && (first || self.chance(0.25));
                let late = self.chance(0.5);
                if strikes && !late {
                    self.hits.fetch_add(1, Ordering::Relaxed);
                    strike();
                }
                let done = self.upstream.forward(head, body).await;
                if strikes && late {
                    self.hits.fetch_add(1, Ordering::Relaxed);
                    strike();
                }
                Ok(done)
            }
        }
    }

    fn reject(&self) -> Result<Response<Full<Bytes>>, Closed> {
        let errors = self.service.errors();
        // One more choice than there are errors: no answer at all.
        let error = errors.get(self.choice(errors.len() + 1)).ok_or(Closed)?;
        let (media_type, body) = self.service.body(*error);
        let status = StatusCode::from_u16(error.status).map_err(|_| Closed)?;
        Ok(response(status, media_type, body))
    }

    async fn fail_entries(&self, mut head: Parts, batch: PublishBatch) -> Response<Full<Bytes>> {
        let share = [0.2, 0.5, 1.0].get(self.choice(3)).copied().unwrap_or(1.0);
        let (forwarded, failed) = batch.split(|| self.chance(share));
        self.hits.fetch_add(failed.len(), Ordering::Relaxed);
        if forwarded.is_empty() {
            return response(StatusCode::OK, "text/xml", nothing_published(&failed, |count| self.choice(count)));
        }
        // The changed request needs another signature.
        head.headers.remove("x-amz-security-token");
        head.headers.remove(CONTENT_LENGTH);
        head.headers.insert(AUTHORIZATION, self.administrator.clone());
        let (mut head, body) = self.upstream.forward(head, forwarded.write().into()).await.into_parts();
        let body = body.collect().await.unwrap_or_else(|never: Infallible| match never {}).to_bytes();
        if !head.status.is_success() {
            return Response::from_parts(head, Full::new(body));
        }
        head.headers.remove(CONTENT_LENGTH);
        let answer = name_failed(&String::from_utf8_lossy(&body), &failed, |count| self.choice(count));
        Response::from_parts(head, Full::new(answer.into()))
    }

    fn chance(&self, share: f64) -> bool {
        lock(&self.random).f64() < share
    }

    fn choice(&self, count: usize) -> usize {
        lock(&self.random).usize(..count)
    }

    fn between(&self, range: &Range<Duration>) -> Duration {
        range.start + range.end.saturating_sub(range.start).mul_f64(lock(&self.random).f64())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;

    use super::*;

    /// A service that echoes and counts requests.
    async fn service() -> (Uri, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let serve = service_fn(|request: Request<Incoming>| {
                        let count = Arc::clone(&count);
                        async move {
                            count.fetch_add(1, Ordering::Relaxed);
                            let (head, body) = request.into_parts();
                            let mut response = Response::new(Full::new(body.collect().await?.to_bytes()));
                            for name in ["authorization", "host", "x-amz-target"] {
                                if let Some(value) = head.headers.get(name) {
                                    response.headers_mut().insert(name, value.clone());
                                }
                            }
                            let path = head.uri.path_and_query().unwrap().as_str();
                            response.headers_mut().insert("x-path", path.parse().unwrap());
                            Ok::<_, hyper::Error>(response)
                        }
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    http.serve_connection(TokioIo::new(stream), serve).await
                });
            }
        });
        (uri, calls)
    }

    async fn start(service: Service, emulator: &Uri) -> Proxy {
        Proxy::start(service, emulator, HeaderValue::from_static("administrator"), 1).await.unwrap()
    }

    async fn ask(proxy: &Proxy, body: &'static str) -> anyhow::Result<Response<Bytes>> {
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::post(format!("{}/a%20b?c=d%2F", proxy.url))
            .header("host", "table.example")
            .header("authorization", "signed")
            .header("x-amz-target", "PutItem");
        let (head, body) = client.request(request.body(Full::new(body.into()))?).await?.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }

    #[tokio::test]
    async fn signed_request_is_forwarded_verbatim() {
        let (uri, calls) = service().await;
        let proxy = start(Service::Dynamodb, &uri).await;
        let response = ask(&proxy, "{\"a\": 1}").await.unwrap();
        assert_eq!(response.body(), "{\"a\": 1}");
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!(header("authorization"), "signed");
        assert_eq!(header("host"), "table.example");
        assert_eq!(header("x-path"), "/a%20b?c=d%2F");
        assert_eq!((calls.load(Ordering::Relaxed), proxy.take_hits()), (1, 0));
    }

    #[tokio::test]
    async fn rejecting_service_is_never_reached() {
        let (uri, calls) = service().await;
        for service in Service::ALL {
            let proxy = start(service, &uri).await;
            proxy.set(Behaviour::Reject);
            let mut closed = 0;
            for _ in 0..40 {
                match ask(&proxy, "").await {
                    Ok(response) => assert!(response.status().as_u16() >= 400),
                    Err(_) => closed += 1,
                }
            }
            assert!((1..40).contains(&closed), "{closed}");
            assert!(proxy.take_hits() >= 40);
        }
        assert_eq!(calls.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn late_answer_is_done_after_its_caller_gave_up() {
        let (uri, calls) = service().await;
        let proxy = start(Service::Dynamodb, &uri).await;
        proxy.set(Behaviour::AnswerLate(Duration::from_secs(60)));
        let gone = tokio::time::timeout(Duration::from_millis(200), ask(&proxy, "")).await;
        assert!(gone.is_err());
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn slow_service_delays_requests() {
        let (uri, calls) = service().await;
        let proxy = start(Service::Dynamodb, &uri).await;
        let (from, to) = (Duration::from_millis(50), Duration::from_millis(60));
        proxy.set(Behaviour::Slow(from..to));
        let asked = Instant::now();
        ask(&proxy, "").await.unwrap();
        assert!(asked.elapsed() >= from);
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn failed_entries_are_left_out_of_the_forwarded_batch() {
        let (uri, _) = service().await;
        let proxy = start(Service::Sns, &uri).await;
        proxy.set(Behaviour::FailEntries);
        let form = "Action=PublishBatch&PublishBatchRequestEntries.member.1.Id=0\
            &PublishBatchRequestEntries.member.2.Id=1&PublishBatchRequestEntries.member.3.Id=2";
        let (mut all, mut some) = (0, 0);
        for _ in 0..40 {
            let response = ask(&proxy, form).await.unwrap();
            let body = String::from_utf8(response.body().to_vec()).unwrap();
            match response.headers().get("authorization") {
                // The echoed request has no failed entries.
                Some(by) => {
                    assert_eq!(by, "administrator");
                    some += 1;
                }
                None => {
                    assert_eq!(body.matches("<member>").count(), 3);
                    all += 1;
                }
            }
        }
        assert!(all > 0 && some > 0, "{all} {some}");
        assert!(proxy.take_hits() > 0);
    }

    #[tokio::test]
    async fn some_publishers_are_hit() {
        let (uri, calls) = service().await;
        let proxy = start(Service::Sns, &uri).await;
        let hit = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&hit);
        proxy.set(Behaviour::Strike(Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        })));
        for _ in 0..40 {
            ask(&proxy, "").await.unwrap();
        }
        assert_eq!(proxy.take_hits(), hit.load(Ordering::Relaxed));
        assert!((1..40).contains(&hit.load(Ordering::Relaxed)));
        assert_eq!(calls.load(Ordering::Relaxed), 40);
    }
}
