//! What the GPU does: copies, kernels, transfers. Times are CUDA events on the device's stream.

use crate::median;
use imagecuda::{
    Device, Image, ImageU8, Layout, Result, convert_float_to_u8, convert_u8_to_float,
    cust::{
        event::{Event, EventFlags},
        memory::{AsyncCopyDestination, CopyDestination, DeviceBuffer, LockedBuffer},
    },
};
use std::time::Instant;

const SIZES: [(&str, u32, u32); 3] = [
    ("1080p", 1920, 1080),
    ("4K", 3840, 2160),
    ("256 MP", 16_384, 16_384),
];

const SAMPLES: usize = 20;

/// Launches of a sample, so that the GPU does not wait for the host.
const LAUNCHES: usize = 8;

pub(crate) fn run(gpu: &Device) -> Result<()> {
    gpu.make_current()?;
    let largest = SIZES[SIZES.len() - 1];
    let copy = copy_rate(gpu, largest.1, largest.2)?;
    println!("\ndevice-to-device copy, f32 RGBA, GB/s read and written:");
    for (name, width, height) in SIZES {
        println!("  {name:>8} {:8.0}", copy_rate(gpu, width, height)?);
    }
    println!("\nkernel bandwidth, GB/s read and written, and its share of the copy at 256 MP:");
    println!(
        "{:18}{:>18}{:>18}{:>18}",
        "", SIZES[0].0, SIZES[1].0, SIZES[2].0
    );
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for (column, (_, width, height)) in SIZES.into_iter().enumerate() {
        for (row, (name, rate)) in kernel_rates(gpu, width, height)?.into_iter().enumerate() {
            if column == 0 {
                rows.push((name, Vec::new()));
            }
            rows[row].1.push(rate);
        }
    }
    for (name, rates) in rows {
        let cells = rates
            .iter()
            .map(|rate| format!("{:>18}", format!("{rate:.0} {:5.1} %", rate / copy * 100.0)));
        println!("{name:18}{}", cells.collect::<String>());
    }
    transfers(gpu)
}

/// Seconds that the device takes for what `queue` puts into its stream.
fn seconds(gpu: &Device, queue: impl FnOnce() -> Result<()>) -> Result<f64> {
    let stream = gpu.stream().expect("a CUDA device");
    let new = || Event::new(EventFlags::DEFAULT).expect("an event");
    let (start, end) = (new(), new());
    start.record(stream).expect("recorded");
    queue()?;
    end.record(stream).expect("recorded");
    gpu.synchronize()?;
    Ok(f64::from(end.elapsed_time_f32(&start).expect("both passed")) / 1e3)
}

/// GB/s of `bytes` moved by what `queue` puts into the stream.
pub(crate) fn rate(
    gpu: &Device,
    bytes: usize,
    mut queue: impl FnMut() -> Result<()>,
) -> Result<f64> {
    for _ in 0..3 {
        queue()?;
    }
    let mut many = || (0..LAUNCHES).try_for_each(|_| queue());
    let seconds = median(SAMPLES, || seconds(gpu, &mut many))?;
    Ok((LAUNCHES * bytes) as f64 / seconds / 1e9)
}

pub(crate) fn copy_rate(gpu: &Device, width: u32, height: u32) -> Result<f64> {
    let src = Image::new(gpu, width, height)?;
    let mut dst = Image::new(gpu, width, height)?;
    let bytes = src.capacity() * 32;
    rate(gpu, bytes, || dst.copy_from(&src))
}

fn kernel_rates(gpu: &Device, width: u32, height: u32) -> Result<Vec<(String, f64)>> {
    let n = width as usize * height as usize;
    let mut f32s = Image::new(gpu, width, height)?;
    let mut u8s = ImageU8::new(gpu, width, height)?;
    // Random bytes: half of the floats that they make are not numbers, which costs kernels
    // nothing, but zeros could be compressed on their way.
    let bytes = noise(n.min(1 << 24) * 16);
    let raw = DeviceBuffer::<u8>::zeroed(n * 16).expect("device memory");
    for i in (0..n * 16).step_by(bytes.len()) {
        let end = (n * 16).min(i + bytes.len());
        raw.index(i..end)
            .copy_from(&bytes[..end - i])
            .expect("copied");
    }
    let mut rates = Vec::new();
    for layout in Layout::ALL {
        let moved = n * (layout.bytes_per_pixel() + 16);
        // SAFETY: `raw` has 16 bytes for each pixel, and lives until all work is waited for.
        let queue =
            || unsafe { f32s.expand_from_device(raw.as_device_ptr(), layout, width, height) };
        rates.push((format!("{layout:?} to f32"), rate(gpu, moved, queue)?));
    }
    // SAFETY: as above.
    unsafe { u8s.expand_from_device(raw.as_device_ptr(), Layout::Rgba8, width, height)? };
    let queue = || convert_u8_to_float(&mut f32s, &u8s);
    rates.push(("u8 to f32".into(), rate(gpu, n * 20, queue)?));
    let queue = || convert_float_to_u8(&mut u8s, &f32s);
    rates.push(("f32 to u8".into(), rate(gpu, n * 20, queue)?));
    // SAFETY: as above; three bytes a pixel are written.
    let queue = || unsafe { f32s.pack_rgb8_to_device(raw.as_device_ptr(), [255; 3]) };
    rates.push(("f32 to RGB8".into(), rate(gpu, n * 19, queue)?));
    for layout in [Layout::Rgb8, Layout::Rgba16] {
        let moved = n * (layout.bytes_per_pixel() + 4);
        // SAFETY: as above.
        let queue =
            || unsafe { u8s.expand_from_device(raw.as_device_ptr(), layout, width, height) };
        rates.push((format!("{layout:?} to u8"), rate(gpu, moved, queue)?));
    }
    gpu.synchronize()?;
    Ok(rates)
}

/// Bytes that do not compress (xorshift).
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut words = Vec::with_capacity(len / 8 + 1);
    while words.len() * 8 < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        words.push(state);
    }
    let mut bytes = bytemuck::cast_slice::<u64, u8>(&words).to_vec();
    bytes.truncate(len);
    bytes
}

/// Host to device and back, 4K and 256 MP of 8-bit RGBA.
fn transfers(gpu: &Device) -> Result<()> {
    println!("\ntransfers of 8-bit RGBA, GB/s:");
    println!("{:36}{:>10}{:>10}", "", "4K", "256 MP");
    let mut table = [const { Vec::new() }; 4];
    for (width, height) in [(3840, 2160), (16_384, 16_384)] {
        let len = width as usize * height as usize * 4;
        let mut image = ImageU8::new(gpu, width, height)?;
        let mut host = vec![1; len];
        let stream = gpu.stream().expect("a CUDA device");
        let mut device = DeviceBuffer::<u8>::zeroed(len).expect("device memory");
        let locked = LockedBuffer::new(&1, len).expect("pinned memory");
        let wall = |table: &mut Vec<f64>, act: &mut dyn FnMut() -> Result<()>| -> Result<()> {
            let seconds = median(15, || {
                let start = Instant::now();
                act()?;
                gpu.synchronize()?;
                Ok(start.elapsed().as_secs_f64())
            })?;
            table.push(len as f64 / seconds / 1e9);
            Ok(())
        };
        wall(&mut table[0], &mut || {
            // SAFETY: the closure's caller waits for the stream before anything else happens.
            unsafe { device.async_copy_from(&locked, stream) }.expect("copied");
            Ok(())
        })?;
        wall(&mut table[1], &mut || {
            device.copy_from(&host[..]).expect("copied");
            Ok(())
        })?;
        wall(&mut table[2], &mut || image.upload(&host))?;
        wall(&mut table[3], &mut || image.download_into(&mut host))?;
    }
    let names = [
        "upload, pinned (the link's limit)",
        "upload, pageable (plain cuMemcpy)",
        "ImageU8::upload, pageable",
        "ImageU8::download_into, pageable",
    ];
    for (name, rates) in names.into_iter().zip(table) {
        println!("{name:36}{:>10.1}{:>10.1}", rates[0], rates[1]);
    }
    Ok(())
}
