//! Allocations and pools.

use super::{
    Code, code, put,
    state::{DEFAULT_STREAM, Driver, Work},
    with,
};
use crate::memory::Kind;
use std::ffi::{c_int, c_uint, c_void};

impl Driver {
    fn device_memory(&mut self, bytes: usize) -> Result<u64, Code> {
        if bytes == 0 {
            return Err(code::INVALID_VALUE);
        }
        self.memory
            .allocate(bytes, Kind::Device)
            .ok_or(code::OUT_OF_MEMORY)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAlloc_v2(address: *mut u64, bytes: usize) -> Code {
    with(|driver| {
        let found = driver.device_memory(bytes)?;
        // SAFETY: the caller gives room for it, as in all functions here that give results.
        unsafe { put(address, found) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFree_v2(address: u64) -> Code {
    with(|driver| {
        driver.drain_all();
        match address == 0 || driver.memory.free(address, Kind::Device) {
            true => Ok(()),
            false => Err(code::INVALID_VALUE),
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAllocAsync(address: *mut u64, bytes: usize, _stream: u64) -> Code {
    // SAFETY: the same promise.
    unsafe { cuMemAlloc_v2(address, bytes) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAllocFromPoolAsync(
    address: *mut u64,
    bytes: usize,
    pool: u64,
    _stream: u64,
) -> Code {
    with(|driver| {
        if !driver.pools.contains(&pool) {
            return Err(code::INVALID_HANDLE);
        }
        let found = driver.device_memory(bytes)?;
        // SAFETY: as in `cuMemAlloc_v2`.
        unsafe { put(address, found) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFreeAsync(address: u64, stream: u64) -> Code {
    with(|driver| {
        if driver
            .memory
            .around(address)
            .is_none_or(|(start, _)| start != address)
        {
            return Err(code::INVALID_VALUE);
        }
        driver.queue(stream, Work::Free(address))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAllocHost_v2(address: *mut *mut c_void, bytes: usize) -> Code {
    with(|driver| {
        if bytes == 0 {
            return Err(code::INVALID_VALUE);
        }
        let found = driver
            .memory
            .allocate(bytes, Kind::Pinned)
            .ok_or(code::OUT_OF_MEMORY)?;
        // SAFETY: as in `cuMemAlloc_v2`.
        unsafe { put(address, found as *mut c_void) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemHostAlloc(
    address: *mut *mut c_void,
    bytes: usize,
    _flags: c_uint,
) -> Code {
    // SAFETY: the same promise.
    unsafe { cuMemAllocHost_v2(address, bytes) }
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFreeHost(address: *mut c_void) -> Code {
    with(|driver| {
        // A driver waits for the device before it unlocks pages.
        driver.drain_all();
        match driver.memory.free(address as u64, Kind::Pinned) {
            true => Ok(()),
            false => Err(code::INVALID_VALUE),
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) -> Code {
    with(|driver| {
        let (free_bytes, total_bytes) = driver.memory.info();
        // SAFETY: as in `cuMemAlloc_v2`.
        unsafe {
            put(free, free_bytes)?;
            put(total, total_bytes)
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemGetAddressRange_v2(
    start: *mut u64,
    bytes: *mut usize,
    address: u64,
) -> Code {
    with(|driver| {
        let (from, to) = driver.memory.around(address).ok_or(code::NOT_FOUND)?;
        if !start.is_null() {
            // SAFETY: as in `cuMemAlloc_v2`.
            unsafe { put(start, from)? };
        }
        if !bytes.is_null() {
            // SAFETY: as in `cuMemAlloc_v2`.
            unsafe { put(bytes, (to - from) as usize)? };
        }
        Ok(())
    })
}

/// Numbers of `CUpointer_attribute`.
mod attribute {
    pub(super) const CONTEXT: i32 = 1;
    pub(super) const MEMORY_TYPE: i32 = 2;
    pub(super) const DEVICE_POINTER: i32 = 3;
    pub(super) const HOST_POINTER: i32 = 4;
    pub(super) const DEVICE_ORDINAL: i32 = 9;
    pub(super) const RANGE_START: i32 = 11;
    pub(super) const RANGE_SIZE: i32 = 12;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuPointerGetAttribute(data: *mut c_void, asked: c_int, address: u64) -> Code {
    with(|driver| {
        let kind = driver.memory.kind(address).ok_or(code::INVALID_VALUE)?;
        let (start, end) = driver.memory.around(address).ok_or(code::INVALID_VALUE)?;
        let is_host = kind == Kind::Pinned;
        // SAFETY: the caller gives room for a value of the attribute's type.
        unsafe {
            match asked {
                attribute::CONTEXT => put(data.cast::<u64>(), 0xC0),
                attribute::MEMORY_TYPE => put(data.cast::<u32>(), if is_host { 1 } else { 2 }),
                attribute::DEVICE_POINTER => put(data.cast::<u64>(), address),
                attribute::HOST_POINTER if is_host => put(data.cast::<u64>(), address),
                attribute::DEVICE_ORDINAL => put(data.cast::<c_int>(), 0),
                attribute::RANGE_START => put(data.cast::<u64>(), start),
                attribute::RANGE_SIZE => put(data.cast::<usize>(), (end - start) as usize),
                _ => Err(code::NOT_SUPPORTED),
            }
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemPoolCreate(pool: *mut u64, _properties: *const c_void) -> Code {
    with(|driver| {
        let handle = driver.handle();
        driver.pools.insert(handle);
        // SAFETY: as in `cuMemAlloc_v2`.
        unsafe { put(pool, handle) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemPoolDestroy(pool: u64) -> Code {
    with(|driver| match driver.pools.remove(&pool) {
        true => Ok(()),
        false => Err(code::INVALID_HANDLE),
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetDefaultMemPool(pool: *mut u64, _device: c_int) -> Code {
    with(|driver| {
        driver.pools.insert(1);
        // SAFETY: as in `cuMemAlloc_v2`.
        unsafe { put(pool, 1) }
    })
}

/// Attributes of pools whose value is a `u64`; the others are flags.
const FIRST_U64: c_int = 4;

/// What the pool has from the driver, and what is in use.
const RESERVED_NOW: c_int = 5;
const USED_NOW: c_int = 7;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemPoolSetAttribute(pool: u64, asked: c_int, value: *mut c_void) -> Code {
    with(|driver| {
        if value.is_null() || !driver.pools.contains(&pool) {
            return Err(code::INVALID_VALUE);
        }
        // SAFETY: the caller gives a value of the attribute's type.
        let value = unsafe {
            match asked < FIRST_U64 {
                true => value.cast::<c_uint>().read().into(),
                false => value.cast::<u64>().read(),
            }
        };
        driver.pool_attributes.insert((pool, asked), value);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemPoolGetAttribute(pool: u64, asked: c_int, value: *mut c_void) -> Code {
    with(|driver| {
        if !driver.pools.contains(&pool) {
            return Err(code::INVALID_VALUE);
        }
        let found = match asked {
            // The pool keeps nothing that is freed.
            RESERVED_NOW | USED_NOW => driver.memory.used() as u64,
            _ => driver
                .pool_attributes
                .get(&(pool, asked))
                .copied()
                .unwrap_or(0),
        };
        // SAFETY: the caller gives room for a value of the attribute's type.
        unsafe {
            match asked < FIRST_U64 {
                true => put(value.cast::<c_uint>(), found as c_uint),
                false => put(value.cast::<u64>(), found),
            }
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemPoolTrimTo(pool: u64, _keep: usize) -> Code {
    with(|driver| match driver.pools.contains(&pool) {
        true => Ok(()),
        false => Err(code::INVALID_HANDLE),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpy(to: u64, from: u64, bytes: usize) -> Code {
    with(|driver| {
        driver.queue(DEFAULT_STREAM, Work::Copy(to, from, bytes))?;
        driver.drain_all();
        Ok(())
    })
}
