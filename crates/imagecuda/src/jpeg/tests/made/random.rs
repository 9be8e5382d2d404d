//! Random coefficients, and scripts of scans.

use super::{Made, MadeScan};

/// Numbers that look random.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut new = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..9).for_each(|_| _ = new.below(2));
        new
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 24) as usize % limit
    }

    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }

    /// Coefficients of some size, often few of them.
    pub(crate) fn block(&mut self, bits: u8) -> [i16; 64] {
        let mut block = [0; 64];
        let value = |random: &mut Self, most: usize| {
            let limit = 1 << random.below(most);
            (random.below(2 * limit + 1) as i32 - limit as i32) as i16
        };
        // So that differences have 15 bits at most.
        block[0] = value(self, (usize::from(bits) + 3).min(14));
        for _ in 0..self.pick(&[0, 0, 1, 3, 10, 64, 150]) {
            block[self.below(64)] = value(self, usize::from(bits) + 2);
        }
        block
    }

    /// A small picture with random blocks, and scans for it.
    pub(crate) fn made(&mut self, bits: u8, progressive: bool) -> Made {
        let factors: &[&[(u32, u32)]] = &[
            &[(1, 1)],
            &[(1, 1); 3],
            &[(2, 2), (1, 1), (1, 1)],
            &[(2, 1), (1, 1), (1, 1)],
            &[(1, 2), (1, 1), (1, 2)],
            &[(4, 1), (1, 1), (2, 1)],
            &[(1, 1); 4],
        ];
        let side = |random: &mut Self| 1 + random.below(60) as u16;
        let mut made = Made {
            size: (side(self), side(self)),
            bits,
            factors: self.pick(factors).to_vec(),
            quantizer: self.pick(&[1, 1, 2, 3]),
            blocks: Vec::new(),
            progressive,
            conditioning: None,
            scans: Vec::new(),
        };
        for part in made.picture().parts() {
            let blocks = (0..part.blocks()).map(|_| self.block(bits));
            made.blocks.push(blocks.collect());
        }
        made.scans = script(self, made.factors.len(), progressive);
        made
    }
}

/// Scans that bring all bits of all coefficients, in a random order that is legal.
pub(crate) fn script(random: &mut Random, components: usize, progressive: bool) -> Vec<MadeScan> {
    let mut scans = Vec::new();
    let all: Vec<usize> = (0..components).collect();
    let mut add = |random: &mut Random, components: &[usize], spectral, approximation| {
        scans.push(MadeScan {
            components: components.to_vec(),
            spectral,
            approximation,
            restart: random.pick(&[0, 0, 1, 5, 13]),
        });
    };
    let groups: Vec<&[usize]> = match random.below(2) {
        0 => vec![&all],
        _ => all.chunks(1).collect(),
    };
    if !progressive {
        for group in groups {
            add(random, group, (0, 63), (0, 0));
        }
        return scans;
    }
    let low = random.below(4) as u8;
    for &group in &groups {
        add(random, group, (0, 0), (0, low));
    }
    for low in (0..low).rev() {
        for &group in &groups {
            add(random, group, (0, 0), (low + 1, low));
        }
    }
    for index in 0..components {
        let mut first = 1;
        while first < 64 {
            let last = match random.below(3) {
                0 => 63,
                _ => first + random.below(64 - usize::from(first)) as u8,
            };
            let low = random.below(4) as u8;
            add(random, &[index], (first, last), (0, low));
            for low in (0..low).rev() {
                add(random, &[index], (first, last), (low + 1, low));
            }
            first = last + 1;
        }
    }
    scans
}
