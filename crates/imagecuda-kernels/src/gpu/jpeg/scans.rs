//! Huffman codes to coefficients. A launch has as many blocks as all jobs have chunks, sections or
//! groups.

use super::{
    super::{
        shared::{self, barrier},
        thread::{block_dim_x, block_idx_x, thread_idx_x},
    },
    here::{Here, Quad, Warp, here, job, mark, share},
};
use crate::{
    jpeg::{
        decoder::{Decoder, Nodes, Output},
        groups::{Found, Owner, SECTIONS, THREADS},
        huffman::Table,
        jobs::ScanJob,
        picture::BLOCK,
        scan::{Dc, Segment, State, status},
        sections::{
            self, End, JOINED, JOINERS, Joint, Map, NODES, NONE, Node, PLACES, Pass, RUN, SECTION,
            SLOTS, walk,
        },
        stuffing::{CHUNK, PIECE, Piece},
    },
    shared_memory,
};
use bytemuck::cast;
use core::slice;

shared_memory! {
    /// Numbers of a block's threads.
    numbers: 2048
}
shared_memory! {
    /// What sections do.
    section_maps: 8192
}
shared_memory! {
    /// What runs of sections do.
    run_maps: 2048
}
shared_memory! {
    /// The entries of sections.
    section_entries: 4096
}
shared_memory! {
    /// The nodes of a section and its warm-up.
    section_nodes: 7232
}
shared_memory! {
    /// What is done in each subsequence of a group.
    group_passes: 1024
}
shared_memory! {
    /// The sums of DC of a group's subsequences.
    group_dc: 2048
}
const _: () = {
    assert!(THREADS as usize * 8 == 2048 && JOINERS * 4 == 2048 && THREADS <= JOINERS);
    assert!(JOINED as usize * size_of::<Map>() == 8192 && JOINED * 4 == 4096);
    assert!(size_of::<Dc>() == 8);
    assert!((PLACES * SLOTS) as usize * size_of::<Node>() == 7232);
    assert!(THREADS as usize * size_of::<Pass>() == 1024);
};

/// Threads of a warp.
const WARP: u32 = 32;

/// Makes the data of those that the file has, which are zeros at first. A block of [`THREADS`] for
/// each chunk of all jobs.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_unstuff(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs.
    let (job, chunk) = unsafe { job(jobs, count, |job| job.first_chunk) };
    let thread = thread_idx_x();
    let start = (chunk * CHUNK as u32) + (thread * PIECE) as u32;
    let len = job.file_bytes.saturating_sub(start).min(PIECE as u32);
    let mut piece = Piece {
        bytes: [0; 4],
        before: 0,
        len,
    };
    // SAFETY: the addresses are valid, and the data of the file have room for whole pieces.
    unsafe {
        if len > 0 {
            let file = (job.file as *const u8).add(start as usize);
            let Quad(bytes) = file.cast::<Quad>().read();
            piece.bytes = bytes;
            if start > 0 {
                piece.before = file.sub(1).read();
            }
        }
        let kept = piece.kept();
        let up_to = *sums(kept, thread, |a, b| a + b).add(thread);
        if len > 0 {
            let before = *(job.kept as *const u32).add(chunk as usize) + up_to - kept;
            let segments = job.segments as *const Segment;
            let segments = slice::from_raw_parts(segments, job.scan.segments as usize);
            let bytes = job.scan.subsequence / 8;
            let end = job.scan.subsequences * bytes;
            let data = job.words as *mut u8;
            piece.place(segments, start, before, bytes, |at, byte| {
                if at < end {
                    data.add(at as usize).write(byte);
                }
            });
        }
    }
}

/// Nodes in shared memory, by the address of the first one.
#[derive(Clone, Copy)]
struct SharedNodes {
    address: u32,
    count: u32,
}

impl SharedNodes {
    #[inline(always)]
    fn place(self, at: u32, slot: u32) -> u32 {
        self.address + 4 * (at.min(PLACES - 1) * SLOTS + slot.min(NONE))
    }

    #[inline(always)]
    fn get(self, at: u32, slot: u32) -> Node {
        // SAFETY: one of the block's nodes.
        cast(unsafe { shared::load_u32(self.place(at, slot)) })
    }
}

impl Nodes for SharedNodes {
    #[inline(always)]
    fn enter(self, at: u32, state: State) -> (u32, bool) {
        let mut slot = 0;
        while slot < NONE {
            let own = cast(Node::new(state));
            // SAFETY: one of the block's nodes.
            let before: Node =
                cast(unsafe { shared::compare_exchange_u32(self.place(at, slot), 0, own) });
            if !before.is_some() {
                return (slot, true);
            }
            if before.state() == state {
                return (slot, false);
            }
            slot += 1;
        }
        (NONE, false)
    }

    #[inline(always)]
    fn put(self, at: u32, slot: u32, node: Node) {
        // Nobody else writes a node that is there.
        if slot < NONE {
            // SAFETY: one of the block's nodes.
            unsafe { shared::store_u32(self.place(at, slot), cast(node)) };
        }
    }

    #[inline(always)]
    fn count(self) -> u32 {
        self.count
    }
}

/// Finds the states that decoders are in between subsequences, and what they do in them. Blocks
/// with a thread for each guess at each of a section's subsequences.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_synchronize(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs, whose addresses are valid; all threads are here.
    let here = unsafe { here(jobs, count, |job| job.first_section) };
    let Here {
        job,
        scan,
        segments,
        number: section,
        ..
    } = here;
    let thread = thread_idx_x();
    let (warm_up, own) = (scan.warm_up(), scan.section(section));
    let nodes = SharedNodes {
        address: shared::address(section_nodes::<Node>()),
        count: warm_up + own,
    };
    let guesses = scan.guesses();
    let (at, guess) = (thread as u32 / guesses, thread as u32 % guesses);
    let place = scan
        .place(segments, section, at)
        .filter(|_| at < nodes.count);
    let mut is_active = place.is_some();
    let place = place.unwrap_or_default();
    let is_root = is_active && place.is_first();
    if is_root {
        is_active = guess == 0;
    }
    let mut empty = thread as u32;
    while empty < PLACES * SLOTS {
        // SAFETY: one of the block's nodes.
        unsafe { shared::store_u32(nodes.place(0, 0) + 4 * empty, 0) };
        empty += block_dim_x() as u32;
    }
    // SAFETY: all threads are here.
    unsafe { barrier() };
    if is_root && is_active {
        nodes.put(at, 0, Node::ROOT);
    }
    // SAFETY: all threads are here, twice.
    let tables = unsafe { here.tables() };
    let state = State::guess(scan.guess(guess));
    let mut decoder = Decoder::new(scan, tables, here.words, place, state);
    decoder.synchronize(is_active, Warp, nodes, at, is_root);
    // SAFETY: all threads are here. Only the section's own nodes and ends are written.
    unsafe {
        barrier();
        let to = (job.nodes as *mut Node).add((section * NODES) as usize);
        let mut at = thread as u32;
        while at < (own + 1) * SLOTS {
            let node = nodes.get(warm_up + at / SLOTS, at % SLOTS);
            to.add(at as usize).write(node);
            at += block_dim_x() as u32;
        }
        let slot = thread as u32;
        if slot < SLOTS {
            let end = sections::end(own, |at, slot| nodes.get(warm_up + at, slot), slot);
            let ends = (job.ends as *mut End).add((section * SLOTS) as usize);
            ends.add(thread).write(end);
        }
    }
}

/// What a section does, where its ends and the next one's first nodes are.
///
/// # Safety
///
/// Both are there.
#[inline(always)]
unsafe fn map(ends: *const End, next: *const Node) -> Map {
    let next = next.cast::<Quad>();
    // SAFETY: what the caller promised.
    unsafe {
        let nodes = [0, 1, 2, 3].map(|quad| next.add(quad).read().0);
        Map::new(|slot| *ends.add(slot as usize), cast(nodes))
    }
}

/// Puts the sections together: tells each which of its entries is right. A block of [`JOINERS`] for
/// each job.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_join(jobs: *const ScanJob) {
    // SAFETY: the host passes whole jobs, whose addresses are valid, and launches one block each.
    let job = unsafe { &*jobs.add(block_idx_x()) };
    let sections = job.scan.sections();
    let thread = thread_idx_x() as u32;
    let (nodes, ends) = (job.nodes as *const Node, job.ends as *const End);
    let (maps, runs) = (section_maps::<Map>(), run_maps::<u32>());
    let entries = section_entries::<u32>();
    let (run, slot) = (thread / SLOTS, thread % SLOTS);
    let (mut entry, mut before) = (0, 0);
    let mut first = 0;
    while first < sections {
        // SAFETY: below the numbers of sections, and of the block's maps, runs and entries; all
        // threads are at each barrier, between writing and reading.
        unsafe {
            let mut at = thread;
            while at < JOINED {
                let section = first + at;
                let map = match section + 1 < sections {
                    true => map(
                        ends.add((section * SLOTS) as usize),
                        nodes.add(((section + 1) * NODES) as usize),
                    ),
                    false => Map::SAME,
                };
                maps.add(at as usize).write(map);
                at += JOINERS;
            }
            barrier();
            // What each run does to each slot.
            let mut to = slot;
            for at in run * RUN..(run + 1) * RUN {
                to = (*maps.add(at as usize)).of(to);
            }
            runs.add(thread as usize).write(to);
            barrier();
            // Where the run begins, and so all of its sections.
            if slot == 0 {
                let mut own = entry;
                for before in 0..run {
                    own = *runs.add((before * SLOTS + own) as usize);
                }
                for at in run * RUN..(run + 1) * RUN {
                    entries.add(at as usize).write(own);
                    own = (*maps.add(at as usize)).of(own);
                }
            }
            if first + JOINED < sections {
                for run in 0..JOINED / RUN {
                    entry = *runs.add((run * SLOTS + entry) as usize);
                }
            }
            barrier();
            // Two sections a thread.
            let at = 2 * thread;
            let own = [at, at + 1].map(|at| *entries.add(at as usize));
            let units = |at: u32, entry: u32| match first + at < sections {
                true => (*ends.add(((first + at) * SLOTS + entry) as usize)).units(),
                false => 0,
            };
            let units = [units(at, own[0]), units(at + 1, own[1])];
            let sums = sums(units[0] + units[1], thread as usize, |a, b| a + b);
            let up_to = before + *sums.add(thread as usize);
            let joint = |at: u32, entry: u32, before: u32| {
                if first + at < sections {
                    let joint = Joint { entry, before };
                    (job.joints as *mut Joint)
                        .add((first + at) as usize)
                        .write(joint);
                    if entry == NONE {
                        mark(job, status::UNSYNCHRONIZED);
                    }
                }
            };
            joint(at, own[0], up_to - units[0] - units[1]);
            joint(at + 1, own[1], up_to - units[1]);
            before += *sums.add(block_dim_x() - 1);
            barrier();
        }
        first += JOINED;
    }
}

/// Has the numbers of this thread and of those before it summed up in shared memory.
///
/// # Safety
///
/// All threads of the block are here, up to [`THREADS`]; twice as many if a number has four bytes.
#[inline(always)]
unsafe fn sums<T: Copy>(mut own: T, thread: usize, plus: impl Fn(T, T) -> T) -> *const T {
    const { assert!(size_of::<T>() <= 8) };
    let numbers = numbers::<T>();
    // SAFETY: below the numbers of threads; barriers are between writing and reading.
    unsafe {
        numbers.add(thread).write(own);
        barrier();
        let mut distance = 1;
        while distance < block_dim_x() {
            if thread >= distance {
                own = plus(*numbers.add(thread - distance), own);
            }
            barrier();
            numbers.add(thread).write(own);
            barrier();
            distance *= 2;
        }
    }
    numbers
}

/// What the second pass writes.
struct DeviceOutput {
    coefficients: *mut [i16; BLOCK],
    owners: *mut Owner,
    /// The last block of the picture.
    last: u32,
    owner: Owner,
    /// The coefficients of the block at hand.
    block: *mut i16,
    /// The address within shared memory of the thread's [`Dc`].
    dc: u32,
}

impl Output for DeviceOutput {
    #[inline(always)]
    fn sum(&self, component: u32) -> i16 {
        // SAFETY: the thread's own.
        unsafe { shared::load_u16(self.dc + 2 * (component & 3)) as i16 }
    }

    #[inline(always)]
    fn go_on(&mut self, block: u32) {
        // A scan's blocks are the picture's, by its plan.
        let block = block.min(self.last) as usize;
        // SAFETY: one of the picture's blocks.
        self.block = unsafe { self.coefficients.add(block).cast() };
    }

    #[inline(always)]
    fn begin(&mut self, block: u32, component: u32, sum: i16) {
        self.go_on(block);
        let block = block.min(self.last) as usize;
        // SAFETY: as above; the thread's own sum.
        unsafe {
            self.owners.add(block).write(self.owner);
            shared::store_u16(self.dc + 2 * (component & 3), sum as u16);
        }
    }

    #[inline(always)]
    fn put(&mut self, at: u32, value: i16) {
        // SAFETY: in the block.
        unsafe { self.block.add(at as usize & (BLOCK - 1)).write(value) };
    }
}

/// Has in shared memory what is done in a group's subsequences. All threads of a block call this.
///
/// # Safety
///
/// All threads of the block are here, and none uses the shared memory that the launch asks for,
/// which is enough for the sections' nodes.
#[inline(always)]
unsafe fn passes(here: &Here<'_>) -> *const Pass {
    const { assert!(SECTIONS * NODES * 4 <= 2 * size_of::<Table>() as u32) };
    let (scan, thread) = (here.scan, thread_idx_x() as u32);
    let first = here.number * SECTIONS;
    let last = scan.sections().min(first + SECTIONS);
    let (nodes, passes) = (shared::dynamic::<Node>(), group_passes::<Pass>());
    // SAFETY: the sections of the group; a pass for each of its subsequences.
    unsafe {
        let from = (here.job.nodes as *const Node).add((first * NODES) as usize);
        let bytes = ((last - first) * NODES) as usize * size_of::<Node>();
        share(from.cast(), nodes.cast(), bytes);
        barrier();
        // One in each of some warps.
        let number = thread / WARP;
        if thread % WARP == 0 && number < last - first {
            let nodes = shared::address(nodes) + number * NODES * 4;
            let node = |at: u32, slot: u32| {
                let place = at.min(SECTION) * SLOTS + slot.min(NONE);
                cast::<u32, Node>(shared::load_u32(nodes + 4 * place))
            };
            let section = first + number;
            let joint = *(here.job.joints as *const Joint).add(section as usize);
            let passes = passes.add((number * SECTION) as usize);
            walk(scan.section(section), node, joint.entry, |at, pass| {
                passes.add(at as usize).write(pass);
            });
        }
        barrier();
    }
    passes
}

/// Decodes each subsequence from the state behind the one before, and writes its coefficients.
/// Blocks of [`THREADS`].
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_write(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs, whose addresses are valid; all threads are here.
    let here = unsafe { here(jobs, count, |job| job.first_group) };
    let Here {
        job,
        scan,
        segments,
        number: group,
        ..
    } = here;
    let thread = thread_idx_x();
    let first = group * THREADS;
    let number = first + thread as u32;
    let found = job.found as *mut Found;
    let place = scan.find(segments, number);
    let is_active = place.is_some();
    let place = place.unwrap_or_default();
    let is_carried = place.first < first;
    // The group's first subsequence of the segment.
    let origin = if is_carried { 0 } else { place.first - first } as usize;
    let mut pass = Pass::default();
    // SAFETY: all threads are here, twice.
    let units = unsafe {
        let passes = passes(&here);
        if is_active {
            pass = *passes.add(thread);
        }
        sums(pass.units(), thread, |a, b| a + b)
    };
    let mut done = 0;
    if is_active {
        let before = |thread: usize| match thread {
            0 => 0,
            // SAFETY: below the number of threads.
            thread => unsafe { *units.add(thread - 1) },
        };
        // Within the section, and what was done in those before it.
        let section = number / SECTION;
        let start = place.first / SECTION;
        let from = match start < section {
            true => (section * SECTION - first) as usize,
            false => origin,
        };
        done = before(thread) - before(from);
        if start < section {
            let joints = job.joints as *const Joint;
            // SAFETY: two of the sections.
            done += unsafe {
                (*joints.add(section as usize)).before - (*joints.add(start as usize)).before
            };
        }
    }
    // SAFETY: all threads are here; nodes have been read.
    let tables = unsafe { here.tables() };
    let dc = group_dc::<Dc>();
    // SAFETY: each thread has its own.
    unsafe { dc.add(thread).write(Dc::default()) };
    let mut output = DeviceOutput {
        coefficients: job.coefficients as *mut [i16; BLOCK],
        owners: job.owners as *mut Owner,
        last: scan.blocks.saturating_sub(1),
        owner: Owner::new(number, is_carried),
        block: job.coefficients as *mut i16,
        dc: shared::address(dc) + thread as u32 * size_of::<Dc>() as u32,
    };
    let mut decoder = Decoder::new(scan, tables, here.words, place, pass.state());
    let bad = decoder.write(is_active, Warp, done, pass.overshoot(), &mut output);
    // SAFETY: as above.
    let dc = unsafe { *dc.add(thread) };
    mark(job, bad);

    let start = scan.last_start(segments, group) as usize;
    // SAFETY: all threads are here; only the group's own sums are written.
    unsafe {
        barrier();
        let sums = sums(if is_active { dc } else { Dc::default() }, thread, Dc::plus);
        let up_to = |thread: usize| match thread {
            0 => Dc::default(),
            thread => *sums.add(thread - 1),
        };
        if is_active {
            let before = up_to(thread).since(up_to(origin));
            (job.sums as *mut Dc).add(number as usize).write(before);
        }
        if thread == 0 {
            let all = *sums.add(block_dim_x() - 1);
            (*found.add(group as usize)).dc = all.since(up_to(start));
        }
    }
}

/// Adds up the sums of DC of the groups before each group. A block of [`THREADS`] for each job.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_carry(jobs: *const ScanJob) {
    // SAFETY: the host passes whole jobs, whose addresses are valid, and launches one block each.
    let job = unsafe { &*jobs.add(block_idx_x()) };
    let scan = &job.scan;
    // SAFETY: as above.
    let segments =
        unsafe { slice::from_raw_parts(job.segments as *const Segment, scan.segments as usize) };
    let found = job.found as *mut Found;
    let mut group = thread_idx_x() as u32;
    while group < scan.groups() {
        let mut sum = Dc::default();
        for before in scan.carried(segments, group) {
            // SAFETY: below this group; only the second sum is written.
            sum = sum.plus(unsafe { (*found.add(before as usize)).dc });
        }
        // SAFETY: one of the groups.
        unsafe { (*found.add(group as usize)).carried = sum };
        group += block_dim_x() as u32;
    }
}
