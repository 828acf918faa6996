//! The cost of authentication: one comparison with each live verifier, for every caller.

#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use wab_ingress::{Credentials, Verifier};

fn credentials(criterion: &mut Criterion) {
    let verifiers = ["old", "password"].map(|password| Verifier::new("shop", password).unwrap().to_string());
    let live: Credentials = verifiers.join(",").parse().unwrap();
    criterion.bench_function("authenticate against two verifiers", |bencher| {
        bencher.iter(|| live.authenticate(black_box(Some("Basic c2hvcDpwYXNzd29yZA=="))).unwrap());
    });
}

criterion_group!(benches, credentials);
criterion_main!(benches);
