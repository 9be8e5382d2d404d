//! JPEG: bytes between segments, and segments that are not as they should be.

use super::{load, refused, shows};
use crate::support::pictures::picture;
use imagecuda::{Device, Format, Metadata, SaveOptions, inspect_bytes};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        bytes_between_segments_are_passed_over,
        bytes_behind_blocks_are_passed_over,
        a_length_may_be_too_short_for_itself,
        what_follows_the_picture_is_none_of_it,
        a_profile_that_is_there_twice_counts_once,
        cmyk_needs_no_marker_of_adobes,
    ])
}

/// EXIF of orientation 6, and nothing else.
pub(super) const EXIF: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

fn profile() -> Vec<u8> {
    moxcms::ColorProfile::new_display_p3().encode().unwrap()
}

/// A file with EXIF and a profile, of restart intervals or not.
fn file(device: &Device, restarts: bool, progressive: bool) -> Vec<u8> {
    let metadata = Metadata::new().with_exif(EXIF).with_icc_profile(profile());
    let mut options = SaveOptions::new().metadata(metadata).quality(80);
    if restarts {
        options = options.restart_interval(2);
    }
    let image = picture(device, 50, 37);
    let options = options.progressive(progressive);
    options.encode_u8(&image, Format::Jpeg).unwrap()
}

/// Where segments are: those in front of the first scan, and its header.
fn segments(file: &[u8]) -> Vec<usize> {
    let mut places = vec![2];
    while let &at = places.last().unwrap()
        && file[at + 1] != 0xda
    {
        let length = u16::from_be_bytes([file[at + 2], file[at + 3]]);
        places.push(at + 2 + usize::from(length));
    }
    places
}

fn with(file: &[u8], at: usize, more: &[u8]) -> Vec<u8> {
    [&file[..at], more, &file[at..]].concat()
}

fn bytes_between_segments_are_passed_over(device: &Device) {
    for (restarts, progressive) in [(false, false), (true, false), (false, true)] {
        let file = file(device, restarts, progressive);
        let expected = load(device, &file).unwrap();
        assert_eq!((expected.0, expected.1), (37, 50));
        let known = inspect_bytes(&file).unwrap();
        let mut places = segments(&file);
        places.push(file.len() - 2);
        for at in places {
            for more in [
                &b"\0\0"[..],
                b"\0\xe1\0\x08abcdef",
                b"hello",
                b"\xff\0\xff\0",
                b"\xff\xff\xff",
                b"a\xff\x01b\xff\x05c",
                b"\xff\xd3",
            ] {
                let file = with(&file, at, more);
                let what = format!("{more:x?} at {at}");
                shows(device, &file, &expected, &what);
                assert_eq!(inspect_bytes(&file).unwrap(), known, "{what}");
            }
        }
    }
}

/// libjpeg warns of bytes behind the blocks of an interval.
fn bytes_behind_blocks_are_passed_over(device: &Device) {
    for progressive in [false, true] {
        let file = file(device, true, progressive);
        let expected = load(device, &file).unwrap();
        let data = segments(&file).pop().unwrap() + 2;
        let markers = (data..file.len())
            .filter(|&at| matches!(file[at..], [0xff, 0xd0..=0xd7, ..]) && file[at - 1] != 0xff);
        let markers: Vec<usize> = markers.collect();
        assert!(markers.len() > 3);
        for &at in markers.iter().chain([&(file.len() - 2)]) {
            for more in [
                &b"\0"[..],
                b"hello",
                b"\xff\0",
                b"\xff\xff\xff",
                &[0x55; 300],
            ] {
                let what = format!("{progressive}: {more:x?} at {at}");
                shows(device, &with(&file, at, more), &expected, &what);
            }
        }
        // Blocks that are not there are missing.
        let lost = [&file[..markers[1] - 3], &file[markers[1]..]].concat();
        assert!(load(device, &lost).is_err());
    }
}

fn a_length_may_be_too_short_for_itself(device: &Device) {
    let file = file(device, false, false);
    let expected = load(device, &file).unwrap();
    for at in segments(&file) {
        for marker in [0xfe, 0xe0, 0xe1, 0xe2, 0xec, 0xee] {
            for length in [0, 1, 2] {
                let file = with(&file, at, &[0xff, marker, 0, length]);
                shows(device, &file, &expected, &format!("{marker:x} {length}"));
            }
        }
    }
    for length in [0, 1, 2, 3] {
        let file = with(
            &file,
            2,
            &[
                &[0xff, 0xdd, 0, length][..],
                &[0; 1][..usize::from(length / 3)],
            ]
            .concat(),
        );
        refused(device, &file, "restart interval");
    }
}

fn what_follows_the_picture_is_none_of_it(device: &Device) {
    for progressive in [false, true] {
        let file = file(device, false, progressive);
        let expected = load(device, &file).unwrap();
        let end = file.len() - 2;
        let frame = b"\xff\xc0\0\x0b\x08\0\x05\0\x05\x01\x01\x11\0";
        for more in [
            &b""[..],
            b"\xff",
            b"\xff\xd9junk",
            &[0; 99],
            frame,
            b"\xff\xdb\0\x05\x00\x01\x02",
            b"\xff\xda\0\x03\x09",
            b"\xff\xc4\xff\xff\x01",
            &file,
        ] {
            let file = [&file[..end], more].concat();
            shows(device, &file, &expected, &format!("{more:x?}"));
        }
        // Half of its data is no picture, whatever follows.
        let cut = [&file[..end * 3 / 4], frame].concat();
        assert!(load(device, &cut).is_err());
    }
}

/// The segment of a piece of a profile.
fn piece(number: u8, of: u8, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16 + 16).to_be_bytes();
    [
        &b"\xff\xe2"[..],
        &length,
        b"ICC_PROFILE\0",
        &[number, of],
        data,
    ]
    .concat()
}

fn a_profile_that_is_there_twice_counts_once(device: &Device) {
    let image = picture(device, 20, 20);
    let plain = SaveOptions::new().encode_u8(&image, Format::Jpeg).unwrap();
    let profile = profile();
    let other = moxcms::ColorProfile::new_srgb().encode().unwrap();
    let (a, b) = profile.split_at(100);
    for (pieces, found) in [
        (vec![(1, 1, &profile[..])], true),
        (vec![(1, 1, &profile), (1, 1, &profile)], true),
        (vec![(1, 2, a), (2, 2, b), (1, 2, a), (2, 2, b)], true),
        (vec![(2, 2, b), (2, 2, b), (1, 2, a)], true),
        (vec![(1, 1, &profile), (1, 1, &other)], true),
        (vec![(1, 1, &profile), (1, 1, a)], true),
        // Wrong counts of what is whole by its own length.
        (vec![(1, 0, &profile)], true),
        (vec![(1, 2, &profile)], true),
        (vec![(0, 2, a), (1, 2, b)], true),
        (vec![(1, 1, a), (2, 1, b)], true),
        // What is not.
        (vec![(1, 2, a)], false),
        (vec![(2, 2, b)], false),
        (vec![(1, 1, a), (1, 1, b)], false),
        (vec![(1, 2, b), (2, 2, b)], false),
    ] {
        let segments: Vec<u8> = pieces
            .iter()
            .flat_map(|(n, of, data)| piece(*n, *of, data))
            .collect();
        let info = inspect_bytes(&with(&plain, 2, &segments)).unwrap();
        let counts: Vec<_> = pieces
            .iter()
            .map(|(n, of, data)| (n, of, data.len()))
            .collect();
        // A lone piece that says it is all is taken at its word, and then is no profile.
        let expected = found.then_some(&profile[..]);
        let icc = info.icc_profile().filter(|icc| icc.len() >= 128);
        if found || counts.len() == 1 {
            assert_eq!(icc, expected, "{counts:?}");
        } else {
            assert_ne!(icc, Some(&profile[..]), "{counts:?}");
        }
    }
}

/// As Pillow, libvips and OpenCV have it: 255 is no ink, with Adobe's segment and without it.
fn cmyk_needs_no_marker_of_adobes(device: &Device) {
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 100);
    // Cyan, magenta, yellow and black: a little of the first, none of the others.
    let pixels = [40, 0, 0, 0].repeat(64);
    encoder
        .encode(&pixels, 8, 8, jpeg_encoder::ColorType::Cmyk)
        .unwrap();
    let expected = load(device, &file).unwrap();
    assert!(
        expected.2[..4]
            .iter()
            .zip([215, 255, 255, 255])
            .all(|(a, b)| a.abs_diff(b) < 3)
    );
    let adobe = segments(&file)
        .into_iter()
        .find(|&at| file[at + 1] == 0xee)
        .unwrap();
    let length = usize::from(file[adobe + 3]) + 2;
    file.drain(adobe..adobe + length);
    shows(device, &file, &expected, "no segment of Adobe's");
}
