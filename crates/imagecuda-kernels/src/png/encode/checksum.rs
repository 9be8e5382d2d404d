//! Adler-32 and CRC-32 of parts, and their combination.

use bytemuck::{Pod, Zeroable};

const ADLER_PRIME: u64 = 65_521;

/// The polynomial of CRC-32. A number's highest bit stands for x⁰.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// The number of bytes whose CRC one thread computes.
pub const PIECE: u32 = 64;

/// Sums of bytes, from which Adler-32 is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Sums {
    /// The sum of the bytes.
    pub plain: u64,
    /// The sum of the bytes, each multiplied by the number of bytes from it to the end.
    pub weighted: u64,
}

impl Sums {
    /// The sums of a part that `after` bytes follow, modulo the prime.
    #[inline(always)]
    pub fn followed_by(self, after: u64) -> Self {
        let plain = self.plain % ADLER_PRIME;
        Self {
            plain,
            weighted: (self.weighted + plain * (after % ADLER_PRIME)) % ADLER_PRIME,
        }
    }

    /// Adler-32 of `len` bytes, from sums of [`followed_by`](Self::followed_by) of all parts.
    #[inline(always)]
    pub fn adler32(self, len: u64) -> u32 {
        let a = (1 + self.plain) % ADLER_PRIME;
        let b = (len + self.weighted) % ADLER_PRIME;
        (b << 16 | a) as u32
    }
}

/// The contribution of a byte to a CRC: an entry of the usual table.
#[inline(always)]
pub const fn crc_entry(byte: u8) -> u32 {
    let mut crc = byte as u32;
    let mut bit = 0;
    while bit < 8 {
        crc = crc >> 1 ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
        bit += 1;
    }
    crc
}

/// The product of two polynomials modulo that of CRC-32.
#[inline(always)]
pub const fn crc_product(mut a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    while b != 0 {
        product ^= a & (b >> 31).wrapping_neg();
        b <<= 1;
        a = a >> 1 ^ (POLYNOMIAL & (a & 1).wrapping_neg());
    }
    product
}

/// The powers x⁸, x¹⁶, x³², and so on.
static POWERS: [u32; 32] = {
    let mut powers = [0x0080_0000; 32];
    let mut i = 1;
    while i < 32 {
        powers[i] = crc_product(powers[i - 1], powers[i - 1]);
        i += 1;
    }
    powers
};

/// The CRC after `bytes` more zeros.
#[inline(always)]
pub fn crc_followed_by(mut crc: u32, mut bytes: u32) -> u32 {
    let mut i = 0;
    while bytes != 0 && i < 32 {
        if bytes & 1 != 0 {
            crc = crc_product(crc, POWERS[i]);
        }
        bytes >>= 1;
        i += 1;
    }
    crc
}

/// The CRC-32 of a chunk of a file. `begun` is the CRC of its name, and `rest` the combined
/// remainder of its `len` bytes of data.
pub fn crc32(begun: u32, rest: u32, len: u32) -> u32 {
    !(crc_followed_by(!begun, len) ^ rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn bytes(len: usize) -> Vec<u8> {
        let byte = |i: usize| (i.wrapping_mul(i) >> 3) as u8 ^ i as u8;
        (0..len).map(byte).collect()
    }

    fn remainder(bytes: &[u8]) -> u32 {
        let add = |crc: u32, &byte: &u8| crc >> 8 ^ crc_entry(crc as u8 ^ byte);
        bytes.iter().fold(0, add)
    }

    #[test]
    fn checksums_are_the_known_ones() {
        // The check value of CRC-32, and RFC 1950's sums of "Wikipedia".
        let text = b"123456789";
        assert_eq!(crc32(0, remainder(text), 9), 0xcbf4_3926);
        let text = b"Wikipedia";
        let mut sums = Sums::default();
        for (i, &byte) in text.iter().enumerate() {
            sums.plain += u64::from(byte);
            sums.weighted += (text.len() - i) as u64 * u64::from(byte);
        }
        assert_eq!(sums.followed_by(0).adler32(9), 0x11e6_0398);
    }

    #[test]
    fn remainders_of_parts_make_that_of_the_whole() {
        let data = bytes(70_001);
        for part in [1, 7, 64, 5000, 70_001] {
            let mut whole = 0;
            let mut after = data.len();
            for part in data.chunks(part) {
                after -= part.len();
                whole ^= crc_followed_by(remainder(part), after as u32);
            }
            assert_eq!(whole, remainder(&data), "{part}");
        }
    }

    #[test]
    fn sums_of_parts_make_that_of_the_whole() {
        let data: Vec<u8> = bytes(300_000).iter().map(|b| b | 0xc0).collect();
        let (mut a, mut b) = (1u32, 0u32);
        for &byte in &data {
            a = (a + u32::from(byte)) % 65_521;
            b = (b + a) % 65_521;
        }
        let mut all = Sums::default();
        let mut after = data.len();
        for part in data.chunks(32_768) {
            let mut sums = Sums::default();
            for (i, &byte) in part.iter().enumerate() {
                sums.plain += u64::from(byte);
                sums.weighted += (part.len() - i) as u64 * u64::from(byte);
            }
            after -= part.len();
            let sums = sums.followed_by(after as u64);
            all.plain += sums.plain;
            all.weighted += sums.weighted;
        }
        assert_eq!(all.adler32(data.len() as u64), b << 16 | a);
    }
}
