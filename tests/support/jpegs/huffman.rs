//! Huffman codes of many shapes, and the bits that they make.

use crate::support::Noise;
use jpeg_encoder::{ColorType, Encoder};
use std::sync::LazyLock;

/// A code, as a DHT segment has it.
#[derive(Clone)]
pub struct Table {
    counts: [u8; 16],
    symbols: Vec<u8>,
    /// The code and its length; 0 where a symbol has none.
    codes: [(u16, u8); 256],
}

impl Table {
    fn new(counts: [u8; 16], symbols: Vec<u8>) -> Self {
        let mut codes = [(0, 0); 256];
        let (mut code, mut next) = (0u32, symbols.iter());
        for (len, &count) in (1..).zip(&counts) {
            code <<= 1;
            for &symbol in next.by_ref().take(count.into()) {
                codes[usize::from(symbol)] = (code as u16, len);
                code += 1;
            }
            assert!(code < 1 << len, "no code may be all ones");
        }
        Self {
            counts,
            symbols,
            codes,
        }
    }

    /// Shannon's code for symbols of these weights: as good as Huffman's for a test. With `deep`
    /// codes are longer than need be, up to the 16 bits that there may be.
    pub fn weighted(weights: &[u32; 256], deep: Option<&mut Noise>) -> Self {
        let total: u64 = weights.iter().map(|&w| u64::from(w)).sum();
        let least = total / (1 << 14) + 1;
        let weight = |w: u32| u64::from(w).max(least);
        let used: Vec<u8> = (0..=255).filter(|&s| weights[usize::from(s)] > 0).collect();
        // With one for the code of all ones, which must stay free.
        let total = least
            + used
                .iter()
                .map(|&s| weight(weights[usize::from(s)]))
                .sum::<u64>();
        let mut lengths: Vec<(usize, u8)> = used
            .into_iter()
            .map(|s| {
                let w = weight(weights[usize::from(s)]);
                let len = (1..=16).find(|&len| w << len >= total).unwrap();
                (len, s)
            })
            .collect();
        if let Some(noise) = deep {
            for (len, _) in &mut lengths {
                *len += noise.next() as usize % (17 - *len);
            }
        }
        if lengths.is_empty() {
            lengths.push((1, 0)); // tables without a code are not for all decoders
        }
        lengths.sort_unstable();
        let mut counts = [0; 16];
        for &(len, _) in &lengths {
            counts[len - 1] += 1;
        }
        Self::new(counts, lengths.into_iter().map(|l| l.1).collect())
    }

    pub fn code(&self, symbol: u8) -> (u16, u8) {
        let code = self.codes[usize::from(symbol)];
        assert!(code.1 > 0, "symbol {symbol:02x} has no code");
        code
    }

    /// What follows the class and the number in a segment.
    pub fn segment(&self) -> Vec<u8> {
        [&self.counts[..], &self.symbols].concat()
    }
}

/// The tables of the standard's Annex K, as another encoder writes them: DC 0 and 1, AC 0 and 1.
pub fn standard() -> &'static [[Table; 2]; 2] {
    static TABLES: LazyLock<[[Table; 2]; 2]> = LazyLock::new(|| {
        let mut file = Vec::new();
        let encoder = Encoder::new(&mut file, 50);
        encoder.encode(&[7; 3], 1, 1, ColorType::Rgb).unwrap();
        let mut found: [[Option<Table>; 2]; 2] = Default::default();
        let mut at = 2;
        while file[at + 1] != 0xda {
            let length = usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
            let mut segment = &file[at + 4..at + 2 + length];
            while file[at + 1] == 0xc4 && !segment.is_empty() {
                let (head, rest) = segment.split_at(17);
                let counts: [u8; 16] = head[1..].try_into().unwrap();
                let count = counts.iter().map(|&c| usize::from(c)).sum();
                let table = Table::new(counts, rest[..count].to_vec());
                found[usize::from(head[0] >> 4)][usize::from(head[0] & 15)] = Some(table);
                segment = &rest[count..];
            }
            at += 2 + length;
        }
        found.map(|class| class.map(Option::unwrap))
    });
    &TABLES
}

/// Entropy-coded bytes in the making.
#[derive(Default)]
pub struct Bits {
    pub out: Vec<u8>,
    word: u32,
    count: u32,
}

impl Bits {
    /// The low `len` bits of `value`, 16 at most.
    pub fn put(&mut self, value: u16, len: u8) {
        let len = u32::from(len);
        self.word = self.word << len | u32::from(value) & ((1 << len) - 1);
        self.count += len;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.word >> self.count) as u8;
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
        }
    }

    /// Ones up to the next byte.
    pub fn pad(&mut self) {
        self.put(0xff, (8 - self.count as u8) % 8);
    }
}
