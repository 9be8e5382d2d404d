//! Uploads the data in parts. Kernels join and search a part while the next ones are uploaded.

use super::{
    super::{Context, pinned::Pinned},
    memory::{Addresses, data_range},
};
use crate::{Result, device::PngData, parallel};
use cust::memory::DevicePointer;
use imagecuda_kernels::png::decoder::launches::{PART_WORDS, Sizes};
use std::ops::Range;

/// The most parts.
pub(super) const MOST: usize = 6;

/// Bytes of a part, unless there are too many parts of that size.
const PART: usize = 2 << 20;

/// What is uploaded, and to where.
pub(super) struct Upload<'a> {
    pub(super) png: &'a PngData<'a>,
    /// The memory of the file, if the device can read it.
    pub(super) file: Option<&'a Pinned>,
    /// The job and what belongs to it, and room for the file if the device cannot read that.
    pub(super) pinned: &'a mut Pinned,
    /// The bytes before the file's.
    pub(super) others: usize,
    /// The place of the file's bytes in the upload.
    pub(super) at: usize,
    /// The address of the upload.
    pub(super) target: u64,
    /// For each piece of data, its offset in the file's bytes and in the data.
    pub(super) pieces: &'a [u32],
    pub(super) sizes: &'a Sizes,
    pub(super) addresses: &'a Addresses,
    pub(super) stream: usize,
}

/// The parts of so many bytes.
fn parts(bytes: usize) -> impl Iterator<Item = Range<usize>> {
    let count = bytes.div_ceil(PART).clamp(1, MOST);
    let size = bytes.div_ceil(count).next_multiple_of(4096);
    (0..bytes.max(1))
        .step_by(size)
        .map(move |start| start..bytes.min(start + size))
}

/// How many words of data the first `bytes` bytes of a file have whole, if kernels may read eight more
/// bytes; at most the beginning of a part.
fn whole_words(pieces: &[u32], bytes: usize) -> u32 {
    let bytes = bytes.saturating_sub(8) as u32;
    let (pieces, _) = pieces.as_chunks::<2>();
    let number = pieces[..pieces.len() - 1].partition_point(|&[at, _]| at <= bytes);
    let Some(number) = number.checked_sub(1) else {
        return 0;
    };
    let ([at, before], [_, end]) = (pieces[number], pieces[number + 1]);
    let data = end.min(before + (bytes - at));
    data / 4 / PART_WORDS * PART_WORDS
}

impl Context {
    /// Starts the uploads, and the kernels that need not wait for all of them.
    pub(super) fn start_parts(&self, upload: Upload<'_>) -> Result<()> {
        let Upload {
            png,
            file,
            pinned,
            others,
            at,
            target,
            pieces,
            sizes,
            addresses,
            stream,
        } = upload;
        let range = data_range(png);
        let (queue, uploads) = (&self.pngs.all[stream], &self.pngs.uploads[stream]);
        let target = |at: usize| DevicePointer::from_raw(target + at as u64);
        if file.is_none() {
            // All of it first: a device that reads memory while other parts of it are written takes longer
            // than one after the other.
            parallel::copy(&png.file[range.clone()], &mut pinned[at..at + range.len()]);
        }
        let mut done = 0;
        for (number, part) in parts(range.len()).enumerate() {
            let source = range.start + part.start..range.start + part.end;
            let place = at + part.start;
            let here = place..at + part.end;
            let _launching = self.lock_launch();
            if number == 0 {
                pinned.start_upload(target(0), others, uploads)?;
            }
            match file {
                Some(file) => file.start_upload_of(source, target(place), uploads)?,
                None => pinned.start_upload_part(here, target(place), uploads)?,
            }
            let uploaded = &self.pngs.uploaded[stream][number];
            uploaded.record(uploads)?;
            uploaded.order_before(queue)?;
            let words = match part.end == range.len() {
                true => sizes.data_words(),
                false => whole_words(pieces, part.end),
            };
            if words > done {
                self.launch_png(&sizes.part(done..words), addresses, queue)?;
                done = words;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole_and_not_too_many() {
        for bytes in [
            1,
            4096,
            PART,
            PART + 1,
            10 << 20,
            100 << 20,
            (100 << 20) + 5,
        ] {
            let parts: Vec<_> = parts(bytes).collect();
            assert!(parts.len() <= MOST);
            let end = parts.iter().fold(0, |end, part| {
                assert!(part.start == end && part.end > end);
                part.end
            });
            assert_eq!(end, bytes);
        }
    }

    #[test]
    fn words_are_whole_that_have_all_bytes() {
        // Two pieces of 10,000 bytes, and 12 bytes between them; then the length of all data.
        let pieces = [0, 0, 10_012, 10_000, 0, 20_000];
        for (bytes, expected) in [
            (0, 0),
            (4103, 0),
            (4104, 1024),
            (8199, 1024),
            (8200, 2048),
            (10_019, 2048),
            (12_307, 2048),
            (12_308, 3072),
            (16_403, 3072),
            (16_404, 4096),
            (20_012, 4096),
        ] {
            assert_eq!(whole_words(&pieces, bytes), expected, "{bytes}");
        }
        assert_eq!(whole_words(&[20, 0, 0, 100], 25), 0);
    }
}
