//! Huffman codes as look-up tables.

use super::{
    super::file::Huffman,
    bits::{Bits, MANY},
};

/// The number of bits of a look-up.
const FAST: u32 = 10;

#[derive(Clone, Debug)]
pub(super) struct Table {
    /// For each value of the next bits, from high to low: the coefficient (16 bits), the zeros
    /// before it (8), and the number of bits of code and value (8). If code and value are longer
    /// than a look-up, the coefficient is 0, and the symbol and the length of the code follow. If
    /// the code alone is longer, the entry is 0.
    fast: Box<[i32; 1 << FAST]>,
    codes: Codes,
}

/// Canonical codes, found by their length.
#[derive(Clone, Debug)]
pub(super) struct Codes {
    /// For each length of codes: an upper bound of the codes as 16 bits, and the number to add to a
    /// code to get the index of its symbol.
    longer: [(u32, u32); 17],
    symbols: [u8; 256],
}

/// A decoded code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// A coefficient, and the number of zeros before it.
    Value(i16, u8),
    /// A symbol whose value has not been read yet.
    Symbol(u8),
}

impl Table {
    /// Makes the look-up of a table that [is sound](Huffman::is_sound).
    pub(super) fn new(huffman: &Huffman) -> Self {
        Self::build(huffman, true)
    }

    /// The same for codes without values, which [`symbol`](Self::symbol) reads.
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

    /// Fills all entries that begin with a code.
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

    /// Reads a code, and its coefficient if the look-up has it. The caller must have called
    /// [`Bits::fill`]; afterwards there are 15 bits left for a value.
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

    /// Reads a symbol of a table made by [`of_symbols`](Self::of_symbols).
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
        self.codes.read(bits)
    }
}

/// Huffman codes of AC coefficients. Values are no part of the look-up, so processors need not guess whether it
/// has them.
#[derive(Clone, Debug)]
pub(super) struct AcTable {
    /// For each value of the next bits, from high to low: the zeros before the coefficient (8 bits), the size
    /// of its value (8), the bits of the code (8), and the bits of both (8). If the code is longer than a
    /// look-up, or it and its value are longer than [`SHORT`], the entry is 0.
    fast: Box<[u32; 1 << AC_FAST]>,
    codes: Codes,
}

const AC_FAST: u32 = 11;

/// The most bits of a code of the look-up and its value. So many are left of what [`Bits::refill`] makes available
/// after a code of any length, which is of 16 bits and 15 of its value at most.
const SHORT: u32 = MANY - (16 + 15);

/// What an AC code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ac {
    /// Zeros, and the coefficient after them.
    Value(usize, i16),
    /// Sixteen zeros.
    Zeros,
    /// Nothing more.
    End,
}

impl AcTable {
    /// Makes the look-up of a table that [is sound](Huffman::is_sound).
    pub(super) fn new(huffman: &Huffman) -> Self {
        let mut fast = Box::new([0; 1 << AC_FAST]);
        for (code, length, symbol) in codes(huffman) {
            let Some(free) = AC_FAST.checked_sub(length) else {
                continue;
            };
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if length + size > SHORT {
                continue;
            }
            let first = (code << free) as usize;
            let entry = run << 24 | size << 16 | length << 8 | (length + size);
            fast[first..first + (1 << free)].fill(entry);
        }
        Self {
            fast,
            codes: Codes::new(huffman),
        }
    }

    /// Reads a code and its value: one, or two in a row, after each [`Bits::refill`].
    #[inline(always)]
    pub(super) fn read(&self, bits: &mut Bits<'_>) -> Ac {
        let entry = self.fast[bits.peek(AC_FAST) as usize % (1 << AC_FAST)];
        let (run, size) = (entry >> 24, entry >> 16 & 255);
        if size != 0 {
            let value = bits.signed(entry >> 8 & 255, size);
            bits.skip(entry & 255);
            return Ac::Value(run as usize, value);
        }
        if entry == 0 {
            return self.read_longer(bits);
        }
        bits.skip(entry & 255);
        match run {
            15 => Ac::Zeros,
            _ => Ac::End,
        }
    }

    #[cold]
    #[inline(never)]
    fn read_longer(&self, bits: &mut Bits<'_>) -> Ac {
        bits.fill();
        let symbol = self.codes.read(bits);
        match (symbol >> 4, symbol & 15) {
            (15, 0) => Ac::Zeros,
            (_, 0) => Ac::End,
            (run, size) => Ac::Value(run.into(), bits.value(size.into()) as i16),
        }
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

    /// Reads a symbol of any length.
    fn read(&self, bits: &mut Bits<'_>) -> u8 {
        if let Some((symbol, length)) = self.find(bits.peek(16)) {
            bits.skip(length);
            return symbol;
        }
        // An invalid code consumes 17 bits, as in libjpeg.
        bits.skip(17);
        bits.nonsense = true;
        0
    }

    /// The symbol of the code at the start of 16 bits, and the code's length.
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

/// All codes of a table: code, length, symbol.
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

#[cfg(test)]
mod tests {
    use super::{super::scanner::Source as _, *};

    /// The longest code and value, and then the longest code of the look-up with the longest value.
    #[test]
    fn a_refill_is_enough_for_two_codes_of_any_length() {
        let mut counts = [0; 16];
        (counts[10], counts[15]) = (1, 1);
        let huffman = Huffman {
            counts,
            symbols: vec![0x0f, 0x1f],
        };
        let table = AcTable::new(&huffman);
        let values = [21845, 26214, 17476, 28086];
        let (mut text, mut expected) = (String::from("10101010"), Vec::new());
        for (i, value) in values.into_iter().enumerate() {
            text += if i % 2 == 0 {
                "0000000000100000"
            } else {
                "00000000000"
            };
            text += &format!("{value:015b}");
            expected.push(Ac::Value(1 - i % 2, value));
        }
        text += &"0".repeat(8 - text.len() % 8);
        let data: Vec<u8> = text
            .as_bytes()
            .chunks(8)
            .map(|byte| byte.iter().fold(0, |sum, bit| sum * 2 + (bit - b'0')))
            .collect();
        assert!(!data.contains(&0xff));
        let mut bits = Bits::new(&data);
        bits.refill();
        bits.skip(8);
        let mut found = Vec::new();
        for _ in 0..2 {
            bits.refill();
            found.extend([table.read(&mut bits), table.read(&mut bits)]);
        }
        assert_eq!(found, expected);
        assert!(!bits.is_exhausted());
    }
}
