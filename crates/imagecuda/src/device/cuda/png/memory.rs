//! Allocates a picture's device memory, and uploads what the kernels need.

use super::{
    super::{
        Context,
        jpeg::{Parts, put},
        pinned::Pinned,
    },
    DecodingPng,
    parts::Upload,
};
use crate::{Result, device::PngData};
use imagecuda_kernels::png::decoder::{
    job::DecodeJob,
    launches::{Lengths, Sizes},
    picture::Picture,
    work::{control, status},
};
use std::{ops::Range, sync::Arc};

/// The device addresses that the host needs.
pub(super) struct Addresses {
    pub(super) job: u64,
    pub(super) control: u64,
    pub(super) hand_over: Range<u64>,
}

/// The size of a palette's colours in bytes.
pub(super) const PALETTE: usize = 1024;

/// The range of the file from the first to the last piece of compressed data, and a few bytes
/// behind it: the kernels read whole words.
pub(super) fn data_range(png: &PngData<'_>) -> Range<usize> {
    let start = |piece: &[u8]| piece.as_ptr().addr() - png.file.as_ptr().addr();
    let first = png.pieces.first().map_or(0, |piece| start(piece));
    let last = png
        .pieces
        .last()
        .map_or(0, |piece| start(piece) + piece.len());
    first..(last + 4).min(png.file.len())
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

/// A picture's sizes, and its pieces.
pub(super) struct Prepared {
    pub(super) picture: Picture,
    pub(super) sizes: Sizes,
    /// The [`piece_table`].
    pub(super) pieces: Vec<u32>,
    pub(super) palette: Vec<u32>,
    /// The length of the [`data_range`].
    pub(super) file_bytes: usize,
    pub(super) pixel_bytes: usize,
}

impl Prepared {
    pub(super) fn new(png: &PngData<'_>) -> Self {
        Self {
            picture: png.picture,
            // This fits, as the data are shorter than 2^28 bytes.
            sizes: Sizes::new(png.bytes as u32),
            pieces: piece_table(png),
            palette: png.palette.clone(),
            file_bytes: data_range(png).len(),
            pixel_bytes: png.pixel_bytes,
        }
    }

    pub(super) fn lengths(&self) -> Lengths {
        Lengths::new(&self.sizes, &self.picture)
    }

    /// The bytes that tokens, and later planes, need.
    pub(super) fn token_bytes(&self) -> usize {
        let lengths = self.lengths();
        words(lengths.tokens).max(words(lengths.planes))
    }

    /// The bytes that strips hand over.
    pub(super) fn hand_over_bytes(&self) -> usize {
        2 * words(self.lengths().hand_over)
    }

    /// The bytes that links, and later pixels, need.
    pub(super) fn link_bytes(&self) -> usize {
        let lengths = self.lengths();
        words(lengths.links()).max(words(lengths.pixels))
    }

    /// The bytes of the parts that are for the picture's work alone.
    pub(super) fn work_bytes(&self) -> usize {
        let mut parts = Parts::default();
        self.job(&Places::default(), |bytes| parts.add(bytes) as u64);
        parts.end
    }

    /// The bytes of device memory that the picture takes in a group.
    pub(super) fn device_bytes(&self) -> usize {
        self.work_bytes() + self.token_bytes() + self.hand_over_bytes() + self.link_bytes()
    }

    /// The job of the picture, whose other parts `add` lays out: it returns the address of so many bytes.
    pub(super) fn job(&self, at: &Places, mut add: impl FnMut(usize) -> u64) -> DecodeJob {
        let lengths = self.lengths();
        DecodeJob {
            picture: self.picture,
            room: self.sizes.room,
            lengths,
            file_words: (self.file_bytes / 4 + 2) as u32,
            piece_count: self.pieces.len() as u32 / 2 - 1,
            end: self.sizes.end(),
            blocks: self.sizes.blocks(&self.picture),
            file: add(self.file_bytes + 8),
            pieces: at.pieces,
            data: add(words(lengths.data)),
            control: at.control,
            hits: add(words(lengths.hits)),
            candidates: add(words(lengths.candidates)),
            headers: add(words(lengths.headers)),
            tables: add(words(lengths.tables)),
            ranges: add(words(lengths.ranges)),
            range_lengths: add(2 * words(lengths.lengths)),
            places: add(2 * words(lengths.lengths)),
            jumps: add(words(lengths.jumps)),
            sums: add(2 * words(lengths.jumps)),
            sections: add(words(lengths.sections)),
            section_sums: add(2 * words(lengths.section_sums)),
            subsequences: add(words(lengths.subsequences)),
            stored: add(words(lengths.stored)),
            tokens: at.tokens,
            links: at.links,
            open_tiles: add(words(lengths.open_tiles)),
            checksums: add(words(lengths.checksums)),
            filters: add(words(lengths.filters)),
            strips: add(words(lengths.strips)),
            // The planes reuse the memory of the tokens, and the pixels that of the links, as these are no
            // longer needed then.
            planes: at.tokens,
            hand_over: at.hand_over,
            palette: at.palette,
            pixels: at.links,
        }
    }

    /// Writes the picture's control words to `to`, as kernels find them first.
    pub(super) fn put_control(to: &mut [u8], at: usize) {
        let mut words = [0u32; control::WORDS as usize];
        words[control::STATUS as usize] = status::UNFINISHED;
        put(to, at, &words);
    }
}

fn words(count: u32) -> usize {
    4 * count as usize
}

/// The addresses of parts that pictures have in different places.
#[derive(Default)]
pub(super) struct Places {
    pub(super) control: u64,
    pub(super) pieces: u64,
    pub(super) palette: u64,
    pub(super) tokens: u64,
    pub(super) links: u64,
    pub(super) hand_over: u64,
}

/// A picture's memory: three buffers, for the kernels' work, for tokens, and for links.
struct Layout {
    /// The job, with the addresses of all parts.
    job: DecodeJob,
    /// The address of the job itself.
    address: u64,
    /// The size of the upload without the file.
    others: usize,
    /// The sizes of the three buffers.
    bytes: [usize; 3],
}

impl Layout {
    /// Lays out the parts in buffers at these addresses.
    fn new(prepared: &Prepared, [start, tokens, links]: [u64; 3]) -> Self {
        let mut parts = Parts::default();
        let mut add = |bytes: usize| start + parts.add(bytes) as u64;
        let address = add(size_of::<DecodeJob>());
        let control = add(words(control::WORDS));
        let pieces = add(size_of_val(&prepared.pieces[..]));
        let palette = add(PALETTE);
        let others = (palette - start) as usize + PALETTE;
        // What strips hand over is in the memory of the tokens, too.
        let mut reused = Parts::default();
        reused.add(words(prepared.lengths().planes));
        let hand_over = tokens + reused.add(prepared.hand_over_bytes()) as u64;
        let places = Places {
            control,
            pieces,
            palette,
            tokens,
            links,
            hand_over,
        };
        let job = prepared.job(&places, add);
        Self {
            job,
            address,
            others,
            bytes: [
                parts.end,
                prepared.token_bytes().max(reused.end),
                prepared.link_bytes(),
            ],
        }
    }
}

impl Context {
    /// Allocates all memory of a picture, zeroes what must start as zeros, and starts the uploads.
    pub(super) fn prepare_png(
        self: &Arc<Self>,
        png: &PngData<'_>,
        file: Option<&Pinned>,
        stream: usize,
    ) -> Result<DecodingPng> {
        let prepared = Prepared::new(png);
        let [work, tokens, links] = Layout::new(&prepared, [0; 3]).bytes;
        let (mut work, mut tokens) = (self.scratch(work)?, self.scratch(tokens)?);
        let mut links = self.scratch(links)?;
        let addresses = [&work, &tokens, &links].map(|memory| memory.pointer().as_raw());
        let Layout {
            job,
            address,
            others,
            ..
        } = Layout::new(&prepared, addresses);
        let start = addresses[0];
        let offset = |address: u64| (address - start) as usize;
        let uploaded = match file {
            Some(_) => others,
            None => offset(job.file) + prepared.file_bytes,
        };
        let mut pinned = self.pinned(uploaded)?;
        let addresses = Addresses {
            job: address,
            control: job.control,
            hand_over: job.hand_over..job.hand_over + u64::from(job.lengths.hand_over) * 8,
        };
        let launching = self.lock_launch();
        let queue = &self.pngs.all[stream];
        // If a later call fails, dropping the memory waits for the device.
        work.wait_on(&self.pngs.uploads[stream])?;
        for memory in [&mut tokens, &mut links] {
            memory.wait_on(queue)?;
        }
        // While the device does this, the host copies.
        let token_bytes = u64::from(job.lengths.tokens) * 4;
        self.zero(job.tokens..job.tokens + token_bytes, queue)?;
        drop(launching);
        put(&mut pinned, offset(address), &[job]);
        Prepared::put_control(&mut pinned, offset(job.control));
        put(&mut pinned, offset(job.pieces), &prepared.pieces);
        put(&mut pinned, offset(job.palette), &png.palette);
        self.start_parts(Upload {
            png,
            file,
            pinned: &mut pinned,
            others,
            at: offset(job.file),
            target: start,
            pieces: &prepared.pieces,
            sizes: &prepared.sizes,
            addresses: &addresses,
            stream,
        })?;
        Ok(DecodingPng {
            context: Arc::clone(self),
            stream,
            picture: png.picture,
            sizes: prepared.sizes,
            addresses,
            pixel_bytes: png.pixel_bytes,
            pinned,
            memory: vec![work, tokens],
            pixels: links,
        })
    }
}
