//! AWS as an HTTPS endpoint in this process. Every call succeeds and is counted.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The calls to AWS since the traffic was last taken.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) calls: u64,
    /// Headers and bodies of requests, and bodies of answers, before encryption.
    pub(crate) bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Aws {
    pub(crate) url: String,
    /// This run's root certificate.
    pub(crate) root_pem: String,
    traffic: Rc<Cell<Traffic>>,
    delay: Rc<Cell<Duration>>,
}

impl Aws {
    /// Starts the endpoint on loopback, as a task of the current `LocalSet`.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let (acceptor, root_pem) = certify()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let aws = Self { url, root_pem, traffic: Rc::default(), delay: Rc::default() };
        let (traffic, delay) = (Rc::clone(&aws.traffic), Rc::clone(&aws.delay));
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let (acceptor, traffic, delay) = (acceptor.clone(), Rc::clone(&traffic), Rc::clone(&delay));
                tokio::task::spawn_local(async move {
                    // A function that is killed closes its connections.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let answer = service_fn(|request| answer(request, &traffic, delay.get()));
                    let _ =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Ok(aws)
    }

    pub(crate) fn take_traffic(&self) -> Traffic {
        self.traffic.take()
    }

    /// Delays each answer from now on.
    pub(crate) fn set_delay(&self, delay: Duration) {
        self.delay.set(delay);
    }
}

/// Generates a root and a certificate for `localhost`. Neither is stored.
fn certify() -> anyhow::Result<(TlsAcceptor, String)> {
    let mut root = CertificateParams::new(Vec::new())?;
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_key = KeyPair::generate()?;
    let root_pem = root.self_signed(&root_key)?.pem();
    let key = KeyPair::generate()?;
    let certificate =
        CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &Issuer::new(root, root_key))?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .context("cannot use the generated certificate")?;
    Ok((TlsAcceptor::from(Arc::new(config)), root_pem))
}

async fn answer(
    request: Request<Incoming>,
    traffic: &Cell<Traffic>,
    delay: Duration,
) -> anyhow::Result<Response<Full<Bytes>>> {
    if request.method() == Method::GET {
        return Ok(Response::new(Full::new("healthy".into())));
    }
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let head_bytes: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let answer = match head.headers.get("x-amz-target").map(|target| target.as_bytes()) {
        Some(target) if target.ends_with(b".PutItem") => "{}".to_owned(),
        Some(_) => r#"{"MessageId":"m"}"#.to_owned(),
        None if head.method == Method::PUT => String::new(),
        None => published(std::str::from_utf8(&body)?),
    };
    let seen = traffic.get();
    traffic.set(Traffic {
        calls: seen.calls + 1,
        bytes: seen.bytes + u64::try_from(head_bytes + body.len() + answer.len())?,
    });
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    Ok(Response::new(Full::new(answer.into())))
}

/// SNS's answer to a `PublishBatch` whose entries all succeed.
fn published(form: &str) -> String {
    let ids = form.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name.starts_with("PublishBatchRequestEntries.member.") && name.ends_with(".Id")).then_some(value)
    });
    let members: String = ids.map(|id| format!("<member><Id>{id}</Id><MessageId>m</MessageId></member>")).collect();
    format!(
        r#"<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Successful>{members}</Successful><Failed/></PublishBatchResult></PublishBatchResponse>"#
    )
}
