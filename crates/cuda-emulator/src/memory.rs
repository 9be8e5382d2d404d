//! Memory that kernels may use: allocations on the device, variables of modules, and pinned memory.
//! All of it is memory of the host.

use std::{
    alloc::{Layout, alloc, alloc_zeroed, dealloc},
    collections::{BTreeMap, VecDeque},
};

/// Generic addresses from here on are in a block's shared memory. No address of the host is this
/// high.
pub(crate) const SHARED_BASE: u64 = 1 << 60;

/// How CUDA aligns allocations.
const ALIGN: usize = 512;

/// What new memory and freed memory is filled with, so that whoever reads it gets wrong pixels.
const NEW: u8 = 0xCD;
const FREED: u8 = 0xDD;

/// Larger allocations are not filled beyond this.
const MOST_FILLED: usize = 16 << 20;

/// Freed bytes that are not given back yet, so that stale addresses are not valid again soon.
const QUARANTINE: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Device,
    Pinned,
    /// A variable of a module.
    Global,
}

#[derive(Debug)]
struct Allocation {
    bytes: usize,
    kind: Kind,
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// By address.
    allocations: BTreeMap<u64, Allocation>,
    quarantine: VecDeque<(u64, usize)>,
    quarantined: usize,
    device_bytes: usize,
    limit: usize,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Allocates; `None` if there is no more memory.
    pub(crate) fn allocate(&mut self, bytes: usize, kind: Kind) -> Option<u64> {
        let is_device = kind == Kind::Device;
        if is_device && bytes > self.limit - self.device_bytes {
            return None;
        }
        let layout = layout(bytes)?;
        let is_large = bytes > MOST_FILLED;
        // SAFETY: the layout has a size that is not zero.
        let address = unsafe {
            if is_large {
                alloc_zeroed(layout)
            } else {
                alloc(layout)
            }
        };
        if address.is_null() {
            return None;
        }
        // SAFETY: the memory has at least so many bytes, and nobody else has it.
        unsafe { address.write_bytes(NEW, bytes.min(MOST_FILLED)) };
        let address = address as u64;
        if is_device {
            self.device_bytes += bytes;
        }
        self.allocations.insert(address, Allocation { bytes, kind });
        Some(address)
    }

    /// Frees what begins at `address`; false if nothing does.
    pub(crate) fn free(&mut self, address: u64, kind: Kind) -> bool {
        if self
            .allocations
            .get(&address)
            .is_none_or(|found| found.kind != kind)
        {
            return false;
        }
        let Some(Allocation { bytes, .. }) = self.allocations.remove(&address) else {
            return false;
        };
        if kind == Kind::Device {
            self.device_bytes -= bytes;
        }
        // SAFETY: the memory was allocated with this size, and is no longer in the table, so nobody
        // uses it.
        unsafe { (address as *mut u8).write_bytes(FREED, bytes.min(MOST_FILLED)) };
        self.quarantine.push_back((address, bytes));
        self.quarantined += bytes;
        while self.quarantined > QUARANTINE
            && let Some((address, bytes)) = self.quarantine.pop_front()
        {
            self.quarantined -= bytes;
            if let Some(layout) = layout(bytes) {
                // SAFETY: `allocate` got it with this layout, and it is in no list any more.
                unsafe { dealloc(address as *mut u8, layout) };
            }
        }
        true
    }

    /// The allocation around `address`: where it begins and ends.
    pub(crate) fn around(&self, address: u64) -> Option<(u64, u64)> {
        let (start, allocation) = self.allocations.range(..=address).next_back()?;
        let end = start + allocation.bytes as u64;
        (address < end).then_some((*start, end))
    }

    /// Whether `bytes` bytes from `address` on are in one allocation.
    pub(crate) fn contains(&self, address: u64, bytes: usize) -> bool {
        bytes == 0
            || self
                .around(address)
                .is_some_and(|(_, end)| bytes as u64 <= end - address)
    }

    pub(crate) fn kind(&self, address: u64) -> Option<Kind> {
        let (start, _) = self.around(address)?;
        self.allocations
            .get(&start)
            .map(|allocation| allocation.kind)
    }

    /// Free and total bytes of the device.
    pub(crate) fn info(&self) -> (usize, usize) {
        (self.limit - self.device_bytes, self.limit)
    }

    pub(crate) fn used(&self) -> usize {
        self.device_bytes
    }
}

fn layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes.max(1), ALIGN).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_allocated_is_there() {
        let mut memory = Memory::new(1000);
        let address = memory.allocate(100, Kind::Device).unwrap();
        assert!(memory.contains(address, 100) && !memory.contains(address, 101));
        assert!(memory.contains(address + 99, 1) && !memory.contains(address + 100, 1));
        assert_eq!(memory.info(), (900, 1000));
        assert_eq!(memory.allocate(901, Kind::Device), None);
        assert!(!memory.free(address + 1, Kind::Device) && !memory.free(address, Kind::Pinned));
        assert!(memory.free(address, Kind::Device) && !memory.free(address, Kind::Device));
        assert!(!memory.contains(address, 1));
        assert_eq!(memory.info(), (1000, 1000));
    }
}
