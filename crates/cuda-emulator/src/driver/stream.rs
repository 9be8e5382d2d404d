//! Streams and events.

use super::{
    Code, code, put,
    state::{DEFAULT_STREAM, Event, Stream, Work},
    with,
};
use std::ffi::{c_int, c_uint};

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamCreate(stream: *mut u64, _flags: c_uint) -> Code {
    with(|driver| {
        let handle = driver.handle();
        driver.streams.insert(handle, Stream::default());
        // SAFETY: the caller gives room for it, as in all functions here that give results.
        unsafe { put(stream, handle) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamCreateWithPriority(
    stream: *mut u64,
    flags: c_uint,
    _priority: c_int,
) -> Code {
    // SAFETY: the same promise.
    unsafe { cuStreamCreate(stream, flags) }
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamDestroy_v2(stream: u64) -> Code {
    with(|driver| {
        if stream == DEFAULT_STREAM {
            return Err(code::INVALID_HANDLE);
        }
        driver.drain(stream);
        driver
            .streams
            .remove(&stream)
            .map(drop)
            .ok_or(code::INVALID_HANDLE)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamSynchronize(stream: u64) -> Code {
    with(|driver| {
        if !driver.streams.contains_key(&stream) {
            return Err(code::INVALID_HANDLE);
        }
        driver.drain(stream);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamQuery(stream: u64) -> Code {
    with(|driver| match driver.step(stream) {
        true => Err(code::NOT_READY),
        false => Ok(()),
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamGetCtx(_stream: u64, context: *mut u64) -> Code {
    // SAFETY: as in `cuStreamCreate`.
    with(|_| unsafe { put(context, 0xC0) })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamWaitEvent(stream: u64, event: u64, _flags: c_uint) -> Code {
    with(|driver| {
        let count = driver.event(event)?.recorded;
        driver.queue(stream, Work::Wait(event, count))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventCreate(event: *mut u64, _flags: c_uint) -> Code {
    with(|driver| {
        let handle = driver.handle();
        driver.events.insert(handle, Event::default());
        // SAFETY: as in `cuStreamCreate`.
        unsafe { put(event, handle) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventDestroy_v2(event: u64) -> Code {
    with(|driver| {
        // What waits for it still does.
        let found = driver.event(event)?;
        found.is_destroyed = true;
        if found.passed >= found.recorded {
            driver.events.remove(&event);
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventRecord(event: u64, stream: u64) -> Code {
    with(|driver| {
        // An event that is recorded anew in another stream stands for that; what was before is done.
        let found = *driver.event(event)?;
        if found.stream != stream {
            driver.pass(event, found.recorded);
        }
        let count = found.recorded + 1;
        if let Some(found) = driver.events.get_mut(&event) {
            (found.recorded, found.stream) = (count, stream);
        }
        driver.queue(stream, Work::Record(event, count))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventRecordWithFlags(event: u64, stream: u64, _flags: c_uint) -> Code {
    cuEventRecord(event, stream)
}

#[unsafe(no_mangle)]
extern "C" fn cuEventQuery(event: u64) -> Code {
    with(|driver| {
        let found = *driver.event(event)?;
        if found.passed >= found.recorded {
            return Ok(());
        }
        // Whoever asks again and again sees progress.
        driver.step(found.stream);
        Err(code::NOT_READY)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventSynchronize(event: u64) -> Code {
    with(|driver| {
        let recorded = driver.event(event)?.recorded;
        driver.pass(event, recorded);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventElapsedTime(time: *mut f32, _start: u64, _end: u64) -> Code {
    // There is no timing here; nor does a GPU say that anything took no time at all.
    // SAFETY: as in `cuStreamCreate`.
    with(|_| unsafe { put(time, f32::MIN_POSITIVE) })
}
