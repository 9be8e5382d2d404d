//! What the threads of a block share while they decode: a scan, its tables, and a part of its data.

use super::super::{
    global,
    shared::{self, barrier},
    thread::{block_dim_x, block_idx_x, thread_idx_x},
    warp,
};
use crate::{
    jpeg::{
        bits::WordSource,
        decoder::Lockstep,
        huffman::{ScanTables, Table},
        jobs::{MAX_TABLES, ScanJob, job_of_block},
        scan::{BlockGrid, MAX_UNITS, NATURAL, Scan, Segment},
        table_entry::TableEntry,
    },
    shared_memory,
};
use bytemuck::cast;
use core::{
    mem::offset_of,
    slice,
    sync::atomic::{AtomicU32, Ordering},
};

shared_memory! {
    /// The scan that the thread block works on.
    shared_scan: 352
}

const _: () = assert!(size_of::<Scan>() == 352);

/// The threads of a warp.
#[derive(Clone, Copy)]
pub(super) struct Warp;

impl Lockstep for Warp {
    #[inline(always)]
    fn any(&self, is_active: bool) -> bool {
        // SAFETY: all threads of a thread block call the decoder together.
        unsafe { warp::any(is_active) }
    }
}

/// The job that this thread block works on, and its number among the thread blocks of that job.
/// `first` is the number of a job's first one.
///
/// # Safety
///
/// `jobs` are `count` jobs, at least one, in the order of their first thread blocks.
#[inline(always)]
pub(super) unsafe fn find_job<'a, J>(
    jobs: *const J,
    count: u32,
    first: impl Fn(&J) -> u32,
) -> (&'a J, u32) {
    let block = block_idx_x() as u32;
    // SAFETY: below `count`.
    let number = job_of_block(count, block, |number| first(unsafe { &*jobs.add(number) }));
    // SAFETY: below `count`, and no thread writes to a job.
    let job = unsafe { &*jobs.add(number) };
    (job, block - first(job))
}

shared_memory! {
    /// A [`SharedUnit`] for each data unit of the MCU.
    shared_units: 320
}
shared_memory! {
    /// The bytes of [`NATURAL`].
    shared_natural: 64
}

/// A data unit of the MCU as decoders look it up: the addresses in shared memory of its tables and
/// of the next unit, its number, and its blocks.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct SharedUnit {
    tables: [u32; 2],
    after: u32,
    number: u32,
    blocks: BlockGrid,
}

const _: () = {
    assert!(size_of::<SharedUnit>() * MAX_UNITS == 320);
    assert!(offset_of!(SharedUnit, blocks) == 16);
};

/// The data units and Huffman tables of a scan in shared memory: the address of the first
/// [`SharedUnit`], and that of [`NATURAL`].
#[derive(Clone, Copy)]
pub(super) struct SharedTables {
    units: u32,
    natural: u32,
}

impl SharedTables {
    /// Writes the data units of a scan. `tables` gives the address of a table in shared memory. A barrier has to
    /// follow before they are used.
    ///
    /// # Safety
    ///
    /// All threads of the block call this, and none still uses the units of another scan.
    #[inline(always)]
    unsafe fn new(scan: &Scan, table: impl Fn(u32) -> u32) -> Self {
        let units = shared_units::<SharedUnit>();
        let at = |number: u32| shared::address(units) + number * size_of::<SharedUnit>() as u32;
        let number = thread_idx_x() as u32;
        if number < MAX_UNITS as u32 {
            let unit = scan.unit(number);
            let after = number + 1;
            let unit = SharedUnit {
                tables: [table(unit.tables[0]), table(unit.tables[1])],
                after: at(if after < scan.unit_count { after } else { 0 }),
                number,
                blocks: BlockGrid {
                    first: unit.blocks.first,
                    row_step: unit.blocks.row_step,
                    mcu_step: unit.blocks.mcu_step,
                    component: unit.blocks.component,
                },
            };
            // SAFETY: there are that many.
            unsafe { units.add(number as usize).write(unit) };
        }
        let natural = shared_natural::<u8>();
        if let Some(place) = NATURAL.get(number as usize) {
            // SAFETY: there are that many.
            unsafe { natural.add(number as usize).write(*place) };
        }
        Self {
            units: at(0),
            natural: shared::address(natural),
        }
    }
}

impl ScanTables for SharedTables {
    type Table = u32;
    type Unit = u32;

    #[inline(always)]
    fn unit(self, number: u32) -> u32 {
        self.units + number.min(MAX_UNITS as u32 - 1) * size_of::<SharedUnit>() as u32
    }

    #[inline(always)]
    fn unit_number(self, unit: u32) -> u32 {
        (unit - self.units) / size_of::<SharedUnit>() as u32
    }

    #[inline(always)]
    fn tables(self, unit: u32) -> ([u32; 2], u32) {
        // SAFETY: the address of a unit.
        let [first, others, after, _] = unsafe { shared::load_quad(unit) };
        ([first, others], after)
    }

    #[inline(always)]
    fn look_up(table: u32, bits: u32) -> TableEntry {
        // SAFETY: the plan names only tables that the scan has, and the launch has shared memory
        // for them. The first offset is within the table for any bits. The second is, as an entry
        // only names subtables that its table has.
        unsafe {
            let entry = TableEntry::new(shared::load_u32(table + Table::offset(bits)));
            match entry.subtable() {
                None => entry,
                Some(subtable) => {
                    let at = table + Table::subtable_offset(subtable, bits);
                    TableEntry::new(shared::load_u32(at))
                }
            }
        }
    }

    #[inline(always)]
    fn blocks(self, unit: u32) -> BlockGrid {
        // SAFETY: the address of a unit.
        cast(unsafe { shared::load_quad(unit + offset_of!(SharedUnit, blocks) as u32) })
    }

    #[inline(always)]
    fn natural_order(self, index: u32) -> u32 {
        // SAFETY: one of the bytes.
        unsafe { shared::load_u8(self.natural + (index & 63)) }
    }
}

/// A scan's data in device memory.
#[derive(Clone, Copy)]
pub(super) struct DeviceData(*const u32);

impl DeviceData {
    /// The data at an address.
    ///
    /// # Safety
    ///
    /// All words that are read exist.
    #[inline(always)]
    pub(super) unsafe fn new(address: u64) -> Self {
        Self(address as *const u32)
    }

    /// Asks for a word to be in the cache soon, with those around it.
    #[inline(always)]
    pub(super) fn prefetch(self, number: u32) {
        global::prefetch(self.0.wrapping_add(number as usize));
    }
}

impl WordSource for DeviceData {
    #[inline(always)]
    fn word(self, number: u32) -> u32 {
        // SAFETY: no decoder begins a symbol more than 31 bits after its subsequence, or reads more
        // than four words ahead. `READ_AHEAD` bytes after the last subsequence are more than that.
        unsafe { global::load_u32(self.0.add(number as usize)) }
    }
}

/// What a thread block works on.
pub(super) struct BlockWork<'a> {
    pub(super) job: &'a ScanJob,
    pub(super) scan: &'a Scan,
    pub(super) data: DeviceData,
    pub(super) segments: &'a [Segment],
    /// The number of the thread block among those of the job: of a section, or of a group.
    pub(super) number: u32,
}

/// Four words, which one load reads.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Quad(pub(super) [u32; 4]);

/// Copies `bytes` bytes, a multiple of 16 and not 0, to shared memory.
///
/// # Safety
///
/// Both are valid for that many bytes, and aligned to 16. All threads of the block call this.
#[inline(always)]
pub(super) unsafe fn copy_to_shared(from: *const u8, to: *mut u8, bytes: usize) {
    let (from, to) = (from.cast::<Quad>(), shared::address(to));
    let (quads, step) = ((bytes / 16) as u32, block_dim_x() as u32);
    let mut i = thread_idx_x() as u32;
    while i < quads {
        let next = i + step;
        // SAFETY: within both. Two loads are in flight at a time; more would take registers that kernels do not have.
        unsafe {
            let first = from.add(i as usize).read().0;
            let second = from.add(next.min(quads - 1) as usize).read().0;
            shared::store_quad(to + 16 * i, first);
            if next < quads {
                shared::store_quad(to + 16 * next, second);
            }
        }
        i = next + step;
    }
}

/// What this thread block works on. `first` is the number of a job's first thread block.
///
/// # Safety
///
/// `jobs` are `count` jobs, at least one, in the order of their first thread blocks, and their
/// addresses are valid. All threads of the block call this.
#[inline(always)]
pub(super) unsafe fn block_work<'a>(
    jobs: *const ScanJob,
    count: u32,
    first: impl Fn(&ScanJob) -> u32,
) -> BlockWork<'a> {
    // SAFETY: what the caller promised. Shared memory is only written before the barrier.
    unsafe {
        let (job, number) = find_job(jobs, count, first);
        let scan = shared_scan::<Scan>();
        copy_to_shared((&raw const job.scan).cast(), scan.cast(), size_of::<Scan>());
        barrier();
        let scan = &*scan;
        BlockWork {
            job,
            scan,
            data: DeviceData(job.data as *const u32),
            segments: slice::from_raw_parts(job.segments as *const Segment, scan.segments as usize),
            number,
        }
    }
}

impl BlockWork<'_> {
    /// The scan's tables in the dynamic shared memory. The launch has room for those of each of its
    /// jobs.
    ///
    /// # Safety
    ///
    /// All threads of the block call this, and none still uses that memory for something else.
    #[inline(always)]
    pub(super) unsafe fn tables(&self) -> SharedTables {
        let count = self.job.table_count.min(MAX_TABLES as u32);
        let tables = shared::dynamic::<u8>();
        let start = |number: u32| Table::start(self.job.with_subtables, number);
        // SAFETY: a job's tables; what the caller promised.
        unsafe {
            let from = self.job.tables as *const Table;
            for number in 0..count {
                let bytes = (start(number + 1) - start(number)) as usize;
                let to = tables.add(start(number) as usize);
                copy_to_shared(from.add(number as usize).cast(), to, bytes);
            }
            let first = shared::address(tables);
            let tables = SharedTables::new(self.scan, |number| first + start(number));
            barrier();
            tables
        }
    }
}

/// Adds to the status of a job's picture.
#[inline(always)]
pub(super) fn set_status(job: &ScanJob, wrong: u32) {
    if wrong != 0 {
        // SAFETY: aligned, and only accessed by atomics while kernels run.
        let status = unsafe { AtomicU32::from_ptr(job.status as *mut u32) };
        status.fetch_or(wrong, Ordering::Relaxed);
    }
}
