//! What users of `Image` and `ImageU8` rely on, on every device.

use crate::support::{Noise, bits, same};
use imagecuda::{Device, ErrorKind, Image, ImageU8, convert_float_to_u8, convert_u8_to_float};
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
        upload_then_download_is_the_same,
        upload_of_the_wrong_length_changes_nothing,
        download_into_the_wrong_length_is_refused,
        unaligned_samples_are_taken,
        large_transfers_are_whole,
        copy_sets_the_size_and_needs_room,
        copies_between_devices,
        every_byte_survives_both_conversions,
        quantising_rounds_and_clamps,
        conversions_set_the_size,
        conversions_without_room_change_nothing,
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
fn noise_u8(width: u32, height: u32, seed: u64) -> Vec<u8> {
    Noise::new(seed).bytes(width as usize * height as usize * 4)
}

fn image_u8(device: &Device, width: u32, height: u32, seed: u64) -> ImageU8 {
    let mut image = ImageU8::new(device, width, height).unwrap();
    image.upload(&noise_u8(width, height, seed)).unwrap();
    image
}

fn size(image: &Image) -> (u32, u32) {
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

fn upload_then_download_is_the_same(device: &Device) {
    for (width, height) in [(1, 1), (1, 37), (37, 1), (127, 61), (640, 480)] {
        let bytes = noise_u8(width, height, 4);
        let mut image = ImageU8::new(device, width, height).unwrap();
        image.upload(&bytes).unwrap();
        assert_eq!(image.download().unwrap(), bytes);

        let floats = Noise::new(5).floats(bytes.len());
        let mut image = Image::new(device, width, height).unwrap();
        image.upload(&floats).unwrap();
        let mut back = vec![0.25; floats.len()];
        image.download_into(&mut back).unwrap();
        same(&bits(&back), &bits(&floats), "floats");
    }
}

fn upload_of_the_wrong_length_changes_nothing(device: &Device) {
    let mut image = image_u8(device, 10, 10, 6);
    let before = image.download().unwrap();
    for len in [0, 399, 401, 100, 1600] {
        let error = image.upload(&vec![9; len]).unwrap_err();
        let ErrorKind::WrongLength { expected, actual } = *error.kind() else {
            panic!("{error}");
        };
        assert_eq!((expected, actual), (400, len));
    }
    assert_eq!(image.download().unwrap(), before);
}

fn download_into_the_wrong_length_is_refused(device: &Device) {
    let image = Image::new(device, 10, 10).unwrap();
    for len in [0, 399, 401] {
        let error = image.download_into(&mut vec![0.0; len]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WrongLength { .. }));
    }
}

fn unaligned_samples_are_taken(device: &Device) {
    let bytes = noise_u8(33, 3, 7);
    let floats = Noise::new(8).floats(bytes.len());
    // One of four consecutive offsets at least is not a multiple of a pixel's alignment.
    for offset in 0..4 {
        let mut room = vec![0; bytes.len() + 4];
        room[offset..offset + bytes.len()].copy_from_slice(&bytes);
        let mut image = ImageU8::new(device, 33, 3).unwrap();
        image.upload(&room[offset..offset + bytes.len()]).unwrap();
        room.fill(0);
        let back = &mut room[offset..offset + bytes.len()];
        image.download_into(back).unwrap();
        assert_eq!(back, bytes);

        let mut room = vec![0.0; floats.len() + 4];
        room[offset..offset + floats.len()].copy_from_slice(&floats);
        let mut image = Image::new(device, 33, 3).unwrap();
        image.upload(&room[offset..offset + floats.len()]).unwrap();
        room.fill(0.0);
        let back = &mut room[offset..offset + floats.len()];
        image.download_into(back).unwrap();
        assert_eq!(bits(back), bits(&floats));
    }
}

/// More than the pieces that transfers are cut into, and no multiple of them.
fn large_transfers_are_whole(device: &Device) {
    let (width, height) = (4099, 2053);
    let bytes = noise_u8(width, height, 9);
    let mut image = ImageU8::new(device, width, height).unwrap();
    image.upload(&bytes).unwrap();
    assert!(image.download().unwrap() == bytes);
    let mut copy = Image::new(device, width, height).unwrap();
    convert_u8_to_float(&mut copy, &image).unwrap();
    let mut back = ImageU8::new(device, width, height).unwrap();
    convert_float_to_u8(&mut back, &copy).unwrap();
    assert!(back.download().unwrap() == bytes);
}

fn copy_sets_the_size_and_needs_room(device: &Device) {
    let src = image_u8(device, 30, 20, 10);
    let mut dst = ImageU8::new(device, 40, 40).unwrap();
    dst.copy_from(&src).unwrap();
    assert_eq!((dst.width(), dst.height()), (30, 20));
    assert_eq!(dst.download().unwrap(), src.download().unwrap());

    let mut small = image_u8(device, 10, 10, 11);
    let before = small.download().unwrap();
    let error = small.copy_from(&src).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OverCapacity { .. }));
    assert_eq!((small.width(), small.height()), (10, 10));
    assert_eq!(small.download().unwrap(), before);
}

fn copies_between_devices(device: &Device) {
    let src = image_u8(device, 30, 20, 12);
    let host = src.to_device(&Device::cpu()).unwrap();
    assert_eq!(host.device(), &Device::cpu());
    assert_eq!(host.download().unwrap(), src.download().unwrap());
    let mut back = ImageU8::new(device, 30, 20).unwrap();
    back.copy_from(&host).unwrap();
    assert_eq!(back.download().unwrap(), src.download().unwrap());
}

fn every_byte_survives_both_conversions(device: &Device) {
    let bytes: Vec<u8> = (0..=255).flat_map(|x| [x, 255 - x, x ^ 0x55, x]).collect();
    let mut image = ImageU8::new(device, 16, 16).unwrap();
    image.upload(&bytes).unwrap();
    let floats = image.to_f32().unwrap();
    let expected: Vec<f32> = bytes.iter().map(|&x| f32::from(x) / 255.0).collect();
    assert_eq!(bits(&floats.download().unwrap()), bits(&expected));
    assert_eq!(floats.to_u8().unwrap().download().unwrap(), bytes);
}

fn quantising_rounds_and_clamps(device: &Device) {
    let cases = [
        (f32::NAN, 0),
        (f32::INFINITY, 255),
        (f32::NEG_INFINITY, 0),
        (-1.0, 0),
        (-0.0, 0),
        (0.5, 128),
        (0.499, 127),
        (1.5, 255),
        (1.0, 255),
        (254.5 / 255.0, 255),
        (254.499 / 255.0, 254),
        (0.5 / 255.0, 1),
    ];
    let mut image = Image::new(device, cases.len() as u32, 1).unwrap();
    let samples: Vec<f32> = cases.iter().flat_map(|&(v, _)| [v; 4]).collect();
    image.upload(&samples).unwrap();
    let expected: Vec<u8> = cases.iter().flat_map(|&(_, q)| [q; 4]).collect();
    assert_eq!(image.to_u8().unwrap().download().unwrap(), expected);
}

fn conversions_set_the_size(device: &Device) {
    let small = image_u8(device, 20, 10, 13);
    let mut floats = Image::new(device, 50, 50).unwrap();
    convert_u8_to_float(&mut floats, &small).unwrap();
    assert_eq!(size(&floats), (20, 10));
    let mut back = ImageU8::new(device, 60, 60).unwrap();
    convert_float_to_u8(&mut back, &floats).unwrap();
    assert_eq!((back.width(), back.height()), (20, 10));
    assert_eq!(back.download().unwrap(), small.download().unwrap());
}

fn conversions_without_room_change_nothing(device: &Device) {
    let src = image_u8(device, 20, 10, 14);
    let mut dst = Image::new(device, 5, 5).unwrap();
    let error = convert_u8_to_float(&mut dst, &src).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OverCapacity { .. }));
    assert_eq!(size(&dst), (5, 5));
    assert_eq!(dst.download().unwrap(), vec![0.0; 100]);
    let floats = src.to_f32().unwrap();
    let mut dst = ImageU8::new(device, 5, 5).unwrap();
    convert_float_to_u8(&mut dst, &floats).unwrap_err();
    assert_eq!(dst.download().unwrap(), vec![0; 100]);
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
