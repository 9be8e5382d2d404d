//! Copies and fills.

use super::{
    Code, code,
    state::{Driver, Work},
    with,
};
use crate::memory::Kind;
use std::ffi::c_void;

impl Driver {
    /// Copies between memory of the device and of the host.
    pub(super) fn copy(&mut self, to: u64, from: u64, bytes: usize) -> Result<(), Code> {
        for address in [to, from] {
            // What is in the table must be there as a whole. Else it is the host's.
            if self.memory.kind(address).is_some() && !self.memory.contains(address, bytes) {
                eprintln!(
                    "cuda-emulator: a copy of {bytes} bytes leaves the memory at {address:#x}"
                );
                return Err(code::INVALID_VALUE);
            }
        }
        // SAFETY: what is the driver's is as large as that. For what is the host's the caller of the
        // driver's function has promised it.
        unsafe { std::ptr::copy(from as *const u8, to as *mut u8, bytes) };
        Ok(())
    }

    pub(super) fn fill(&mut self, to: u64, pattern: &[u8], count: usize) -> Result<(), Code> {
        self.check(to, pattern.len() * count)?;
        for at in 0..count {
            // SAFETY: just checked.
            unsafe {
                let place = (to as *mut u8).add(at * pattern.len());
                std::ptr::copy_nonoverlapping(pattern.as_ptr(), place, pattern.len());
            }
        }
        Ok(())
    }

    /// That an address is the device's, and so many bytes from there on.
    fn check(&self, address: u64, bytes: usize) -> Result<(), Code> {
        match self.memory.contains(address, bytes) {
            true => Ok(()),
            false => {
                eprintln!("cuda-emulator: no memory for {bytes} bytes at {address:#x}");
                Err(code::INVALID_VALUE)
            }
        }
    }

    /// Queues a copy. With memory that is not pinned it is done before the call returns.
    fn queue_copy(&mut self, stream: u64, host: Option<u64>, work: Work) -> Result<(), Code> {
        self.queue(stream, work)?;
        if host.is_some_and(|host| self.memory.kind(host) != Some(Kind::Pinned)) {
            self.drain(stream);
        }
        Ok(())
    }

    /// Does a copy of the default stream, which waits for all others.
    fn copy_now(&mut self, to: u64, from: u64, bytes: usize) -> Result<(), Code> {
        self.drain_all();
        self.copy(to, from, bytes)
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyHtoD_v2(to: u64, from: *const c_void, bytes: usize) -> Code {
    with(|driver| {
        driver.check(to, bytes)?;
        driver.copy_now(to, from as u64, bytes)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoH_v2(to: *mut c_void, from: u64, bytes: usize) -> Code {
    with(|driver| {
        driver.check(from, bytes)?;
        driver.copy_now(to as u64, from, bytes)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) -> Code {
    with(|driver| {
        driver.check(from, bytes)?;
        driver.check(to, bytes)?;
        driver.copy_now(to, from, bytes)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyHtoDAsync_v2(
    to: u64,
    from: *const c_void,
    bytes: usize,
    stream: u64,
) -> Code {
    with(|driver| {
        driver.check(to, bytes)?;
        let work = Work::Copy(to, from as u64, bytes);
        driver.queue_copy(stream, Some(from as u64), work)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoHAsync_v2(to: *mut c_void, from: u64, bytes: usize, stream: u64) -> Code {
    with(|driver| {
        driver.check(from, bytes)?;
        let work = Work::Copy(to as u64, from, bytes);
        driver.queue_copy(stream, Some(to as u64), work)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: u64) -> Code {
    with(|driver| {
        driver.check(from, bytes)?;
        driver.check(to, bytes)?;
        driver.queue_copy(stream, None, Work::Copy(to, from, bytes))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyAsync(to: u64, from: u64, bytes: usize, stream: u64) -> Code {
    with(|driver| {
        driver.queue(stream, Work::Copy(to, from, bytes))?;
        driver.drain(stream);
        Ok(())
    })
}

/// `CUDA_MEMCPY2D`.
#[repr(C)]
struct Copy2d {
    from_x: usize,
    from_y: usize,
    from_type: i32,
    from_host: u64,
    from_device: u64,
    from_array: u64,
    from_pitch: usize,
    to_x: usize,
    to_y: usize,
    to_type: i32,
    to_host: u64,
    to_device: u64,
    to_array: u64,
    to_pitch: usize,
    bytes: usize,
    rows: usize,
}

const HOST: i32 = 1;
const ARRAY: i32 = 3;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpy2DAsync_v2(copy: *const c_void, stream: u64) -> Code {
    with(|driver| {
        // SAFETY: the caller gives a valid description.
        let copy = unsafe { copy.cast::<Copy2d>().as_ref() }.ok_or(code::INVALID_VALUE)?;
        if copy.from_type == ARRAY || copy.to_type == ARRAY {
            return Err(code::NOT_SUPPORTED);
        }
        let is_host = [copy.to_type == HOST, copy.from_type == HOST];
        let to = if is_host[0] {
            copy.to_host
        } else {
            copy.to_device
        };
        let from = if is_host[1] {
            copy.from_host
        } else {
            copy.from_device
        };
        let at = |base: u64, x: usize, y: usize, pitch: usize| base + (x + y * pitch) as u64;
        let to = at(to, copy.to_x, copy.to_y, copy.to_pitch);
        let from = at(from, copy.from_x, copy.from_y, copy.from_pitch);
        let host = if is_host[0] {
            Some(to)
        } else {
            is_host[1].then_some(from)
        };
        let pitches = [copy.to_pitch, copy.from_pitch];
        if copy.bytes > copy.to_pitch || copy.bytes > copy.from_pitch {
            return Err(code::INVALID_VALUE);
        }
        if let Some(rows) = copy.rows.checked_sub(1) {
            for ((start, pitch), is_host) in [to, from].into_iter().zip(pitches).zip(is_host) {
                if !is_host {
                    driver.check(start, rows * pitch + copy.bytes)?;
                }
            }
        }
        let work = Work::Copy2d([to, from], pitches, copy.bytes, copy.rows);
        driver.queue_copy(stream, host, work)
    })
}

fn fill(to: u64, pattern: &[u8], count: usize, stream: Option<u64>) -> Code {
    with(|driver| {
        driver.check(to, pattern.len() * count)?;
        match stream {
            Some(stream) => driver.queue(stream, Work::Fill(to, pattern.to_vec(), count)),
            None => {
                driver.drain_all();
                driver.fill(to, pattern, count)
            }
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemsetD8Async(to: u64, value: u8, count: usize, stream: u64) -> Code {
    fill(to, &[value], count, Some(stream))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemsetD16Async(to: u64, value: u16, count: usize, stream: u64) -> Code {
    fill(to, &value.to_le_bytes(), count, Some(stream))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemsetD32Async(to: u64, value: u32, count: usize, stream: u64) -> Code {
    fill(to, &value.to_le_bytes(), count, Some(stream))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemsetD8_v2(to: u64, value: u8, count: usize) -> Code {
    fill(to, &[value], count, None)
}

#[unsafe(no_mangle)]
extern "C" fn cuMemsetD32_v2(to: u64, value: u32, count: usize) -> Code {
    fill(to, &value.to_le_bytes(), count, None)
}
