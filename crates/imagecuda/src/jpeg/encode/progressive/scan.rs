//! The scans of a picture as tokens.

use super::{
    super::host::Masks,
    Script,
    row::{Grid, Row},
    tokens::{Queue, Room, Tokens},
};
use crate::Result;
use imagecuda_kernels::jpeg::{
    encode::{
        coding::{extra, size},
        frame::Frame,
    },
    picture::BLOCK,
};

/// A scan that takes one row of MCUs after another.
pub(in super::super) struct ScanCoder {
    script: &'static Script,
    /// The last DC coefficients of components.
    last: [i32; 3],
    run: Run,
    tokens: Tokens,
}

impl ScanCoder {
    pub(super) fn new(script: &'static Script, frame: &Frame) -> Self {
        Self {
            script,
            last: [0; 3],
            run: Run::default(),
            tokens: Tokens::new(frame.units() as usize),
        }
    }

    pub(super) fn script(&self) -> &'static Script {
        self.script
    }

    /// Ends the scan.
    pub(super) fn finish(mut self) -> Result<Tokens> {
        self.end();
        self.tokens.complete()
    }

    /// Whether this is an AC scan with the table of chroma.
    fn is_of_chroma(&self) -> bool {
        self.script.component.is_some_and(|component| component > 0)
    }

    /// Adds what waits for the end of the scan or of an interval.
    fn end(&mut self) {
        let mut room = self.tokens.room(self.is_of_chroma());
        self.run.end(&mut room);
        let count = room.count();
        self.tokens.add(count);
    }

    #[cold]
    #[inline(never)]
    fn restart(&mut self) {
        self.end();
        self.tokens.restart();
        self.last = [0; 3];
    }

    /// Adds a row of MCUs. `gather` returns the bits of its first argument at the places of its second
    /// one, the first of them highest.
    #[inline(always)]
    pub(in super::super) fn row(&mut self, row: &Row<'_>, gather: impl Fn(u64, u64) -> u64 + Copy) {
        let Some(component) = self.script.component else {
            return match self.script.bits[0] {
                0 => self.begin_dc(row),
                _ => self.refine_dc(row),
            };
        };
        let band = Band::new(self.script, gather);
        let grid = Grid::new(row.frame, component, row.mcu_y);
        let interval = row.frame.restart_interval;
        let is_first = self.script.bits[0] == 0;
        // No closures, which the compiler may not compile for this processor.
        for y in 0..grid.rows {
            let mut x = 0;
            while x < grid.across {
                // Of one component's scan an MCU is a block.
                let mcu = (grid.top + y) * grid.across + x;
                let mut left = grid.across - x;
                if interval != 0 {
                    if is_restart(mcu, interval) {
                        self.restart();
                    }
                    left = left.min(interval - mcu % interval);
                }
                let end = x + left;
                let mut room = self.tokens.room(component > 0);
                while x < end && room.is_enough() {
                    let unit = grid.unit(x, y);
                    let masks = &row.masks[unit];
                    match is_first {
                        true => band.begin(row.block(unit), masks, &mut self.run, &mut room),
                        false => band.refine(masks, &mut self.run, &mut room),
                    }
                    x += 1;
                }
                let count = room.count();
                self.tokens.add(count);
            }
        }
    }

    /// A first scan of DC coefficients.
    #[inline(always)]
    fn begin_dc(&mut self, row: &Row<'_>) {
        let bit = self.script.bits[1];
        let frame = row.frame;
        let units = frame.units_of_mcu();
        let luma = frame.h * frame.v;
        let interval = frame.restart_interval;
        let mut first = row.first();
        let mut x = 0;
        while x < frame.mcus_x {
            let mcu = row.mcu_y * frame.mcus_x + x;
            let mut left = frame.mcus_x - x;
            if interval != 0 {
                if is_restart(mcu, interval) {
                    self.restart();
                }
                left = left.min(interval - mcu % interval);
            }
            let end = x + left;
            let mut room = self.tokens.room(false);
            while x < end && room.is_enough() {
                for k in 0..units {
                    let value = i32::from(first.next().unwrap_or(0)) >> bit;
                    let component = (k + 1).saturating_sub(luma);
                    let before = std::mem::replace(&mut self.last[component as usize % 3], value);
                    let difference = value - before;
                    let size = size(difference);
                    let bits = extra(difference, size);
                    match component {
                        0 => room.symbol(size, bits, size),
                        _ => room.symbol_of_other(size, bits, size),
                    }
                }
                x += 1;
            }
            let count = room.count();
            self.tokens.add(count);
        }
    }

    /// A refinement of DC coefficients.
    #[inline(always)]
    fn refine_dc(&mut self, row: &Row<'_>) {
        let bit = self.script.bits[1];
        let frame = row.frame;
        let units = frame.units_of_mcu();
        let mut first = row.first();
        for x in 0..frame.mcus_x {
            let mcu = row.mcu_y * frame.mcus_x + x;
            if frame.restart_interval != 0 && is_restart(mcu, frame.restart_interval) {
                self.restart();
            }
            for _ in 0..units {
                let dc = first.next().unwrap_or(0);
                self.run.bits.push((dc >> bit & 1) as u64, 1);
            }
            if self.run.bits.len() > MOST_WAITING {
                self.end();
            }
        }
    }
}

/// Whether a restart marker is before an MCU.
fn is_restart(mcu: u32, interval: u32) -> bool {
    mcu != 0 && mcu.is_multiple_of(interval)
}

/// The longest run of blocks that one end-of-band symbol ends.
const MOST_BLOCKS: u32 = 0x7fff;

/// The most correction bits that wait for such a symbol: as many as libjpeg has room for, less the bits of
/// one block.
const MOST_WAITING: usize = 1000 - BLOCK + 1;

/// The symbol of 16 zeros.
const ZRL: u32 = 0xf0;

/// An end-of-band run whose symbol is not written yet.
#[derive(Default)]
struct Run {
    /// Its blocks.
    blocks: u32,
    /// Their correction bits.
    bits: Queue,
}

impl Run {
    /// Writes the symbol of the run, and the correction bits that wait for it.
    #[inline(always)]
    fn end(&mut self, room: &mut Room<'_>) {
        let blocks = std::mem::take(&mut self.blocks);
        if blocks == 0 {
            return self.bits.give(room);
        }
        let size = blocks.ilog2();
        let bits = blocks & ((1 << size) - 1);
        match self.bits.take_few(16 - size.min(16)) {
            Some((more, count)) => {
                let bits = bits << count | more;
                room.symbol(size << 4, bits, size + count);
            }
            None => {
                room.symbol(size << 4, bits, size);
                self.bits.give(room);
            }
        }
    }

    /// Adds a block that ends before its last coefficient.
    #[inline(always)]
    fn add(&mut self, room: &mut Room<'_>) {
        self.blocks += 1;
        if self.blocks == MOST_BLOCKS || self.bits.len() > MOST_WAITING {
            self.end(room);
        }
    }
}

/// The coefficients of an AC scan.
struct Band<G> {
    gather: G,
    /// A bit for each of them, as in [`Masks`].
    mask: u64,
    first: u32,
    last: u32,
    bit: u32,
}

/// The bit of a coefficient in [`Masks`].
#[inline(always)]
fn bit_of(place: u32) -> u64 {
    (1 << 63) >> (place & 63)
}

impl<G: Fn(u64, u64) -> u64> Band<G> {
    #[inline(always)]
    fn new(script: &Script, gather: G) -> Self {
        let [first, last] = script.band.map(u32::from);
        Self {
            gather,
            mask: u64::MAX >> first & u64::MAX << (63 - last),
            first,
            last,
            bit: script.bits[1].into(),
        }
    }

    /// A block of a first scan.
    #[inline(always)]
    fn begin(&self, block: &[i16; BLOCK], masks: &Masks, run: &mut Run, room: &mut Room<'_>) {
        let mut left = masks.some[self.bit as usize % 3] & self.mask;
        let mut next = self.first;
        if left != 0 && run.blocks > 0 {
            run.end(room);
        }
        while left != 0 {
            let place = left.leading_zeros();
            left &= bit_of(place) - 1;
            let mut zeros = place - next;
            while zeros > 15 {
                room.symbol(ZRL, 0, 0);
                zeros -= 16;
            }
            let value = i32::from(block[place as usize % BLOCK]);
            // The magnitude without its lower bits, which are inverted for a negative number.
            let magnitude = value.unsigned_abs() >> self.bit;
            let size = 32 - magnitude.leading_zeros();
            let bits = (magnitude ^ (value >> 31) as u32) & ((1 << (size & 31)) - 1);
            room.symbol(zeros << 4 | size, bits, size);
            next = place + 1;
        }
        if next <= self.last {
            run.add(room);
        }
    }

    /// A block of a refinement. "Old" coefficients were not zero in the scan before; "new" ones are not
    /// zero from this scan on.
    #[inline(always)]
    fn refine(&self, masks: &Masks, run: &mut Run, room: &mut Room<'_>) {
        let bit = self.bit as usize % 2;
        // Those from `next` on.
        let mut old = masks.some[bit + 1] & self.mask;
        let mut new = masks.some[bit] & self.mask & !old;
        let bits = masks.bits[bit];
        let mut next = self.first;
        if new != 0 {
            run.end(room);
        }
        while new != 0 {
            let place = new.leading_zeros();
            let own = bit_of(place);
            let after = own - 1;
            let mut between = old & !after;
            (new, old) = (new & after, old & after);
            let mut zeros = place - next - between.count_ones();
            if zeros > 15 {
                (zeros, between) = self.skip(between, bits, next, place, room);
            }
            let is_positive = u32::from(masks.negative & own == 0);
            let symbol = zeros << 4 | 1;
            let count = between.count_ones();
            let corrections = (self.gather)(bits, between);
            if count < 16 {
                let bits = is_positive << count | corrections as u32;
                room.symbol(symbol, bits, 1 + count);
            } else {
                room.symbol(symbol, is_positive, 1);
                room.bits(corrections, count);
            }
            next = place + 1;
        }
        if next <= self.last {
            // The bits of the old coefficients that follow come after the end-of-band symbol.
            run.bits.push((self.gather)(bits, old), old.count_ones());
            run.add(room);
        }
    }

    /// Skips more than 15 zeros from `next` on, before the new coefficient at `place`. `old` are the old
    /// coefficients between. Each 16 zeros have a symbol, which comes before the next coefficient that is
    /// not zero, with the correction bits so far. Returns the zeros that are left, and the old coefficients
    /// whose bits are.
    #[cold]
    fn skip(
        &self,
        mut old: u64,
        bits: u64,
        mut next: u32,
        place: u32,
        room: &mut Room<'_>,
    ) -> (u32, u64) {
        let (mut zeros, mut since) = (0, 0);
        loop {
            let at = match old {
                0 => place,
                _ => old.leading_zeros(),
            };
            zeros += at - next;
            while zeros > 15 {
                room.symbol(ZRL, 0, 0);
                zeros -= 16;
                room.bits((self.gather)(bits, since), since.count_ones());
                since = 0;
            }
            if at == place {
                return (zeros, since);
            }
            since |= bit_of(at);
            old &= !bit_of(at);
            next = at + 1;
        }
    }
}

/// The `bits` at `places`, the first one highest.
#[inline(always)]
pub(in super::super) fn gathered(bits: u64, mut places: u64) -> u64 {
    let mut gathered = 0;
    while places != 0 {
        let bit = bit_of(places.leading_zeros());
        gathered = gathered << 1 | u64::from(bits & bit != 0);
        places &= !bit;
    }
    gathered
}
