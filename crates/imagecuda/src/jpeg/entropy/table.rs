//! Huffman codes, ready to be looked up.

use super::{super::file::Huffman, bits::Bits};

/// Bits that are looked up at once.
const FAST: u32 = 10;

#[derive(Clone, Debug)]
pub(super) struct Table {
    /// For all that the next bits can be, from high to low: a coefficient (16 bits), the zeros
    /// before it (8), and the bits that both take (8). Where these are too many the coefficient
    /// is 0, and then come symbol and length of the code; and for longer codes all is 0.
    fast: Box<[i32; 1 << FAST]>,
    codes: Codes,
}

/// The codes of a table, which are found by their length.
#[derive(Clone, Debug)]
pub(super) struct Codes {
    /// For each length of codes: 16 bits that are above all of them, and what is to be added to
    /// a code for its symbol's place.
    longer: [(u32, u32); 17],
    symbols: [u8; 256],
}

/// What the next bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// A coefficient, and the zeros before it.
    Value(i16, u8),
    /// A symbol, whose value comes next.
    Symbol(u8),
}

impl Table {
    /// The codes of a table that [is sound](Huffman::is_sound).
    pub(super) fn new(huffman: &Huffman) -> Self {
        Self::build(huffman, true)
    }

    /// The same, where no coefficients come after the codes: for [`symbol`](Self::symbol).
    pub(super) fn of_symbols(huffman: &Huffman) -> Self {
        Self::build(huffman, false)
    }

    fn build(huffman: &Huffman, values: bool) -> Self {
        let mut table = Self {
            fast: Box::new([0; 1 << FAST]),
            codes: Codes::new(huffman),
        };
        for (code, length, symbol) in codes(huffman) {
            table.add(code, length, symbol, values);
        }
        table
    }

    /// Fills the places of all bits that begin with that code.
    fn add(&mut self, code: u32, length: u32, symbol: u8, values: bool) {
        let Some(free) = FAST.checked_sub(length) else {
            return;
        };
        let (run, size) = (i32::from(symbol >> 4), u32::from(symbol & 15));
        let first = (code << free) as usize;
        let places = self.fast.iter_mut().skip(first).take(1 << free);
        for (rest, entry) in (0u32..).zip(places) {
            *entry = match free.checked_sub(size) {
                Some(unused) if size > 0 && values => {
                    let value = (rest >> unused) as i32;
                    let least = 1 << (size - 1);
                    let negative = value < least;
                    let value = value - if negative { (1 << size) - 1 } else { 0 };
                    value << 16 | run << 8 | (length + size) as i32
                }
                _ => i32::from(symbol) << 8 | length as i32,
            };
        }
    }

    /// Reads a code, and its coefficient if that is at hand. Needs [`Bits::fill`] before; then
    /// there are 15 bits for the value, too.
    #[inline(always)]
    pub(super) fn read(&self, bits: &mut Bits<'_>) -> Code {
        let entry = self.fast[bits.peek(FAST) as usize % (1 << FAST)];
        let (length, middle) = (entry as u32 & 255, (entry >> 8) as u8);
        if entry >> 16 != 0 {
            bits.skip(length);
            return Code::Value((entry >> 16) as i16, middle);
        }
        if length == 0 {
            return Code::Symbol(self.read_longer(bits));
        }
        bits.skip(length);
        Code::Symbol(middle)
    }

    /// Reads a code of a table [of symbols](Self::of_symbols).
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> u8 {
        match self.read(bits) {
            Code::Symbol(symbol) => symbol,
            Code::Value(..) => 0, // there are none
        }
    }

    #[cold]
    #[inline(never)]
    fn read_longer(&self, bits: &mut Bits<'_>) -> u8 {
        if let Some((symbol, length)) = self.codes.find(bits.peek(16)) {
            bits.skip(length);
            return symbol;
        }
        // As libjpeg, which then has read another bit.
        bits.skip(17);
        bits.nonsense = true;
        0
    }
}

impl Codes {
    pub(super) fn new(huffman: &Huffman) -> Self {
        let mut all = Self {
            longer: [(0, 0); 17],
            symbols: [0; 256],
        };
        for (to, &symbol) in all.symbols.iter_mut().zip(&huffman.symbols) {
            *to = symbol;
        }
        let (mut code, mut place) = (0u32, 0u32);
        for (length, &count) in (1..=16).zip(&huffman.counts) {
            let offset = place.wrapping_sub(code);
            code += u32::from(count);
            place += u32::from(count);
            all.longer[length as usize] = (code << (16 - length), offset);
            code <<= 1;
        }
        all
    }

    /// The symbol whose code the next 16 bits begin with, and the code's length.
    pub(super) fn find(&self, next: u32) -> Option<(u8, u32)> {
        for (length, &(above, offset)) in (0..).zip(&self.longer).skip(1) {
            if next < above {
                let place = (next >> (16 - length)).wrapping_add(offset);
                return Some((self.symbols[place as usize & 255], length));
            }
        }
        None
    }
}

/// All codes of a table, with their lengths and symbols.
pub(super) fn codes(huffman: &Huffman) -> impl Iterator<Item = (u32, u32, u8)> {
    let lengths = (1..).zip(&huffman.counts);
    let lengths = lengths.flat_map(|(length, &count)| (0..count).map(move |_| length));
    let (mut code, mut before) = (0, 1);
    lengths.zip(&huffman.symbols).map(move |(length, &symbol)| {
        code <<= length - before;
        before = length;
        code += 1;
        (code - 1, length, symbol)
    })
}
