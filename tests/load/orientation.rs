//! Files that say how they are to be turned: every format that can, every orientation, every
//! size of pixel, on every device.

use crate::support::{
    Noise, bits,
    pictures::{PNG_COLORS, exif, noise_png, png_with_exif},
    same,
};
use imagecuda::{Device, Format, Image, ImageU8, Layout, LoadOptions, SaveOptions};
use libtest_mimic::Trial;
use std::io::Cursor;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        png_of_every_layout,
        tiff_by_its_tag,
        webp_by_its_exif,
        jpeg_by_its_exif,
        larger_than_a_tile,
        a_buffer_must_fit_the_turned_size,
        what_is_off_stays_off,
    ])
}

/// Where the standard puts the stored pixel `x`, `y` of `w` × `h` in the viewed picture.
pub(super) fn viewed(orientation: u8, x: usize, y: usize, w: usize, h: usize) -> (usize, usize) {
    match orientation {
        1 => (x, y),
        2 => (w - 1 - x, y),
        3 => (w - 1 - x, h - 1 - y),
        4 => (x, h - 1 - y),
        5 => (y, x),
        6 => (h - 1 - y, x),
        7 => (h - 1 - y, w - 1 - x),
        8 => (y, w - 1 - x),
        _ => panic!("orientation {orientation}"),
    }
}

fn turned<T: Copy + Default>(orientation: u8, rgba: &[T], w: usize, h: usize) -> Vec<T> {
    let width = if orientation < 5 { w } else { h };
    let mut out = vec![T::default(); rgba.len()];
    for y in 0..h {
        for x in 0..w {
            let (vx, vy) = viewed(orientation, x, y, w, h);
            let (from, to) = ((y * w + x) * 4, (vy * width + vx) * 4);
            out[to..to + 4].copy_from_slice(&rgba[from..from + 4]);
        }
    }
    out
}

/// That `file` loads as the pixels of `plain`, which says nothing, turned.
fn check(device: &Device, orientation: u8, file: &[u8], plain: &[u8]) {
    let options = LoadOptions::new();
    let stored = options.decode(device, plain).unwrap();
    let (w, h) = (stored.width() as usize, stored.height() as usize);
    let image = options.decode(device, file).unwrap();
    let sides = if orientation < 5 { (w, h) } else { (h, w) };
    assert_eq!((image.width() as usize, image.height() as usize), sides);
    let expected = turned(orientation, &stored.download().unwrap(), w, h);
    same(
        &bits(&image.download().unwrap()),
        &bits(&expected),
        orientation,
    );
    let stored = options.decode_u8(device, plain).unwrap();
    let expected = turned(orientation, &stored.download().unwrap(), w, h);
    let image = options.decode_u8(device, file).unwrap();
    same(&image.download().unwrap(), &expected, orientation);
}

/// That `plain` loads as each orientation says which `with_exif` adds to it.
fn check_all(device: &Device, plain: &[u8], with_exif: fn(&[u8], u8) -> Vec<u8>) {
    for orientation in 1..=8 {
        check(device, orientation, &with_exif(plain, orientation), plain);
    }
}

fn png_of_every_layout(device: &Device) {
    for color in PNG_COLORS {
        for (width, height) in [(1, 1), (5, 3), (67, 41)] {
            let file = noise_png(color, width, height);
            check_all(device, &file, png_with_exif);
        }
    }
}

fn tiff_by_its_tag(device: &Device) {
    use tiff::{
        encoder::{TiffEncoder, colortype},
        tags::Tag,
    };
    let pixels = Noise::new(1).floats(37 * 23 * 4);
    let rgb: Vec<f32> = pixels[..37 * 23 * 3].to_vec();
    let file = |orientation: Option<u16>, alpha: bool| {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap();
        macro_rules! write {
            ($color:ty, $samples:expr) => {{
                let mut image = encoder.new_image::<$color>(37, 23).unwrap();
                if let Some(number) = orientation {
                    image.encoder().write_tag(Tag::Orientation, number).unwrap();
                }
                image.write_data($samples).unwrap();
            }};
        }
        match alpha {
            true => write!(colortype::RGBA32Float, &pixels),
            false => write!(colortype::RGB32Float, &rgb),
        }
        file.into_inner()
    };
    for alpha in [false, true] {
        for orientation in 1..=8 {
            let tagged = file(Some(orientation.into()), alpha);
            check(device, orientation, &tagged, &file(None, alpha));
        }
    }
}

fn webp_by_its_exif(device: &Device) {
    let pixels = Noise::new(2).bytes(37 * 23 * 4);
    let image = ImageU8::from_pixels(device, 37, 23, Layout::Rgba8, &pixels).unwrap();
    let plain = SaveOptions::new().encode_u8(&image, Format::WebP).unwrap();
    check_all(device, &plain, webp_with_exif);
}

/// A lossless WebP of 37 × 23 pixels in the extended format, with EXIF at its end.
fn webp_with_exif(file: &[u8], orientation: u8) -> Vec<u8> {
    let exif = exif(orientation);
    // The extended header says that there are alpha and EXIF, and the size less one.
    let mut chunks = b"VP8X\x0a\0\0\0\x18\0\0\0\x24\0\0\x16\0\0".to_vec();
    let first = &file[12..];
    assert_eq!(&first[..4], b"VP8L");
    chunks.extend(first);
    chunks.extend(b"EXIF");
    chunks.extend(u32::try_from(exif.len()).unwrap().to_le_bytes());
    chunks.extend(exif);
    let length = u32::try_from(chunks.len() + 4).unwrap().to_le_bytes();
    [b"RIFF", &length[..], b"WEBP", &chunks].concat()
}

/// A JPEG with EXIF after its first marker.
pub(super) fn jpeg_with_exif(file: &[u8], orientation: u8) -> Vec<u8> {
    let data = [b"Exif\0\0", &exif(orientation)[..]].concat();
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&file[..2], b"\xff\xe1", &length, &data, &file[2..]].concat()
}

fn jpeg_by_its_exif(device: &Device) {
    let pixels = Noise::new(3).bytes(37 * 23 * 3);
    let image = ImageU8::from_pixels(device, 37, 23, Layout::Rgb8, &pixels).unwrap();
    let plain = SaveOptions::new().encode_u8(&image, Format::Jpeg).unwrap();
    check_all(device, &plain, jpeg_with_exif);
}

/// More rows and columns than any task or block has.
fn larger_than_a_tile(device: &Device) {
    let pixels = Noise::new(4).bytes(1031 * 517 * 3);
    let image = ImageU8::from_pixels(device, 1031, 517, Layout::Rgb8, &pixels).unwrap();
    let rgb = SaveOptions::new().background([0; 3]);
    let plain = rgb.encode_u8(&image, Format::Png).unwrap();
    check_all(device, &plain, png_with_exif);
}

fn a_buffer_must_fit_the_turned_size(device: &Device) {
    let image = ImageU8::new(device, 4, 10).unwrap();
    let plain = SaveOptions::new().encode_u8(&image, Format::Png).unwrap();
    let file = png_with_exif(&plain, 6);
    let mut target = Image::new(device, 8, 5).unwrap();
    LoadOptions::new().decode_into(&file, &mut target).unwrap();
    assert_eq!((target.width(), target.height()), (10, 4));
    let decoded = LoadOptions::new().open_bytes(device, &file).unwrap();
    assert_eq!((decoded.width(), decoded.height()), (10, 4));
}

fn what_is_off_stays_off(device: &Device) {
    let pixels = Noise::new(5).bytes(7 * 4 * 4);
    let image = ImageU8::from_pixels(device, 7, 4, Layout::Rgba8, &pixels).unwrap();
    let plain = SaveOptions::new().encode_u8(&image, Format::Png).unwrap();
    let as_stored = LoadOptions::new().apply_orientation(false);
    for orientation in 1..=8 {
        let file = png_with_exif(&plain, orientation);
        let loaded = as_stored.decode_u8(device, &file).unwrap();
        assert_eq!((loaded.width(), loaded.height()), (7, 4));
        same(&loaded.download().unwrap(), &pixels, orientation);
    }
}
