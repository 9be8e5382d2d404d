//! Memory that a GPU keeps for later use: the pools of pinned and of device memory, and the driver's.

use super::{Context, error::check_raw};
use crate::{Result, device::IdleMemory, memory};
use cust::sys::{self, CUmemPool_attribute as Attribute};
use std::{ffi::c_void, ptr, sync::atomic::Ordering};

impl Context {
    pub(crate) fn idle_memory(&self) -> IdleMemory {
        IdleMemory {
            host: (self.pinned.idle_bytes() + memory::idle_bytes()) as u64,
            device: (self.scratch.idle_bytes() + self.jpeg_table_bytes()) as u64
                + self.unused_of_driver(),
        }
    }

    /// Frees idle memory until at most `keep` bytes of each kind remain.
    pub(crate) fn trim(&self, keep: usize) -> Result<()> {
        let _current = self.enter()?;
        self.wait_for_all()?;
        self.pinned.trim(keep);
        memory::trim(keep.saturating_sub(self.pinned.idle_bytes()));
        self.scratch.trim(keep);
        if keep == 0 {
            self.tables.clear();
            self.jpeg_tables.clear();
            self.trim_videos();
        }
        // Memory is freed in the order of streams.
        self.wait_for_all()?;
        self.trim_driver(keep)
    }

    /// Gives back what the driver's pool holds, until `keep` idle bytes remain. What was freed must have
    /// been waited for.
    fn trim_driver(&self, keep: usize) -> Result<()> {
        let Some(pool) = self.memory.pool() else {
            return Ok(());
        };
        let rest = keep.saturating_sub(self.scratch.idle_bytes());
        let used = attribute(pool, Attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT);
        let least = usize::try_from(used)
            .unwrap_or(usize::MAX)
            .saturating_add(rest);
        // Nothing is to go. The driver was seen to give back a block nevertheless.
        let reserved = attribute(pool, Attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT);
        if least as u64 >= reserved {
            return Ok(());
        }
        // SAFETY: the pool is this context's, and is never destroyed. Only unused memory goes back to
        // the driver.
        check_raw("cuMemPoolTrimTo", unsafe {
            sys::cuMemPoolTrimTo(pool, least)
        })
    }

    /// Holds the driver's pool to the limit, if one was set. By its threshold alone it keeps more.
    pub(super) fn keep_limit(&self) -> Result<()> {
        match self.device_limit.load(Ordering::Relaxed) {
            usize::MAX => Ok(()),
            limit => self.trim_driver(limit),
        }
    }

    /// Keeps at most so many idle bytes of pinned memory, and of device memory, from now on.
    pub(crate) fn set_idle_limits(&self, pinned: usize, device: u64) -> Result<()> {
        let _current = self.enter()?;
        let limit = usize::try_from(device).unwrap_or(usize::MAX);
        self.pinned.set_limit(pinned);
        self.scratch.set_limit(limit);
        self.device_limit.store(limit, Ordering::Relaxed);
        if !self.keeps_jpeg_tables() {
            self.jpeg_tables.clear();
        }
        // What is idle in `scratch` is in use for the driver. So both together stay below the limit.
        self.memory.set_release_threshold(device)
    }

    /// Bytes that the driver's pool holds for later allocations.
    fn unused_of_driver(&self) -> u64 {
        let Some(pool) = self.memory.pool() else {
            return 0;
        };
        let reserved = attribute(pool, Attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT);
        let used = attribute(pool, Attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT);
        reserved.saturating_sub(used)
    }
}

/// A number that the driver knows of a pool; 0 if the driver is too old.
fn attribute(pool: sys::CUmemoryPool, attribute: Attribute) -> u64 {
    let mut value = 0u64;
    // SAFETY: the callers' pool is never destroyed. Both attributes are a `u64`, which the driver writes
    // to a local variable.
    let result = unsafe {
        sys::cuMemPoolGetAttribute(pool, attribute, ptr::from_mut(&mut value).cast::<c_void>())
    };
    match check_raw("cuMemPoolGetAttribute", result) {
        Ok(()) => value,
        Err(_) => 0,
    }
}
