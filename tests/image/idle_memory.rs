//! The memory that the library keeps for later use: how much it is, and that it can be given back.
//! Each test is a program of its own, because all that a program does uses the same memory.

use crate::support::{alone, pictures::picture};
use imagecuda::{Device, Format, IdleMemory, Image, LoadOptions, SaveOptions};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        trimming_frees_what_is_idle_and_nothing_else,
        limits_hold_whatever_is_loaded,
    ])
}

const SIDE: u32 = 1024;

/// The floats of a picture.
const FLOATS: u64 = (SIDE * SIDE * 16) as u64;

fn files(device: &Device) -> Vec<Vec<u8>> {
    let image = picture(device, SIDE, SIDE);
    let options = SaveOptions::new().background([0; 3]);
    let encode = |format| options.encode_u8(&image, format).unwrap();
    [Format::Jpeg, Format::Png, Format::Bmp].map(encode).into()
}

fn load(device: &Device, file: &[u8]) -> Image {
    LoadOptions::new().decode(device, file).unwrap()
}

fn trimming_frees_what_is_idle_and_nothing_else(device: &Device) {
    if !alone(
        "image::idle_memory::trimming_frees_what_is_idle_and_nothing_else",
        device,
    ) {
        return;
    }
    let files = files(device);
    let kept = load(device, &files[0]);
    let pixels = kept.download().unwrap();
    for file in &files {
        drop(load(device, file));
    }
    device.synchronize().unwrap();
    let idle = device.idle_memory();
    // The CPU keeps an image; a GPU keeps what was between the files and the images.
    match device.is_cuda() {
        true => assert!(idle.host > 0 && idle.device > 0, "{idle:?}"),
        false => assert!(idle.host >= FLOATS && idle.device == 0, "{idle:?}"),
    }
    device.trim(u64::MAX).unwrap();
    assert_eq!(device.idle_memory(), idle);
    device.trim(idle.host - 1).unwrap();
    let less = device.idle_memory();
    assert!(less.host < idle.host, "{less:?} of {idle:?}");
    device.trim(0).unwrap();
    let IdleMemory { host, device: rest } = device.idle_memory();
    // The driver cannot give back the block that the image is in.
    assert!(host == 0 && rest <= 64 << 20, "{host} and {rest} bytes");
    // An image keeps its memory, and what comes next works.
    assert!(kept.download().unwrap() == pixels);
    assert!(load(device, &files[0]).download().unwrap() == pixels);
    drop(kept);
    device.trim(0).unwrap();
    assert_eq!(device.idle_memory(), IdleMemory::default());
}

fn limits_hold_whatever_is_loaded(device: &Device) {
    if !alone("image::idle_memory::limits_hold_whatever_is_loaded", device) {
        return;
    }
    let files = files(device);
    let expected: Vec<_> = files
        .iter()
        .map(|file| load(device, file).download().unwrap())
        .collect();
    for (host, gpu) in [(48 << 20, 40 << 20), (3 << 20, 2 << 20), (0, 0)] {
        let most = IdleMemory { host, device: gpu };
        device.set_idle_limits(most).unwrap();
        for _ in 0..3 {
            let images: Vec<_> = files.iter().map(|file| load(device, file)).collect();
            for (image, expected) in images.iter().zip(&expected) {
                assert!(image.download().unwrap() == *expected);
            }
            drop(images);
            device.synchronize().unwrap();
            let idle = device.idle_memory();
            assert!(idle.host <= host, "{idle:?}, {most:?}");
            // A block of the driver's stays as long as idle memory of the library's is in it.
            let blocks = if gpu > 0 { 64 << 20 } else { 0 };
            assert!(idle.device <= gpu + blocks, "{idle:?}, {most:?}");
        }
    }
}
