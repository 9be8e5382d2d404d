//! What a file adds to codes: a zero behind each 0xff, but for those of restart markers.

/// Bytes that a thread looks at.
pub const PIECE: u32 = 16;

/// Some bytes of the data before they are stuffed.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// The bytes, of which the first `len` are there.
    pub bytes: [u32; PIECE as usize / 4],
    /// How many there are.
    pub len: u32,
    /// Which of them begin a marker, one bit each.
    pub markers: u32,
}

impl Piece {
    /// Calls `each` with the bytes, and whether a zero follows.
    #[inline(always)]
    fn each(&self, mut each: impl FnMut(u8, bool)) {
        for i in 0..PIECE {
            // By a shift: what is indexed would be in memory.
            let word = match i / 4 {
                0 => self.bytes[0],
                1 => self.bytes[1],
                2 => self.bytes[2],
                _ => self.bytes[3],
            };
            let byte = (word >> (i % 4 * 8)) as u8;
            if i < self.len {
                each(byte, byte == 0xff && self.markers >> i & 1 == 0);
            }
        }
    }

    /// How many zeros are added.
    #[inline(always)]
    pub fn zeros(&self) -> u32 {
        let mut zeros = 0;
        self.each(|_, is_followed| zeros += u32::from(is_followed));
        zeros
    }

    /// Calls `put` with the place of each byte of the file, from `at` on, and the byte.
    #[inline(always)]
    pub fn scatter(&self, mut at: u64, mut put: impl FnMut(u64, u8)) {
        self.each(|byte, is_followed| {
            put(at, byte);
            at += 1;
            if is_followed {
                put(at, 0);
                at += 1;
            }
        });
    }
}
