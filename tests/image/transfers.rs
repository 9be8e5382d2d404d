//! Uploads, downloads, copies and conversions of images, on every device.

use super::images::{image_u8, noise_u8, size};
use crate::support::{Noise, bits, same};
use imagecuda::{Device, ErrorKind, Image, ImageU8, convert_float_to_u8, convert_u8_to_float};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
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
    ])
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
