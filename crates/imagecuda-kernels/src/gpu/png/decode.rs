//! The entries of the decoder's kernels.

use super::{
    super::thread,
    block::{Block, Device},
    shared_words::SharedWords,
};
use crate::{
    png::decoder::{
        chain, check, copies, find,
        job::DecodeJob,
        launches::Kernel,
        pack, pixels, synchronize, tables, unfilter,
        work::{STORED_WORDS, Work, control, range, section},
        write,
    },
    shared_memory,
};

shared_memory! {
    /// The sums of a block's warps.
    warp_sums: 256
}

/// The memory to which a job's addresses point.
///
/// # Safety
///
/// The host passes a complete job, whose memory has the lengths that follow from its sizes.
#[inline(always)]
unsafe fn work(job: *const DecodeJob) -> Work<Device<u32>, Device<u64>> {
    // SAFETY: the caller guarantees the memory, and only `Device` accesses it.
    unsafe {
        let job = &*job;
        let lengths = &job.lengths;
        let words = |address: u64, len: u32| Device::new(address, len);
        let longs = |address: u64, len: u32| Device::new(address, len);
        let room = job.room;
        Work {
            picture: job.picture,
            room,
            file: words(job.file, job.file_words),
            pieces: words(job.pieces, 2 * job.piece_count + 2),
            piece_count: job.piece_count,
            end: job.end,
            data: words(job.data, lengths.data),
            control: words(job.control, control::WORDS),
            hits: words(job.hits, room.hits),
            candidates: words(job.candidates, room.candidates),
            headers: words(job.headers, lengths.headers),
            tables: words(job.tables, lengths.tables),
            ranges: words(job.ranges, room.ranges * range::WORDS),
            lengths: longs(job.range_lengths, lengths.lengths),
            places: longs(job.places, lengths.lengths),
            jumps: words(job.jumps, lengths.jumps),
            sums: longs(job.sums, lengths.jumps),
            sections: words(job.sections, room.sections * section::WORDS),
            section_sums: longs(job.section_sums, lengths.section_sums),
            subsequences: words(job.subsequences, lengths.subsequences),
            stored: words(job.stored, room.stored * STORED_WORDS),
            tokens: words(job.tokens, lengths.tokens),
            links: words(job.links, lengths.links()),
            open_tiles: words(job.open_tiles, lengths.open_tiles),
            checksums: words(job.checksums, lengths.checksums),
            filters: words(job.filters, lengths.filters),
            strips: words(job.strips, lengths.strips),
            planes: words(job.planes, lengths.planes),
            hand_over: longs(job.hand_over, lengths.hand_over),
            palette: words(job.palette, 256),
            pixels: words(job.pixels, lengths.pixels),
        }
    }
}

/// Defines the entries of kernels that take jobs, one for each row of the grid, and the number of the first
/// block: the body, the shared memory, and whether a block is a single warp.
macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident: $kernel:ident, $shared:ident[$bytes:literal], $warp:literal, $body:expr;)*) => {$(
        shared_memory! {
            /// The shared memory of the kernel.
            $shared: $bytes
        }

        const _: () = assert!(4 * Kernel::$kernel.shared() <= $bytes && $bytes >= 4);

        $(#[$doc])*
        #[unsafe(no_mangle)]
        unsafe extern "ptx-kernel" fn $name(jobs: *const DecodeJob, first: u32) {
            // SAFETY: the host passes jobs, and launches blocks of the kernel's number of threads,
            // all of which run this. All threads of a block end together.
            unsafe {
                let job = jobs.add(thread::block_idx_y());
                let blocks = (*job).blocks[Kernel::$kernel as usize];
                thread::exit_if(first + thread::block_idx_x() as u32 >= blocks);
                let shared = SharedWords::new($shared::<u32>(), $bytes / 4);
                let sums = SharedWords::new(warp_sums::<u32>(), 64);
                let block = Block::<$warp>::new(shared, sums, first, blocks);
                let work = work(job);
                $body(&block, &work);
            }
        }
    )*};
}

entries! {
    /// Joins the pieces of the data.
    png_gather: Gather, gather_shared[16], false, find::gather;
    /// Finds where headers of blocks may be.
    png_find: Find, find_shared[4112], false, find::find;
    /// Reads headers.
    png_check: Check, check_shared[30224], false, check::check;
    /// Makes tables and ranges of them.
    png_tables: Tables, tables_shared[12736], false, tables::tables;
    /// Decodes the sections of new ranges.
    png_synchronize: Synchronize, synchronize_shared[20320], false,
        |block: &_, work: &_| synchronize::synchronize(block, work, false);
    /// Decodes sections that begin where they should not.
    png_resynchronize: Resynchronize, resynchronize_shared[20320], false,
        |block: &_, work: &_| synchronize::synchronize(block, work, true);
    /// Finds the chain of blocks.
    png_chain: Chain, chain_shared[32], false, chain::chain;
    /// Writes tokens.
    png_write: Write, write_shared[19216], false, write::write;
    /// Resolves matches within tiles.
    png_expand: Expand, expand_shared[21008], false, copies::expand;
    /// Shortens links between tiles.
    png_jump: Jump, jump_shared[16], false, copies::jump;
    /// Makes planes of bytes.
    png_pack: Pack, pack_shared[16], false, pack::pack;
    /// Groups rows.
    png_strips: Strips, strips_shared[8208], false, pack::strips;
    /// Takes filters back.
    png_unfilter: Unfilter, unfilter_shared[16], true, unfilter::unfilter;
    /// Makes pixels.
    png_pixels: Pixels, pixels_shared[16], false, pixels::pixels;
}
