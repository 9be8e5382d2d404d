//! `jpeg_positions` on the CPU.

use super::{
    super::{Band, Start, symbols::Symbols},
    BLOCK_PLACES, KNOWN_BLOCKS, MORE_BITS, MORE_BLOCKS, RECORDS, RING_BITS, RING_BLOCKS, Record,
    check::{self, Known, Step},
    entry::entry,
    follower::{Follower, Memory, Ready},
    slots::{Block, Lane, Slot, mask},
};
use crate::jpeg::bits::{BitReader, WordSource};
use alloc::{vec, vec::Vec};
use core::cell::Cell;

/// What the threads of a thread block share.
struct Shared {
    entries: Vec<Cell<u32>>,
    slots: Vec<Cell<(u32, u32)>>,
    known: Vec<Cell<Known>>,
    records: [Vec<Cell<Record>>; 2],
}

/// The memory of a follower, which writes to one half of the records.
#[derive(Clone, Copy)]
struct Rings<'a>(&'a Shared, usize);

impl Memory for Rings<'_> {
    fn entry(self, position: u32) -> u32 {
        self.0.entries[position as usize / 4].get()
    }

    fn slot(self, place: u32) -> (u32, u32) {
        self.0.slots[place as usize / 8].get()
    }

    fn record(self, number: u32, record: Record) {
        self.0.records[self.1][number as usize].set(record);
    }
}

/// Writes what is at `at` of a ring, and once more behind its end.
fn put<T: Copy>(ring: &[Cell<T>], len: u32, at: u32, value: T) {
    ring[(at % len) as usize].set(value);
    if let Some(more) = ring.get((at % len + len) as usize) {
        more.set(value);
    }
}

/// A scan while it is followed.
struct Scan<'a> {
    band: Band,
    symbols: &'a Symbols,
    data: &'a [u32],
    bits: u32,
    nonzero: &'a mut [u64],
    shared: Shared,
    /// The bits and the blocks that are prepared, and 4 times the corrections of these blocks.
    coded: u32,
    listed: u32,
    corrections: u32,
    /// The place and the position of the last record that was checked, and the finished blocks.
    from: (u32, u32),
    finished: u32,
    starts: Vec<Start>,
    /// The coefficients that are new in the block of the last record.
    new: u64,
}

/// Finds where the blocks of a scan begin. `nonzero` are the coefficients of each block of its component that are
/// not zero; those of this scan are added. `None` if the data are irregular.
pub fn positions(
    band: Band,
    symbols: &Symbols,
    (data, bits): (&[u32], u32),
    nonzero: &mut [u64],
) -> Option<Vec<Start>> {
    let records = || vec![Cell::default(); RECORDS as usize];
    let mut scan = Scan {
        band,
        symbols,
        data,
        bits,
        starts: vec![Start::default(); nonzero.len()],
        nonzero,
        shared: Shared {
            entries: vec![Cell::default(); (RING_BITS + MORE_BITS) as usize],
            slots: vec![Cell::default(); ((RING_BLOCKS + MORE_BLOCKS) * BLOCK_PLACES / 8) as usize],
            known: vec![Cell::default(); KNOWN_BLOCKS as usize],
            records: [records(), records()],
        },
        coded: 0,
        listed: 0,
        corrections: 0,
        from: (0, 0),
        finished: 0,
        new: 0,
    };
    let mut follower = Follower::default();
    let (mut ready, mut count, mut half) = (Ready::default(), 0, 0);
    while (scan.finished as usize) < scan.starts.len() {
        // The threads do all this at once. In this order, what is overwritten too early is missed.
        let next = scan.prepare(&follower);
        scan.check(half, count)?;
        half ^= 1;
        count = follower.follow(Rings(&scan.shared, half), ready);
        ready = next;
    }
    Some(scan.starts)
}

impl Scan<'_> {
    fn blocks(&self) -> u32 {
        self.starts.len() as u32
    }

    /// Prepares entries and slots.
    fn prepare(&mut self, follower: &Follower) -> Ready {
        let bits = follower.position / 4 / 32 * 32 + RING_BITS;
        for bit in self.coded..bits {
            let words = Words(self.data, self.bits.div_ceil(32));
            let entry = entry(self.symbols, self.band, BitReader::new(words, bit).peek());
            put(&self.shared.entries, RING_BITS, bit, entry);
        }
        self.coded = bits;
        let blocks = follower.place / BLOCK_PLACES + RING_BLOCKS;
        for number in self.listed..blocks {
            let nonzero = self.nonzero.get(number as usize).copied().unwrap_or(0);
            let zeros = !nonzero & mask(self.band);
            let after = self.corrections + 4 * (nonzero & mask(self.band)).count_ones();
            let known = Known {
                corrections: self.corrections,
                zeros: zeros.count_ones(),
            };
            put(&self.shared.known, KNOWN_BLOCKS, number, known);
            let place = number * BLOCK_PLACES;
            let block = Block::new(place, zeros, [self.corrections, after]);
            for number in 0..32 {
                let lane = Lane::new(number, self.band);
                for is_second in [false, true] {
                    let all = [
                        lane.of_zero(&block, is_second),
                        lane.of_none(&block, is_second),
                    ];
                    for slot in all.into_iter().flatten() {
                        self.put(place, slot);
                    }
                }
            }
            self.corrections = after;
        }
        self.listed = blocks;
        Ready {
            place: blocks * BLOCK_PLACES,
            position: 4 * bits,
        }
    }

    fn put(&self, place: u32, slot: Slot) {
        let ring = RING_BLOCKS * BLOCK_PLACES / 8;
        let at = place / 8 + slot.number;
        put(&self.shared.slots, ring, at, (slot.corrections, slot.next));
    }

    /// Checks the records of a phase.
    fn check(&mut self, half: usize, count: u32) -> Option<()> {
        for number in 0..count {
            let record = self.shared.records[half][number as usize].get();
            let (place, position) = self.from;
            let number = place / BLOCK_PLACES;
            if number >= self.blocks() {
                return Some(());
            }
            let known = self.shared.known[(number % KNOWN_BLOCKS) as usize].get();
            let step = check::step(place, record, known, self.band);
            if step == Step::Wrong || record.position > 4 * self.bits {
                return None;
            }
            if let Step::Coefficient(k) = step {
                self.new |= 1 << (63 - k);
            }
            let end = (record.place / BLOCK_PLACES).min(self.blocks());
            if step == Step::Skipped {
                for block in number..end {
                    let of = self.shared.known[(block % KNOWN_BLOCKS) as usize].get();
                    let at = position - known.corrections + of.corrections;
                    self.starts[block as usize] = Start::new(at / 4, true);
                }
            } else if check::is_start(place) {
                self.starts[number as usize] = Start::new(position / 4, false);
            }
            if end > number {
                self.nonzero[number as usize] |= core::mem::take(&mut self.new);
            }
            self.finished = end;
            self.from = (record.place, record.position);
        }
        Some(())
    }
}

/// Words, of which those after the first `1` are 0.
#[derive(Clone, Copy)]
struct Words<'a>(&'a [u32], u32);

impl WordSource for Words<'_> {
    fn word(self, number: u32) -> u32 {
        if number < self.1 {
            self.0.word(number)
        } else {
            0
        }
    }
}
