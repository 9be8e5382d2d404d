//! Large PNGs, which several threads read, and which go up in parts.

use crate::support::{animations::png_chunk, pictures::folder};
use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use imagecuda::{Device, LoadOptions, PngDecoder};
use libtest_mimic::Trial;
use std::fs;

/// A file of more than two megabytes, whose data begin behind a text of a length.
fn file(text: usize) -> Vec<u8> {
    let (width, height) = (1000, 720);
    let mut state = 7_u32;
    let pixels: Vec<u8> = (0..width * height * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let mut file = Vec::new();
    PngEncoder::new_with_quality(
        &mut file,
        CompressionType::Uncompressed,
        FilterType::NoFilter,
    )
    .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
    .unwrap();
    let mut chunk = Vec::new();
    png_chunk(
        &mut chunk,
        b"tEXt",
        &[&b"k\0"[..], &vec![b'x'; text]].concat(),
    );
    file.splice(33..33, chunk);
    assert!(file.len() > 2 << 20, "{} bytes", file.len());
    file
}

/// From files, as memory is not read. The data begin at any offset.
fn large_pngs_have_the_same_pixels(device: &Device) {
    let folder = folder();
    let path = folder.path().join("large.png");
    for text in [0, 1, 18] {
        let file = file(text);
        fs::write(&path, &file).unwrap();
        let host = LoadOptions::new().png_decoder(PngDecoder::Host);
        let expected = host.decode_u8(&Device::cpu(), &file).unwrap();
        let loaded = LoadOptions::new().load_u8(device, &path).unwrap();
        assert!(
            loaded.download().unwrap() == expected.download().unwrap(),
            "{text}"
        );
    }
}

/// The host decodes what is cut short, or damaged in its middle, and says what is wrong.
fn large_pngs_that_are_damaged_are_found_out(device: &Device) {
    let folder = folder();
    let path = folder.path().join("large.png");
    let mut damaged = [file(0), file(0)];
    damaged[0].truncate(1_500_000);
    damaged[1][1_500_000] ^= 1;
    for file in damaged {
        fs::write(&path, &file).unwrap();
        assert!(LoadOptions::new().load(device, &path).is_err());
        let options = LoadOptions::new().allow_truncated(true);
        let host = options.clone().png_decoder(PngDecoder::Host);
        let expected = host.decode_u8(&Device::cpu(), &file);
        let loaded = options.load_u8(device, &path);
        match (loaded, expected) {
            (Ok(loaded), Ok(expected)) => {
                assert!(loaded.download().unwrap() == expected.download().unwrap());
            }
            (loaded, expected) => assert!(loaded.is_err() && expected.is_err()),
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        large_pngs_have_the_same_pixels,
        large_pngs_that_are_damaged_are_found_out,
    ])
}
