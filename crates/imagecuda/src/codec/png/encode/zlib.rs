//! The zlib format around Deflate, and zlib's slower compression.

use flate2::{Compress, CompressError, Compression, FlushCompress, Status};

/// The stream's header: Deflate with a window of 32 KB.
pub(super) const HEADER: [u8; 2] = [0x78, 0x01];

/// The longest distance of a match.
pub(super) const WINDOW: usize = 32 * 1024;

/// Appends `data`, compressed, to `out`. Matches may refer to `before`. If it is the `last` part,
/// the stream ends with it.
pub(super) fn compress(
    level: u32,
    data: &[u8],
    before: &[u8],
    last: bool,
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    // A new encoder each time, as the matches of a reused one depend on its earlier data.
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
        // The bound in zlib's manual for incompressible data, and some more.
        let left = data.len() - taken;
        out.reserve(left + left / 1000 + 64);
        let status = coder.compress_vec(&data[taken..], out, flush)?;
        // If there is room left, everything was written.
        let done = coder.total_in() as usize == data.len() && out.len() < out.capacity();
        if status == Status::StreamEnd || (done && !last) {
            return Ok(());
        }
    }
}

/// The Adler-32 of two parts, from the Adler-32 of each. The second part has `len` bytes.
pub(super) fn adler32_of_both(first: u32, second: u32, len: usize) -> u32 {
    const PRIME: u64 = 65_521;
    let halves = |sum: u32| (u64::from(sum & 0xffff), u64::from(sum >> 16));
    let ((a1, b1), (a2, b2)) = (halves(first), halves(second));
    // Both sums start with the 1 of Adler-32, and each of the second part's `len` sums also
    // includes the first part's.
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
