//! Pieces put in order, the messages in them rewritten, and written back to where each octet came from.

use std::collections::HashMap;

use super::super::detect::{self, Bar, Judgement};
use super::collect::{Chunk, Collector, MessageKey, Segment};
use super::spans::{Spans, offset_in};
use super::{Rewriter, Rewritten};

pub(super) fn rewrite(
    collector: &Collector<'_>,
    file: &[u8],
    fresh: &mut [u8],
    limit: usize,
    rewriter: &mut impl Rewriter,
    done: &mut Rewritten,
) {
    for chunks in &collector.chunks {
        sctp(chunks, file, fresh, limit, rewriter, done);
    }
    for segments in &collector.segments {
        tcp(segments, file, fresh, limit, rewriter, done);
    }
}

/// One direction of an association.
fn sctp(
    chunks: &[Chunk],
    file: &[u8],
    fresh: &mut [u8],
    limit: usize,
    rewriter: &mut impl Rewriter,
    done: &mut Rewritten,
) {
    // Fragments by what tells them apart; whole messages need none.
    let mut fragments: HashMap<(MessageKey, u32), Vec<usize>> = HashMap::new();
    for (at, chunk) in chunks.iter().enumerate().filter(|(_, chunk)| !(chunk.begin && chunk.end)) {
        fragments.entry((chunk.key, chunk.sequence)).or_default().push(at);
    }
    let mut used = vec![false; chunks.len()];
    for (first, chunk) in chunks.iter().enumerate().filter(|(_, chunk)| chunk.begin) {
        if used.get(first).copied().unwrap_or_default() {
            continue;
        }
        let mut chain = vec![first];
        let mut last = chunk;
        let mut sequence = chunk.sequence;
        let mut octets = chunk.spans.len();
        while !last.end && !last.cut && octets <= limit {
            sequence = sequence.wrapping_add(1);
            // Of several under one number, as after a restart, the one captured nearest.
            let candidates = fragments.get(&(chunk.key, sequence)).into_iter().flatten().copied();
            let next = candidates
                .filter_map(|at| Some((at, chunks.get(at)?)))
                .filter(|(_, next)| !next.begin)
                .min_by_key(|(_, next)| next.frame.abs_diff(chunk.frame));
            let Some((at, next)) = next else { break };
            chain.push(at);
            octets += next.spans.len();
            last = next;
        }
        let pieces: Vec<Vec<u8>> =
            chain.iter().filter_map(|at| Some(chunks.get(*at)?.spans.read(file).into_owned())).collect();
        let old = pieces.concat();
        let mut new = old.clone();
        user_message(&old, &mut new, chunk.ppid, last.end && !last.cut, limit, rewriter, done);
        if new == old {
            for at in chain {
                if let Some(used) = used.get_mut(at) {
                    *used = true;
                }
            }
            continue;
        }
        let mut offset = 0;
        for (at, piece) in chain.iter().zip(&pieces) {
            let part = new.get(offset..offset + piece.len()).unwrap_or_default();
            offset += piece.len();
            let Some(chunk) = chunks.get(*at) else { continue };
            chunk.spans.write(part, fresh);
            if let Some(used) = used.get_mut(*at) {
                *used = true;
            }
            // Retransmitted fragments are copies of it.
            for copy in fragments.get(&(chunk.key, chunk.sequence)).into_iter().flatten() {
                if let Some(other) = chunks.get(*copy)
                    && *other.spans.read(file) == **piece
                {
                    other.spans.write(part, fresh);
                    if let Some(used) = used.get_mut(*copy) {
                        *used = true;
                    }
                }
            }
        }
    }
    done.unread += used.iter().filter(|used| !**used).count() as u64;
}

/// The messages of one SCTP user message, which may be cut.
fn user_message(
    old: &[u8],
    new: &mut [u8],
    ppid: u32,
    whole: bool,
    limit: usize,
    rewriter: &mut impl Rewriter,
    done: &mut Rewritten,
) {
    let bar = detect::bar_of(ppid);
    let mut found = false;
    if whole {
        detect::split(old, bar, limit, |message| {
            if let Some(start) = offset_in(old, message)
                && let Some(message) = new.get_mut(start..start + message.len())
            {
                found = true;
                done.messages += 1;
                rewriter.message(message, true);
            }
        });
    } else if matches!(detect::judge(old, bar, limit), Judgement::Message(_)) {
        found = true;
        done.messages += 1;
        done.cut += 1;
        rewriter.message(new, false);
    }
    done.unread += u64::from(!found);
}

/// Octets in order without a hole, and the segments that lie in them.
struct Run {
    start: i64,
    octets: Vec<u8>,
}

/// One direction of a connection.
fn tcp(
    segments: &[Segment],
    file: &[u8],
    fresh: &mut [u8],
    limit: usize,
    rewriter: &mut impl Rewriter,
    done: &mut Rewritten,
) {
    let Some(first) = segments.first() else { return };
    // Sequence numbers without their wrap, each by its distance from the one before.
    let (mut at, mut before) = (0_i64, first.sequence);
    let mut placed: Vec<(i64, &Spans)> = Vec::with_capacity(segments.len());
    for segment in segments {
        at += i64::from(segment.sequence.wrapping_sub(before).cast_signed());
        before = segment.sequence;
        placed.push((at, &segment.spans));
    }
    placed.sort_by_key(|(start, _)| *start);
    let mut runs: Vec<Run> = Vec::new();
    for (start, spans) in &placed {
        let octets = spans.read(file);
        match runs.last_mut() {
            Some(run) if *start <= run.start + run.octets.len() as i64 => {
                let known = usize::try_from(run.start + run.octets.len() as i64 - start).unwrap_or_default();
                run.octets.extend_from_slice(octets.get(known..).unwrap_or_default());
            }
            _ => runs.push(Run { start: *start, octets: octets.into_owned() }),
        }
    }
    let mut written: Vec<(i64, Vec<u8>, Vec<u8>)> = Vec::with_capacity(runs.len());
    let mut proven = false;
    for run in runs {
        let old = run.octets;
        let mut new = old.clone();
        stream(&old, &mut new, &mut proven, limit, rewriter, done);
        written.push((run.start, old, new));
    }
    for (start, spans) in placed {
        let index = written.partition_point(|(begin, ..)| *begin <= start);
        let Some((begin, old, new)) = index.checked_sub(1).and_then(|at| written.get(at)) else { continue };
        let offset = usize::try_from(start - begin).unwrap_or_default();
        let range = offset..offset + spans.len();
        // What another copy of the octets said otherwise is left to the search for what remains.
        if let (Some(old), Some(new)) = (old.get(range.clone()), new.get(range))
            && old != new
            && *spans.read(file) == *old
        {
            spans.write(new, fresh);
        }
    }
}

/// The messages of octets in order.
fn stream(
    old: &[u8],
    new: &mut [u8],
    proven: &mut bool,
    limit: usize,
    rewriter: &mut impl Rewriter,
    done: &mut Rewritten,
) {
    let mut at = 0;
    let mut synchronised = false;
    while let Some(rest) = old.get(at..).filter(|rest| !rest.is_empty()) {
        let bar = if synchronised && *proven { Bar::Announced } else { Bar::Unknown };
        match detect::judge(rest, bar, limit) {
            Judgement::Message(length) if length <= rest.len() => {
                if let Some(message) = new.get_mut(at..at + length) {
                    rewriter.message(message, true);
                }
                done.messages += 1;
                (synchronised, *proven) = (true, true);
                at += length;
            }
            Judgement::Message(_) => {
                if let Some(message) = new.get_mut(at..) {
                    rewriter.message(message, false);
                }
                done.messages += 1;
                done.cut += 1;
                return;
            }
            Judgement::TooLong(length) if synchronised => at += length,
            _ => {
                synchronised = false;
                let Some(step) = rest.get(1..).and_then(|rest| detect::find(rest, limit)) else {
                    done.unread += rest.len() as u64;
                    return;
                };
                done.unread += step as u64 + 1;
                at += step + 1;
            }
        }
    }
}
