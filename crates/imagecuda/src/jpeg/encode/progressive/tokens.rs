//! The symbols and bits of a scan before its tables are known.

use super::super::huffman::Table;
use crate::{Error, Result, memory::Reused};
use imagecuda_kernels::jpeg::encode::coding::{Codes, codes};

/// Symbols with the bits that follow them, and bits alone, in the order of the scan.
pub(in super::super) struct Tokens {
    /// A token has, from its highest bit on: the number of its table (1 bit), a bit that is set if there is
    /// no symbol, the symbol (8 bits), the count of the bits that follow (6 bits), and these (16 bits).
    chunks: Vec<Reused<u32>>,
    /// How many of the last chunk are tokens. The others are room for more.
    filled: usize,
    /// The tokens of a chunk.
    size: usize,
    /// The parts of chunks that are filled: the end of each, and whether a restart marker is after it.
    parts: Vec<Part>,
    /// How often each symbol is there, of luma and of chroma.
    pub(super) counts: Box<[[u32; 256]; 2]>,
    /// Set once there was no memory for a chunk.
    error: Option<Error>,
}

struct Part {
    chunk: usize,
    end: usize,
    is_before_restart: bool,
}

/// The place of the table's number in a token.
const TABLE: u32 = 31;

/// The most tokens of a chunk.
const MOST: usize = 1 << 18;

impl Tokens {
    /// Room for the tokens of about so many blocks; more comes when it is needed.
    pub(super) fn new(blocks: usize) -> Self {
        Self {
            chunks: Vec::new(),
            filled: 0,
            size: (blocks * 4).clamp(4 * ROOM, MOST),
            parts: Vec::new(),
            counts: bytemuck::zeroed_box(),
            error: None,
        }
    }

    /// Called where a restart marker belongs.
    pub(super) fn restart(&mut self) {
        self.end_part(true);
    }

    fn end_part(&mut self, is_before_restart: bool) {
        self.parts.push(Part {
            chunk: self.chunks.len().saturating_sub(1),
            end: self.filled,
            is_before_restart,
        });
    }

    /// All tokens are there. Fails if there was no memory for them.
    pub(super) fn complete(mut self) -> Result<Self> {
        self.end_part(false);
        match self.error.take() {
            None => Ok(self),
            Some(error) => Err(error),
        }
    }

    /// Room for at least [`ROOM`] tokens, of the table of luma or of chroma. [`add`](Self::add) adds them.
    #[inline(always)]
    pub(super) fn room(&mut self, is_of_chroma: bool) -> Room<'_> {
        if self.chunks.is_empty() || self.size - self.filled < ROOM {
            self.grow();
        }
        let [luma, chroma] = &mut *self.counts;
        let (counts, of_other) = match is_of_chroma {
            false => (luma, chroma),
            true => (chroma, luma),
        };
        let list = self.chunks.last_mut().map(|chunk| &mut chunk[..]);
        Room {
            list: list
                .unwrap_or_default()
                .get_mut(self.filled..)
                .unwrap_or_default(),
            at: 0,
            table: u32::from(is_of_chroma) << TABLE,
            counts,
            of_other,
        }
    }

    /// Adds the first `count` tokens of the room.
    #[inline(always)]
    pub(super) fn add(&mut self, count: usize) {
        self.filled = self.size.min(self.filled + count);
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        if !self.chunks.is_empty() {
            self.end_part(false);
        }
        self.filled = 0;
        if self.error.is_some() {
            return;
        }
        match Reused::for_overwrite(self.size) {
            Ok(chunk) => self.chunks.push(chunk),
            Err(error) => {
                // The tokens are worth nothing any more. They go where there is memory.
                self.error = Some(error);
                if self.chunks.is_empty() {
                    self.size = ROOM;
                    let few = Reused::for_overwrite(ROOM);
                    self.chunks.push(few.expect("memory for a thousand bytes"));
                }
            }
        }
    }

    /// Adds the entropy-coded data of the scan to `file`.
    #[inline(always)]
    pub(in super::super) fn write(&self, tables: &[Option<Table>; 2], file: &mut Vec<u8>) {
        let mut all: [Codes; 4] = [[0; 256]; 4];
        for (codes_of, table) in all.iter_mut().step_by(2).zip(tables) {
            if let Some(Table { counts, symbols }) = table {
                *codes_of = codes(counts, symbols);
            }
        }
        let all: &[u32; 1024] = bytemuck::cast_ref(&all);
        let mut bits = Stuffer::new(file);
        let (mut before, mut number) = ((0, 0), 0);
        for part in &self.parts {
            let start = if before.0 == part.chunk { before.1 } else { 0 };
            before = (part.chunk, part.end);
            let chunk = self.chunks.get(part.chunk);
            let tokens = chunk.map_or(&[][..], |chunk| &chunk[start..part.end]);
            write(tokens, all, &mut bits);
            if part.is_before_restart {
                bits.end();
                bits.file.extend([0xff, 0xd0 + number % 8]);
                number = (number + 1) % 8;
            }
        }
        bits.end();
    }
}

/// Writes tokens. The code of each symbol is in `all`, at its table's part.
#[inline(always)]
fn write(tokens: &[u32], all: &[u32; 1024], out: &mut Stuffer<'_>) {
    let coded = |token: u32| {
        let code = all[(token >> 22) as usize];
        let count = token >> 16 & 63;
        let bits = u64::from(code >> 16) << count | u64::from(token & 0xffff);
        (bits, (code & 31) + count)
    };
    // In variables of its own, which stay in registers.
    let mut own = Stuffer {
        file: &mut *out.file,
        ..*out
    };
    // Four at a time, as the branch predictor cannot foresee when a word is full.
    let (fours, few) = tokens.as_chunks::<4>();
    for four in fours {
        let [a, b, c, d] = four.map(coded);
        let count = a.1 + b.1 + c.1 + d.1;
        if count < 64 {
            let first = a.0 << b.1 | b.0;
            let second = c.0 << d.1 | d.0;
            own.put(first << (c.1 + d.1) | second, count);
        } else {
            for (some, count) in [a, b, c, d] {
                own.put(some, count);
            }
        }
    }
    for (some, count) in few.iter().copied().map(coded) {
        own.put(some, count);
    }
    (out.rest, out.free) = (own.rest, own.free);
}

/// Writes bits to a file, with a zero after each 0xff.
struct Stuffer<'a> {
    file: &'a mut Vec<u8>,
    /// The bits of the next word, and how many more it has room for.
    rest: u64,
    free: u32,
}

impl<'a> Stuffer<'a> {
    fn new(file: &'a mut Vec<u8>) -> Self {
        Self {
            file,
            rest: 0,
            free: 64,
        }
    }

    /// Writes the lowest `count` of `bits`, up to 63; the others are zeros.
    #[inline(always)]
    fn put(&mut self, bits: u64, count: u32) {
        if let Some(word) = super::super::host::put(bits, count, &mut self.rest, &mut self.free) {
            super::super::host::stuff(word, self.file);
        }
    }

    /// Fills the last byte with ones.
    fn end(&mut self) {
        let count = 64 - self.free;
        if count > 0 {
            let filled = (self.rest << (self.free - 1) << 1) | u64::MAX >> 1 >> (count - 1);
            for &byte in &filled.to_be_bytes()[..count.div_ceil(8) as usize] {
                self.file.push(byte);
                if byte == 0xff {
                    self.file.push(0);
                }
            }
        }
        (self.rest, self.free) = (0, 64);
    }
}

/// More tokens than a block has, with the end-of-band run before it and its correction bits.
const ROOM: usize = 256;

/// Room for tokens.
pub(super) struct Room<'a> {
    list: &'a mut [u32],
    /// How many there are.
    at: usize,
    /// The bit of the table, and how often it has each symbol.
    table: u32,
    counts: &'a mut [u32; 256],
    of_other: &'a mut [u32; 256],
}

impl Room<'_> {
    /// The tokens in it.
    #[inline(always)]
    pub(super) fn count(&self) -> usize {
        self.at
    }

    /// Whether there is room for another [`ROOM`] tokens.
    #[inline(always)]
    pub(super) fn is_enough(&self) -> bool {
        self.list.len() - self.at >= ROOM
    }

    #[inline(always)]
    fn push(&mut self, token: u32) {
        if let Some(to) = self.list.get_mut(self.at) {
            *to = token;
            self.at += 1;
        }
    }

    /// Adds a symbol of the table, followed by `count` bits, up to 16.
    #[inline(always)]
    pub(super) fn symbol(&mut self, symbol: u32, bits: u32, count: u32) {
        self.counts[symbol as usize % 256] += 1;
        self.push(self.table | symbol << 22 | count << 16 | bits);
    }

    /// The same of the other table.
    #[inline(always)]
    pub(super) fn symbol_of_other(&mut self, symbol: u32, bits: u32, count: u32) {
        self.of_other[symbol as usize % 256] += 1;
        self.push(self.table ^ 1 << TABLE | symbol << 22 | count << 16 | bits);
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
    #[inline(always)]
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
        } else {
            self.push_over(bits, count - free);
        }
    }

    /// Adds bits that are `over` more than there is room for in the last word.
    #[cold]
    fn push_over(&mut self, bits: u64, over: u32) {
        let free = 64 - self.count;
        self.words.push(self.rest << (free - 1) << 1 | bits >> over);
        self.rest = bits & ((1 << over) - 1);
        self.count = over;
    }

    /// Takes all bits if they are at most `most`, and returns them and their number.
    #[inline(always)]
    pub(super) fn take_few(&mut self, most: u32) -> Option<(u32, u32)> {
        if self.count > most || !self.words.is_empty() {
            return None;
        }
        let taken = (self.rest as u32, self.count);
        (self.rest, self.count) = (0, 0);
        Some(taken)
    }

    /// Moves up to 1,100 bits, which must be all, to `room`.
    #[inline(always)]
    pub(super) fn give(&mut self, room: &mut Room<'_>) {
        if !self.words.is_empty() {
            self.give_words(room);
        }
        room.bits(self.rest, self.count);
        (self.rest, self.count) = (0, 0);
    }

    #[cold]
    fn give_words(&mut self, room: &mut Room<'_>) {
        for word in self.words.drain(..) {
            room.bits(word, 64);
        }
    }
}
