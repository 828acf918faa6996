//! The gateway: posts each callback once, whatever the answer, and measures how long the answer takes.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use wab::stack::StackFile;
use wab_events::Kind;
use wab_ingress::basic_authorization;
use wab_marked::Search;

use crate::load::Callback;
use crate::lock::lock;

/// The gateway's timeout, far above the limit for an answer.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// None if there was no answer.
    pub(crate) status: Option<u16>,
    /// Whether the outcome is `deferred`: the event was spilled.
    pub(crate) deferred: bool,
    /// Whether it is an error that holds a value of the callback, or the password.
    pub(crate) leaks: bool,
    pub(crate) took: Duration,
}

impl Answer {
    pub(crate) fn is_ok(self) -> bool {
        self.status == Some(200)
    }
}

/// The gateway with its current credentials.
pub(crate) struct Gateway {
    client: Client<HttpConnector, Full<Bytes>>,
    mo_url: Uri,
    dlr_url: Uri,
    authorization: Mutex<Arc<HeaderValue>>,
    search: Search,
}

impl Gateway {
    pub(crate) fn new(stack: &StackFile, search: Search) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            mo_url: stack.mo_url.parse()?,
            dlr_url: stack.dlr_url.parse()?,
            authorization: Mutex::new(Arc::new(basic(&stack.username, &stack.password)?)),
            search,
        })
    }

    /// Uses other credentials from now on. Returns when no request with the old ones is in progress.
    pub(crate) async fn use_credentials(&self, user: &str, password: &str) -> anyhow::Result<()> {
        let new = Arc::new(basic(user, password)?);
        let old = std::mem::replace(&mut *lock(&self.authorization), new);
        let unused = async {
            while Arc::strong_count(&old) > 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(2 * TIMEOUT, unused).await.context("a request with the old credentials does not end")
    }

    pub(crate) async fn post(&self, callback: &Callback) -> Answer {
        let authorization = Arc::clone(&lock(&self.authorization));
        let started = Instant::now();
        let answer = tokio::time::timeout(TIMEOUT, self.ask(callback, &authorization)).await;
        let took = started.elapsed();
        let Ok(Ok((status, body))) = answer else {
            return Answer { status: None, deferred: false, leaks: false, took };
        };
        // An accepted callback is answered with its id.
        let leaks = status != 200 && self.search.find(&body).is_some();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let deferred = body.get("outcome").is_some_and(|outcome| outcome == "deferred");
        Answer { status: Some(status), deferred, leaks, took }
    }

    async fn ask(&self, callback: &Callback, authorization: &HeaderValue) -> anyhow::Result<(u16, Bytes)> {
        let url = match callback.kind {
            Kind::Mo => &self.mo_url,
            Kind::Dlr => &self.dlr_url,
        };
        let request = Request::post(url).header(CONTENT_TYPE, "application/json").header(AUTHORIZATION, authorization);
        let response = self.client.request(request.body(Full::new(callback.body.clone()))?).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

fn basic(user: &str, password: &str) -> anyhow::Result<HeaderValue> {
    Ok(HeaderValue::try_from(basic_authorization(user, password))?)
}
