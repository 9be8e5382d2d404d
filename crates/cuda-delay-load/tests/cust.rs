//! `cust` on top: a program of its kind links, starts, and sees what it should.

#![cfg(any(
    all(
        target_os = "linux",
        target_pointer_width = "64",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ),
    all(windows, target_arch = "x86_64")
))]

mod common;

use common::{fake_driver, folder, is_child, tell};
use cuda_delay_load::PATH_VARIABLE;
use cust::{
    error::CudaError,
    memory::{AsyncCopyDestination, DeviceBuffer, LockedBuffer},
    prelude::*,
    stream::StreamWaitEventFlags,
};

#[test]
#[ignore = "the other tests run it, in a child process"]
fn probe() {
    if !is_child() {
        return;
    }
    tell("init", cust::init(CudaFlags::empty()));
    tell("devices", Device::num_devices());
    tell("generic", generics().unwrap_err());
    let shown = std::panic::catch_unwind(|| CudaError::NoDevice.to_string());
    tell("shown", shown.ok());
}

/// Generic code is compiled here, not in `cust`, and needs functions that no object
/// file of `cust` or `cust_raw` mentions. Each call follows one that fails.
fn generics() -> Result<(), CudaError> {
    let context = Context::new(Device::get_device(0)?)?;
    let stream = Stream::new(StreamFlags::NON_BLOCKING, None)?;
    let event = Event::new(EventFlags::DEFAULT)?;
    let buffer = DeviceBuffer::from_slice(&[1.0_f32, 2.0])?;
    let mut pinned = LockedBuffer::new(&0_u8, 64)?;
    pinned.as_mut_slice()[0] = 1;
    // SAFETY: the values are written before they are read, and the stream is drained
    // before the buffers go.
    unsafe {
        let mut pooled = DeviceBuffer::<f32>::uninitialized_async(2, &stream)?;
        pooled.async_copy_from(&buffer, &stream)?;
        event.record(&stream)?;
        stream.wait_event(event, StreamWaitEventFlags::DEFAULT)?;
        stream.synchronize()?;
        pooled.drop_async(&stream)?;
    }
    let module = Module::from_ptx("", &[])?;
    let function = module.get_function("none")?;
    // SAFETY: never reached: there is no such function.
    unsafe { launch!(function<<<1, 1, 0, stream>>>(buffer.as_device_ptr()))? };
    drop(context);
    Ok(())
}

#[test]
fn without_a_driver_there_is_no_device() {
    let report = common::probe(&[(PATH_VARIABLE, "/nonexistent".as_ref())]);
    report.expect("init", "Err(NoDevice)");
    report.expect("devices", "Err(NotInitialized)");
    report.expect("generic", "NotInitialized");
    // `cust` asks the driver for the text.
    report.expect("shown", "None");
}

#[test]
fn with_a_driver_cust_finds_its_devices() {
    let folder = folder();
    let driver = fake_driver(&folder, "libcuda.so.1", "fake_driver");
    let report = common::probe(&[(PATH_VARIABLE, driver.as_ref())]);
    report.expect("init", "Ok(())");
    report.expect("devices", "Ok(3)");
    report.expect("generic", "NotSupported");
    let text = r#"Some("\"text of the fake driver\"")"#;
    report.expect("shown", text);
}
