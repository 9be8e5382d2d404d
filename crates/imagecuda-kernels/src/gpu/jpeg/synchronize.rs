//! The first pass over Huffman codes: where decoders are in step.

use super::{
    super::{
        shared::{self, barrier},
        thread::{block_dim_x, block_idx_x, thread_idx_x},
    },
    here::{Here, Quad, Warp, here, mark},
    sums::{MOST, sums},
};
use crate::{
    jpeg::{
        decoder::{Decoder, Nodes},
        jobs::ScanJob,
        scan::{State, status},
        sections::{self, End, JOINED, JOINERS, Joint, Map, NODES, NONE, Node, PLACES, RUN, SLOTS},
    },
    shared_memory,
};
use bytemuck::cast;

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

const _: () = {
    assert!(JOINERS * 4 == 2048 && JOINERS as usize <= 2 * MOST);
    assert!(JOINED as usize * size_of::<Map>() == 8192 && JOINED * 4 == 4096);
    assert!((PLACES * SLOTS) as usize * size_of::<Node>() == 7232);
};

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
        // Nobody else writes a node that is there; who looks at it meanwhile looks for its state,
        // which stays as it is.
        if slot < NONE {
            // SAFETY: one of the block's nodes.
            unsafe { shared::exchange_u32(self.place(at, slot), cast(node)) };
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
    // SAFETY: all threads are here. Only the section's nodes and ends are written.
    unsafe {
        barrier();
        let to = (job.nodes as *mut Node).add((section * NODES) as usize);
        let mut at = thread as u32;
        // Those of subsequences that a last section lacks too: none is in them.
        while at < NODES {
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
