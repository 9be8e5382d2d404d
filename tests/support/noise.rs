//! Numbers that look random and are the same everywhere.

/// xorshift64*.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| (self.next() >> 56) as u8).collect()
    }

    /// Floats from -0.5 to 1.5, with the odd special value among them.
    pub fn floats(&mut self, len: usize) -> Vec<f32> {
        const SPECIAL: [f32; 10] = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            0.0,
            -0.0,
            1.0,
            f32::MAX,
            f32::MIN_POSITIVE,
            1e-40,
            0.5,
        ];
        (0..len)
            .map(|_| {
                let word = self.next();
                match word % 23 {
                    0 => SPECIAL[(word >> 32) as usize % SPECIAL.len()],
                    _ => (word >> 40) as f32 / (1u64 << 23) as f32 - 0.5,
                }
            })
            .collect()
    }
}
