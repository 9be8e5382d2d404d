//! The kernels of Huffman decoding on the CPU: the same bodies, one thread after the other, with
//! the same results. Machines without a GPU test the kernels with it.

mod pictures;
mod synchronize;
mod write;

pub use self::pictures::pictures;

use self::{
    synchronize::{join, mend, synchronize},
    write::{carry, write},
};

use super::{
    groups::{self, BlockOrigin, GroupDc},
    huffman::{ScanTables, Table},
    picture::{BLOCK, Picture},
    scan::{BlockGrid, DcSums, NATURAL, Scan, Segment},
    sections::MENDINGS,
    stuffing::{CHUNK, PIECE, Piece},
    table_entry::TableEntry,
};
use alloc::{vec, vec::Vec};
use bytemuck::{cast, cast_slice_mut};
use core::mem;

/// `jpeg_unstuff`: the data of a scan. `kept` says how many bytes before each chunk of `file` are
/// kept.
pub fn unstuff(scan: &Scan, segments: &[Segment], file: &[u8], kept: &[u32]) -> Vec<u32> {
    let bytes = scan.subsequence_bits / 8;
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
            piece.scatter(segments, start as u32, kept, bytes, |at, byte| {
                if let Some(to) = data.get_mut(at as usize) {
                    *to = byte;
                }
            });
            kept += piece.kept();
        }
    }
    words
}

/// A scan and its unstuffed data.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The scan.
    pub scan: &'a Scan,
    /// Its Huffman tables.
    pub tables: &'a [Table],
    /// Its unstuffed data.
    pub words: &'a [u32],
    /// Its segments.
    pub segments: &'a [Segment],
}

/// Decodes a scan to the `coefficients` of its picture, which are zeros at first. Returns a
/// [`status`](crate::jpeg::scan::status); if that is not 0, the coefficients mean nothing.
pub fn decode(input: Input<'_>, picture: &Picture, coefficients: &mut [i16]) -> u32 {
    let scan = input.scan;
    let mut sections = Vec::new();
    for section in 0..scan.sections() {
        sections.push(synchronize(input, section));
    }
    for _ in 0..MENDINGS {
        let mend = |number: usize| {
            mend(
                input,
                number as u32,
                sections[..number].last(),
                &sections[number],
            )
        };
        let mended: Vec<_> = (0..sections.len()).map(mend).collect();
        for (section, mended) in sections.iter_mut().zip(mended) {
            *section = mended.unwrap_or_else(|| mem::take(section));
        }
    }
    let (entries, mut wrong) = join(&sections);
    let mut sums = vec![DcSums::default(); scan.subsequences as usize];
    let mut group_dc = vec![GroupDc::default(); scan.groups() as usize];
    let mut origins = vec![None; scan.blocks as usize];
    for group in 0..scan.groups() {
        let written = (&mut sums[..], &mut group_dc[..], &mut origins[..]);
        wrong |= write(input, group, (&sections, &entries), written, coefficients);
    }
    carry(input, &mut group_dc);
    for (number, part) in picture.parts().iter().enumerate() {
        for block in part.first_block as usize..part.first_block as usize + part.blocks() {
            if let Some(origin) = origins.get(block).copied().flatten() {
                let first = &mut coefficients[block * BLOCK];
                let sum = dc_before(origin, &sums, &group_dc);
                *first = first.wrapping_add(sum.get(number as u8));
            }
        }
    }
    wrong
}

/// The sum of the DC differences between the start of a block's segment and its subsequence.
fn dc_before(origin: BlockOrigin, sums: &[DcSums], group_dc: &[GroupDc]) -> DcSums {
    let own = sums[origin.subsequence() as usize];
    match origin.needs_carry() {
        true => own.plus(group_dc[(origin.subsequence() / groups::GROUP_THREADS) as usize].before),
        false => own,
    }
}

impl<'a> ScanTables for Input<'a> {
    type Table = Option<&'a Table>;
    type Unit = u32;

    fn unit(self, number: u32) -> u32 {
        number
    }

    fn unit_number(self, unit: u32) -> u32 {
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
        (tables.map(|number| self.tables.get(number as usize)), after)
    }

    fn look_up(table: Self::Table, bits: u32) -> TableEntry {
        table.map_or(TableEntry::NONE, |table| table.look_up(bits))
    }

    fn blocks(self, unit: u32) -> BlockGrid {
        self.scan.unit(unit).blocks
    }

    fn natural_order(self, index: u32) -> u32 {
        NATURAL[index as usize].into()
    }
}
