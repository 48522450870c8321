//! Time: `cargo bench --manifest-path benches/Cargo.toml --bench codec`.

use criterion::{Criterion, criterion_group, criterion_main};
use proselink_benches as ours;
use std::hint::black_box;

fn codec(criterion: &mut Criterion) {
    let (b, c) = (ours::message_b(), ours::message_c());
    let dictionary = ours::rival_dictionary();
    let (rival_b, rival_c) = (ours::for_rival(&b), ours::for_rival(&c));

    let mut group = criterion.benchmark_group("walk");
    group.bench_function("b", |bench| bench.iter(|| ours::walk(black_box(&b))));
    group.bench_function("b, by dictionary", |bench| bench.iter(|| ours::walk_by_dictionary(black_box(&b))));
    group.bench_function("b, by hand", |bench| bench.iter(|| ours::walk_by_hand(black_box(&b))));
    group.bench_function("c, by dictionary", |bench| bench.iter(|| ours::walk_by_dictionary(black_box(&c))));
    group.finish();

    let mut group = criterion.benchmark_group("typed decode");
    group.bench_function("b", |bench| bench.iter(|| ours::decode_b(black_box(&b))));
    group.bench_function("b, crate diameter", |bench| {
        bench.iter(|| ours::rival_decode(black_box(&rival_b), &dictionary));
    });
    group.bench_function("c", |bench| bench.iter(|| ours::decode_c(black_box(&c))));
    group.bench_function("c, crate diameter", |bench| {
        bench.iter(|| ours::rival_decode(black_box(&rival_c), &dictionary));
    });
    group.finish();

    let mut group = criterion.benchmark_group("build and encode");
    let mut out = Vec::with_capacity(4096);
    group.bench_function("b", |bench| {
        bench.iter(|| {
            out.clear();
            ours::encode_b(black_box(&mut out));
        });
    });
    group.bench_function("b, crate diameter", |bench| {
        bench.iter(|| {
            out.clear();
            ours::rival_encode_b(&dictionary, black_box(&mut out));
        });
    });
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
