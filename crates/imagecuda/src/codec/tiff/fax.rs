//! The fax codings of ITU-T T.4 and T.6. The tables of codes come from the crate `fax`. Rows are
//! decoded here, as the crate reads neither two-dimensional Group 3 nor rows without end-of-line
//! codes.

use crate::{Error, Result, memory::reserve};
use fax::{
    BitReader,
    maps::{self, Mode},
};

/// The coding of the rows, and how they start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fax {
    /// Modified Huffman: each row starts at a whole byte, or at an even one.
    Huffman { align: usize },
    /// Group 3: each row starts with an end-of-line code. In the two-dimensional variant, the bit
    /// after it says how the row is coded.
    Group3 { two_dimensional: bool },
    /// Group 4: each row is coded by its differences from the row above.
    Group4,
}

/// Why a row cannot be decoded.
enum Stop {
    /// The data contain their end code.
    End,
    Damage(Error),
}

type Row<T> = std::result::Result<T, Stop>;

impl Fax {
    /// Decodes rows of `width` bits into `out`. Each row has whole bytes there, and a set bit is
    /// black. Returns the number of good rows.
    pub(super) fn decode(self, data: &[u8], width: u32, out: &mut [u8]) -> (usize, Result<()>) {
        let row = (width as usize).div_ceil(8);
        let mut rows = Rows {
            bits: Bits { data, at: 0 },
            width,
            above: vec![width; 3],
            current: Vec::new(),
        };
        let total = out.len() / row;
        for (index, out) in out.chunks_exact_mut(row).enumerate() {
            match rows.next(self) {
                Ok(()) => rows.put(out),
                // Writers leave out white rows at the end.
                Err(Stop::End) if index > 0 => return (total, Ok(())),
                Err(Stop::End) => return (0, Err(Error::decode("the fax has no rows"))),
                Err(Stop::Damage(error)) => return (index, Err(error)),
            }
        }
        (total, Ok(()))
    }
}

struct Rows<'a> {
    bits: Bits<'a>,
    width: u32,
    /// The positions in the row above where the colour changes: to black, to white, and so on. The
    /// width follows three times.
    above: Vec<u32>,
    current: Vec<u32>,
}

impl Rows<'_> {
    /// Reads a row into `above`.
    fn next(&mut self, fax: Fax) -> Row<()> {
        self.current.clear();
        match fax {
            Fax::Huffman { align } => {
                self.bits.align(align);
                self.one_dimensional()?;
            }
            Fax::Group3 { two_dimensional } => {
                let has_line_end = self.bits.skip_line_end();
                if two_dimensional && !has_line_end {
                    return Err(self.damage("an end-of-line code is missing"));
                }
                let is_one_dimensional = !two_dimensional || self.bits.take(1) == 1;
                // Two end-of-line codes end the page.
                if has_line_end && self.bits.is_line_end() {
                    return Err(Stop::End);
                }
                match is_one_dimensional {
                    true => self.one_dimensional()?,
                    false => self.two_dimensional()?,
                }
            }
            Fax::Group4 => self.two_dimensional()?,
        }
        for _ in 0..3 {
            self.change(self.width)?;
        }
        std::mem::swap(&mut self.above, &mut self.current);
        Ok(())
    }

    /// Notes that the colour changes. A row of many changes needs 32 times the memory of its pixels.
    fn change(&mut self, at: u32) -> Row<()> {
        if self.current.len() == self.current.capacity() {
            let more = self.current.len().max(64);
            reserve(&mut self.current, more).map_err(Stop::Damage)?;
        }
        self.current.push(at);
        Ok(())
    }

    fn one_dimensional(&mut self) -> Row<()> {
        let (mut at, mut black) = (0, false);
        loop {
            at = self.run(at, black)?;
            self.change(at)?;
            if at >= self.width {
                return Ok(());
            }
            black = !black;
            // A white and a black run of length 0 change nothing, and are removed.
            if !black {
                let before = self.current.len().checked_sub(3);
                if before.map_or(0, |before| self.current[before]) == at {
                    self.current.truncate(self.current.len() - 2);
                }
            }
        }
    }

    /// Reads a run that starts at `at`, and returns its end.
    fn run(&mut self, mut at: u32, black: bool) -> Row<u32> {
        loop {
            let length = match black {
                true => maps::black::decode(&mut self.bits),
                false => maps::white::decode(&mut self.bits),
            };
            let Some(length) = length else {
                return Err(self.damage("a code that there is not"));
            };
            at += u32::from(length);
            if at > self.width {
                return Err(self.damage("a row that is too long"));
            }
            if length < 64 {
                return Ok(at);
            }
        }
    }

    fn two_dimensional(&mut self) -> Row<()> {
        // The first run starts before the first pixel.
        let (mut at, mut is_start) = (0, true);
        let mut black = false;
        // The index of the next change above to the opposite colour.
        let mut next = 0;
        while at < self.width {
            while next >= 2 && self.above[next - 2] > at {
                next -= 2;
            }
            let is_behind = |change: u32| change > at || (is_start && change == at);
            while !is_behind(self.above[next]) && self.above[next] < self.width {
                next += 2;
            }
            let change = self.above[next];
            let is_end = self.bits.look(12) == 1;
            match maps::mode::decode(&mut self.bits) {
                Some(Mode::Pass) => at = self.above[next + 1],
                Some(Mode::Horizontal) => {
                    at = self.run(at, black)?;
                    self.change(at)?;
                    at = self.run(at, !black)?;
                    self.change(at)?;
                }
                Some(Mode::Vertical(offset)) => {
                    let to = change.checked_add_signed(offset.into());
                    let to = to.filter(|&to| to >= at && to <= self.width);
                    at = to.ok_or_else(|| self.damage("a change that is not in its row"))?;
                    self.change(at)?;
                    black = !black;
                    // The next change to the opposite colour is one before or after this one.
                    next = if next > 0 { next - 1 } else { next + 1 };
                }
                Some(Mode::EOF) if is_start && is_end => return Err(Stop::End),
                Some(Mode::Extension) => {
                    let what = "a fax with uncompressed parts";
                    return Err(Stop::Damage(Error::unsupported(what)));
                }
                _ => return Err(self.damage("a code that there is not")),
            }
            is_start = false;
        }
        Ok(())
    }

    /// The error for damaged data, or for their end.
    fn damage(&self, what: &str) -> Stop {
        Stop::Damage(match self.bits.at > self.bits.data.len() * 8 {
            true => super::ifd::cut_short(),
            false => Error::decode(format!("the fax has {what}")),
        })
    }

    /// Draws the row that was read last.
    fn put(&self, out: &mut [u8]) {
        out.fill(0);
        for black in self.above.as_chunks::<2>().0 {
            let [start, end] = black.map(|at| at as usize);
            if start >= end {
                continue;
            }
            let (first, last) = (start / 8, (end - 1) / 8);
            let from = 0xff_u8 >> (start % 8);
            let until = 0xff_u8 << (7 - (end - 1) % 8);
            if first == last {
                out[first] |= from & until;
            } else {
                out[first] |= from;
                out[first + 1..last].fill(0xff);
                out[last] |= until;
            }
        }
    }
}

/// A reader of bits, highest bit first. Zeros follow the data.
struct Bits<'a> {
    data: &'a [u8],
    /// The position in bits.
    at: usize,
}

impl Bits<'_> {
    fn look(&self, bits: u8) -> u16 {
        let byte = |i| u32::from(self.data.get(self.at / 8 + i).copied().unwrap_or(0));
        let three = byte(0) << 16 | byte(1) << 8 | byte(2);
        (three >> (24 - self.at % 8 - usize::from(bits)) & ((1 << bits) - 1)) as u16
    }

    fn take(&mut self, bits: u8) -> u16 {
        let taken = self.look(bits);
        self.at += usize::from(bits);
        taken
    }

    fn align(&mut self, bytes: usize) {
        self.at = self.at.next_multiple_of(8 * bytes);
    }

    /// If an end-of-line code starts here, the position after it. The code is at least eleven zeros
    /// and a one. No other code starts like that.
    fn line_end(&self) -> Option<usize> {
        if self.look(11) != 0 {
            return None;
        }
        let first = self.data.get(self.at / 8)? & 0xff >> (self.at % 8);
        let rest = self.data.get(self.at / 8 + 1..)?;
        let (byte, at) = match first {
            0 => {
                let zeros = rest.iter().position(|&byte| byte != 0)?;
                (rest[zeros], self.at / 8 + 1 + zeros)
            }
            _ => (first, self.at / 8),
        };
        Some(at * 8 + byte.leading_zeros() as usize + 1)
    }

    fn is_line_end(&self) -> bool {
        self.line_end().is_some()
    }

    /// Skips an end-of-line code, with the zeros before it, if there is one.
    fn skip_line_end(&mut self) -> bool {
        let end = self.line_end();
        self.at = end.unwrap_or(self.at);
        end.is_some()
    }
}

impl BitReader for Bits<'_> {
    type Error = ();

    fn peek(&self, bits: u8) -> Option<u16> {
        (bits <= 16).then(|| self.look(bits))
    }

    /// Fails if a code reaches into the zeros after the data.
    fn consume(&mut self, bits: u8) -> std::result::Result<(), ()> {
        self.at += usize::from(bits);
        match self.at <= self.data.len() * 8 {
            true => Ok(()),
            false => Err(()),
        }
    }

    fn bits_to_byte_boundary(&self) -> u8 {
        (self.at.next_multiple_of(8) - self.at) as u8
    }
}
