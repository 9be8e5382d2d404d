//! Writes large files in memory (on tmpfs) through a mapping.
//!
//! `write` locks the file, so one thread at a time copies to it. To a mapping of it several threads copy.
//! Where there is no memory for a page of a mapping, touching it raises a signal. So the system is asked for
//! the pages before bytes are copied to them. If it has none, it returns an error.

#![allow(unsafe_code)] // mappings

use crate::parallel::{self, COPIERS, COPY_PART};
use rustix::{
    fs::fstatfs,
    mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap},
};
use std::{fs::File, ops::Range, os::unix::fs::MetadataExt, ptr};

/// The fewest bytes that are written like this.
const LEAST: usize = 2 << 20;

/// The fewest threads. To map pages and copy to them takes twice as much of the processors' time as to write
/// to the file.
const LEAST_THREADS: usize = 4;

/// A multiple of the size of a page, on all machines.
const PAGES: u64 = 64 << 10;

/// The parts that share a table of pages.
const PARTS_OF_TABLE: usize = (2 << 20) / COPY_PART;

/// Whether so many bytes are written faster through a mapping to a file, which is open for reading too.
pub(super) fn suits(file: &File, bytes: usize) -> bool {
    const TMPFS_MAGIC: u32 = 0x0102_1994;
    bytes >= LEAST
        && rayon::current_num_threads() >= LEAST_THREADS
        && fstatfs(file).is_ok_and(|system| system.f_type as u32 == TMPFS_MAGIC)
        // Who cuts the file short meanwhile ends this process.
        && file.metadata().is_ok_and(|metadata| metadata.mode() & 0o022 == 0)
}

/// Writes `parts`, one after the other, from byte `start` of the file on. Does not move the file's position. If
/// that fails, returns `None`; the file may then have any bytes in that range, and end with it. The mapping
/// may be dropped at any time.
pub(super) fn write(file: &File, start: u64, parts: &[&[u8]]) -> Option<Mapping> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let end = start.checked_add(length as u64)?;
    if file.metadata().ok()?.len() < end {
        file.set_len(end).ok()?;
    }
    let before = start % PAGES;
    let mapping = Mapping::new(
        file,
        start - before,
        usize::try_from(end - start + before).ok()?,
    )?;
    mapping.fill(before as usize, parts).then_some(mapping)
}

/// A part of a file, mapped into memory.
pub(super) struct Mapping {
    start: *mut u8,
    length: usize,
}

// SAFETY: the pages belong to this value, on whatever thread it is.
unsafe impl Send for Mapping {}
// SAFETY: only `fill` writes to the pages, and nothing reads them.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `length` bytes, which the file has.
    fn new(file: &File, offset: u64, length: usize) -> Option<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the system chooses an address where nothing is.
        let start = unsafe {
            mmap(
                ptr::null_mut(),
                length,
                access,
                MapFlags::SHARED,
                file,
                offset,
            )
        };
        let start = start.ok()?.cast();
        Some(Self { start, length })
    }

    /// Copies `parts` to the bytes from `before` on. Returns whether there was memory for all.
    fn fill(&self, before: usize, parts: &[&[u8]]) -> bool {
        let mut numbers: Vec<usize> = (0..self.length.div_ceil(COPY_PART)).collect();
        // Threads that enter pages into the same table wait for each other.
        numbers.sort_by_key(|number| number % PARTS_OF_TABLE);
        let filled = parallel::map_on(COPIERS, numbers.into_iter(), |number| {
            let start = number * COPY_PART;
            let range = start..self.length.min(start + COPY_PART);
            let has_pages = self.populate(&range);
            if has_pages {
                self.copy(&range, before, parts);
            }
            has_pages
        });
        filled.into_iter().all(|filled| filled)
    }

    /// Makes the pages of a range that begins with a page. Fails before Linux 5.14, too.
    fn populate(&self, range: &Range<usize>) -> bool {
        debug_assert!(range.end <= self.length);
        // SAFETY: the range lies in the mapping, and none of its bytes is changed.
        let made = unsafe {
            let start = self.start.add(range.start).cast();
            madvise(start, range.len(), Advice::LinuxPopulateWrite)
        };
        made.is_ok()
    }

    /// Copies what of `parts` is in a range, which no other thread writes to and which has pages. The first
    /// part begins at byte `at`.
    fn copy(&self, range: &Range<usize>, mut at: usize, parts: &[&[u8]]) {
        assert!(range.end <= self.length);
        for part in parts {
            let (start, end) = (range.start.max(at), range.end.min(at + part.len()));
            if start < end {
                let bytes = &part[start - at..end - at];
                // SAFETY: the bytes from `start` to `end` lie in the mapping, which has pages there, and belong
                // to this thread. The file is not shorter: it is new, and others may not write to it. Nobody has
                // a reference to the mapping, so `bytes` lie elsewhere.
                unsafe {
                    ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(start), bytes.len());
                }
            }
            at += part.len();
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's, and nobody has a reference to it.
        let unmapped = unsafe { munmap(self.start.cast(), self.length) };
        debug_assert!(unmapped.is_ok());
    }
}
