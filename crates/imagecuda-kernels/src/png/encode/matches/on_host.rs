//! The search of a chunk in host memory.

use super::{
    super::scanlines::CHUNK, Bytes, GROUP, LOOK, LOOK_WORDS, LOOKS, Looked, Match, PLACES, SEGMENT,
    first_bit, look, may_be_run, may_look, place, segment, slot,
};
use core::hint::select_unpredictable;

/// The bytes of a chunk and some more, so that every place has a whole word.
const ROOM: usize = CHUNK as usize + 8;

/// The looks of a chunk.
#[derive(Debug)]
pub struct Looks {
    /// The chunk.
    bytes: [u8; ROOM],
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
            bytes: [0; ROOM],
            found: [0; LOOKS],
            bits: [0; LOOK_WORDS],
            places: [0; PLACES],
        }
    }
}

impl Looks {
    /// Makes all looks of a chunk, and calls `push` with its matches, in order.
    #[inline(always)]
    pub fn find(&mut self, data: &[u8], bytes_per_pixel: u32, mut push: impl FnMut(Match)) {
        self.make(data, bytes_per_pixel);
        let end = data.len() as u32;
        let chunk = Chunk { end, looks: self };
        for number in 0..end.div_ceil(SEGMENT) {
            segment(&chunk, number, &mut push);
        }
    }

    #[inline(always)]
    fn make(&mut self, data: &[u8], bytes_per_pixel: u32) {
        self.bytes[..data.len()].copy_from_slice(data);
        self.bytes[data.len()..][..8].fill(0);
        self.places.fill(0);
        self.bits.fill(0);
        let mut first = 0;
        let mut slots = self.slots(first);
        // All bytes of these groups have whole words.
        while first + GROUP + 7 <= data.len() as u32 {
            // Those of the next group, as what was just stored cannot be loaded at once.
            let next = self.slots(first + GROUP);
            self.make_group(first, &slots, bytes_per_pixel);
            slots = next;
            first += GROUP;
        }
        self.make_last(data, bytes_per_pixel, first);
    }

    /// The slots of a group's places.
    #[inline(always)]
    fn slots(&self, first: u32) -> [u32; GROUP as usize] {
        // A loop over a constant number, which compilers make vectors of.
        let mut slots = [0; GROUP as usize];
        for (i, slot) in (0..).zip(&mut slots) {
            *slot = self::slot(word_at(&self.bytes, first + i));
        }
        slots
    }

    /// Makes the looks of a group, and remembers its places.
    #[inline(always)]
    fn make_group(&mut self, first: u32, slots: &[u32; GROUP as usize], bytes_per_pixel: u32) {
        let bytes = &self.bytes;
        let mut bits = 0;
        for (number, slot) in (0..).zip(slots.iter().step_by(LOOK as usize)) {
            let at = first + LOOK * number;
            let word = word_at(bytes, at);
            let remembered = u32::from(self.places[*slot as usize % PLACES]);
            // As `look` of the kernels, without a branch for what nobody can foretell.
            let before = word_at(bytes, remembered.max(place(0)) - place(0));
            let is_there = (remembered > 0) & (before == word);
            let mut found = select_unpredictable(is_there, remembered, 0);
            if may_be_run(word, bytes_per_pixel) {
                found = look(&Padded(bytes), at, word, remembered, bytes_per_pixel);
            }
            self.found[(at / LOOK) as usize % LOOKS] = found as u16;
            bits |= u32::from(found > 0) << number;
        }
        let number = first / LOOK;
        self.bits[number as usize / 32 % LOOK_WORDS] |= bits << (number % 32);
        for (at, &slot) in (first..).zip(slots) {
            self.places[slot as usize % PLACES] = place(at) as u16;
        }
    }

    /// Makes the looks of the groups that have no whole words for all of their bytes.
    fn make_last(&mut self, data: &[u8], bytes_per_pixel: u32, mut first: u32) {
        let end = data.len() as u32;
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

/// The eight bytes from a place of a chunk on.
#[inline(always)]
fn word_at(bytes: &[u8; ROOM], at: u32) -> u64 {
    let at = at as usize % CHUNK as usize;
    bytes[at..]
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// A chunk of which every place has a whole word.
struct Padded<'a>(&'a [u8; ROOM]);

impl Bytes for Padded<'_> {
    #[inline(always)]
    fn end(&self) -> u32 {
        CHUNK
    }

    #[inline(always)]
    fn word(&self, at: u32) -> u64 {
        word_at(self.0, at)
    }

    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        self.0[at as usize % CHUNK as usize]
    }
}

/// A chunk whose looks have been made.
struct Chunk<'a> {
    end: u32,
    looks: &'a Looks,
}

impl Bytes for Chunk<'_> {
    #[inline(always)]
    fn end(&self) -> u32 {
        self.end
    }

    #[inline(always)]
    fn word(&self, at: u32) -> u64 {
        word_at(&self.looks.bytes, at)
    }

    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        self.looks.bytes[at as usize % CHUNK as usize]
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
