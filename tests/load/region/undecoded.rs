//! What is not decoded for a region costs nothing, and its damage is no error.

use super::{cropped, noise_image};
use crate::support::{Noise, jpegs, same};
use imagecuda::{Device, ErrorKind, Format, JpegDecoder, LoadOptions, PngDecoder, SaveOptions};
use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        limits_count_what_is_decoded,
        damage_elsewhere_is_no_error,
        what_comes_before_a_restart_is_passed_over,
        a_tile_of_a_huge_tiff_needs_little_memory,
    ])
}

fn limits_count_what_is_decoded(device: &Device) {
    let image = noise_image(device, 64, 64);
    let file = SaveOptions::new().encode_u8(&image, Format::Qoi).unwrap();
    // QOI is decoded whole.
    let options = LoadOptions::new().region(0, 0, 8, 8).max_pixels(4095);
    let error = options.decode(device, &file).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::LimitExceeded { .. }));
    assert!(options.max_pixels(4096).decode(device, &file).is_ok());
}

/// Behind the last row that is needed nothing is read.
fn damage_elsewhere_is_no_error(device: &Device) {
    let image = noise_image(device, 120, 400);
    let folder = [Format::Jpeg, Format::Png, Format::Tiff];
    for format in folder {
        let file = SaveOptions::new().encode_u8(&image, format).unwrap();
        let options = LoadOptions::new()
            .jpeg_decoder(JpegDecoder::Host)
            .png_decoder(PngDecoder::Host);
        let cut = &file[..file.len() / 2];
        let top = options.clone().region(3, 5, 100, 20);
        let whole = top.decode_u8(device, &file).unwrap();
        let bottom = options.region(3, 350, 100, 20);
        // On a GPU kernels make the pixels of a whole JPEG; a TIFF's directory is at its end.
        if format == Format::Png || (format == Format::Jpeg && !device.is_cuda()) {
            let part = top.decode_u8(device, cut);
            let part = part.unwrap_or_else(|error| panic!("{error}"));
            let (part, whole) = (part.download().unwrap(), whole.download().unwrap());
            same(&part, &whole, format);
        }
        let error = bottom.decode_u8(device, cut).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
}

/// With restart markers, a region does not depend on the intervals before it.
fn what_comes_before_a_restart_is_passed_over(device: &Device) {
    let image = noise_image(device, 160, 240);
    // An interval of one row of MCUs (8 × 8 pixels), and one of one and a half.
    for (interval, first) in [(20, 100), (30, 112)] {
        let options = SaveOptions::new().restart_interval(interval);
        let file = options.encode_u8(&image, Format::Jpeg).unwrap();
        let mut damaged = file.clone();
        let start = jpegs::first_scan(&file).unwrap();
        // Zeros in the first interval only: a restart marker has its last bits.
        let end = (start..).find(|&at| file[at] == 0xff && file[at + 1] == 0xd0);
        damaged[start + 20..end.unwrap()].fill(0);
        let options = LoadOptions::new().jpeg_decoder(JpegDecoder::Host);
        let options = options.region(40, first, 60, 90);
        let expected = options.decode_u8(device, &file).unwrap();
        let whole = LoadOptions::new().decode_u8(device, &file).unwrap();
        let all = cropped(&whole.download().unwrap(), 160, [40, first, 60, 90]);
        same(&expected.download().unwrap(), &all, interval);
        if device.is_cuda() {
            continue; // kernels make the pixels of the whole picture
        }
        let found = options.decode_u8(device, &damaged).unwrap();
        same(&found.download().unwrap(), &all, interval);
    }
}

/// A gray TIFF of `side` × `side` pixels, all of whose tiles of 256 × 256 are `tile`.
fn tiled(side: u32, tile: &[u8]) -> Vec<u8> {
    let across = side.div_ceil(256);
    let count = across * across;
    let after = 8 + 2 + 10 * 12 + 4;
    let (lengths, data) = (after + 4 * count, after + 8 * count);
    let tags: [(u16, u32, u32); 10] = [
        (256, 1, side),
        (257, 1, side),
        (258, 1, 8),
        (259, 1, 1),
        (262, 1, 1),
        (277, 1, 1),
        (322, 1, 256),
        (323, 1, 256),
        (324, count, after),
        (325, count, lengths),
    ];
    let mut file = b"II\x2a\0\x08\0\0\0\x0a\0".to_vec();
    for (tag, count, value) in tags {
        file.extend(tag.to_le_bytes());
        file.extend([4, 0]);
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    for value in [data, tile.len() as u32] {
        file.extend(value.to_le_bytes().repeat(count as usize));
    }
    file.extend(tile);
    file
}

/// The most memory that this process ever had, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse::<u64>().unwrap() * 1024
}

#[cfg(not(target_os = "linux"))]
fn peak() -> u64 {
    0
}

fn a_tile_of_a_huge_tiff_needs_little_memory(device: &Device) {
    let name = "load::region::undecoded::a_tile_of_a_huge_tiff_needs_little_memory";
    if !crate::support::alone(name, device) {
        return;
    }
    let tile = Noise::new(1).bytes(256 * 256);
    let file = tiled(30_000, &tile);
    // The default limits hold for what is decoded.
    let error = LoadOptions::new().decode(device, &file).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::LimitExceeded { .. }));
    let warm = LoadOptions::new().region(0, 0, 1, 1);
    warm.decode_u8(device, &file).unwrap();
    let before = peak();
    let (x, y) = (20_400, 12_700);
    let options = LoadOptions::new()
        .region(x, y, 100, 100)
        .max_bytes(64 << 20);
    let part = options.decode_u8(device, &file).unwrap();
    assert!(peak() - before < 64 << 20, "{} bytes", peak() - before);
    let pixels = part.download().unwrap();
    for (i, pixel) in pixels.chunks_exact(4).enumerate() {
        let (x, y) = (x as usize + i % 100, y as usize + i / 100);
        let gray = tile[y % 256 * 256 + x % 256];
        assert_eq!(pixel, [gray, gray, gray, 255], "{x}, {y}");
    }
}
