//! Walks through the blocks of a scan, and through its restart markers.

use crate::{
    Error, Result,
    error::cut_short,
    jpeg::file::{File, Scan},
};

/// The data of a restart interval, as one kind of entropy decoder reads them. The default is an
/// interval that is lost.
pub(super) trait Source<'a>: Copy + Default {
    /// Reads `data`, which contain no markers except fill bytes at the end.
    fn new(data: &'a [u8]) -> Self;

    /// Whether more was consumed than the data have.
    fn is_exhausted(&self) -> bool;

    /// Whether an invalid code was read.
    fn is_nonsense(&self) -> bool;

    /// Whether there are no data, and the decoder makes blocks all the same.
    fn is_made_up(&self) -> bool;
}

/// Decodes the blocks of one kind of scan.
pub(super) trait ScanDecoder {
    type Source<'a>: Source<'a>;

    /// Decodes a block of component `component` of the scan. In a progressive file `block` has what
    /// earlier scans wrote; in a sequential file its contents are undefined.
    fn block(&mut self, source: &mut Self::Source<'_>, component: usize, block: &mut [i16; 64]);

    /// Resets the state that one block passes on to the next.
    fn restart(&mut self);
}

/// Decodes a scan, by rows of MCUs.
pub(super) struct Scanner<'a, C: ScanDecoder> {
    decoder: C,
    intervals: Intervals<'a>,
    source: C::Source<'a>,
    mcus_x: u32,
    mcus_y: u32,
    row: u32,
    units: Vec<Unit>,
    /// MCUs until the next restart.
    left: u32,
    /// Whether the interval has no data left.
    empty: bool,
    /// Whether blocks without data have to be set to 0.
    clear: bool,
    /// The number of MCUs that had data.
    decoded: u64,
}

/// A block of an MCU.
#[derive(Clone, Copy, Debug)]
struct Unit {
    /// The component's number in the scan.
    component: usize,
    /// The component's number in the picture.
    index: usize,
    /// The block's index among the blocks of its component, in the first MCU.
    place: usize,
    /// How far the index moves from one MCU to the next: to the right, and down.
    step: (usize, usize),
}

impl<'a, C: ScanDecoder> Scanner<'a, C> {
    pub(super) fn new(
        decoder: C,
        file: &File,
        scan: &'a Scan,
        bytes: &'a [u8],
        damaged: bool,
    ) -> Self {
        let picture = &file.picture;
        let alone = scan.components.len() == 1;
        let (mut mcus_x, mut mcus_y) = (picture.mcus_x, picture.mcus_y);
        let mut units = Vec::new();
        for (component, &super::ScanComponent { index, .. }) in scan.components.iter().enumerate() {
            let part = &picture.component[index];
            let (mut h, mut v) = (part.h as usize, part.v as usize);
            if alone {
                (h, v) = (1, 1);
                (mcus_x, mcus_y) = (part.width.div_ceil(8), part.height.div_ceil(8));
            }
            let across = part.blocks_x as usize;
            units.extend((0..h * v).map(|i| Unit {
                component,
                index,
                place: i / h * across + i % h,
                step: (h, v * across),
            }));
        }
        Self {
            decoder,
            intervals: Intervals::new(scan, bytes, damaged),
            source: C::Source::default(),
            mcus_x,
            mcus_y,
            row: 0,
            units,
            left: 0,
            empty: false,
            clear: !file.progressive,
            decoded: 0,
        }
    }

    /// The number of MCU rows that are not decoded yet.
    pub(super) fn rows_left(&self) -> u32 {
        self.mcus_y - self.row
    }

    /// The number of MCUs that had data.
    pub(super) fn decoded(&self) -> u64 {
        self.decoded
    }

    /// Whether no further block has data.
    pub(super) fn is_over(&self) -> bool {
        let Scan {
            restarts,
            restart_interval,
            ..
        } = self.intervals.scan;
        self.empty && (*restart_interval == 0 || self.intervals.next >= restarts.len())
    }

    /// Goes to a row of MCUs at which a restart interval begins: the last one up to `row`. Call this
    /// before anything is decoded. Returns the row.
    pub(super) fn jump(&mut self, row: u32) -> u32 {
        let interval = u64::from(self.intervals.scan.restart_interval);
        let first_mcu = |row: u32| u64::from(row) * u64::from(self.mcus_x);
        let begins = |&row: &u32| interval > 0 && first_mcu(row).is_multiple_of(interval);
        let row = (1..=row).rev().find(begins).unwrap_or(0);
        if row > 0 {
            let number = (first_mcu(row) / interval) as usize;
            (self.intervals.number, self.intervals.next) = (number, number - 1);
            self.row = row;
        }
        row
    }

    /// Decodes the next `rows` rows of MCUs into `blocks`, or fewer at the end of the picture.
    /// Component i of the picture begins at `starts[i]`.
    pub(super) fn rows(
        &mut self,
        rows: u32,
        blocks: &mut [[i16; 64]],
        starts: [usize; 4],
    ) -> Result<()> {
        for row in 0..rows.min(self.rows_left()) as usize {
            // Without this, damaged files with many scans would waste much time.
            if self.clear || !self.is_over() {
                self.one_row(row, blocks, starts)?;
            }
            self.row += 1;
        }
        Ok(())
    }

    #[inline(never)]
    fn one_row(&mut self, row: usize, blocks: &mut [[i16; 64]], starts: [usize; 4]) -> Result<()> {
        let mut units = [(0, 0, 0); 10];
        let units = &mut units[..self.units.len().min(10)];
        for (to, unit) in units.iter_mut().zip(&self.units) {
            let place = starts[unit.index] + unit.place + row * unit.step.1;
            *to = (unit.component, place, unit.step.0);
        }
        // A local copy, so that the compiler keeps it in registers.
        let mut source = self.source;
        for _ in 0..self.mcus_x {
            if self.left == 0 {
                self.left = match self.intervals.scan.restart_interval {
                    0 => u32::MAX,
                    interval => interval,
                };
                let next = self.intervals.next()?;
                // As in libjpeg: if one interval ran out of data and the next one is lost, its
                // blocks stay empty.
                self.empty &= next.is_none();
                source = next.map(C::Source::new).unwrap_or_default();
                self.decoder.restart();
            }
            self.left -= 1;
            if self.empty {
                for (_, place, _) in &*units {
                    if let (true, Some(block)) = (self.clear, blocks.get_mut(*place)) {
                        *block = [0; 64];
                    }
                }
            } else {
                for (component, place, _) in &*units {
                    let nowhere = &mut [0; 64];
                    let block = blocks.get_mut(*place).unwrap_or(nowhere);
                    self.decoder.block(&mut source, *component, block);
                }
                if source.is_exhausted() {
                    self.empty = true;
                    if !self.intervals.damaged {
                        return Err(cut_short());
                    }
                } else {
                    self.decoded += u64::from(!source.is_made_up());
                }
                if source.is_nonsense() && !self.intervals.damaged {
                    return Err(nonsense());
                }
            }
            for (_, place, step) in &mut *units {
                *place += *step;
            }
        }
        self.source = source;
        Ok(())
    }
}

/// The restart intervals of a scan.
pub(super) struct Intervals<'a> {
    bytes: &'a [u8],
    scan: &'a Scan,
    damaged: bool,
    /// The number of the next interval.
    number: usize,
    /// The number of the next restart marker in the scan.
    next: usize,
}

impl<'a> Intervals<'a> {
    pub(super) fn new(scan: &'a Scan, bytes: &'a [u8], damaged: bool) -> Self {
        Self {
            bytes,
            scan,
            damaged,
            number: 0,
            next: 0,
        }
    }

    /// The data of the next interval, or `None` if it is lost.
    pub(super) fn next(&mut self) -> Result<Option<&'a [u8]>> {
        let start = match self.number {
            0 => Some(self.scan.data.start),
            number => self.marker(number - 1)?.map(|at| at + 2),
        };
        self.number += 1;
        let Some(start) = start else {
            return Ok(None);
        };
        let end = self.scan.restarts.get(self.next);
        let end = end.copied().unwrap_or(self.scan.data.end);
        Ok(self.bytes.get(start..end))
    }

    /// The offset of restart marker `number`. `None` if only markers with other numbers follow, so
    /// that the interval is lost.
    fn marker(&mut self, number: usize) -> Result<Option<usize>> {
        while let Some(&at) = self.scan.restarts.get(self.next) {
            let found = self.bytes.get(at + 1).map_or(0, |&marker| marker & 7);
            let ahead = usize::from(found).wrapping_sub(number) % 8;
            if ahead != 0 && !self.damaged {
                return Err(Error::decode("restart markers are not in order"));
            }
            match ahead {
                // The marker of a later interval: one or two were lost before it.
                1 | 2 => return Ok(None),
                // The marker of an earlier interval, which was given up.
                6 | 7 => self.next += 1,
                _ => {
                    self.next += 1;
                    return Ok(Some(at));
                }
            }
        }
        match self.damaged {
            true => Ok(None),
            false => Err(cut_short()),
        }
    }
}

pub(super) fn nonsense() -> Error {
    Error::decode("a code that makes no sense")
}
