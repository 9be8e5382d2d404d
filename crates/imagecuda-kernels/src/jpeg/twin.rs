//! The kernels of [`scan`](super::scan) on the host: thread after thread, and the same results.

use super::{
    groups::{Found, ROUNDS, THREADS, WARM_UP, groups},
    huffman::Table,
    scan::{Alone, Decoder, Exit, Place, Scan, SegmentAt, State, status},
};
use alloc::{vec, vec::Vec};

/// Decodes a scan to the `coefficients` of its picture, which are zeros. What is wrong with it, as
/// [`status`]; if anything is, the coefficients mean nothing.
pub fn decode(
    scan: &Scan,
    tables: &[Table],
    words: &[u32],
    segments: &[SegmentAt],
    coefficients: &mut [i16],
) -> u32 {
    let mut exits = vec![Exit::default(); scan.subsequences as usize];
    let mut found = vec![Found::default(); groups(scan.subsequences) as usize];
    let mut wrong = 0;
    for group in 0..found.len() {
        let data = (scan, tables, words, segments);
        wrong |= synchronize(data, group, &mut exits, &mut found);
    }
    for group in 0..found.len() {
        let data = (scan, tables, words, segments);
        wrong |= write(data, group, &exits, &found, coefficients);
    }
    wrong
}

type Data<'a> = (&'a Scan, &'a [Table], &'a [u32], &'a [SegmentAt]);

fn synchronize(
    (scan, tables, words, segments): Data<'_>,
    group: usize,
    exits: &mut [Exit],
    found: &mut [Found],
) -> u32 {
    let number = group as u32;
    let mut decoders: Vec<_> = (0..THREADS)
        .map(|thread| {
            let place = scan.place(segments, number, thread)?;
            Some(Decoder::new(scan, tables, words, place, State::default()))
        })
        .collect();
    let mut done = [Exit::default(); THREADS as usize];
    for (decoder, done) in decoders.iter_mut().zip(&mut done) {
        if let Some(decoder) = decoder {
            *done = decoder.synchronize(true, Alone);
        }
    }
    let ends: Vec<bool> = decoders.iter().map(Option::is_none).collect();
    for round in 1..=ROUNDS as usize {
        for (thread, slot) in decoders.iter_mut().enumerate() {
            let target = thread + round;
            let goes_on = target < done.len() && !ends[target];
            *slot = slot.take().filter(|_| goes_on).and_then(|mut decoder| {
                decoder.go_on().then(|| {
                    let exit = decoder.synchronize(true, Alone);
                    let is_same = exit.state == done[target].state;
                    done[target] = exit;
                    (!is_same).then_some(decoder)
                })?
            });
        }
    }
    let end = scan.end_of(number) - scan.first_of(number);
    let own = &done[WARM_UP as usize..][..end as usize];
    exits[scan.first_of(number) as usize..][..own.len()].copy_from_slice(own);
    let last = Place::find(segments, scan.end_of(number) - 1);
    let start = last.map_or(0, |last| last.first.saturating_sub(scan.first_of(number)));
    found[group] = Found {
        entry: done[WARM_UP as usize - 1].state,
        total: own[start as usize..]
            .iter()
            .fold(Exit::default(), |a, b| a.then(*b)),
        ..Found::default()
    };
    match decoders.iter().any(Option::is_some) {
        true => status::UNSYNCHRONIZED,
        false => 0,
    }
}

fn write(
    (scan, tables, words, segments): Data<'_>,
    group: usize,
    exits: &[Exit],
    found: &[Found],
    coefficients: &mut [i16],
) -> u32 {
    let number = group as u32;
    let mut wrong = 0;
    for subsequence in scan.first_of(number)..scan.end_of(number) {
        let Some(place) = Place::find(segments, subsequence) else {
            continue;
        };
        let first = scan.first_of(number);
        let mut before = Exit::default();
        if place.first < first {
            let groups = scan.group_of(place.first) as usize..group;
            before = found[groups].iter().fold(before, |a, b| a.then(b.total));
        }
        let own = place.first.max(first) as usize..subsequence as usize;
        before = exits[own].iter().fold(before, |a, b| a.then(*b));
        let mut state = State::default();
        if !place.is_first() {
            state = exits[subsequence as usize - 1].state;
            if subsequence == first && found[group].entry != state {
                wrong |= status::UNSYNCHRONIZED;
            }
        }
        let mut decoder = Decoder::new(scan, tables, words, place, state);
        wrong |= decoder.write(true, Alone, before, |at, value| {
            if let Some(coefficient) = coefficients.get_mut(at) {
                *coefficient = value;
            }
        });
    }
    wrong
}
