//! A proxy in front of one service of the emulator: it forwards what it gets, byte for byte, so that signatures hold,
//! until it is told to stand in the way. Knows HTTP, and the form in which the service refuses.

use std::convert::Infallible;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING,
};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, Scheme};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::form::{PublishBatch, name_failed, nothing_published};
use crate::refusal::{REQUEST_ID, Service};

/// Headers that concern one connection.
const HOP_BY_HOP: [HeaderName; 3] = [CONNECTION, TRANSFER_ENCODING, EXPECT];

/// How the service behaves.
#[derive(Clone, Default)]
pub(crate) enum Fault {
    /// As the emulator does.
    #[default]
    None,
    /// An error for everything, or a connection that is cut without a word.
    Refuse,
    /// Everything takes this long before it begins.
    Slow(Range<Duration>),
    /// Everything is done at once, and answered this much later.
    AnswerLate(Duration),
    /// Of each `PublishBatch` some entries, or all, fail.
    FailEntries,
    /// Now and then the caller is hit while its call is here, before or after it is done.
    Strike(Arc<dyn Fn() + Send + Sync>),
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Refuse => "Refuse",
            Self::Slow(_) => "Slow",
            Self::AnswerLate(_) => "AnswerLate",
            Self::FailEntries => "FailEntries",
            Self::Strike(_) => "Strike",
        })
    }
}

/// The proxy. It ends with this value, and so does what it is forwarding.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    state: Arc<State>,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    service: Service,
    emulator: Authority,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Of one whom the emulator knows as its administrator and therefore doesn't check: for requests that are changed.
    administrator: HeaderValue,
    fault: Mutex<Fault>,
    random: Mutex<fastrand::Rng>,
    hits: AtomicUsize,
}

impl Proxy {
    /// Starts to listen on loopback.
    pub(crate) async fn start(
        service: Service,
        emulator: &Uri,
        administrator: HeaderValue,
        seed: u64,
    ) -> anyhow::Result<Self> {
        // An address rather than a name: S3 clients then put the bucket into the path.
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let state = Arc::new(State {
            service,
            emulator: emulator.authority().context("the emulator's address has no host")?.clone(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            administrator,
            fault: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            hits: AtomicUsize::new(0),
        });
        let url = format!("http://{}", listener.local_addr()?);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { url, state, accepting })
    }

    pub(crate) fn set(&self, fault: Fault) {
        *lock(&self.state.fault) = fault;
    }

    /// How many calls met a fault since this was last asked.
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
            // Out of descriptors for the moment.
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
            // A function that is killed or gives up cuts its connections.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve).await;
        });
    }
}

/// The connection is closed in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct Cut;

impl State {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
        let fault = lock(&self.fault).clone();
        if !matches!(fault, Fault::None | Fault::FailEntries | Fault::Strike(_)) {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        match fault {
            Fault::None => Ok(self.forward(head, body).await),
            Fault::Refuse => self.refuse(),
            Fault::Slow(range) => {
                tokio::time::sleep(self.between(&range)).await;
                Ok(self.forward(head, body).await)
            }
            Fault::AnswerLate(by) => {
                // On its own: the caller gives up before, and that must not stop what it asked for.
                let state = Arc::clone(&self);
                let done = tokio::spawn(async move { state.forward(head, body).await }).await.map_err(|_| Cut)?;
                tokio::time::sleep(by).await;
                Ok(done)
            }
            Fault::FailEntries => match PublishBatch::read(&body) {
                Some(batch) => Ok(self.fail_entries(head, batch).await),
                None => Ok(self.forward(head, body).await),
            },
            Fault::Strike(strike) => {
                // What a function asks while it starts is no batch. The first batch is always hit.
                let first = self.hits.load(Ordering::Relaxed) == 0;
                let strikes = head.method == Method::POST && (first || self.chance(0.25));
                let late = self.chance(0.5);
                if strikes && !late {
                    self.hits.fetch_add(1, Ordering::Relaxed);
                    strike();
                }
                let done = self.forward(head, body).await;
                if strikes && late {
                    self.hits.fetch_add(1, Ordering::Relaxed);
                    strike();
                }
                Ok(done)
            }
        }
    }

    async fn forward(&self, head: Parts, body: Bytes) -> Response<Full<Bytes>> {
        match self.call(head, body).await {
            Ok(response) => response,
            Err(_) => made_up(StatusCode::BAD_GATEWAY, "text/plain", "the emulator didn't answer".to_owned()),
        }
    }

    async fn call(&self, head: Parts, body: Bytes) -> anyhow::Result<Response<Full<Bytes>>> {
        let mut uri = head.uri.into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(self.emulator.clone());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method;
        *request.uri_mut() = Uri::from_parts(uri)?;
        *request.headers_mut() = end_to_end(head.headers);
        let (head, body) = self.client.request(request).await?.into_parts();
        let mut response = Response::new(Full::new(body.collect().await?.to_bytes()));
        *response.status_mut() = head.status;
        *response.headers_mut() = end_to_end(head.headers);
        Ok(response)
    }

    fn refuse(&self) -> Result<Response<Full<Bytes>>, Cut> {
        let refusals = self.service.refusals();
        // One in so many is no answer at all.
        let refusal = refusals.get(self.choice(refusals.len() + 1)).ok_or(Cut)?;
        let (media_type, body) = self.service.body(*refusal);
        let status = StatusCode::from_u16(refusal.status).map_err(|_| Cut)?;
        Ok(made_up(status, media_type, body))
    }

    async fn fail_entries(&self, mut head: Parts, batch: PublishBatch) -> Response<Full<Bytes>> {
        let share = [0.2, 0.5, 1.0].get(self.choice(3)).copied().unwrap_or(1.0);
        let (forwarded, failed) = batch.split(|| self.chance(share));
        self.hits.fetch_add(failed.len(), Ordering::Relaxed);
        if forwarded.is_empty() {
            return made_up(StatusCode::OK, "text/xml", nothing_published(&failed, |count| self.choice(count)));
        }
        // It is another request than the one that was signed.
        head.headers.remove("x-amz-security-token");
        head.headers.remove(CONTENT_LENGTH);
        head.headers.insert(AUTHORIZATION, self.administrator.clone());
        let (mut head, body) = self.forward(head, forwarded.write().into()).await.into_parts();
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

fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers
}

fn made_up(status: StatusCode, media_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert("x-amzn-requestid", HeaderValue::from_static(REQUEST_ID));
    response
}

/// What is behind a lock here is whole between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A service that answers with what it was asked, and counts.
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
    async fn what_is_signed_is_forwarded_as_it_came() {
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
    async fn a_service_that_refuses_is_never_reached() {
        let (uri, calls) = service().await;
        for service in Service::ALL {
            let proxy = start(service, &uri).await;
            proxy.set(Fault::Refuse);
            let mut cut = 0;
            for _ in 0..40 {
                match ask(&proxy, "").await {
                    Ok(response) => assert!(response.status().as_u16() >= 400),
                    Err(_) => cut += 1,
                }
            }
            assert!((1..40).contains(&cut), "{cut}");
            assert!(proxy.take_hits() >= 40);
        }
        assert_eq!(calls.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_late_answer_is_done_although_its_caller_has_gone() {
        let (uri, calls) = service().await;
        let proxy = start(Service::Dynamodb, &uri).await;
        proxy.set(Fault::AnswerLate(Duration::from_secs(60)));
        let gone = tokio::time::timeout(Duration::from_millis(200), ask(&proxy, "")).await;
        assert!(gone.is_err());
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_slow_service_is_slow() {
        let (uri, calls) = service().await;
        let proxy = start(Service::Dynamodb, &uri).await;
        let (from, to) = (Duration::from_millis(50), Duration::from_millis(60));
        proxy.set(Fault::Slow(from..to));
        let asked = Instant::now();
        ask(&proxy, "").await.unwrap();
        assert!(asked.elapsed() >= from);
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn entries_fail_and_the_rest_is_published_in_the_administrators_name() {
        let (uri, _) = service().await;
        let proxy = start(Service::Sns, &uri).await;
        proxy.set(Fault::FailEntries);
        let form = "Action=PublishBatch&PublishBatchRequestEntries.member.1.Id=0\
            &PublishBatchRequestEntries.member.2.Id=1&PublishBatchRequestEntries.member.3.Id=2";
        let (mut all, mut some) = (0, 0);
        for _ in 0..40 {
            let response = ask(&proxy, form).await.unwrap();
            let body = String::from_utf8(response.body().to_vec()).unwrap();
            match response.headers().get("authorization") {
                // The service of this test answers with what it got, which names no failure.
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
    async fn whoever_publishes_is_hit_now_and_then() {
        let (uri, calls) = service().await;
        let proxy = start(Service::Sns, &uri).await;
        let hit = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&hit);
        proxy.set(Fault::Strike(Arc::new(move || {
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
