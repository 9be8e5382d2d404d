//! Stuffing: a file has a 0x00 after each 0xff of the codes, but not after that of a restart
//! marker.

/// Bytes that one thread stuffs.
pub const PIECE: u32 = 16;

/// The bytes that one thread stuffs.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// The bytes. Only the first `len` are of the data.
    pub bytes: [u32; PIECE as usize / 4],
    /// Bytes of the data: [`PIECE`], or fewer at its end.
    pub len: u32,
    /// A bit for each byte that begins a marker.
    pub markers: u32,
}

impl Piece {
    /// Calls `each` with each byte, and whether a zero is stuffed in after it.
    #[inline(always)]
    fn each(&self, mut each: impl FnMut(u8, bool)) {
        for i in 0..PIECE {
            // With shifts, as an array that is indexed would not stay in registers.
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

    /// The number of zeros that are stuffed in.
    #[inline(always)]
    pub fn zeros(&self) -> u32 {
        let mut zeros = 0;
        self.each(|_, is_followed| zeros += u32::from(is_followed));
        zeros
    }

    /// Calls `put` with each byte of the file, and its place: the first one's is `at`.
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
