//! Progressive files: libjpeg's usual scans, of which each has the best tables for itself.

use super::{
    Encoding,
    host::{Bits, CodedUnit},
    huffman::Table,
};
use crate::{parallel, sink::Sink};
use imagecuda_kernels::jpeg::{
    encode::{
        coding::{Codes, codes, extra, size},
        frame::Frame,
    },
    picture::BLOCK,
};
use std::io;

/// What one scan has of the coefficients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Script {
    /// A component, or all, for first coefficients.
    pub(super) component: Option<u32>,
    /// The first and the last coefficient, in zigzag order.
    pub(super) band: [u8; 2],
    /// The bit that came before, and the bit that comes now.
    pub(super) bits: [u8; 2],
}

const fn script(component: Option<u32>, band: [u8; 2], bits: [u8; 2]) -> Script {
    Script {
        component,
        band,
        bits,
    }
}

/// First what luma and colours are about, then luma as fine as colours are, then all the rest.
const COLOR: [Script; 10] = [
    script(None, [0, 0], [0, 1]),
    script(Some(0), [1, 5], [0, 2]),
    script(Some(2), [1, 63], [0, 1]),
    script(Some(1), [1, 63], [0, 1]),
    script(Some(0), [6, 63], [0, 2]),
    script(Some(0), [1, 63], [2, 1]),
    script(None, [0, 0], [1, 0]),
    script(Some(2), [1, 63], [1, 0]),
    script(Some(1), [1, 63], [1, 0]),
    script(Some(0), [1, 63], [1, 0]),
];

const GRAY: [Script; 6] = [
    script(None, [0, 0], [0, 1]),
    script(Some(0), [1, 5], [0, 2]),
    script(Some(0), [6, 63], [0, 2]),
    script(Some(0), [1, 63], [2, 1]),
    script(None, [0, 0], [1, 0]),
    script(Some(0), [1, 63], [1, 0]),
];

/// Writes all scans of a picture's data units.
pub(super) fn write(
    encoding: &Encoding,
    units: &[CodedUnit],
    out: &mut dyn Sink,
) -> io::Result<()> {
    let picture = Picture {
        frame: &encoding.frame,
        units,
    };
    let scripts = match encoding.frame.components {
        1 => &GRAY[..],
        _ => &COLOR[..],
    };
    let coded = parallel::map(scripts.iter(), |script| code(&picture, script));
    for (script, (tables, data)) in scripts.iter().zip(coded) {
        out.write_all(&encoding.scan(script, &tables))?;
        out.write_all(&data)?;
    }
    Ok(())
}

/// The tables of a scan (none for the refinement of first coefficients), for luma and chroma, and
/// its data.
fn code(picture: &Picture<'_>, script: &Script) -> ([Option<Table>; 2], Vec<u8>) {
    let mut counts = [[0; 256]; 2];
    run(picture, script, &mut Count(&mut counts));
    let tables = counts.map(|counts| {
        let any = counts.iter().any(|&n| n != 0);
        any.then(|| Table::optimal(&counts))
    });
    let codes = tables.each_ref().map(|table| match table {
        Some(Table { counts, symbols }) => codes(counts, symbols),
        None => [0; 256],
    });
    let mut write = Write {
        codes: &codes,
        bits: Bits::default(),
        restarts: 0,
        data: Vec::new(),
    };
    run(picture, script, &mut write);
    write.bits.stuffed(&mut write.data);
    (tables, write.data)
}

/// What takes symbols and bits.
trait Take {
    /// A restart marker comes here.
    fn restart(&mut self);
    /// A symbol of the table of luma or of the differences, and the bits that it says it has.
    fn symbol(&mut self, table: usize, symbol: u32, bits: u32);
    /// More bits.
    fn bits(&mut self, bits: u32, count: u32);
}

struct Count<'a>(&'a mut [[u32; 256]; 2]);

impl Take for Count<'_> {
    fn restart(&mut self) {}

    #[inline(always)]
    fn symbol(&mut self, table: usize, symbol: u32, _: u32) {
        self.0[table][symbol as usize % 256] += 1;
    }

    #[inline(always)]
    fn bits(&mut self, _: u32, _: u32) {}
}

struct Write<'a> {
    codes: &'a [Codes; 2],
    bits: Bits,
    restarts: u8,
    data: Vec<u8>,
}

impl Take for Write<'_> {
    fn restart(&mut self) {
        std::mem::take(&mut self.bits).stuffed(&mut self.data);
        self.data.extend([0xff, 0xd0 + self.restarts % 8]);
        self.restarts = self.restarts.wrapping_add(1);
    }

    #[inline(always)]
    fn symbol(&mut self, table: usize, symbol: u32, bits: u32) {
        let code = self.codes[table][symbol as usize % 256];
        let size = symbol & 15;
        self.bits
            .put((code >> 16) << size | bits, (code & 31) + size);
    }

    #[inline(always)]
    fn bits(&mut self, bits: u32, count: u32) {
        self.bits.put(bits, count);
    }
}

/// The data units of a picture.
struct Picture<'a> {
    frame: &'a Frame,
    units: &'a [CodedUnit],
}

impl Picture<'_> {
    /// Gives each block of a component, without those that only fill MCUs, to `each`.
    #[inline(always)]
    fn each(&self, component: u32, mut each: impl FnMut(&[i16; BLOCK])) {
        let frame = self.frame;
        let (h, v, first) = match component {
            0 => (frame.h, frame.v, 0),
            _ => (1, 1, frame.h * frame.v + component - 1),
        };
        let across = frame.width.div_ceil(8 * frame.h / h);
        let down = frame.height.div_ceil(8 * frame.v / v);
        for y in 0..down {
            for x in 0..across {
                let mcu = y / v * frame.mcus_x + x / h;
                let unit = mcu * frame.units_of_mcu() + first + y % v * h + x % h;
                each(&self.units[unit as usize].0);
            }
        }
    }

    /// Whether a restart marker is before an MCU.
    fn is_restart(&self, mcu: u32) -> bool {
        let interval = self.frame.restart_interval;
        interval != 0 && mcu != 0 && mcu.is_multiple_of(interval)
    }
}

/// The size of a number, and the bits that tell which of that size it is.
#[inline(always)]
fn magnitude(value: i32) -> (u32, u32) {
    let size = size(value);
    (size, extra(value, size))
}

/// Gives what a scan has to `take`.
fn run(picture: &Picture<'_>, script: &Script, take: &mut impl Take) {
    let Script { bits, .. } = *script;
    match (script.component, bits[0]) {
        (None, before) => first_coefficients(picture, before != 0, bits[1].into(), take),
        (Some(component), before) => {
            let mut scan = Others::new(script, component.min(1) as usize, take);
            let mut number = 0;
            picture.each(component, |block| {
                // Of one component's scan an MCU is a block.
                if picture.is_restart(number) {
                    scan.restart();
                }
                number += 1;
                match before {
                    0 => scan.begin(block),
                    _ => scan.refine(block),
                }
            });
            scan.end_blocks();
        }
    }
}

fn first_coefficients(picture: &Picture<'_>, refine: bool, bit: u32, take: &mut impl Take) {
    let frame = picture.frame;
    let mut last = [0; 3];
    let mcus = picture.units.chunks_exact(frame.units_of_mcu() as usize);
    for (mcu, units) in (0..).zip(mcus) {
        if picture.is_restart(mcu) {
            take.restart();
            last = [0; 3];
        }
        for (k, (block, _)) in (0..).zip(units) {
            let value = i32::from(block[0]) >> bit;
            if refine {
                take.bits(value as u32 & 1, 1);
                continue;
            }
            let component = frame.component(k);
            let before = std::mem::replace(&mut last[component as usize], value);
            let (size, bits) = magnitude(value - before);
            take.symbol(component.min(1) as usize, size, bits);
        }
    }
}

/// Blocks whose ends are told together, at most.
const MOST_BLOCKS: u32 = 0x7fff;

/// Bits of refinement that wait for such an end, at most: as many as libjpeg has room for, less
/// those of a block.
const MOST_WAITING: usize = 1000 - BLOCK + 1;

/// A scan of other coefficients than the first, of a component.
struct Others<'a, T> {
    take: &'a mut T,
    table: usize,
    band: [usize; 2],
    bit: u32,
    /// Blocks that have ended, which is not told yet.
    ended: u32,
    /// Bits that refine what these blocks have.
    waiting: Vec<u8>,
}

impl<'a, T: Take> Others<'a, T> {
    fn new(script: &Script, table: usize, take: &'a mut T) -> Self {
        Self {
            take,
            table,
            band: script.band.map(usize::from),
            bit: script.bits[1].into(),
            ended: 0,
            waiting: Vec::with_capacity(MOST_WAITING + BLOCK),
        }
    }

    fn restart(&mut self) {
        self.end_blocks();
        self.take.restart();
    }

    /// The size of a coefficient without its lower bits.
    #[inline(always)]
    fn size(&self, block: &[i16; BLOCK], place: usize) -> u32 {
        u32::from(block[place % BLOCK].unsigned_abs()) >> self.bit
    }

    #[inline(always)]
    fn is_negative(block: &[i16; BLOCK], place: usize) -> bool {
        block[place % BLOCK] < 0
    }

    /// Tells of the ends of blocks, and gives what waits for it.
    fn end_blocks(&mut self) {
        if self.ended > 0 {
            let size = self.ended.ilog2();
            self.take.symbol(self.table, size << 4, 0);
            self.take.bits(self.ended & ((1 << size) - 1), size);
            self.ended = 0;
        }
        self.give(0);
    }

    /// Gives the bits that wait, from one on.
    fn give(&mut self, start: usize) {
        for &bit in &self.waiting[start..] {
            self.take.bits(bit.into(), 1);
        }
        self.waiting.truncate(start);
    }

    /// Coefficients that no scan before had.
    #[inline(always)]
    fn begin(&mut self, block: &[i16; BLOCK]) {
        let mut zeros = 0;
        for place in self.band[0]..=self.band[1] {
            let size = self.size(block, place);
            if size == 0 {
                zeros += 1;
                continue;
            }
            if self.ended > 0 {
                self.end_blocks();
            }
            while zeros > 15 {
                self.take.symbol(self.table, 0xf0, 0);
                zeros -= 16;
            }
            let value = size as i32;
            let negative = Self::is_negative(block, place);
            let (size, bits) = magnitude(if negative { -value } else { value });
            self.take.symbol(self.table, zeros << 4 | size, bits);
            zeros = 0;
        }
        if zeros > 0 {
            self.ended += 1;
            if self.ended == MOST_BLOCKS {
                self.end_blocks();
            }
        }
    }

    /// One more bit of coefficients.
    #[inline(always)]
    fn refine(&mut self, block: &[i16; BLOCK]) {
        let band = self.band[0]..=self.band[1];
        let last_new = band.clone().rev().find(|&k| self.size(block, k) == 1);
        let last_new = last_new.unwrap_or(0);
        let mut zeros = 0;
        // Bits of this block wait behind those of the blocks that have ended.
        let mut own = self.waiting.len();
        for place in band {
            let size = self.size(block, place);
            if size == 0 {
                zeros += 1;
                continue;
            }
            while zeros > 15 && place <= last_new {
                own = self.end_blocks_before(own);
                self.take.symbol(self.table, 0xf0, 0);
                zeros -= 16;
                self.give(own);
            }
            if size > 1 {
                self.waiting.push((size & 1) as u8);
                continue;
            }
            own = self.end_blocks_before(own);
            let sign = !Self::is_negative(block, place);
            self.take.symbol(self.table, zeros << 4 | 1, sign.into());
            self.give(own);
            zeros = 0;
        }
        if zeros > 0 || self.waiting.len() > own {
            self.ended += 1;
            if self.ended == MOST_BLOCKS || self.waiting.len() > MOST_WAITING {
                self.end_blocks();
            }
        }
    }

    /// Tells of the ends of the blocks before, to whom the first bits that wait belong. The others
    /// begin at the number that it returns.
    fn end_blocks_before(&mut self, own: usize) -> usize {
        if self.ended > 0 {
            let mine = self.waiting.split_off(own);
            self.end_blocks();
            self.waiting.extend(mine);
        }
        0
    }
}
