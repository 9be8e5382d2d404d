//! The scans of a picture as tokens.

use super::{
    super::host::{CodedUnit, Masks},
    Script,
    tokens::{Queue, Room, Tokens},
};
use imagecuda_kernels::jpeg::{
    encode::{
        coding::{extra, size},
        frame::Frame,
    },
    picture::BLOCK,
};

/// The data units of a picture.
pub(in super::super) struct Picture<'a> {
    pub(super) frame: &'a Frame,
    pub(super) units: &'a [CodedUnit],
    /// Those of each unit.
    pub(super) masks: &'a [Masks],
}

/// The blocks of a component, except those that only fill MCUs.
struct Grid {
    across: u32,
    down: u32,
    /// Blocks of an MCU across and down, the first unit of an MCU, and all units of one.
    h: u32,
    v: u32,
    first: u32,
    units: u32,
    mcus_x: u32,
}

impl Grid {
    fn new(frame: &Frame, component: u32) -> Self {
        let (h, v, first) = match component {
            0 => (frame.h, frame.v, 0),
            _ => (1, 1, frame.h * frame.v + component - 1),
        };
        Self {
            across: frame.width.div_ceil(8 * frame.h / h),
            down: frame.height.div_ceil(8 * frame.v / v),
            h,
            v,
            first,
            units: frame.units_of_mcu(),
            mcus_x: frame.mcus_x,
        }
    }

    /// The number of a block among the units of the picture.
    #[inline(always)]
    fn unit(&self, x: u32, y: u32) -> usize {
        let row = y / self.v * self.mcus_x * self.units + self.first + y % self.v * self.h;
        // `h` is 1 or 2.
        (row + (x >> (self.h - 1)) * self.units + (x & (self.h - 1))) as usize
    }
}

impl Picture<'_> {
    /// Whether a restart marker is before an MCU.
    #[inline(always)]
    fn is_restart(&self, mcu: u32) -> bool {
        let interval = self.frame.restart_interval;
        interval != 0 && mcu != 0 && mcu.is_multiple_of(interval)
    }

    /// Adds a whole scan to `tokens`. `gather` returns the bits of its first argument at the places of
    /// its second one, the first of them highest.
    #[inline(always)]
    pub(in super::super) fn run(
        &self,
        script: &Script,
        tokens: &mut Tokens,
        gather: impl Fn(u64, u64) -> u64 + Copy,
    ) {
        let bit = u32::from(script.bits[1]);
        let Some(component) = script.component else {
            return match script.bits[0] {
                0 => self.begin_first(bit, tokens),
                _ => self.refine_first(bit, tokens),
            };
        };
        let mut scan = Others::new(script, component.min(1) as usize, gather);
        let grid = Grid::new(self.frame, component);
        // No closures, which the compiler may not compile for this processor.
        for y in 0..grid.down {
            for x in 0..grid.across {
                // Of one component's scan an MCU is a block.
                if self.is_restart(y * grid.across + x) {
                    end(&mut scan, tokens);
                    tokens.restart();
                }
                let unit = grid.unit(x, y);
                let mut room = tokens.room();
                match script.bits[0] {
                    0 => scan.begin(&self.units[unit].0, &self.masks[unit], &mut room),
                    _ => scan.refine(&self.masks[unit], &mut room),
                }
                let count = room.count();
                tokens.add(count);
            }
        }
        end(&mut scan, tokens);
    }

    /// A first scan of DC coefficients.
    fn begin_first(&self, bit: u32, tokens: &mut Tokens) {
        let frame = self.frame;
        let mut last = [0; 3];
        let mcus = self.units.chunks_exact(frame.units_of_mcu() as usize);
        for (mcu, units) in (0..).zip(mcus) {
            if self.is_restart(mcu) {
                tokens.restart();
                last = [0; 3];
            }
            let mut room = tokens.room();
            for (k, CodedUnit(block, _)) in (0..).zip(units) {
                let value = i32::from(block[0]) >> bit;
                let component = (k + 1u32).saturating_sub(frame.h * frame.v);
                let before = std::mem::replace(&mut last[component as usize % 3], value);
                let difference = value - before;
                let size = size(difference);
                let table = component.min(1) as usize;
                room.symbol(table, size, extra(difference, size), size);
            }
            let count = room.count();
            tokens.add(count);
        }
    }

    /// A refinement of DC coefficients.
    fn refine_first(&self, bit: u32, tokens: &mut Tokens) {
        let mut bits = Queue::default();
        let mcus = self.units.chunks_exact(self.frame.units_of_mcu() as usize);
        for (mcu, units) in (0..).zip(mcus) {
            if self.is_restart(mcu) {
                give(&mut bits, tokens);
                tokens.restart();
            }
            for CodedUnit(block, _) in units {
                bits.push((block[0] >> bit & 1) as u64, 1);
            }
            if bits.len() > MOST_WAITING {
                give(&mut bits, tokens);
            }
        }
        give(&mut bits, tokens);
    }
}

/// Adds bits that have waited.
fn give(bits: &mut Queue, tokens: &mut Tokens) {
    let mut room = tokens.room();
    bits.give(&mut room);
    let count = room.count();
    tokens.add(count);
}

/// Adds what waits for the end of a scan or of an interval.
fn end<G: Fn(u64, u64) -> u64>(scan: &mut Others<G>, tokens: &mut Tokens) {
    let mut room = tokens.room();
    scan.end_blocks(&mut room);
    let count = room.count();
    tokens.add(count);
}

/// The longest run of blocks that one end-of-band symbol ends.
const MOST_BLOCKS: u32 = 0x7fff;

/// The most correction bits that wait for such a symbol: as many as libjpeg has room for, less the bits of
/// one block.
const MOST_WAITING: usize = 1000 - BLOCK + 1;

/// The symbol of 16 zeros.
const ZRL: u32 = 0xf0;

/// An AC scan of a component.
struct Others<G> {
    gather: G,
    table: usize,
    /// A bit for each coefficient of the scan.
    band: u64,
    first: u32,
    last: u32,
    bit: u32,
    /// The blocks of the current end-of-band run, whose symbol is not written yet.
    ended: u32,
    /// The correction bits of these blocks.
    waiting: Queue,
}

impl<G: Fn(u64, u64) -> u64> Others<G> {
    fn new(script: &Script, table: usize, gather: G) -> Self {
        let [first, last] = script.band.map(u32::from);
        Self {
            gather,
            table,
            band: u64::MAX >> (63 - last) & u64::MAX << first,
            first,
            last,
            bit: script.bits[1].into(),
            ended: 0,
            waiting: Queue::default(),
        }
    }

    /// Writes the symbol of the end-of-band run, and the correction bits that wait for it.
    #[inline(always)]
    fn end_blocks(&mut self, room: &mut Room<'_>) {
        if self.ended > 0 {
            let size = self.ended.ilog2();
            let bits = self.ended & ((1 << size) - 1);
            room.symbol(self.table, size << 4, bits, size);
            self.ended = 0;
        }
        self.waiting.give(room);
    }

    /// Ends a block before its last coefficient.
    #[inline(always)]
    fn end(&mut self, room: &mut Room<'_>) {
        self.ended += 1;
        if self.ended == MOST_BLOCKS || self.waiting.len() > MOST_WAITING {
            self.end_blocks(room);
        }
    }

    /// A block of a first scan.
    #[inline(always)]
    fn begin(&mut self, block: &[i16; BLOCK], masks: &Masks, room: &mut Room<'_>) {
        let mut left = masks.some[self.bit as usize % 3] & self.band;
        let mut next = self.first;
        if left != 0 && self.ended > 0 {
            self.end_blocks(room);
        }
        while left != 0 {
            let place = left.trailing_zeros();
            left &= left - 1;
            let mut zeros = place - next;
            while zeros > 15 {
                room.symbol(self.table, ZRL, 0, 0);
                zeros -= 16;
            }
            let value = i32::from(block[place as usize % BLOCK]);
            let size = size(value) - self.bit;
            // The magnitude without its lower bits.
            let value = (value.abs() >> self.bit ^ value >> 31) - (value >> 31);
            let bits = extra(value, size);
            room.symbol(self.table, zeros << 4 | size, bits, size);
            next = place + 1;
        }
        if next <= self.last {
            self.end(room);
        }
    }

    /// A block of a refinement. "Old" coefficients were not zero in the scan before; "new" ones are not
    /// zero from this scan on.
    #[inline(always)]
    fn refine(&mut self, masks: &Masks, room: &mut Room<'_>) {
        let bit = self.bit as usize % 2;
        let old = masks.some[bit + 1] & self.band;
        let mut new = masks.some[bit] & self.band & !old;
        let bits = masks.bits[bit];
        let mut next = self.first;
        if new != 0 {
            self.end_blocks(room);
        }
        while new != 0 {
            let place = new.trailing_zeros();
            new &= new - 1;
            let between = old & u64::MAX << next & ((1 << place) - 1);
            let mut zeros = place - next - between.count_ones();
            let mut of_these = between;
            if zeros > 15 {
                (zeros, of_these) = self.skip(between, bits, next, place, room);
            }
            let is_positive = !masks.negative >> place & 1;
            room.symbol(self.table, zeros << 4 | 1, is_positive as u32, 1);
            if of_these != 0 {
                room.bits((self.gather)(bits, of_these), of_these.count_ones());
            }
            next = place + 1;
        }
        if next <= self.last {
            // The bits of the old coefficients that follow come after the end-of-band symbol.
            let left = old & u64::MAX << next;
            if left != 0 {
                self.waiting
                    .push((self.gather)(bits, left), left.count_ones());
            }
            self.end(room);
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
                _ => old.trailing_zeros(),
            };
            zeros += at - next;
            while zeros > 15 {
                room.symbol(self.table, ZRL, 0, 0);
                zeros -= 16;
                room.bits((self.gather)(bits, since), since.count_ones());
                since = 0;
            }
            if at == place {
                return (zeros, since);
            }
            since |= 1 << at;
            old &= old - 1;
            next = at + 1;
        }
    }
}

/// The `bits` at `places`, the first one highest.
#[inline(always)]
pub(in super::super) fn gathered(bits: u64, mut places: u64) -> u64 {
    let mut gathered = 0;
    while places != 0 {
        gathered = gathered << 1 | bits >> places.trailing_zeros() & 1;
        places &= places - 1;
    }
    gathered
}
