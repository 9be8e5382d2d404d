//! Sections that lack what the section before ends in.

use super::{
    super::{
        shared::{barrier, barrier_any},
        thread::thread_idx_x,
    },
    block_shared::{Warp, block_work},
    synchronize::SharedNodes,
};
use crate::jpeg::{
    decoder::Decoder,
    jobs::ScanJob,
    sections::{self, MEND_THREADS, NO_SLOT, Node, SECTION, SECTION_NODES, SLOTS, SectionExit},
};

/// Mends the sections that do not know what follows from a node at their first boundary, as another
/// boundary had no slot left; and those that have no node for an exit of the section before, as the
/// warm-up was too short for a decoder to synchronise. Such a section is decoded from these exits and from the nodes at its first boundary, as many as that has
/// slots for, and without guesses. So no boundary runs out of slots.
///
/// Reads the exits of one half of the jobs' memory for them, and writes them to the other half; the
/// other way round in an odd `round`. Thread blocks of [`MEND_THREADS`], one for each section of all
/// jobs.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_mend(jobs: *const ScanJob, count: u32, round: u32) {
    // SAFETY: the host passes whole jobs, whose addresses are valid; all threads are here.
    let work = unsafe { block_work(jobs, count, |job| job.first_section) };
    let (section, scan) = (work.number, work.scan);
    let (all, own) = (scan.sections() * SLOTS, section * SLOTS);
    let exits = work.job.exits as *mut SectionExit;
    let (from, to) = match round & 1 {
        0 => (0, all),
        _ => (all, 0),
    };
    let slot = thread_idx_x() as u32;
    // SAFETY: numbers below those of the job's exits, and of the section's nodes. The section
    // before is read only where there is one.
    let (exit, memory, wanted, old) = unsafe {
        let memory = (work.job.nodes as *mut Node).add((section * SECTION_NODES) as usize);
        let exit = |slot: u32| *exits.add((from + own + slot) as usize);
        let first = |slot: u32| *memory.add(slot as usize);
        let (mut wanted, mut old) = (Node::EMPTY, Node::EMPTY);
        let is_lost = if first(0).is_root() {
            !exit(0).is_some()
        } else if slot < NO_SLOT && section > 0 {
            let before = from + own - SLOTS + slot;
            wanted = (*exits.add(before as usize)).wanted();
            wanted.is_some() && !sections::has_wanted(wanted, first)
        } else if slot >= SLOTS && slot < SLOTS + NO_SLOT {
            old = first(slot - SLOTS).unlinked();
            old.is_some() && !exit(slot - SLOTS).is_some()
        } else {
            false
        };
        if !barrier_any(is_lost) {
            if slot < SLOTS {
                exits.add((to + own + slot) as usize).write(exit(slot));
            }
            return;
        }
        (exits.add((to + own) as usize), memory, wanted, old)
    };
    let len = scan.section_len(section);
    let nodes = SharedNodes::new(len);
    // SAFETY: the section's nodes. All threads come to each barrier.
    unsafe {
        let mut at = slot;
        while at < SECTION_NODES {
            let node = (*memory.add(at as usize)).root_only();
            nodes.put(at / SLOTS, at % SLOTS, node);
            at += MEND_THREADS;
        }
        barrier();
    }
    // What is wanted first, as long as there are slots.
    let mut start = (Node::EMPTY, NO_SLOT);
    if let (place, true) = nodes.insert_some(0, wanted) {
        start = (wanted, place);
    }
    // SAFETY: all threads are here.
    unsafe { barrier() };
    if let (place, true) = nodes.insert_some(0, old) {
        start = (old, place);
    }
    // SAFETY: all threads are here, twice.
    let tables = unsafe { work.tables() };
    // Then from segment starts, those that the threads find at each 32 boundaries.
    let mut at = 0;
    let mut next = slot;
    loop {
        let subsequence = scan.find_subsequence(work.segments, section * SECTION + at);
        let is_active = start.0.is_some() && subsequence.is_some();
        let subsequence = subsequence.unwrap_or_default();
        let mut decoder = Decoder::new(scan, tables, work.data, subsequence, start.0.state());
        decoder.synchronize(is_active, Warp, nodes, at, start);
        if next - slot >= len {
            break;
        }
        (at, start) = (next.min(len - 1), (Node::EMPTY, NO_SLOT));
        if next < len && nodes.get(next, 0).is_root() {
            start = (Node::ROOT, 0);
        }
        next += MEND_THREADS;
    }
    // SAFETY: all threads are here. Only the section's nodes and exits are written.
    unsafe {
        barrier();
        let mut at = slot;
        while at < SECTION_NODES {
            memory
                .add(at as usize)
                .write(nodes.get(at / SLOTS, at % SLOTS));
            at += MEND_THREADS;
        }
        if slot < SLOTS {
            let found = sections::exit(len, |at, slot| nodes.get(at, slot), slot);
            exit.add(slot as usize).write(found);
        }
    }
}
