//! The first pass: the states of decoders at the boundaries, and which of them are correct.

use super::{
    super::{
        shared::{self, barrier},
        thread::{block_dim_x, block_idx_x, thread_idx_x},
    },
    block_shared::{BlockWork, Quad, Warp, block_work, set_status},
    prefix_sums::{MAX_THREADS, prefix_sums},
};
use crate::{
    jpeg::{
        decoder::{Decoder, Nodes},
        jobs::ScanJob,
        scan::{State, status},
        sections::{
            self, BOUNDARIES, JOIN_BATCH, JOIN_RUN, JOIN_THREADS, NO_SLOT, Node, SECTION_NODES,
            SLOTS, SectionEntry, SectionExit, SectionMap,
        },
    },
    shared_memory,
};
use bytemuck::cast;

shared_memory! {
    /// The map of each section.
    shared_maps: 8192
}
shared_memory! {
    /// Where each run of sections leads from each slot.
    shared_run_maps: 2048
}
shared_memory! {
    /// The correct slot of each section.
    shared_section_entries: 4096
}
shared_memory! {
    /// The nodes of a section and its warm-up.
    shared_nodes: 7232
}

const _: () = {
    assert!(JOIN_THREADS * 4 == 2048 && JOIN_THREADS as usize <= 2 * MAX_THREADS);
    assert!(JOIN_BATCH as usize * size_of::<SectionMap>() == 8192 && JOIN_BATCH * 4 == 4096);
    assert!((BOUNDARIES * SLOTS) as usize * size_of::<Node>() == 7232);
};

/// Nodes in shared memory: the address of the first one.
#[derive(Clone, Copy)]
pub(super) struct SharedNodes {
    address: u32,
    count: u32,
}

impl SharedNodes {
    /// The nodes at the boundaries of `count` subsequences.
    #[inline(always)]
    pub(super) fn new(count: u32) -> Self {
        Self {
            address: shared::address(shared_nodes::<Node>()),
            count,
        }
    }

    #[inline(always)]
    fn node_address(self, at: u32, slot: u32) -> u32 {
        self.address + 4 * (at.min(BOUNDARIES - 1) * SLOTS + slot.min(NO_SLOT))
    }

    #[inline(always)]
    pub(super) fn get(self, at: u32, slot: u32) -> Node {
        // SAFETY: one of the block's nodes.
        cast(unsafe { shared::load_u32(self.node_address(at, slot)) })
    }

    /// Inserts the state of a node, if it is one.
    #[inline(always)]
    pub(super) fn insert_some(self, at: u32, node: Node) -> (u32, bool) {
        match node.is_some() {
            true => self.insert(at, node.state()),
            false => (NO_SLOT, false),
        }
    }

    /// Puts a node where no other thread does meanwhile.
    #[inline(always)]
    pub(super) fn put(self, at: u32, slot: u32, node: Node) {
        // SAFETY: one of the block's nodes.
        unsafe { shared::store_u32(self.node_address(at, slot), cast(node)) };
    }
}

impl Nodes for SharedNodes {
    #[inline(always)]
    fn insert(self, at: u32, state: State) -> (u32, bool) {
        let mut slot = 0;
        while slot < NO_SLOT {
            let own = cast(Node::new(state));
            // SAFETY: one of the block's nodes.
            let before: Node =
                cast(unsafe { shared::compare_exchange_u32(self.node_address(at, slot), 0, own) });
            if !before.is_some() {
                return (slot, true);
            }
            if before.state() == state {
                return (slot, false);
            }
            slot += 1;
        }
        (NO_SLOT, false)
    }

    #[inline(always)]
    fn update(self, at: u32, slot: u32, node: Node) {
        // No other thread writes this node. A thread that reads it meanwhile compares its state,
        // which stays the same.
        if slot < NO_SLOT {
            // SAFETY: one of the block's nodes.
            unsafe { shared::exchange_u32(self.node_address(at, slot), cast(node)) };
        }
    }

    #[inline(always)]
    fn count(self) -> u32 {
        self.count
    }
}

/// Decodes a section from every guess, and writes its nodes and exits. Thread blocks, one for each
/// section of all jobs, with a thread for each subsequence of section and warm-up and each guess.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_synchronize(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs, whose addresses are valid; all threads are here.
    let work = unsafe { block_work(jobs, count, |job| job.first_section) };
    let BlockWork {
        job,
        scan,
        segments,
        number: section,
        ..
    } = work;
    let thread = thread_idx_x();
    let (warm_up, own) = (scan.warm_up(), scan.section_len(section));
    let nodes = SharedNodes::new(warm_up + own);
    let guesses = scan.guesses();
    let (at, guess) = (thread as u32 / guesses, thread as u32 % guesses);
    let subsequence = scan
        .section_subsequence(segments, section, at)
        .filter(|_| at < nodes.count);
    let mut is_active = subsequence.is_some();
    let subsequence = subsequence.unwrap_or_default();
    let is_root = is_active && subsequence.starts_segment();
    if is_root {
        is_active = guess == 0;
    }
    if is_active {
        // Each half of a subsequence is a sector of its own, which other decoders do not ask for until they are there.
        let first = subsequence.number * scan.subsequence_bits / 32;
        work.data.prefetch(first);
        work.data.prefetch(first + 8);
    }
    let mut empty = thread as u32;
    while empty < BOUNDARIES * SLOTS {
        // SAFETY: one of the block's nodes.
        unsafe { shared::store_u32(nodes.node_address(0, 0) + 4 * empty, 0) };
        empty += block_dim_x() as u32;
    }
    // SAFETY: all threads are here.
    unsafe { barrier() };
    if is_root && is_active {
        nodes.update(at, 0, Node::ROOT);
    }
    // SAFETY: all threads are here, twice.
    let tables = unsafe { work.tables() };
    let state = State::block_start(scan.guessed_unit(guess));
    let mut decoder = Decoder::new(scan, tables, work.data, subsequence, state);
    let node = if is_root { Node::ROOT } else { Node::EMPTY };
    decoder.synchronize(is_active, Warp, nodes, at, (node, 0));
    // SAFETY: all threads are here. Only the section's nodes and exits are written.
    unsafe {
        barrier();
        let to = (job.nodes as *mut Node).add((section * SECTION_NODES) as usize);
        let mut at = thread as u32;
        // A last section may have fewer subsequences. The other boundaries have no nodes.
        while at < SECTION_NODES {
            let node = nodes.get(warm_up + at / SLOTS, at % SLOTS);
            to.add(at as usize).write(node);
            at += block_dim_x() as u32;
        }
        let slot = thread as u32;
        if slot < SLOTS {
            let exit = sections::exit(own, |at, slot| nodes.get(warm_up + at, slot), slot);
            let exits = (job.exits as *mut SectionExit).add((section * SLOTS) as usize);
            exits.add(thread).write(exit);
        }
    }
}

/// The map of a section, from its exits and the next section's first nodes.
///
/// # Safety
///
/// There are as many as a boundary has slots.
#[inline(always)]
unsafe fn section_map(exits: *const SectionExit, next: *const Node) -> SectionMap {
    let next = next.cast::<Quad>();
    // SAFETY: what the caller promised.
    unsafe {
        let nodes = [0, 1, 2, 3].map(|quad| next.add(quad).read().0);
        SectionMap::new(|slot| *exits.add(slot as usize), cast(nodes))
    }
}

/// Joins the sections: writes the correct entry of each. A thread block of [`JOIN_THREADS`] for
/// each job.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_join(jobs: *const ScanJob) {
    // SAFETY: the host passes whole jobs, whose addresses are valid, and launches one block each.
    let job = unsafe { &*jobs.add(block_idx_x()) };
    let sections = job.scan.sections();
    let thread = thread_idx_x() as u32;
    let (nodes, exits) = (job.nodes as *const Node, job.exits as *const SectionExit);
    let (maps, runs) = (shared_maps::<SectionMap>(), shared_run_maps::<u32>());
    let entries = shared_section_entries::<u32>();
    let (run, slot) = (thread / SLOTS, thread % SLOTS);
    let (mut entry_slot, mut units_before) = (0, 0);
    let mut first = 0;
    while first < sections {
        // SAFETY: below the numbers of sections, and of the thread block's maps, runs and entries.
        // All threads come to each barrier, between writing and reading.
        unsafe {
            let mut at = thread;
            while at < JOIN_BATCH {
                let section = first + at;
                let map = match section + 1 < sections {
                    true => section_map(
                        exits.add((section * SLOTS) as usize),
                        nodes.add(((section + 1) * SECTION_NODES) as usize),
                    ),
                    false => SectionMap::IDENTITY,
                };
                maps.add(at as usize).write(map);
                at += JOIN_THREADS;
            }
            barrier();
            // Where each run leads from each slot.
            let is_run = first + run * JOIN_RUN < sections;
            let mut to = slot;
            for at in run * JOIN_RUN..(run + 1) * JOIN_RUN {
                to = (*maps.add(at as usize)).apply(to);
            }
            runs.add(thread as usize).write(to);
            barrier();
            // The correct slot of the run's first section, and so of all its sections.
            if slot == 0 && is_run {
                let mut own = entry_slot;
                for before in 0..run {
                    own = *runs.add((before * SLOTS + own) as usize);
                }
                for at in run * JOIN_RUN..(run + 1) * JOIN_RUN {
                    entries.add(at as usize).write(own);
                    own = (*maps.add(at as usize)).apply(own);
                }
            }
            if first + JOIN_BATCH < sections {
                for run in 0..JOIN_BATCH / JOIN_RUN {
                    entry_slot = *runs.add((run * SLOTS + entry_slot) as usize);
                }
            }
            barrier();
            // Two sections for each thread.
            let at = 2 * thread;
            let own = [at, at + 1].map(|at| *entries.add(at as usize));
            let units = |at: u32, slot: u32| match first + at < sections {
                true => (*exits.add(((first + at) * SLOTS + slot) as usize)).units(),
                false => 0,
            };
            let units = [units(at, own[0]), units(at + 1, own[1])];
            let sums = prefix_sums(units[0] + units[1], thread as usize, |a, b| a + b);
            let up_to = units_before + *sums.add(thread as usize);
            let put = |at: u32, slot: u32, units_before: u32| {
                if first + at < sections {
                    let entry = SectionEntry { slot, units_before };
                    (job.entries as *mut SectionEntry)
                        .add((first + at) as usize)
                        .write(entry);
                    if slot == NO_SLOT {
                        set_status(job, status::UNSYNCHRONIZED);
                    }
                }
            };
            put(at, own[0], up_to - units[0] - units[1]);
            put(at + 1, own[1], up_to - units[1]);
            units_before += *sums.add(block_dim_x() - 1);
            barrier();
        }
        first += JOIN_BATCH;
    }
}
