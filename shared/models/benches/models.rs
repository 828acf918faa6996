//! What the pure part of a callback costs: reading it, keying it, and what becomes of it at fan-out.

#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use wab_models::{Digest, Item, MoCallback, NewEvent, Received, ReceivedAt};

/// A text message of 650 bytes.
fn text() -> String {
    let body = |text: &str| {
        format!(
            r#"{{"id":"7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11","source":"+6421000001","destination":"6421000002","content":{{"from":"6421000001","id":"wamid.made-up","timestamp":"1763889301","type":"text","text":{{"body":"{text}"}}}}}}"#
        )
    };
    let rest = 650 - body("").len();
    body(&"Kia ora. ".repeat(rest / 9 + 1).chars().take(rest).collect::<String>())
}

fn received(body: &str) -> Received<'_> {
    let at = ReceivedAt::from_epoch_ms(1_763_889_302_417);
    Received { body, application: "shop", at, expires_at: 1_766_481_302 }
}

fn models(criterion: &mut Criterion) {
    let body = text();
    criterion.bench_function("serde_json::Value of a text message, for scale", |bencher| {
        bencher.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(body.as_bytes())).unwrap());
    });
    criterion.bench_function("parse a text message", |bencher| {
        bencher.iter(|| MoCallback::parse(black_box(&body)).unwrap());
    });
    criterion.bench_function("digest its body", |bencher| bencher.iter(|| Digest::of(black_box(&body))));
    let callback = MoCallback::parse(&body).unwrap();
    criterion.bench_function("make its item, digest included", |bencher| {
        bencher.iter(|| Item::mo(black_box(&callback), received(&body)));
    });
    let item = Item::mo(&callback, received(&body));
    criterion.bench_function("make its event, as JSON", |bencher| {
        bencher.iter(|| serde_json::to_string(&NewEvent::of(black_box(&item), &body).unwrap()).unwrap());
    });
}

criterion_group!(benches, models);
criterion_main!(benches);
