//! Instruction counts under valgrind, which no noisy neighbour changes:
//! `cargo install gungraun-runner --version 0.20.0 && cargo bench --manifest-path benches/Cargo.toml --bench instructions`.

use std::hint::black_box;
use std::sync::Arc;

use diameter::dictionary::Dictionary;
use gungraun::{library_benchmark, library_benchmark_group, main};
use proselink_benches as ours;

fn rival(message: &[u8]) -> (Vec<u8>, Arc<Dictionary>) {
    (ours::for_rival(message), ours::rival_dictionary())
}

fn rival_b() -> (Vec<u8>, Arc<Dictionary>) {
    rival(&ours::message_b())
}

fn rival_c() -> (Vec<u8>, Arc<Dictionary>) {
    rival(&ours::message_c())
}

fn room() -> Vec<u8> {
    Vec::with_capacity(4096)
}

fn rival_room() -> (Vec<u8>, Arc<Dictionary>) {
    (room(), ours::rival_dictionary())
}

#[library_benchmark]
#[bench::b(ours::message_b())]
fn walk_by_hand(message: Vec<u8>) -> (u64, Vec<u8>) {
    (black_box(ours::walk_by_hand(black_box(&message))), message)
}

#[library_benchmark]
#[bench::b(ours::message_b())]
fn walk(message: Vec<u8>) -> (u64, Vec<u8>) {
    (black_box(ours::walk(black_box(&message))), message)
}

#[library_benchmark]
#[bench::b(ours::message_b())]
#[bench::c(ours::message_c())]
fn walk_by_dictionary(message: Vec<u8>) -> (u64, Vec<u8>) {
    (black_box(ours::walk_by_dictionary(black_box(&message))), message)
}

#[library_benchmark]
#[bench::b(ours::message_b())]
fn decode_b(message: Vec<u8>) -> (bool, Vec<u8>) {
    (black_box(ours::decode_b(black_box(&message))), message)
}

#[library_benchmark]
#[bench::c(ours::message_c())]
fn decode_c(message: Vec<u8>) -> (bool, Vec<u8>) {
    (black_box(ours::decode_c(black_box(&message))), message)
}

#[library_benchmark]
#[bench::b(rival_b())]
#[bench::c(rival_c())]
fn crate_diameter_decode(input: (Vec<u8>, Arc<Dictionary>)) -> (bool, (Vec<u8>, Arc<Dictionary>)) {
    (black_box(ours::rival_decode(black_box(&input.0), &input.1)), input)
}

#[library_benchmark]
#[bench::b(room())]
fn encode_b(mut out: Vec<u8>) -> Vec<u8> {
    ours::encode_b(black_box(&mut out));
    out
}

#[library_benchmark]
#[bench::b(rival_room())]
fn crate_diameter_encode(mut room: (Vec<u8>, Arc<Dictionary>)) -> (Vec<u8>, Arc<Dictionary>) {
    ours::rival_encode_b(&room.1, black_box(&mut room.0));
    room
}

library_benchmark_group!(
    name = codec;
    benchmarks = walk_by_hand, walk, walk_by_dictionary, decode_b, decode_c, crate_diameter_decode, encode_b, crate_diameter_encode
);

main!(library_benchmark_groups = codec);
