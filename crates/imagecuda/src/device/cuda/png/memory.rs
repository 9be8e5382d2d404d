//! Allocates a picture's device memory, and uploads what the kernels need.

use super::{
    super::{
        Context,
        jpeg::{Parts, put},
        memory::parallel_copy,
        pinned::Pinned,
    },
    DecodingPng,
};
use crate::{Result, device::PngData};
use cust::{memory::DevicePointer, stream::Stream};
use imagecuda_kernels::png::decoder::{
    job::DecodeJob,
    launches::{Lengths, Sizes},
    work::{control, status},
};
use std::{ops::Range, sync::Arc};

/// The device addresses that the host needs.
pub(super) struct Addresses {
    pub(super) job: u64,
    pub(super) control: u64,
    pub(super) hand_over: Range<u64>,
    tokens: Range<u64>,
    /// The start of the upload, and its length without the file.
    start: u64,
    others: usize,
    file: u64,
}

/// The range of the file from the first to the last piece of compressed data.
fn data_range(png: &PngData<'_>) -> Range<usize> {
    let start = |piece: &[u8]| piece.as_ptr().addr() - png.file.as_ptr().addr();
    let first = png.pieces.first().map_or(0, |piece| start(piece));
    let last = png
        .pieces
        .last()
        .map_or(0, |piece| start(piece) + piece.len());
    first..last
}

/// For each piece of data, its offset in the uploaded range and in the data. The last entry has the
/// length of the data.
fn piece_table(png: &PngData<'_>) -> Vec<u32> {
    let mut table = Vec::with_capacity(2 * png.pieces.len() + 2);
    let mut before = 0;
    let origin = data_range(png).start;
    for piece in &png.pieces {
        let at = piece.as_ptr().addr() - png.file.as_ptr().addr() - origin;
        table.extend([at as u32, before as u32]);
        before += piece.len();
    }
    table.extend([0, png.bytes as u32]);
    table
}

impl Context {
    /// Allocates all memory of a picture.
    pub(super) fn prepare_png(
        self: &Arc<Self>,
        png: &PngData<'_>,
        file: Option<&Pinned>,
        stream: usize,
    ) -> Result<DecodingPng> {
        let picture = png.picture;
        // This fits, as the data are shorter than 2^28 bytes.
        let sizes = Sizes::new(png.bytes as u32);
        let lengths = Lengths::new(&sizes, &picture);
        let pieces = piece_table(png);
        let words = |count: u32| 4 * count as usize;
        let mut parts = Parts::default();
        let job = parts.add(size_of::<DecodeJob>());
        let control_at = parts.add(words(control::WORDS));
        let pieces_at = parts.add(size_of_val(&pieces[..]));
        let palette = parts.add(1024);
        let others = parts.end;
        let file_bytes = data_range(png).len();
        let file_at = parts.add(file_bytes + 8);
        let uploaded = if file.is_some() {
            others
        } else {
            file_at + file_bytes
        };
        let data = parts.add(words(lengths.data));
        let candidates = parts.add(words(lengths.candidates));
        let tables = parts.add(words(lengths.tables));
        let ranges = parts.add(words(lengths.ranges));
        let [range_lengths, places] = [0; 2].map(|_| parts.add(2 * words(lengths.lengths)));
        let jumps = parts.add(words(lengths.jumps));
        let sums = parts.add(2 * words(lengths.jumps));
        let sections = parts.add(words(lengths.sections));
        let section_sums = parts.add(2 * words(lengths.section_sums));
        let subsequences = parts.add(words(lengths.subsequences));
        let stored = parts.add(words(lengths.stored));
        let open_tiles = parts.add(words(lengths.open_tiles));
        let checksums = parts.add(words(lengths.checksums));
        let filters = parts.add(words(lengths.filters));
        let strips = parts.add(words(lengths.strips));
        // The planes and the strips' hand-over reuse the memory of the tokens, and the pixels that
        // of the links, as these are no longer needed then.
        let mut bytes = Parts::default();
        let planes = bytes.add(words(lengths.planes));
        let hand_over = bytes.add(2 * words(lengths.hand_over));
        let token_bytes = words(lengths.tokens);
        let work = self.scratch(parts.end)?;
        let tokens = self.scratch(token_bytes.max(bytes.end))?;
        let links = self.scratch(token_bytes.max(words(lengths.pixels)))?;
        let [start, token_start, link_start] =
            [&work, &tokens, &links].map(|memory| memory.pointer().as_raw());
        let at = |part: usize| start + part as u64;
        let hand_over = token_start + hand_over as u64;
        let decode_job = DecodeJob {
            picture,
            room: sizes.room,
            lengths,
            file_words: (file_bytes / 4 + 2) as u32,
            piece_count: pieces.len() as u32 / 2 - 1,
            end: sizes.end(),
            reserved: 0,
            file: at(file_at),
            pieces: at(pieces_at),
            data: at(data),
            control: at(control_at),
            candidates: at(candidates),
            tables: at(tables),
            ranges: at(ranges),
            range_lengths: at(range_lengths),
            places: at(places),
            jumps: at(jumps),
            sums: at(sums),
            sections: at(sections),
            section_sums: at(section_sums),
            subsequences: at(subsequences),
            stored: at(stored),
            tokens: token_start,
            links: link_start,
            open_tiles: at(open_tiles),
            checksums: at(checksums),
            filters: at(filters),
            strips: at(strips),
            planes: token_start + planes as u64,
            hand_over,
            palette: at(palette),
            pixels: link_start,
        };
        let mut pinned = self.pinned(uploaded)?;
        put(&mut pinned, job, &[decode_job]);
        let mut words = [0u32; control::WORDS as usize];
        words[control::STATUS as usize] = status::UNFINISHED;
        put(&mut pinned, control_at, &words);
        put(&mut pinned, pieces_at, &pieces);
        put(&mut pinned, palette, &png.palette);
        if file.is_none() {
            parallel_copy(&png.file[data_range(png)], &mut pinned[file_at..]);
        }
        Ok(DecodingPng {
            context: Arc::clone(self),
            stream,
            picture,
            sizes,
            addresses: Addresses {
                job: at(job),
                control: at(control_at),
                hand_over: hand_over..hand_over + u64::from(lengths.hand_over) * 8,
                tokens: token_start..token_start + token_bytes as u64,
                start,
                others,
                file: at(file_at),
            },
            pixel_bytes: png.pixel_bytes,
            pinned,
            memory: vec![work, tokens],
            pixels: links,
        })
    }

    /// Starts the uploads, and zeroes memory that must start as zeros.
    pub(super) fn upload_png(
        &self,
        png: &PngData<'_>,
        file: Option<&Pinned>,
        pending: &mut DecodingPng,
        stream: &Stream,
    ) -> Result<()> {
        // If a later call fails, dropping the memory waits for the device.
        for memory in &mut pending.memory {
            memory.wait_on(stream)?;
        }
        pending.pixels.wait_on(stream)?;
        let addresses = &pending.addresses;
        let len = match file {
            Some(_) => addresses.others,
            None => pending.pinned.len(),
        };
        let start = DevicePointer::from_raw(addresses.start);
        if let Some(file) = file {
            let to = DevicePointer::from_raw(addresses.file);
            file.start_upload_of(data_range(png), to, stream)?;
        }
        self.zero(addresses.tokens.clone(), stream)?;
        pending.pinned.start_upload(start, len, stream)
    }
}
