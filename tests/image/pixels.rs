//! The caller's own work on the pixels of the CPU device.

use crate::support::{Noise, bits, same};
use imagecuda::{Device, ErrorKind, Image, ImageU8, Rgba8, RgbaF32};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        map_gives_each_pixel_its_place,
        pixels_are_those_of_the_size,
        bytes_are_mapped_too,
    ])
}

fn noise(device: &Device, width: u32, height: u32) -> Image {
    let mut image = Image::new(device, width, height).unwrap();
    let samples = Noise::new(7).floats(image.capacity() * 4);
    image.upload(&samples).unwrap();
    image
}

fn map_gives_each_pixel_its_place(device: &Device) {
    // Tasks end within rows, a row spans tasks, and there is one task.
    for (width, height) in [(1, 1), (1013, 211), (200_001, 2), (3, 70_000)] {
        let mut image = noise(device, width, height);
        let before = image.download().unwrap();
        let mapped = image.map_pixels(|x, y, RgbaF32([r, g, b, _])| {
            let place = x as f32 * 0.5 + y as f32 * 1024.0;
            RgbaF32([b, g, r, place])
        });
        let after = image.download().unwrap();
        if device.is_cuda() {
            let error = mapped.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
            assert!(error.to_string().contains("cuda:0"), "{error}");
            same(&bits(&after), &bits(&before), "untouched");
            continue;
        }
        mapped.unwrap();
        let mut expected = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let at = (y as usize * width as usize + x as usize) * 4;
                let place = x as f32 * 0.5 + y as f32 * 1024.0;
                expected.extend([before[at + 2], before[at + 1], before[at], place]);
            }
        }
        same(&bits(&after), &bits(&expected), (width, height));
    }
}

fn pixels_are_those_of_the_size(device: &Device) {
    let mut image = noise(device, 9, 7);
    image.reshape(5, 3).unwrap();
    let samples = image.download().unwrap();
    if device.is_cuda() {
        assert!(image.pixels().is_none() && image.pixels_mut().is_none());
        return;
    }
    let pixels = image.pixels().unwrap();
    assert_eq!(pixels.len(), 15);
    let flat: Vec<f32> = pixels.iter().flat_map(|pixel| pixel.0).collect();
    same(&bits(&flat), &bits(&samples), "pixels");
    image.pixels_mut().unwrap()[14] = RgbaF32([0.25; 4]);
    assert_eq!(image.download().unwrap()[56..], [0.25; 4]);
    image.map_pixels(|_, _, _| RgbaF32([0.5; 4])).unwrap();
    image.reshape(9, 7).unwrap();
    let behind = image.pixels().unwrap()[15];
    assert_ne!(
        behind,
        RgbaF32([0.5; 4]),
        "what is behind the picture stays"
    );
}

fn bytes_are_mapped_too(device: &Device) {
    let mut image = ImageU8::new(device, 6, 4).unwrap();
    let mapped = image.map_pixels(|x, y, Rgba8([_, _, b, a])| Rgba8([x as u8, y as u8, b, a]));
    assert_eq!(mapped.is_err(), device.is_cuda());
    if mapped.is_ok() {
        assert_eq!(image.pixels().unwrap()[9], Rgba8([3, 1, 0, 0]));
    }
}
