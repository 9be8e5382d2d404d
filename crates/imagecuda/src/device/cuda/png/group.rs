//! Where the pictures of a group are in device memory.

use super::{
    super::jpeg::{Parts, put},
    memory::{PALETTE, Places, Prepared},
};
use imagecuda_kernels::png::decoder::{job::DecodeJob, work::control};

/// Bytes of a picture's control words.
pub(super) const CONTROL: usize = control::WORDS as usize * 4;

/// Where the parts of a group are: in the memory of its work, and the pixels in another.
pub(super) struct Layout {
    pub(super) controls: usize,
    /// For each picture, its pieces and its palette.
    heads: Vec<[usize; 2]>,
    pub(super) uploaded: usize,
    /// For each picture, its work, its tokens, and what strips hand over.
    parts: Vec<[usize; 3]>,
    pub(super) zeros: usize,
    pub(super) zeros_end: usize,
    pub(super) end: usize,
    /// For each picture its links, and later its pixels.
    pixels: Vec<usize>,
    pub(super) pixels_end: usize,
}

impl Layout {
    pub(super) fn new(pictures: &[&Prepared]) -> Self {
        let mut all = Parts::default();
        all.add(pictures.len() * size_of::<DecodeJob>());
        let controls = all.add(pictures.len() * CONTROL);
        let heads = pictures
            .iter()
            .map(|of| [all.add(size_of_val(&of.pieces[..])), all.add(PALETTE)])
            .collect();
        let uploaded = all.end;
        let work = pictures.iter().map(|of| [all.add(of.work_bytes()), 0, 0]);
        let mut parts: Vec<[usize; 3]> = work.collect();
        let zeros = all.add(0);
        for (of, [_, tokens, hand_over]) in pictures.iter().zip(&mut parts) {
            *tokens = all.add(of.token_bytes());
            *hand_over = all.add(of.hand_over_bytes());
        }
        let mut pixels = Parts::default();
        Self {
            controls,
            heads,
            uploaded,
            parts,
            zeros,
            zeros_end: all.end,
            end: all.end,
            pixels: pictures
                .iter()
                .map(|of| pixels.add(of.link_bytes()))
                .collect(),
            pixels_end: pixels.end,
        }
    }

    /// The jobs, in memories that begin at `base` and at `pixels`.
    pub(super) fn jobs(&self, pictures: &[&Prepared], base: u64, pixels: u64) -> Vec<DecodeJob> {
        let address = |at: usize| base + at as u64;
        let parts = self.heads.iter().zip(&self.parts).zip(&self.pixels);
        let all = pictures.iter().zip(parts).enumerate();
        all.map(|(number, (of, ((head, part), &links)))| {
            let [work, tokens, hand_over] = part.map(address);
            let places = Places {
                control: address(self.controls + number * CONTROL),
                pieces: address(head[0]),
                palette: address(head[1]),
                tokens,
                links: pixels + links as u64,
                hand_over,
            };
            let mut own = Parts::default();
            of.job(&places, |bytes| work + own.add(bytes) as u64)
        })
        .collect()
    }

    /// Writes what is uploaded.
    pub(super) fn put(&self, pictures: &[&Prepared], jobs: &[DecodeJob], to: &mut [u8]) {
        put(to, 0, jobs);
        for (number, (of, [pieces, palette])) in pictures.iter().zip(&self.heads).enumerate() {
            Prepared::put_control(to, self.controls + number * CONTROL);
            put(to, *pieces, &of.pieces);
            put(to, *palette, &of.palette);
        }
    }
}
