//! The encoding kernels on the CPU: the same bodies, one thread after the other, with the same
//! results.

use super::{
    coding::{self, Tables, Units},
    fdct::{self, Divisors},
    frame::Frame,
    sample,
    stuffing::{PIECE, Piece},
};
use crate::jpeg::picture::BLOCK;
use alloc::{vec, vec::Vec};
use bytemuck::{cast, cast_slice};

/// The coefficients of a picture.
#[derive(Clone, Debug)]
pub struct Coefficients {
    /// Those of each data unit, in zigzag order.
    pub blocks: Vec<[i16; BLOCK]>,
    /// A mask of those that are not zero, for each data unit.
    pub masks: Vec<u64>,
}

impl Units for &Coefficients {
    #[inline(always)]
    fn coefficient(self, unit: u32, index: u32) -> i32 {
        self.blocks[unit as usize][index as usize].into()
    }

    #[inline(always)]
    fn mask(self, unit: u32) -> u64 {
        self.masks[unit as usize]
    }
}

/// `jpeg_forward`: the coefficients of a picture. `pixel` gives the [`sample::ycc`] of a pixel.
pub fn forward(
    frame: &Frame,
    divisors: &[Divisors; 2],
    pixel: impl Fn(u32, u32) -> u32,
) -> Coefficients {
    let mut all = Coefficients {
        blocks: Vec::with_capacity(frame.units() as usize),
        masks: Vec::with_capacity(frame.units() as usize),
    };
    for number in 0..frame.units() {
        let (mcu, k) = (number / frame.units_of_mcu(), number % frame.units_of_mcu());
        let unit = frame.unit(mcu % frame.mcus_x, mcu / frame.mcus_x, k);
        let samples = core::array::from_fn(|y| {
            core::array::from_fn(|x| {
                sample::sample(frame, unit, (x as u32, y as u32), &pixel) as u8
            })
        });
        let (mut block, mut mask) =
            fdct::block(&samples, &divisors[unit.component.min(1) as usize]);
        if unit.is_padding {
            block[1..].fill(0);
            mask &= 1;
        }
        all.blocks.push(block);
        all.masks.push(mask);
    }
    all
}

/// `jpeg_histogram`: how often each symbol occurs, in the DC and the AC table of luma and of
/// chroma.
pub fn histogram(frame: &Frame, coefficients: &Coefficients) -> [[[u32; 256]; 2]; 2] {
    let mut counts = [[[0; 256]; 2]; 2];
    for unit in 0..frame.units() {
        let counts = &mut counts[frame.tables(unit) as usize];
        coding::unit(frame, coefficients, unit, |is_dc, symbol, _, _| {
            counts[usize::from(!is_dc)][usize::from(symbol)] += 1;
        });
    }
    counts
}

/// The other kernels: the entropy-coded data of a file, with restart markers.
pub fn encode(frame: &Frame, coefficients: &Coefficients, tables: &[Tables; 2]) -> Vec<u8> {
    let table = |unit| &tables[frame.tables(unit) as usize];
    // Where each data unit begins within its group, and where each group begins.
    let mut offsets = Vec::with_capacity(frame.units() as usize);
    let mut groups = Vec::with_capacity(frame.groups() as usize);
    let mut end = 0;
    for group in 0..frame.groups() {
        groups.push(end);
        let first = group * frame.group();
        let mut bits = 0;
        for unit in first..frame.units().min(first + frame.group()) {
            offsets.push(bits);
            bits += coding::length(frame, coefficients, unit, table(unit));
        }
        end += u64::from(coding::group_bits(frame, group, bits));
    }
    let len = end.div_ceil(8);
    let mut words = vec![0u32; len.div_ceil(4 * u64::from(PIECE)) as usize * PIECE as usize];
    let mut markers = vec![0u32; len.div_ceil(32) as usize];
    for unit in 0..frame.units() {
        let at = groups[(unit / frame.group()) as usize] + u64::from(offsets[unit as usize]);
        let words = &mut words[..];
        let marker = coding::write(frame, coefficients, unit, table(unit), words, at);
        if let Some(place) = marker {
            markers[place as usize / 32] |= 1 << (place % 32);
        }
    }
    let piece = |start: u64| {
        let bytes: &[u8] = cast_slice(&words);
        let bytes: &[u8; PIECE as usize] = bytes[start as usize..].first_chunk().expect("padded");
        Piece {
            bytes: cast(*bytes),
            len: (len - start).min(PIECE.into()) as u32,
            markers: markers[start as usize / 32] >> (start % 32),
        }
    };
    let pieces = || (0..len).step_by(PIECE as usize).map(piece);
    let zeros: u64 = pieces().map(|piece| u64::from(piece.zeros())).sum();
    let mut file = vec![0; (len + zeros) as usize];
    let mut at = 0;
    for piece in pieces() {
        piece.scatter(at, |at, byte| file[at as usize] = byte);
        at += u64::from(piece.len + piece.zeros());
    }
    file
}
