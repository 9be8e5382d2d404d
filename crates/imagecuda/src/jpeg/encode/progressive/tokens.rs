//! The symbols and bits of a scan before its tables are known.

use super::super::{host::Bits, huffman::Table};
use imagecuda_kernels::jpeg::encode::coding::{Codes, codes};

/// Symbols with the bits that follow them, and bits alone, in the order of the scan.
pub(in super::super) struct Tokens {
    /// A token has, from its highest bit on: the number of its table (1 bit), a bit that is set if there is
    /// no symbol, the symbol (8 bits), the count of the bits that follow (6 bits), and these (16 bits).
    list: Vec<u32>,
    /// How many of the list are tokens. The others are room for more.
    filled: usize,
    /// The number of tokens before each restart marker.
    restarts: Vec<usize>,
    /// How often each symbol is there, of luma and of chroma.
    pub(super) counts: Box<[[u32; 256]; 2]>,
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self {
            list: Vec::new(),
            filled: 0,
            restarts: Vec::new(),
            counts: bytemuck::zeroed_box(),
        }
    }

    /// Called where a restart marker belongs.
    pub(super) fn restart(&mut self) {
        self.restarts.push(self.filled);
    }

    /// Room for up to [`ROOM`] tokens. [`add`](Self::add) adds them.
    #[inline(always)]
    pub(super) fn room(&mut self) -> Room<'_> {
        if self.list.len() - self.filled < ROOM {
            self.grow();
        }
        Room {
            list: &mut self.list[self.filled..][..ROOM],
            at: 0,
            counts: &mut self.counts,
        }
    }

    /// Adds the first `count` tokens of the room.
    #[inline(always)]
    pub(super) fn add(&mut self, count: usize) {
        self.filled += count.min(ROOM);
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let len = (self.list.len() * 2).max(64 * ROOM);
        self.list.resize(len, 0);
    }

    /// The entropy-coded data of the scan.
    #[inline(always)]
    pub(in super::super) fn write(&self, tables: &[Option<Table>; 2]) -> Vec<u8> {
        let mut all: [Codes; 4] = [[0; 256]; 4];
        for (codes_of, table) in all.iter_mut().step_by(2).zip(tables) {
            if let Some(Table { counts, symbols }) = table {
                *codes_of = codes(counts, symbols);
            }
        }
        let all: &[u32; 1024] = bytemuck::cast_ref(&all);
        let mut file = Vec::new();
        let mut start = 0;
        let ends = self.restarts.iter().copied().chain([self.filled]);
        for (number, end) in (0u8..=7).cycle().zip(ends) {
            if start > 0 || number > 0 {
                file.extend([0xff, 0xd0 + number.wrapping_sub(1) % 8]);
            }
            let mut bits = Bits::default();
            let coded = |token: u32| {
                let code = all[(token >> 22) as usize];
                let count = token >> 16 & 63;
                let bits = (code >> 16) << count | token & 0xffff;
                (u64::from(bits), (code & 31) + count)
            };
            // Four at a time, as the branch predictor cannot foresee when a word is full.
            let (fours, rest) = self.list[start..end].as_chunks::<4>();
            for four in fours {
                let [a, b, c, d] = four.map(coded);
                let count = a.1 + b.1 + c.1 + d.1;
                if count < 64 {
                    let first = a.0 << b.1 | b.0;
                    let second = c.0 << d.1 | d.0;
                    bits.put(first << (c.1 + d.1) | second, count);
                } else {
                    for (some, count) in [a, b, c, d] {
                        bits.put(some, count);
                    }
                }
            }
            for (some, count) in rest.iter().copied().map(coded) {
                bits.put(some, count);
            }
            bits.stuffed(&mut file);
            start = end;
        }
        file
    }
}

/// More tokens than a block has, with the end-of-band run before it and its correction bits.
const ROOM: usize = 256;

/// Room for tokens.
pub(super) struct Room<'a> {
    list: &'a mut [u32],
    /// How many there are.
    at: usize,
    counts: &'a mut [[u32; 256]; 2],
}

impl Room<'_> {
    /// The tokens in it.
    #[inline(always)]
    pub(super) fn count(&self) -> usize {
        self.at
    }

    #[inline(always)]
    fn push(&mut self, token: u32) {
        self.list[self.at % ROOM] = token;
        self.at += 1;
    }

    /// Adds a symbol of table 0 (luma) or 1 (chroma), followed by `count` bits, up to 16.
    #[inline(always)]
    pub(super) fn symbol(&mut self, table: usize, symbol: u32, bits: u32, count: u32) {
        self.counts[table % 2][symbol as usize % 256] += 1;
        self.push((table as u32) << 31 | symbol << 22 | count << 16 | bits);
    }

    /// Adds bits without a symbol, up to 64.
    #[inline(always)]
    pub(super) fn bits(&mut self, bits: u64, mut count: u32) {
        while count > 0 {
            let some = (count - 1) % 16 + 1;
            count -= some;
            let bits = (bits >> count) as u32 & ((1 << some) - 1);
            self.push(1 << 30 | some << 16 | bits);
        }
    }
}

/// Bits that are written later.
#[derive(Default)]
pub(super) struct Queue {
    words: Vec<u64>,
    rest: u64,
    /// How many are in `rest`: up to 63.
    count: u32,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.words.len() * 64 + self.count as usize
    }

    /// Adds the lowest `count` of `bits`, up to 63; the others are zeros.
    #[inline(always)]
    pub(super) fn push(&mut self, bits: u64, count: u32) {
        let free = 64 - self.count;
        if count < free {
            self.rest = self.rest << count | bits;
            self.count += count;
            return;
        }
        let over = count - free;
        self.words.push(self.rest << (free - 1) << 1 | bits >> over);
        self.rest = bits & ((1 << over) - 1);
        self.count = over;
    }

    /// Moves up to 1,100 bits, which must be all, to `room`.
    #[inline(always)]
    pub(super) fn give(&mut self, room: &mut Room<'_>) {
        for word in self.words.drain(..) {
            room.bits(word, 64);
        }
        room.bits(self.rest, self.count);
        (self.rest, self.count) = (0, 0);
    }
}
