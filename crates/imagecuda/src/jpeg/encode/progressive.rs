//! Progressive encoding: libjpeg's standard scans, each with optimal Huffman tables.

use super::{
    Encoding,
    host::{Bits, CodedUnit, stuff},
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

/// The part of the coefficients that one scan encodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Script {
    /// The component of an AC scan. `None` for a DC scan, which has all components.
    pub(super) component: Option<u32>,
    /// The first and the last coefficient, in zigzag order.
    pub(super) band: [u8; 2],
    /// The bit position of the scan before (0 for a first scan), and of this scan: successive
    /// approximation.
    pub(super) bits: [u8; 2],
}

const fn script(component: Option<u32>, band: [u8; 2], bits: [u8; 2]) -> Script {
    Script {
        component,
        band,
        bits,
    }
}

/// The scans first give a rough picture, then refine luma to the precision of chroma, then complete
/// everything.
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

/// Encodes a scan. Returns its tables for luma and chroma, and its data. A refinement of DC
/// coefficients has no tables.
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
    stuff(&write.bits.aligned(), &mut write.data);
    (tables, write.data)
}

/// Receives the symbols and bits of a scan.
trait Take {
    /// Called where a restart marker belongs.
    fn restart(&mut self);
    /// A symbol of table 0 (luma) or 1 (chroma), followed by `bits`. The low four bits of the
    /// symbol say how many bits.
    fn symbol(&mut self, table: usize, symbol: u32, bits: u32);
    /// Bits without a symbol.
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
        stuff(&std::mem::take(&mut self.bits).aligned(), &mut self.data);
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
    /// Calls `each` with every block of a component, except the blocks that only fill MCUs.
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

    /// Whether a restart marker stands before this MCU.
    fn is_restart(&self, mcu: u32) -> bool {
        let interval = self.frame.restart_interval;
        interval != 0 && mcu != 0 && mcu.is_multiple_of(interval)
    }
}

/// A value's size category, and the bits that follow its code.
#[inline(always)]
fn magnitude(value: i32) -> (u32, u32) {
    let size = size(value);
    (size, extra(value, size))
}

/// Passes the symbols and bits of a scan to `take`.
fn run(picture: &Picture<'_>, script: &Script, take: &mut impl Take) {
    let Script { bits, .. } = *script;
    match (script.component, bits[0]) {
        (None, before) => first_coefficients(picture, before != 0, bits[1].into(), take),
        (Some(component), before) => {
            let mut scan = Others::new(script, component.min(1) as usize, take);
            let mut number = 0;
            picture.each(component, |block| {
                // In a scan of one component an MCU is one block.
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

/// The longest end-of-block run: one symbol can end this many blocks.
const MOST_BLOCKS: u32 = 0x7fff;

/// How many correction bits may wait for the end of a run. As in libjpeg, this leaves room for one
/// more block.
const MOST_WAITING: usize = 1000 - BLOCK + 1;

/// The state of an AC scan of one component.
struct Others<'a, T> {
    take: &'a mut T,
    table: usize,
    band: [usize; 2],
    bit: u32,
    /// The length of the pending end-of-block run.
    ended: u32,
    /// The correction bits of the blocks in the pending run.
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

    /// The magnitude of a coefficient without the bits that later scans add.
    #[inline(always)]
    fn size(&self, block: &[i16; BLOCK], place: usize) -> u32 {
        u32::from(block[place % BLOCK].unsigned_abs()) >> self.bit
    }

    #[inline(always)]
    fn is_negative(block: &[i16; BLOCK], place: usize) -> bool {
        block[place % BLOCK] < 0
    }

    /// Writes the pending end-of-block run and the correction bits that wait for it.
    fn end_blocks(&mut self) {
        if self.ended > 0 {
            let size = self.ended.ilog2();
            self.take.symbol(self.table, size << 4, 0);
            self.take.bits(self.ended & ((1 << size) - 1), size);
            self.ended = 0;
        }
        self.give(0);
    }

    /// Writes the waiting correction bits from number `start` on.
    fn give(&mut self, start: usize) {
        for &bit in &self.waiting[start..] {
            self.take.bits(bit.into(), 1);
        }
        self.waiting.truncate(start);
    }

    /// Encodes a block in a first scan of its coefficients.
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

    /// Encodes a block in a refinement scan.
    #[inline(always)]
    fn refine(&mut self, block: &[i16; BLOCK]) {
        let band = self.band[0]..=self.band[1];
        let last_new = band.clone().rev().find(|&k| self.size(block, k) == 1);
        let last_new = last_new.unwrap_or(0);
        let mut zeros = 0;
        // This block's correction bits follow those of the pending run.
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

    /// Writes the pending run with its own correction bits, which are the first `own`. Returns
    /// where the bits of this block then start.
    fn end_blocks_before(&mut self, own: usize) -> usize {
        if self.ended > 0 {
            let mine = self.waiting.split_off(own);
            self.end_blocks();
            self.waiting.extend(mine);
        }
        0
    }
}
