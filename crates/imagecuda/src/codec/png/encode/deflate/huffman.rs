//! Codes that are short for what is frequent, and how a block says what they are.

use super::bits::Writer;

/// A prefix code of `N` symbols.
pub(super) struct Code<const N: usize> {
    /// The bits of each symbol's code, the first the lowest, and their count; 0 for a symbol that
    /// does not occur.
    codes: [(u16, u8); N],
    /// Bits of all that was counted.
    bits: usize,
}

impl<const N: usize> Code<N> {
    /// The best code for symbols that occur so often, with codes of at most `limit` bits.
    pub(super) fn new(counts: &[u32; N], limit: usize) -> Self {
        let lengths = lengths(counts, limit);
        let mut of_length = [0u16; 16];
        for &length in &lengths {
            of_length[usize::from(length)] += 1;
        }
        of_length[0] = 0;
        let mut next = [0u16; 16];
        for length in 1..16 {
            next[length] = (next[length - 1] + of_length[length - 1]) << 1;
        }
        let mut codes = [(0, 0); N];
        let mut bits = 0;
        for ((code, length), count) in codes.iter_mut().zip(lengths).zip(counts) {
            if length > 0 {
                let next = &mut next[usize::from(length)];
                *code = (next.reverse_bits() >> (16 - length), length);
                *next += 1;
                bits += usize::from(length) * *count as usize;
            }
        }
        Self { codes, bits }
    }

    #[inline(always)]
    pub(super) fn code(&self, symbol: usize) -> (u16, u32) {
        let (code, len) = self.codes[symbol];
        (code, u32::from(len))
    }

    /// Bits of the codes of all that was counted, without the extra bits of lengths and distances.
    pub(super) fn bits(&self) -> usize {
        self.bits
    }
}

/// The lengths of the best code, by package-merge: a symbol's bits are coins, each worth half of
/// the one before, and the cheapest that come to `n - 1` are bought.
fn lengths<const N: usize>(counts: &[u32; N], limit: usize) -> [u8; N] {
    let mut symbols: Vec<usize> = (0..N).filter(|&symbol| counts[symbol] > 0).collect();
    // Some decoders take no code that has one symbol alone.
    for symbol in 0..2 {
        if symbols.len() < 2 && !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }
    symbols.sort_by_key(|&symbol| (counts[symbol], symbol));
    let leaves: Vec<u64> = symbols.iter().map(|&s| u64::from(counts[s])).collect();

    // Of each worth, cheapest first, whether a coin is a symbol's, or two of half the worth.
    let mut are_leaves: Vec<Vec<bool>> = Vec::with_capacity(limit);
    let mut packages: Vec<u64> = Vec::new();
    for _ in 0..limit {
        let mut coins: Vec<u64> = Vec::with_capacity(leaves.len() + packages.len());
        let mut is_leaf = Vec::with_capacity(coins.capacity());
        let (mut leaf, mut package) = (leaves.iter().peekable(), packages.iter().peekable());
        while leaf.peek().is_some() || package.peek().is_some() {
            let from_leaves = match (leaf.peek(), package.peek()) {
                (Some(leaf), Some(package)) => leaf <= package,
                (first, _) => first.is_some(),
            };
            let coin = if from_leaves {
                leaf.next()
            } else {
                package.next()
            };
            coins.extend(coin);
            is_leaf.push(from_leaves);
        }
        packages = coins.chunks_exact(2).map(|two| two[0] + two[1]).collect();
        are_leaves.push(is_leaf);
    }

    let mut lengths = [0; N];
    let mut bought = 2 * (symbols.len() - 1);
    for is_leaf in are_leaves.iter().rev() {
        let leaves = is_leaf[..bought].iter().filter(|&&leaf| leaf).count();
        for &symbol in &symbols[..leaves] {
            lengths[symbol] += 1;
        }
        bought = 2 * (bought - leaves);
    }
    lengths
}

/// The order in which a block has the lengths of the code of lengths.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Before the data of a block: its codes.
pub(super) struct Header {
    literals: usize,
    distances: usize,
    /// The lengths of both codes, as symbols with their extra bits and the count of these.
    symbols: Vec<(u8, u8, u8)>,
    code: Code<19>,
    /// Lengths that there are of `code`.
    known: usize,
}

impl Header {
    pub(super) fn new<const L: usize, const D: usize>(
        literals: &Code<L>,
        distances: &Code<D>,
    ) -> Self {
        fn used<const N: usize>(code: &Code<N>, least: usize) -> &[(u16, u8)] {
            let last = code.codes.iter().rposition(|&(_, len)| len > 0);
            &code.codes[..last.map_or(0, |last| last + 1).max(least)]
        }
        let (literals, distances) = (used(literals, 257), used(distances, 1));
        let lengths = literals.iter().chain(distances).map(|&(_, len)| len);
        let symbols = runs(&lengths.collect::<Vec<_>>());
        let mut counts = [0; 19];
        for &(symbol, ..) in &symbols {
            counts[usize::from(symbol)] += 1;
        }
        let code = Code::new(&counts, 7);
        let last = ORDER.iter().rposition(|&symbol| code.code(symbol).1 > 0);
        Self {
            literals: literals.len(),
            distances: distances.len(),
            symbols,
            code,
            known: last.map_or(0, |last| last + 1).max(4),
        }
    }

    pub(super) fn bits(&self) -> usize {
        let extra = self.symbols.iter().map(|&(.., len)| usize::from(len));
        3 + 14 + 3 * self.known + self.code.bits() + extra.sum::<usize>()
    }

    pub(super) fn write(&self, last: bool, writer: &mut Writer<'_>) {
        // Codes of its own.
        writer.push(u64::from(last) | (2 << 1), 3);
        writer.push(self.literals as u64 - 257, 5);
        writer.push(self.distances as u64 - 1, 5);
        writer.push(self.known as u64 - 4, 4);
        for &symbol in &ORDER[..self.known] {
            writer.push(u64::from(self.code.code(symbol).1), 3);
        }
        for &(symbol, extra, extra_len) in &self.symbols {
            let (code, len) = self.code.code(usize::from(symbol));
            writer.push(u64::from(code), len);
            writer.push(u64::from(extra), u32::from(extra_len));
        }
    }
}

/// Lengths as symbols: themselves, or for 3 to 6 more of the last 16, for 3 to 10 zeros 17, for
/// 11 to 138 zeros 18.
fn runs(lengths: &[u8]) -> Vec<(u8, u8, u8)> {
    let mut symbols = Vec::with_capacity(lengths.len());
    for run in lengths.chunk_by(|a, b| a == b) {
        let (length, mut left) = (run[0], run.len());
        if length > 0 {
            symbols.push((length, 0, 0));
            left -= 1;
        }
        while left > 0 {
            let (symbol, taken) = match (length, left) {
                (_, ..3) => ((length, 0, 0), 1),
                (0, 3..11) => ((17, left as u8 - 3, 3), left),
                (0, _) => ((18, left.min(138) as u8 - 11, 7), left.min(138)),
                (_, _) => ((16, left.min(6) as u8 - 3, 2), left.min(6)),
            };
            symbols.push(symbol);
            left -= taken;
        }
    }
    symbols
}
