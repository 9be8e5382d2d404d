//! What users of `Image` and `ImageU8` rely on, on every device.

use crate::support::{Noise, bits, same};
use imagecuda::{Device, ErrorKind, Image, ImageU8};
use libtest_mimic::Trial;
use std::thread;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        new_images_are_zeroed,
        zero_dimensions_are_refused,
        extreme_shapes_work,
        impossible_sizes_are_errors,
        capacity_is_the_size_of_creation,
        with_capacity_has_room_for_more,
        a_clone_is_a_copy_of_its_own,
        reshape_within_capacity,
        reshape_beyond_capacity_changes_nothing,
        a_thousand_reshapes,
        reshape_moves_no_pixels,
        reserve_grows_and_keeps_pixels,
        both_kinds_live_side_by_side,
        fifty_images_at_once,
        a_hundred_small_ones_made_and_dropped,
        four_threads_allocate,
        four_threads_work_on_their_own,
        images_move_between_threads,
        a_default_device_is_named_as_it_is_parsed,
    ])
}

/// `width` × `height` × 4 bytes of noise.
pub(super) fn noise_u8(width: u32, height: u32, seed: u64) -> Vec<u8> {
    Noise::new(seed).bytes(width as usize * height as usize * 4)
}

pub(super) fn image_u8(device: &Device, width: u32, height: u32, seed: u64) -> ImageU8 {
    let mut image = ImageU8::new(device, width, height).unwrap();
    image.upload(&noise_u8(width, height, seed)).unwrap();
    image
}

pub(super) fn size(image: &Image) -> (u32, u32) {
    assert_eq!(image.dimensions(), (image.width(), image.height()));
    image.dimensions()
}

fn new_images_are_zeroed(device: &Device) {
    // Memory that held something before.
    drop(image_u8(device, 301, 7, 1));
    let image = ImageU8::new(device, 301, 7).unwrap();
    assert_eq!(image.download().unwrap(), vec![0; 301 * 7 * 4]);
    let image = Image::new(device, 301, 7).unwrap();
    assert_eq!(bits(&image.download().unwrap()), vec![0; 301 * 7 * 4]);
    assert_eq!(image.device(), device);
}

fn zero_dimensions_are_refused(device: &Device) {
    for (width, height) in [(0, 1), (1, 0), (0, 0)] {
        let error = Image::new(device, width, height).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ZeroDimension { .. }));
        let error = ImageU8::new(device, width, height).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("an image of {width}x{height} has no pixels")
        );
    }
}

fn extreme_shapes_work(device: &Device) {
    for (width, height) in [(1, 1), (10_000, 1), (1, 10_000), (16_384, 1), (8192, 8192)] {
        let image = ImageU8::new(device, width, height).unwrap();
        assert_eq!(image.capacity(), width as usize * height as usize);
    }
    let image = Image::new(device, 8192, 8192).unwrap();
    assert_eq!(image.capacity(), 8192 * 8192);
}

fn impossible_sizes_are_errors(device: &Device) {
    let error = Image::new(device, u32::MAX, u32::MAX).unwrap_err();
    let ErrorKind::OutOfMemory { requested, free } = error.kind() else {
        panic!("{error}");
    };
    assert!(*requested > 1 << 60);
    assert_eq!(free.is_some(), device.is_cuda(), "{error}");
    // And the next call works.
    Image::new(device, 16, 16).unwrap();
}

fn capacity_is_the_size_of_creation(device: &Device) {
    let mut image = Image::new(device, 64, 48).unwrap();
    assert_eq!(image.capacity(), 64 * 48);
    image.reshape(10, 10).unwrap();
    assert_eq!(image.capacity(), 64 * 48);
}

fn with_capacity_has_room_for_more(device: &Device) {
    let mut image = Image::with_capacity(device, 10, 10, 5000).unwrap();
    assert_eq!(size(&image), (10, 10));
    assert_eq!(image.capacity(), 5000);
    image.reshape(5000, 1).unwrap();
    assert_eq!(image.download().unwrap(), vec![0.0; 5000 * 4]);
    // Never less than its own size.
    assert_eq!(
        ImageU8::with_capacity(device, 9, 9, 3).unwrap().capacity(),
        81
    );
}

fn a_clone_is_a_copy_of_its_own(device: &Device) {
    let mut image = image_u8(device, 30, 20, 7);
    image.reshape(20, 10).unwrap();
    let clone = image.try_clone().unwrap();
    assert_eq!((clone.dimensions(), clone.capacity()), ((20, 10), 200));
    assert_eq!(clone.device(), device);
    let before = image.download().unwrap();
    image.upload(&[0; 20 * 10 * 4]).unwrap();
    same(&clone.download().unwrap(), &before, "the clone");
}

fn reshape_within_capacity(device: &Device) {
    let mut image = Image::new(device, 100, 100).unwrap();
    for (width, height) in [(50, 50), (200, 50), (1, 10_000), (10_000, 1), (100, 100)] {
        image.reshape(width, height).unwrap();
        assert_eq!(size(&image), (width, height));
    }
}

fn reshape_beyond_capacity_changes_nothing(device: &Device) {
    let mut image = Image::new(device, 100, 100).unwrap();
    image.reshape(80, 70).unwrap();
    let huge = u32::MAX;
    for (width, height) in [(101, 100), (10_001, 1), (huge, huge), (0, 5), (5, 0)] {
        let error = image.reshape(width, height).unwrap_err();
        match error.kind() {
            ErrorKind::ZeroDimension { .. } => assert!(width == 0 || height == 0),
            ErrorKind::OverCapacity { capacity, .. } => assert_eq!(*capacity, 10_000),
            other => panic!("{other}"),
        }
        assert_eq!(size(&image), (80, 70));
    }
}

fn a_thousand_reshapes(device: &Device) {
    let mut image = Image::new(device, 100, 100).unwrap();
    for i in 0..1000 {
        image.reshape(1 + i % 100, 1 + (i * 7) % 100).unwrap();
    }
    assert_eq!(image.capacity(), 10_000);
}

fn reshape_moves_no_pixels(device: &Device) {
    let mut image = image_u8(device, 6, 4, 2);
    let before = image.download().unwrap();
    image.reshape(3, 8).unwrap();
    assert_eq!(image.download().unwrap(), before);
    image.reshape(3, 2).unwrap();
    assert_eq!(image.download().unwrap(), before[..24]);
}

fn reserve_grows_and_keeps_pixels(device: &Device) {
    let mut image = image_u8(device, 6, 4, 3);
    let before = image.download().unwrap();
    image.reserve(10).unwrap();
    assert_eq!(image.capacity(), 24);
    image.reserve(1000).unwrap();
    assert_eq!(image.capacity(), 1000);
    assert_eq!(image.download().unwrap(), before);
    image.reshape(100, 10).unwrap();
    assert_eq!(image.download().unwrap()[96..], vec![0; 4000 - 96]);
}

fn both_kinds_live_side_by_side(device: &Device) {
    let bytes = image_u8(device, 64, 64, 15);
    let floats = bytes.to_f32().unwrap();
    let more = image_u8(device, 64, 64, 16);
    assert_eq!(
        floats.to_u8().unwrap().download().unwrap(),
        bytes.download().unwrap()
    );
    assert_ne!(more.download().unwrap(), bytes.download().unwrap());
}

fn fifty_images_at_once(device: &Device) {
    let images: Vec<_> = (0..50).map(|i| image_u8(device, 100, 100, i)).collect();
    for (i, image) in images.iter().enumerate() {
        assert_eq!(image.download().unwrap(), noise_u8(100, 100, i as u64));
    }
}

fn a_hundred_small_ones_made_and_dropped(device: &Device) {
    for i in 0..100 {
        let image = image_u8(device, 13, 7, i);
        assert_eq!(image.download().unwrap(), noise_u8(13, 7, i));
    }
}

fn four_threads_allocate(device: &Device) {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    Image::new(device, 256, 256).unwrap();
                }
            });
        }
    });
}

fn four_threads_work_on_their_own(device: &Device) {
    thread::scope(|scope| {
        for t in 0..4 {
            scope.spawn(move || {
                for i in 0..10 {
                    let image = image_u8(device, 127, 31, t * 100 + i);
                    let back = image.to_f32().unwrap().to_u8().unwrap();
                    assert_eq!(back.download().unwrap(), noise_u8(127, 31, t * 100 + i));
                }
            });
        }
    });
}

fn images_move_between_threads(device: &Device) {
    let image = image_u8(device, 10, 10, 17);
    let device = device.clone();
    let image = thread::spawn(move || {
        assert_eq!(image.device(), &device);
        image.to_f32().unwrap()
    })
    .join()
    .unwrap();
    assert_eq!(
        image.to_u8().unwrap().download().unwrap(),
        noise_u8(10, 10, 17)
    );
}

fn a_default_device_is_named_as_it_is_parsed(device: &Device) {
    assert_eq!(device.to_string().parse::<Device>().unwrap(), *device);
    assert_eq!(device.ordinal(), device.is_cuda().then_some(0));
    for name in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU"] {
        let error = name.parse::<Device>().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NoDevice(_)), "{error}");
    }
    let error = "cuda:4096".parse::<Device>().unwrap_err();
    assert!(
        error.to_string().starts_with("CUDA device 4096: "),
        "{error}"
    );
    device.synchronize().unwrap();
}
