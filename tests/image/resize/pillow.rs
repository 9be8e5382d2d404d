//! Resized pictures of 8 bits are those of Pillow.

use imagecuda::{Device, Filter, Image, Layout};
use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![eight_bits_are_those_of_pillow])
}

/// What Pillow 13.0.0 makes of the gray picture of 9 x 7 pixels of [`gray`], by `Image.resize`.
const PILLOW: [(Filter, (u32, u32), &[u8]); 10] = [
    (
        Filter::Nearest,
        (4, 3),
        &[179, 89, 167, 157, 169, 183, 109, 75, 71, 189, 91, 161],
    ),
    (
        Filter::Box,
        (4, 3),
        &[122, 127, 138, 144, 118, 115, 117, 115, 146, 146, 108, 150],
    ),
    (
        Filter::Triangle,
        (4, 3),
        &[137, 117, 131, 135, 120, 124, 117, 124, 133, 139, 117, 134],
    ),
    (
        Filter::CatmullRom,
        (4, 3),
        &[139, 116, 133, 136, 119, 121, 116, 121, 133, 143, 114, 135],
    ),
    (
        Filter::Lanczos3,
        (4, 3),
        &[142, 115, 133, 137, 119, 120, 116, 122, 131, 145, 112, 136],
    ),
    (
        Filter::Nearest,
        (5, 10),
        &[
            77, 171, 177, 95, 181, 143, 161, 91, 189, 71, 143, 161, 91, 189, 71, 187, 129, 111,
            133, 67, 81, 75, 109, 183, 169, 81, 75, 109, 183, 169, 81, 127, 85, 83, 121, 187, 157,
            167, 89, 179, 187, 157, 167, 89, 179, 143, 165, 99, 73, 87,
        ],
    ),
    (
        Filter::Box,
        (5, 10),
        &[
            82, 122, 177, 97, 173, 161, 125, 91, 178, 114, 161, 125, 91, 178, 114, 154, 106, 111,
            109, 97, 125, 129, 109, 146, 122, 125, 129, 109, 146, 122, 74, 130, 85, 97, 125, 129,
            173, 167, 90, 170, 129, 173, 167, 90, 170, 162, 130, 99, 125, 129,
        ],
    ),
    (
        Filter::Triangle,
        (5, 10),
        &[
            88, 125, 134, 109, 168, 128, 134, 120, 146, 139, 159, 135, 106, 161, 111, 155, 114, 98,
            120, 98, 131, 121, 116, 132, 118, 104, 123, 118, 126, 127, 81, 120, 105, 100, 124, 121,
            143, 141, 102, 154, 147, 149, 137, 112, 146, 161, 146, 116, 124, 122,
        ],
    ),
    (
        Filter::CatmullRom,
        (5, 10),
        &[
            81, 126, 134, 102, 177, 127, 136, 118, 152, 141, 168, 135, 99, 175, 104, 159, 111, 95,
            120, 97, 133, 123, 118, 132, 119, 98, 126, 120, 127, 128, 76, 121, 104, 97, 124, 117,
            147, 148, 94, 164, 151, 151, 141, 110, 151, 166, 143, 112, 128, 119,
        ],
    ),
    (
        Filter::Lanczos3,
        (5, 10),
        &[
            81, 125, 133, 98, 179, 127, 137, 115, 156, 144, 178, 133, 90, 185, 97, 162, 109, 91,
            124, 97, 134, 125, 122, 127, 122, 91, 130, 120, 126, 127, 74, 122, 106, 95, 125, 109,
            147, 154, 85, 168, 155, 151, 143, 112, 151, 169, 140, 106, 135, 113,
        ],
    ),
];

/// The same with alpha: RGBA of 9 x 7 pixels to 4 x 3.
const PILLOW_RGBA: [(Filter, &[u8]); 2] = [
    (
        Filter::Triangle,
        &[
            121, 113, 112, 132, 127, 139, 136, 148, 138, 124, 120, 127, 131, 147, 123, 109, 132,
            111, 126, 121, 111, 137, 131, 128, 120, 120, 122, 131, 137, 133, 137, 134, 132, 136,
            123, 142, 134, 139, 127, 104, 123, 123, 120, 116, 103, 140, 122, 140,
        ],
    ),
    (
        Filter::Lanczos3,
        &[
            120, 112, 107, 131, 129, 143, 140, 160, 141, 120, 124, 121, 132, 147, 125, 104, 137,
            104, 124, 115, 101, 144, 126, 131, 118, 123, 120, 138, 141, 133, 139, 130, 134, 137,
            125, 146, 145, 134, 126, 93, 126, 119, 119, 115, 101, 141, 120, 146,
        ],
    ),
];

fn gray(i: u32) -> u8 {
    64 + ((i * i * 37 + i * 101 + 13) % 128) as u8
}

fn eight_bits_are_those_of_pillow(device: &Device) {
    let off_by = |got: &[u8], expected: &[u8]| {
        assert_eq!(got.len(), expected.len());
        let pairs = got.iter().zip(expected);
        pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    };
    let bytes: Vec<u8> = (0..63).map(gray).collect();
    let picture = Image::from_pixels(device, 9, 7, Layout::L8, &bytes).unwrap();
    for (filter, (width, height), expected) in PILLOW {
        let resized = picture.resized(width, height, filter).unwrap();
        let got = resized.to_u8().unwrap().download().unwrap();
        let got: Vec<u8> = got.chunks(4).map(|p| p[0]).collect();
        let off = off_by(&got, expected);
        assert!(off <= 1, "{filter:?} {width}x{height}: {got:?}");
        assert!(off == 0 || filter != Filter::Nearest);
    }
    let bytes: Vec<u8> = (0..252).map(gray).collect();
    let picture = Image::from_pixels(device, 9, 7, Layout::Rgba8, &bytes).unwrap();
    for (filter, expected) in PILLOW_RGBA {
        let resized = picture.resized(4, 3, filter).unwrap();
        let got = resized.to_u8().unwrap().download().unwrap();
        // Pillow rounds the products with alpha too, and divides what it has rounded.
        assert!(off_by(&got, expected) <= 2, "{filter:?}: {got:?}");
    }
}
