//! What is around Deflate in a PNG, and the coder of it that takes its time.

use flate2::{Compress, CompressError, Compression, FlushCompress, Status};

/// Before the data: Deflate, with a window of 32 KB.
pub(super) const HEADER: [u8; 2] = [0x78, 0x01];

/// How far back matches reach.
pub(super) const WINDOW: usize = 32 * 1024;

/// Appends `data`, compressed, to `out`; what `before` has may be referred to. After the `last`
/// there is no more.
pub(super) fn compress(
    level: u32,
    data: &[u8],
    before: &[u8],
    last: bool,
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    // A new one each time: of one that is used again, the matches depend on what it had before.
    let mut coder = Compress::new(Compression::new(level), false);
    let flush = match last {
        true => FlushCompress::Finish,
        false => FlushCompress::Sync,
    };
    if !before.is_empty() {
        coder.set_dictionary(&before[before.len().saturating_sub(WINDOW)..])?;
    }
    loop {
        let taken = coder.total_in() as usize;
        // What zlib's manual says that data that cannot be compressed take, and some more.
        let left = data.len() - taken;
        out.reserve(left + left / 1000 + 64);
        let status = coder.compress_vec(&data[taken..], out, flush)?;
        // With room left, all is out.
        let done = coder.total_in() as usize == data.len() && out.len() < out.capacity();
        if status == Status::StreamEnd || (done && !last) {
            return Ok(());
        }
    }
}

/// The checksum of two pieces, from those of each; the second has `len` bytes.
pub(super) fn adler32_of_both(first: u32, second: u32, len: usize) -> u32 {
    const PRIME: u64 = 65_521;
    let halves = |sum: u32| (u64::from(sum & 0xffff), u64::from(sum >> 16));
    let ((a1, b1), (a2, b2)) = (halves(first), halves(second));
    // The sum of bytes begins at 1 for both; each of `len` sums of the second has the first's too.
    let a = (a1 + a2 + PRIME - 1) % PRIME;
    let b = (b1 + b2 + len as u64 % PRIME * ((a1 + PRIME - 1) % PRIME)) % PRIME;
    ((b << 16) | a) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_pieces_make_that_of_the_whole() {
        let bytes: Vec<u8> = (0..200_000u64).map(|i| (i * i / 8) as u8 | 0xc0).collect();
        let sum = |bytes: &[u8]| simd_adler32::adler32(&bytes);
        for at in [
            0, 1, 5552, 65_520, 65_521, 65_522, 131_042, 199_999, 200_000,
        ] {
            let (first, second) = bytes.split_at(at);
            let both = adler32_of_both(sum(first), sum(second), second.len());
            assert_eq!(both, sum(&bytes), "{at}");
        }
    }
}
