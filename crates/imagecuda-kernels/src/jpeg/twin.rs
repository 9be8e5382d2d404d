//! The kernels of Huffman decoding on the host: thread after thread, and the same results.

use super::{
    decoder::{Alone, Decoder, Exits},
    groups::{Found, Owner, THREADS},
    huffman::{Entry, Table, Tables},
    picture::{BLOCK, Picture},
    scan::{Dc, Exit, Scan, Segment, State, status},
    stuffing::{CHUNK, PIECE, Piece},
};
use alloc::{vec, vec::Vec};
use bytemuck::{cast, cast_slice_mut};
use core::cell::Cell;

/// The data of a scan, of those that the `file` has. So many bytes before each chunk are `kept`.
pub fn unstuff(scan: &Scan, segments: &[Segment], file: &[u8], kept: &[u32]) -> Vec<u32> {
    let bytes = scan.subsequence / 8;
    let mut words = vec![0; (scan.subsequences * bytes) as usize / 4];
    let data: &mut [u8] = cast_slice_mut(&mut words);
    for (chunk, &kept) in kept.iter().enumerate() {
        let mut kept = kept;
        let end = (chunk * CHUNK + CHUNK).min(file.len());
        for start in (chunk * CHUNK..end).step_by(PIECE) {
            let here = &file[start..end.min(start + PIECE)];
            let mut all = [0; PIECE];
            all[..here.len()].copy_from_slice(here);
            let piece = Piece {
                bytes: cast(all),
                before: start.checked_sub(1).map_or(0, |before| file[before]),
                len: here.len() as u32,
            };
            piece.place(segments, start as u32, kept, bytes, |at, byte| {
                if let Some(to) = data.get_mut(at as usize) {
                    *to = byte;
                }
            });
            kept += piece.kept();
        }
    }
    words
}

/// A scan and its data.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The scan.
    pub scan: &'a Scan,
    /// Its Huffman tables.
    pub tables: &'a [Table],
    /// Its data.
    pub words: &'a [u32],
    /// Its segments.
    pub segments: &'a [Segment],
}

/// Decodes a scan to the `coefficients` of its picture, which are zeros. What is wrong with it, as
/// [`status`]; if anything is, the coefficients mean nothing.
pub fn decode(input: Input<'_>, picture: &Picture, coefficients: &mut [i16]) -> u32 {
    let scan = input.scan;
    let mut exits = vec![Exit::default(); scan.subsequences as usize];
    let mut sums = vec![Dc::default(); scan.subsequences as usize];
    let mut found = vec![Found::default(); scan.groups() as usize];
    let mut owners = vec![None; scan.blocks as usize];
    let mut wrong = 0;
    for group in 0..scan.groups() {
        wrong |= synchronize(input, group, &mut exits, &mut found);
    }
    for group in 0..scan.groups() {
        let written = (&mut sums[..], &mut found[..], &mut owners[..]);
        wrong |= write(input, group, &exits, written, coefficients);
    }
    carry(input, &mut found);
    for (number, part) in picture.parts().iter().enumerate() {
        for block in part.first_block as usize..part.first_block as usize + part.blocks() {
            if let Some(owner) = owners.get(block).copied().flatten() {
                let first = &mut coefficients[block * BLOCK];
                let sum = before(scan, owner, &sums, &found);
                *first = first.wrapping_add(sum.get(number as u8));
            }
        }
    }
    wrong
}

/// The differences of DC before a subsequence in its segment.
fn before(scan: &Scan, owner: Owner, sums: &[Dc], found: &[Found]) -> Dc {
    let own = sums[owner.subsequence() as usize];
    match owner.is_carried() {
        true => own.plus(found[scan.group_of(owner.subsequence()) as usize].carried),
        false => own,
    }
}

fn synchronize(input: Input<'_>, group: u32, exits: &mut [Exit], found: &mut [Found]) -> u32 {
    let Input {
        scan,
        words,
        segments,
        ..
    } = input;
    let warm_up = scan.warm_up() as usize;
    let own = (scan.end_of(group) - scan.first_of(group)) as usize;
    let end = warm_up + own;
    let done = [const { Cell::new(Exit::EMPTY) }; THREADS as usize];
    let mut is_lost = false;
    // Backwards, as each is to find what those behind it have left.
    for thread in (0..end as u32).rev() {
        if let Some(place) = scan.place(segments, group, thread) {
            let mut decoder = Decoder::new(scan, input, words, place, State::default());
            is_lost |= decoder.synchronize(true, Alone, &done[..end], thread);
        }
    }
    let done = done.map(Cell::into_inner);
    let done_own = &done[warm_up..end];
    exits[scan.first_of(group) as usize..][..own].copy_from_slice(done_own);
    let start = scan.last_start(segments, group) as usize;
    found[group as usize] = Found {
        entry: done[warm_up - 1].state(),
        units: done_own[start..].iter().map(|exit| exit.units()).sum(),
        ..Found::default()
    };
    match is_lost {
        true => status::UNSYNCHRONIZED,
        false => 0,
    }
}

impl<'a> Tables for Input<'a> {
    type Table = Option<&'a Table>;
    type Unit = u32;

    fn unit(self, number: u32) -> u32 {
        number
    }

    fn number(self, unit: u32) -> u32 {
        unit
    }

    fn tables(self, unit: u32) -> ([Self::Table; 2], u32) {
        let tables = self.scan.unit(unit).tables;
        let after = unit + 1;
        let after = if after < self.scan.unit_count {
            after
        } else {
            0
        };
        (
            tables.map(|number| self.tables.get(usize::from(number))),
            after,
        )
    }

    fn look_up(table: Self::Table, bits: u32) -> Entry {
        table.map_or(Entry::NONE, |table| table.look_up(bits))
    }
}

impl Exits for &[Cell<Exit>] {
    fn leave(self, at: u32, exit: Exit) -> Exit {
        let before = self[at as usize].get();
        self[at as usize].set(before.max(exit));
        before
    }

    fn count(self) -> u32 {
        self.len() as u32
    }
}

fn write(
    input: Input<'_>,
    group: u32,
    exits: &[Exit],
    (sums, found, owners): (&mut [Dc], &mut [Found], &mut [Option<Owner>]),
    coefficients: &mut [i16],
) -> u32 {
    let Input {
        scan,
        words,
        segments,
        ..
    } = input;
    let first = scan.first_of(group);
    let mut wrong = 0;
    let mut dc = Dc::default();
    for number in first..scan.end_of(group) {
        let Some(place) = scan.find(segments, number) else {
            continue;
        };
        let is_carried = place.first < first;
        let mut carried = 0;
        if is_carried {
            let groups = scan.carried(segments, group);
            carried = groups.map(|group| found[group as usize].units).sum();
        }
        let own = place.first.max(first) as usize..number as usize;
        let units: u32 = exits[own].iter().map(|exit| exit.units()).sum();
        let mut state = State::default();
        if place.is_first() {
            dc = Dc::default();
        } else {
            state = exits[number as usize - 1].state();
            if number == first && found[group as usize].entry != state {
                wrong |= status::UNSYNCHRONIZED;
            }
        }
        let mut decoder = Decoder::new(scan, input, words, place, state);
        let exit = exits[number as usize].state();
        let owner = Owner::new(number, is_carried);
        sums[number as usize] = dc;
        let begin = |block: usize| {
            if let Some(slot) = owners.get_mut(block) {
                *slot = Some(owner);
            }
        };
        let put = |at: usize, value| {
            if let Some(coefficient) = coefficients.get_mut(at) {
                *coefficient = value;
            }
        };
        let (own, bad) = decoder.write(true, Alone, carried + units, exit, begin, put);
        dc = dc.plus(own);
        wrong |= bad;
    }
    found[group as usize].dc = dc;
    wrong
}

fn carry(input: Input<'_>, found: &mut [Found]) {
    for group in 0..input.scan.groups() {
        let groups = input.scan.carried(input.segments, group);
        let sum = groups.map(|group| found[group as usize].dc);
        found[group as usize].carried = sum.fold(Dc::default(), Dc::plus);
    }
}
