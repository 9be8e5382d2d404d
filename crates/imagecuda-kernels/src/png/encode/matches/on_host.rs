//! The search of a chunk in host memory.

use super::{
    Bytes, GROUP, LOOK, LOOK_WORDS, LOOKS, Looked, Match, PLACES, SEGMENT, first_bit, look,
    may_look, place, segment, slot,
};

/// The looks of a chunk.
#[derive(Debug)]
pub struct Looks {
    /// What each found.
    found: [u16; LOOKS],
    /// A bit for each that found something.
    bits: [u32; LOOK_WORDS],
    /// The places that are remembered.
    places: [u16; PLACES],
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            found: [0; LOOKS],
            bits: [0; LOOK_WORDS],
            places: [0; PLACES],
        }
    }
}

impl Looks {
    /// Makes all looks of a chunk, and calls `push` with its matches, in order.
    pub fn find(&mut self, data: &[u8], bytes_per_pixel: u32, mut push: impl FnMut(Match)) {
        self.make(data, bytes_per_pixel);
        let chunk = Chunk { data, looks: self };
        for number in 0..chunk.end().div_ceil(SEGMENT) {
            segment(&chunk, number, &mut push);
        }
    }

    fn make(&mut self, data: &[u8], bytes_per_pixel: u32) {
        self.places.fill(0);
        self.bits.fill(0);
        let end = data.len() as u32;
        let mut first = 0;
        while may_look(end, first) {
            for at in (first..first + GROUP).step_by(LOOK as usize) {
                if may_look(end, at) {
                    let word = word(data, at);
                    let remembered = self.places[slot(word) as usize].into();
                    let found = look(&data, at, word, remembered, bytes_per_pixel);
                    let number = at / LOOK;
                    self.found[number as usize] = found as u16;
                    self.bits[number as usize / 32] |= u32::from(found > 0) << (number % 32);
                }
            }
            let words = data[first as usize..].windows(8).take(GROUP as usize);
            for (at, word) in (first..).zip(words) {
                self.places[slot(self::word(word, 0)) as usize] = place(at) as u16;
            }
            first += GROUP;
        }
    }
}

/// The eight bytes from `at` on, zeros after the last.
#[inline(always)]
fn word(data: &[u8], at: u32) -> u64 {
    let rest = &data[at as usize..];
    match rest.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => (rest.iter().rev()).fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

impl Bytes for &[u8] {
    #[inline(always)]
    fn end(&self) -> u32 {
        self.len() as u32
    }

    #[inline(always)]
    fn word(&self, at: u32) -> u64 {
        word(self, at)
    }

    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        self[at as usize]
    }
}

/// A chunk whose looks have been made.
struct Chunk<'a> {
    data: &'a [u8],
    looks: &'a Looks,
}

impl Bytes for Chunk<'_> {
    #[inline(always)]
    fn end(&self) -> u32 {
        self.data.end()
    }

    #[inline(always)]
    fn word(&self, at: u32) -> u64 {
        self.data.word(at)
    }

    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        self.data.byte(at)
    }
}

impl Looked for Chunk<'_> {
    #[inline(always)]
    fn next(&self, look: u32) -> Option<u32> {
        first_bit(look, |number| self.looks.bits[number as usize])
    }

    #[inline(always)]
    fn found(&self, look: u32) -> u32 {
        self.looks.found[look as usize].into()
    }
}
