//! Pieces put in order, the messages in them rewritten, and written back to where each octet came from.

use std::collections::HashMap;

use super::super::detect::{self, Bar, Judgement};
use super::collect::{Chunk, MessageKey, Pieces, Stream};
use super::spans::{Spans, offset_in};
use super::window::{MESSAGE, OTHER, Window};
use super::{Rewriter, Rewritten};

/// Rewrites what is whole. Pieces before `force` are not waited for any longer.
pub(super) fn rewrite(
    pieces: &mut Pieces,
    window: &mut Window,
    force: usize,
    limit: usize,
    rewriter: &mut impl Rewriter,
    done: &mut Rewritten,
) {
    let mut work = Work { window, force, limit, rewriter, done };
    for chunks in pieces.associations.values_mut() {
        work.association(chunks);
    }
    for stream in pieces.connections.values_mut() {
        work.connection(stream);
    }
}

struct Work<'w, R> {
    window: &'w mut Window,
    force: usize,
    limit: usize,
    rewriter: &'w mut R,
    done: &'w mut Rewritten,
}

/// Octets in order without a hole, and the segments that lie in them.
struct Run {
    start: i64,
    octets: Vec<u8>,
    segments: Vec<usize>,
}

impl<R: Rewriter> Work<'_, R> {
    /// One direction of an association.
    fn association(&mut self, chunks: &mut [Chunk]) {
        let mut parted = false;
        for chunk in chunks.iter_mut().filter(|chunk| !chunk.done) {
            if chunk.begin && chunk.end {
                self.whole(chunk);
            } else {
                parted = true;
            }
        }
        if parted {
            self.fragments(chunks);
        }
    }

    /// A user message in one chunk.
    fn whole(&mut self, chunk: &mut Chunk) {
        let mut octets = chunk.spans.read(&self.window.old).into_owned();
        let mut marks = vec![OTHER; octets.len()];
        self.user_message(&mut octets, &mut marks, chunk.ppid, !chunk.cut);
        self.put(&chunk.spans, &octets, &marks);
        chunk.done = true;
    }

    fn fragments(&mut self, chunks: &mut [Chunk]) {
        let mut fragments: HashMap<(MessageKey, u32), Vec<usize>> = HashMap::new();
        for (at, chunk) in chunks.iter().enumerate().filter(|(_, chunk)| !(chunk.begin && chunk.end)) {
            fragments.entry((chunk.key, chunk.sequence)).or_default().push(at);
        }
        for alike in fragments.values() {
            self.copies(chunks, alike);
        }
        for first in 0..chunks.len() {
            let Some(chunk) = chunks.get(first).filter(|chunk| chunk.begin && !chunk.done) else { continue };
            let mut chain = vec![first];
            let mut last = chunk;
            let mut sequence = chunk.sequence;
            let mut octets = chunk.spans.len();
            while !last.end && !last.cut && octets <= self.limit {
                sequence = sequence.wrapping_add(1);
                // Of several under one number, as after a restart, the one captured nearest.
                let candidates = fragments.get(&(chunk.key, sequence)).into_iter().flatten().copied();
                let next = candidates
                    .filter_map(|at| Some((at, chunks.get(at)?)))
                    .filter(|(_, next)| !next.begin)
                    .min_by_key(|(_, next)| next.at.abs_diff(chunk.at));
                let Some((at, next)) = next else { break };
                chain.push(at);
                octets += next.spans.len();
                last = next;
            }
            if !last.end && !last.cut && octets <= self.limit && chunk.at >= self.force {
                // The rest may come.
                continue;
            }
            let (ppid, whole) = (chunk.ppid, last.end && !last.cut);
            let lengths: Vec<usize> =
                chain.iter().map(|at| chunks.get(*at).map_or(0, |chunk| chunk.spans.len())).collect();
            let mut new = Vec::with_capacity(octets);
            for chunk in chain.iter().filter_map(|at| chunks.get(*at)) {
                new.extend_from_slice(&chunk.spans.read(&self.window.old));
            }
            let mut marks = vec![OTHER; new.len()];
            self.user_message(&mut new, &mut marks, ppid, whole);
            let mut offset = 0;
            for (at, length) in chain.iter().zip(lengths) {
                let range = offset..offset + length;
                offset += length;
                let Some(chunk) = chunks.get_mut(*at).filter(|chunk| !chunk.done) else { continue };
                chunk.done = true;
                let (key, sequence) = (chunk.key, chunk.sequence);
                let part = (new.get(range.clone()).unwrap_or_default(), marks.get(range).unwrap_or_default());
                self.put(&chunk.spans, part.0, part.1);
                if let Some(alike) = fragments.get(&(key, sequence)) {
                    self.copies(chunks, alike);
                }
            }
        }
        for chunk in chunks.iter_mut().filter(|chunk| !chunk.done && chunk.at < self.force) {
            chunk.done = true;
            self.done.unread += 1;
        }
    }

    /// Retransmitted fragments become what the first of them became.
    fn copies(&mut self, chunks: &mut [Chunk], alike: &[usize]) {
        if alike.len() < 2 {
            return;
        }
        let known: Vec<Spans> =
            alike.iter().filter_map(|at| chunks.get(*at)).filter(|it| it.done).map(|it| it.spans.clone()).collect();
        for at in alike {
            let Some(chunk) = chunks.get_mut(*at).filter(|chunk| !chunk.done) else { continue };
            let octets = chunk.spans.read(&self.window.old);
            let Some(twin) = known.iter().find(|twin| twin.read(&self.window.old) == octets) else { continue };
            let (new, marks) = (twin.read(&self.window.new).into_owned(), twin.read(&self.window.marks).into_owned());
            drop(octets);
            self.put(&chunk.spans, &new, &marks);
            chunk.done = true;
        }
    }

    /// The messages of one SCTP user message, which may be cut.
    fn user_message(&mut self, new: &mut [u8], marks: &mut [u8], ppid: u32, whole: bool) {
        let bar = detect::bar_of(ppid);
        let mut found = false;
        if whole {
            let mut ranges = Vec::new();
            detect::split(new, bar, self.limit, |message| {
                ranges.extend(offset_in(new, message).map(|start| start..start + message.len()));
            });
            for range in ranges {
                found = true;
                self.message(new, marks, range, true);
            }
        } else if matches!(detect::judge(new, bar, self.limit), Judgement::Message(_)) {
            found = true;
            let range = 0..new.len();
            self.message(new, marks, range, false);
        }
        self.done.unread += u64::from(!found);
    }

    fn message(&mut self, new: &mut [u8], marks: &mut [u8], range: std::ops::Range<usize>, whole: bool) {
        if let (Some(message), Some(marks)) = (new.get_mut(range.clone()), marks.get_mut(range)) {
            self.done.messages += 1;
            self.done.cut += u64::from(!whole);
            self.rewriter.message(message, whole);
            marks.fill(MESSAGE);
        }
    }

    fn put(&mut self, spans: &Spans, octets: &[u8], marks: &[u8]) {
        spans.write(octets, &mut self.window.new);
        self.window.mark_each(spans, marks);
    }

    /// One direction of a connection.
    fn connection(&mut self, stream: &mut Stream) {
        if stream.segments.iter().all(|segment| segment.done) {
            return;
        }
        for run in self.runs(stream) {
            let waiting = || run.segments.iter().filter_map(|at| stream.segments.get(*at)).filter(|it| !it.done);
            if waiting().next().is_none() {
                continue;
            }
            let may_wait = waiting().all(|segment| segment.at >= self.force);
            let length = run.octets.len();
            let end = run.start + length as i64;
            let (mut new, mut marks) = (run.octets.clone(), vec![OTHER; length]);
            self.overlay(stream, &run, &mut new, &mut marks);
            let from = match stream.resume {
                Some(resume) if resume >= run.start => usize::try_from(resume - run.start).unwrap_or(0).min(length),
                // Octets are missing that may still come.
                Some(_) if may_wait => return,
                _ => {
                    stream.synchronised = false;
                    0
                }
            };
            let starts: Vec<usize> = run
                .segments
                .iter()
                .filter_map(|at| usize::try_from(stream.segments.get(*at)?.start - run.start).ok())
                .collect();
            let decided =
                if from < length { self.stream(&mut new, &mut marks, from, stream, &starts, may_wait) } else { length };
            for at in &run.segments {
                let Some(segment) = stream.segments.get_mut(*at).filter(|segment| !segment.done) else { continue };
                let offset = usize::try_from(segment.start - run.start).unwrap_or_default();
                let range = offset..offset + segment.spans.len();
                if range.end > decided && may_wait {
                    continue;
                }
                segment.done = true;
                // Another copy may have said otherwise.
                if let (Some(old), Some(new), Some(marks)) =
                    (run.octets.get(range.clone()), new.get(range.clone()), marks.get(range))
                    && *segment.spans.read(&self.window.old) == *old
                {
                    let spans = segment.spans.clone();
                    self.put(&spans, new, marks);
                }
            }
            let reached = if may_wait { run.start + decided as i64 } else { end };
            stream.resume = Some(stream.resume.map_or(reached, |resume| resume.max(reached)));
            if may_wait && decided < length {
                return;
            }
        }
    }

    /// The segments in order; what came first stays where they overlap.
    fn runs(&self, stream: &Stream) -> Vec<Run> {
        let mut order: Vec<usize> = (0..stream.segments.len()).collect();
        order.sort_by_key(|at| stream.segments.get(*at).map(|segment| segment.start));
        let mut runs: Vec<Run> = Vec::new();
        for at in order {
            let Some(segment) = stream.segments.get(at) else { continue };
            let octets = segment.spans.read(&self.window.old);
            match runs.last_mut() {
                Some(run) if segment.start <= run.start + run.octets.len() as i64 => {
                    let known = usize::try_from(run.start + run.octets.len() as i64 - segment.start);
                    run.octets.extend_from_slice(octets.get(known.unwrap_or_default()..).unwrap_or_default());
                    run.segments.push(at);
                }
                _ => runs.push(Run { start: segment.start, octets: octets.into_owned(), segments: vec![at] }),
            }
        }
        runs
    }

    /// What is rewritten already of the octets of a run.
    fn overlay(&self, stream: &Stream, run: &Run, new: &mut [u8], marks: &mut [u8]) {
        for segment in run.segments.iter().filter_map(|at| stream.segments.get(*at)).filter(|segment| segment.done) {
            let offset = usize::try_from(segment.start - run.start).unwrap_or_default();
            let range = offset..offset + segment.spans.len();
            if run.octets.get(range.clone()) == Some(&*segment.spans.read(&self.window.old))
                && let (Some(new), Some(marks)) = (new.get_mut(range.clone()), marks.get_mut(range))
            {
                new.copy_from_slice(&segment.spans.read(&self.window.new));
                marks.copy_from_slice(&segment.spans.read(&self.window.marks));
            }
        }
    }

    /// The messages of octets in order, from `at`; returns up to where is decided.
    fn stream(
        &mut self,
        new: &mut [u8],
        marks: &mut [u8],
        mut at: usize,
        stream: &mut Stream,
        starts: &[usize],
        may_wait: bool,
    ) -> usize {
        let end = new.len();
        while let Some(rest) = new.get(at..).filter(|rest| !rest.is_empty()) {
            let length = rest.len();
            let bar = if stream.synchronised && stream.proven { Bar::Announced } else { Bar::Unknown };
            match detect::judge(rest, bar, self.limit) {
                Judgement::Message(whole) if whole <= length => {
                    self.message(new, marks, at..at + whole, true);
                    (stream.synchronised, stream.proven) = (true, true);
                    at += whole;
                }
                Judgement::Message(_) | Judgement::More if may_wait => return at,
                // Amid octets of another protocol anything may look like a beginning.
                Judgement::Message(_) if stream.proven || starts.contains(&at) => {
                    self.message(new, marks, at..end, false);
                    stream.synchronised = false;
                    return end;
                }
                Judgement::TooLong(whole) if stream.synchronised && whole <= length => at += whole,
                Judgement::TooLong(_) if stream.synchronised && may_wait => return at,
                _ => {
                    stream.synchronised = false;
                    if let Some(step) = rest.get(1..).and_then(|rest| detect::find(rest, self.limit)) {
                        self.done.unread += step as u64 + 1;
                        at += step + 1;
                        continue;
                    }
                    // A message may begin with a segment and go on with the next.
                    let begins = |start: &usize| {
                        let rest = new.get(*start..).unwrap_or_default();
                        *start > at && detect::judge(rest, Bar::Unknown, self.limit) == Judgement::More
                    };
                    let kept = starts.iter().rev().take(2).copied().filter(|start| may_wait && begins(start)).min();
                    let decided = kept.unwrap_or(end);
                    self.done.unread += (decided - at) as u64;
                    return decided;
                }
            }
        }
        end
    }
}
