//! The second pass: coefficients.

use super::{
    super::{
        global,
        shared::{self, barrier, barrier_any},
        thread::{block_dim_x, thread_idx_x},
    },
    block_shared::{BlockWork, Warp, block_work, copy_to_shared, set_status},
    prefix_sums::{MAX_THREADS, prefix_sums},
};
use crate::{
    jpeg::{
        bits::WordSource,
        decoder::{Decoder, Output},
        groups::{BlockOrigin, GROUP_SECTIONS, GROUP_THREADS, GroupDc, GroupSums},
        jobs::ScanJob,
        picture::BLOCK,
        scan::{DcSums, Segment},
        sections::{
            NO_SLOT, Node, SECTION, SECTION_NODES, SLOTS, SectionEntry, SubsequenceEntry, walk,
        },
    },
    shared_memory,
};
use bytemuck::cast;
use core::sync::atomic::{AtomicU32, Ordering};

shared_memory! {
    /// The entry of each subsequence of a group.
    shared_subsequence_entries: 1024
}
shared_memory! {
    /// The DC sums of each subsequence of a group.
    shared_dc: 2048
}

const _: () = {
    assert!(GROUP_THREADS as usize <= MAX_THREADS && size_of::<DcSums>() == 8);
    assert!(GROUP_THREADS as usize * size_of::<DcSums>() == 2048);
    assert!(GROUP_THREADS as usize * size_of::<SubsequenceEntry>() == 1024);
};

/// Threads of a warp.
const WARP: u32 = 32;

/// What a thread writes of its subsequence.
struct DeviceOutput {
    coefficients: *mut [i16; BLOCK],
    origins: *mut BlockOrigin,
    /// The last block of the picture.
    last: u32,
    origin: BlockOrigin,
    /// The coefficients of the current block.
    block: *mut i16,
    /// The address within shared memory of the thread's [`DcSums`].
    dc: u32,
}

impl Output for DeviceOutput {
    #[inline(always)]
    fn dc_sum(&self, component: u32) -> i16 {
        // SAFETY: the thread's own sums.
        unsafe { shared::load_u16(self.dc + 2 * (component & 3)) as i16 }
    }

    #[inline(always)]
    fn resume_block(&mut self, block: u32) {
        // The plan only names blocks of the picture; this holds for damaged data too.
        let block = block.min(self.last) as usize;
        // SAFETY: one of the picture's blocks.
        self.block = unsafe { self.coefficients.add(block).cast() };
    }

    #[inline(always)]
    fn begin_block(&mut self, block: u32, component: u32, sum: i16) {
        self.resume_block(block);
        let block = block.min(self.last) as usize;
        // SAFETY: one of the picture's blocks; the thread's own sums.
        unsafe {
            global::store_u32(self.origins.add(block).cast(), cast(self.origin));
            shared::store_u16(self.dc + 2 * (component & 3), sum as u16);
        }
    }

    #[inline(always)]
    fn put(&mut self, at: u32, value: i16) {
        // SAFETY: within the block.
        unsafe {
            global::store_u16(
                self.block.add(at as usize & (BLOCK - 1)).cast(),
                value as u16,
            )
        };
    }
}

/// The entries of a group's subsequences, in shared memory.
///
/// # Safety
///
/// All threads of the block call this, and none still uses the dynamic shared memory, which has
/// room for the nodes of the group's sections.
#[inline(always)]
unsafe fn subsequence_entries(work: &BlockWork<'_>) -> *const SubsequenceEntry {
    let (scan, thread) = (work.scan, thread_idx_x() as u32);
    let first = work.number * GROUP_SECTIONS;
    let last = scan.sections().min(first + GROUP_SECTIONS);
    let (nodes, entries) = (
        shared::dynamic::<Node>(),
        shared_subsequence_entries::<SubsequenceEntry>(),
    );
    // SAFETY: the nodes of the group's sections; an entry for each of its subsequences.
    unsafe {
        let from = (work.job.nodes as *const Node).add((first * SECTION_NODES) as usize);
        let bytes = ((last - first) * SECTION_NODES) as usize * size_of::<Node>();
        copy_to_shared(from.cast(), nodes.cast(), bytes);
        barrier();
        // A section for the first thread of each warp, so that the sections are walked at the same
        // time.
        let number = thread / WARP;
        if thread % WARP == 0 && number < last - first {
            let nodes = shared::address(nodes) + number * SECTION_NODES * 4;
            let node = |at: u32, slot: u32| {
                let place = at.min(SECTION) * SLOTS + slot.min(NO_SLOT);
                cast::<u32, Node>(shared::load_u32(nodes + 4 * place))
            };
            let section = first + number;
            let entry = *(work.job.entries as *const SectionEntry).add(section as usize);
            let entries = entries.add((number * SECTION) as usize);
            walk(scan.section_len(section), node, entry.slot, |at, entry| {
                entries.add(at as usize).write(entry);
            });
        }
        barrier();
    }
    entries
}

/// The data units between the start of a subsequence's segment and the subsequence, which is
/// number `thread` of its group. `start` is the first one of the segment within the group.
///
/// # Safety
///
/// `units` are the sums of the units of the group's subsequences.
#[inline(always)]
unsafe fn units_before(
    (job, units): (&ScanJob, *const u32),
    first_of_group: u32,
    first_of_segment: u32,
    (start, thread): (usize, usize),
) -> u32 {
    let up_to = |thread: usize| match thread {
        0 => 0,
        // SAFETY: below the number of threads.
        thread => unsafe { *units.add(thread - 1) },
    };
    // The units before it in its section, and those in the sections before.
    let section = (first_of_group + thread as u32) / SECTION;
    let start_section = first_of_segment / SECTION;
    let from = match start_section < section {
        true => (section * SECTION - first_of_group) as usize,
        false => start,
    };
    let mut before = up_to(thread) - up_to(from);
    if start_section < section {
        let entries = job.entries as *const SectionEntry;
        // SAFETY: two of the sections.
        before += unsafe {
            (*entries.add(section as usize)).units_before
                - (*entries.add(start_section as usize)).units_before
        };
    }
    before
}

/// Decodes each subsequence from its correct state, and writes its coefficients. Thread blocks of
/// [`GROUP_THREADS`], one for each group of all jobs. The last one of a job adds up the DC that is carried into each
/// group.
#[unsafe(no_mangle)]
unsafe extern "ptx-kernel" fn jpeg_write(jobs: *const ScanJob, count: u32) {
    // SAFETY: the host passes whole jobs, whose addresses are valid; all threads are here.
    let work = unsafe { block_work(jobs, count, |job| job.first_group) };
    let BlockWork {
        job,
        scan,
        segments,
        number: group,
        ..
    } = work;
    let thread = thread_idx_x();
    let first = group * GROUP_THREADS;
    let number = first + thread as u32;
    let group_dc = job.group_dc as *mut GroupDc;
    let subsequence = scan.find_subsequence(segments, number);
    let is_active = subsequence.is_some();
    let subsequence = subsequence.unwrap_or_default();
    let needs_carry = subsequence.first_of_segment < first;
    // The first subsequence of the segment within the group.
    let start = if needs_carry {
        0
    } else {
        subsequence.first_of_segment - first
    } as usize;
    // The thread's data are loaded into the cache while others are waited for: a warp waits for each load of any of its
    // threads.
    let first_word = subsequence.number * scan.subsequence_bits / 32;
    let loaded = work.data.word(first_word) ^ work.data.word(first_word + 8);
    let mut entry = SubsequenceEntry::default();
    // SAFETY: all threads are here, twice.
    let units = unsafe {
        let entries = subsequence_entries(&work);
        if is_active {
            entry = *entries.add(thread);
        }
        prefix_sums(entry.units(), thread, |a, b| a + b)
    };
    let mut before = 0;
    if is_active {
        // SAFETY: the sums of the group's units.
        before = unsafe {
            units_before(
                (job, units),
                first,
                subsequence.first_of_segment,
                (start, thread),
            )
        };
    }
    // SAFETY: all threads are here, and the nodes have been read.
    let tables = unsafe { work.tables() };
    let dc = shared_dc::<DcSums>();
    let own_dc = shared::address(dc) + thread as u32 * size_of::<DcSums>() as u32;
    // SAFETY: the thread's own sums. What was loaded has to go somewhere, or it would not be loaded.
    unsafe {
        shared::store_u32(own_dc, loaded);
        dc.add(thread).write(DcSums::default());
    }
    let mut output = DeviceOutput {
        coefficients: job.coefficients as *mut [i16; BLOCK],
        origins: job.block_origins as *mut BlockOrigin,
        last: scan.blocks.saturating_sub(1),
        origin: BlockOrigin::new(number, needs_carry),
        block: job.coefficients as *mut i16,
        dc: own_dc,
    };
    let mut decoder = Decoder::new(scan, tables, work.data, subsequence, entry.state());
    let bad = decoder.write(is_active, Warp, before, entry, &mut output);
    // SAFETY: as above.
    let dc = unsafe { *dc.add(thread) };
    set_status(job, bad);

    let last_start = scan.last_segment_start(segments, group) as usize;
    // SAFETY: all threads are here; only the group's own sums are written.
    unsafe {
        barrier();
        let sums = prefix_sums(
            if is_active { dc } else { DcSums::default() },
            thread,
            DcSums::plus,
        );
        let up_to = |thread: usize| match thread {
            0 => DcSums::default(),
            thread => *sums.add(thread - 1),
        };
        if is_active {
            let before = up_to(thread).since(up_to(start));
            (job.dc_sums as *mut DcSums)
                .add(number as usize)
                .write(before);
        }
        if thread == 0 {
            let all = *sums.add(block_dim_x() - 1);
            (*group_dc.add(group as usize)).own = all.since(up_to(last_start));
        }
        if is_last_group(job) {
            carry(job, segments);
        }
    }
}

/// Whether this is the last thread block of a job that comes here. What all of them wrote before can be read then, by
/// loads that do not use the first cache.
///
/// # Safety
///
/// All threads of the block call this, once.
#[inline(always)]
unsafe fn is_last_group(job: &ScanJob) -> bool {
    let mut is_last = false;
    // SAFETY: all threads are here; the counter is aligned, and only accessed by atomics while kernels run.
    unsafe {
        barrier();
        if thread_idx_x() == 0 {
            global::fence();
            let written = AtomicU32::from_ptr(job.written_groups as *mut u32);
            is_last = written.fetch_add(1, Ordering::Relaxed) + 1 == job.scan.groups();
        }
        let is_last = barrier_any(is_last);
        global::fence();
        is_last
    }
}

/// Adds up the DC that is carried into each group.
///
/// # Safety
///
/// All threads of the block call this, [`GROUP_THREADS`], after all groups of the job have written their own DC.
#[inline(always)]
unsafe fn carry(job: &ScanJob, segments: &[Segment]) {
    let (scan, group_dc) = (&job.scan, job.group_dc as *mut GroupDc);
    let (groups, thread) = (scan.groups(), thread_idx_x());
    let mut carried = DcSums::default();
    let mut first = 0;
    while first < groups {
        let group = first + thread as u32;
        let is_group = group < groups;
        let mut own = DcSums::default();
        if is_group {
            // SAFETY: one of the groups. Another thread block has written it.
            own = unsafe { (&raw const (*group_dc.add(group as usize)).own).read_volatile() };
        }
        let start = scan.carry_start(segments, group);
        // SAFETY: all threads are here.
        let sums = unsafe { prefix_sums(own, thread, DcSums::plus) };
        let up_to = |count: u32| match count {
            0 => DcSums::default(),
            // SAFETY: at most the number of threads.
            count => unsafe { *sums.add(count as usize - 1) },
        };
        let batch = GroupSums {
            first,
            carried,
            up_to,
        };
        if is_group {
            // SAFETY: one of the groups.
            unsafe { (*group_dc.add(group as usize)).before = batch.before(group, start) };
        }
        let next = first + block_dim_x() as u32;
        if next < groups {
            carried = batch.before(next, scan.carry_start(segments, next));
        }
        // SAFETY: all threads are here, and have read the sums.
        unsafe { barrier() };
        first = next;
    }
}
