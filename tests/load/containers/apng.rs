//! Animated PNG, broken in front of the picture's data and behind them.

use super::{
    png::{SIZE, chunk, end, file, header, pixels, wrong},
    shows,
};
use crate::support::{
    animations::{RGBA8, scanlines, zlib},
    bits, same,
};
use imagecuda::{Device, Frame, LoadOptions, inspect_bytes};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        a_broken_animation_is_a_still_picture,
        the_default_image_is_what_load_gives,
        a_broken_frame_is_the_last,
        frames_of_palettes_are_transparent,
    ])
}

/// An fcTL chunk.
fn control(number: u32, [width, height]: [u32; 2], x: u32, dispose: u8, blend: u8) -> Vec<u8> {
    let mut control = [number, width, height, x, 0].map(u32::to_be_bytes).concat();
    control.extend([0, 1, 0, 10, dispose, blend]);
    control
}

fn numbers(frames: u32) -> Vec<u8> {
    [frames, 0].map(u32::to_be_bytes).concat()
}

fn frames(device: &Device, file: &[u8]) -> Vec<Result<Frame, String>> {
    let frames = LoadOptions::new().frames_bytes(device, file).unwrap();
    frames
        .map(|frame| frame.map_err(|error| error.to_string()))
        .collect()
}

/// As the specification has it: before the data, any error makes it one.
fn a_broken_animation_is_a_still_picture(device: &Device) {
    let (expected, data) = pixels();
    let actl = |frames| chunk(b"acTL", &numbers(frames));
    let fctl = |control: &[u8]| chunk(b"fcTL", control);
    let good = control(0, SIZE, 0, 0, 0);
    let fdat = chunk(b"fdAT", &[&[0, 0, 0, 2], &data[..]].concat());
    let file = |before: &[Vec<u8>]| {
        let after = [
            chunk(b"IDAT", &data),
            fctl(&control(1, SIZE, 0, 0, 0)),
            fdat.clone(),
            end(),
        ];
        file(&[&[header(8, 2)], before, &after].concat())
    };
    let sound = file(&[actl(2), fctl(&good)]);
    assert_eq!(inspect_bytes(&sound).unwrap().frame_count(), 2);
    let found = frames(device, &sound);
    assert!(
        found.len() == 2 && found.iter().all(Result::is_ok),
        "{found:?}"
    );
    for (before, what) in [
        (vec![actl(2), actl(2), fctl(&good)], "acTL twice"),
        (vec![actl(0), fctl(&good)], "no frames"),
        (vec![actl(u32::MAX), fctl(&good)], "too many frames"),
        (
            vec![chunk(b"acTL", &numbers(2)[..7]), fctl(&good)],
            "a short acTL",
        ),
        (vec![chunk(b"acTL", &[0; 9]), fctl(&good)], "a long acTL"),
        (
            vec![wrong(b"acTL", &numbers(2)), fctl(&good)],
            "CRC of acTL",
        ),
        (vec![fctl(&good), actl(2)], "acTL behind fcTL"),
        (vec![fctl(&good)], "no acTL"),
        (vec![actl(2), fctl(&good), fctl(&good)], "fcTL twice"),
        (
            vec![actl(2), fctl(&good), fctl(&control(1, SIZE, 0, 0, 0))],
            "two fcTLs",
        ),
        (vec![actl(2), fctl(&good[..25])], "a short fcTL"),
        (vec![actl(2), wrong(b"fcTL", &good)], "CRC of fcTL"),
        (vec![actl(2), fctl(&control(1, SIZE, 0, 0, 0))], "number"),
        (vec![actl(2), fctl(&control(0, [6, 4], 0, 0, 0))], "wider"),
        (
            vec![actl(2), fctl(&control(0, [4, 4], 0, 0, 0))],
            "narrower",
        ),
        (vec![actl(2), fctl(&control(0, [4, 4], 1, 0, 0))], "a part"),
        (vec![actl(2), fctl(&control(0, SIZE, 1, 0, 0))], "moved"),
        (vec![actl(2), fctl(&control(0, SIZE, 0, 3, 0))], "dispose"),
        (vec![actl(2), fctl(&control(0, SIZE, 0, 0, 2))], "blend"),
        (
            vec![actl(2), fctl(&good), fdat.clone()],
            "fdAT before the data",
        ),
    ] {
        let file = file(&before);
        shows(device, &file, &expected, what);
        assert_eq!(inspect_bytes(&file).unwrap().frame_count(), 1, "{what}");
        let frames = frames(device, &file);
        assert!(frames.len() == 1 && frames[0].is_ok(), "{what}: {frames:?}");
    }
}

fn the_default_image_is_what_load_gives(device: &Device) {
    let (expected, data) = pixels();
    let other: Vec<u8> = data[7..data.len() - 4].to_vec();
    let other = zlib(
        &other
            .iter()
            .map(|&byte| if byte > 8 { !byte } else { 0 })
            .collect::<Vec<_>>(),
    );
    let frame = [&[0, 0, 0, 1], &other[..]].concat();
    let file = file(&[
        header(8, 2),
        chunk(b"acTL", &numbers(1)),
        chunk(b"IDAT", &data),
        chunk(b"fcTL", &control(0, SIZE, 0, 0, 0)),
        chunk(b"fdAT", &frame),
        end(),
    ]);
    shows(device, &file, &expected, "the default image");
    let info = inspect_bytes(&file).unwrap();
    assert_eq!(
        (info.width(), info.height(), info.frame_count()),
        (SIZE[0], SIZE[1], 1)
    );
    assert_eq!(info.channels(), 3);
    let frames = frames(device, &file);
    let [Ok(frame)] = &frames[..] else {
        panic!("{frames:?}");
    };
    let image = LoadOptions::new().decode(device, &file).unwrap();
    let [still, moving] = [&image, frame.image()].map(|image| image.download().unwrap());
    for (still, moving) in still.chunks(4).zip(moving.chunks(4)) {
        let sums = [0, 1, 2].map(|i| still[i] + moving[i]);
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{sums:?}");
    }
    // A damaged frame is not made up of the default image.
    let at = file.len() - 12 - 20;
    let cut = &file[..at];
    shows(device, cut, &expected, "the default image");
    let tolerant = LoadOptions::new().allow_truncated(true);
    let mut frames = tolerant.frames_bytes(device, cut).unwrap();
    assert!(frames.next().unwrap().is_err());
}

fn a_broken_frame_is_the_last(device: &Device) {
    let (_, data) = pixels();
    let frame = |number: u32, data: &[u8]| [&number.to_be_bytes(), data].concat();
    let good = control(1, SIZE, 0, 0, 0);
    let mut bad = data.clone();
    bad[30] ^= 1;
    let (a, b) = data.split_at(17);
    for (after, count, what) in [
        (
            vec![chunk(b"fcTL", &good), chunk(b"fdAT", &frame(2, &data))],
            2,
            "sound",
        ),
        (
            vec![chunk(b"fcTL", &good), wrong(b"fdAT", &frame(2, &data))],
            2,
            "CRC",
        ),
        (
            vec![
                chunk(b"fcTL", &good),
                chunk(b"tEXt", b"a\0b"),
                chunk(b"fdAT", &frame(2, a)),
                chunk(b"fdAT", &frame(3, b)),
            ],
            2,
            "pieces",
        ),
        (
            vec![chunk(b"fcTL", &good), wrong(b"fdAT", &frame(2, &bad))],
            1,
            "both checksums",
        ),
        (
            vec![chunk(b"fcTL", &good), chunk(b"fdAT", &frame(5, &data))],
            1,
            "number",
        ),
        (
            vec![
                chunk(b"fcTL", &good),
                chunk(b"fdAT", &frame(2, a)),
                chunk(b"fdAT", &frame(2, b)),
            ],
            1,
            "number again",
        ),
        (
            vec![chunk(b"fcTL", &good), chunk(b"fdAT", b"ab")],
            1,
            "no number",
        ),
        (
            vec![chunk(b"fcTL", &good), chunk(b"fdAT", &frame(2, a))],
            1,
            "half of the data",
        ),
        (vec![chunk(b"fcTL", &good)], 1, "no data"),
        (
            vec![wrong(b"fcTL", &good), chunk(b"fdAT", &frame(2, &data))],
            1,
            "CRC of fcTL",
        ),
        (
            vec![
                chunk(b"fcTL", &control(1, SIZE, 1, 0, 0)),
                chunk(b"fdAT", &frame(2, &data)),
            ],
            1,
            "outside",
        ),
        (vec![chunk(b"fdAT", &frame(1, &data))], 1, "no fcTL"),
        (vec![], 1, "nothing"),
    ] {
        let before = [
            header(8, 2),
            chunk(b"acTL", &numbers(2)),
            chunk(b"fcTL", &control(0, SIZE, 0, 0, 0)),
            chunk(b"IDAT", &data),
        ];
        let file = file(&[&before[..], &after].concat());
        let found = frames(device, &file);
        let sound = found.iter().filter(|frame| frame.is_ok()).count();
        assert_eq!((sound, found.len()), (count, 2), "{what}: {found:?}");
        let first = found[0].as_ref().unwrap().image().download().unwrap();
        let still = LoadOptions::new().decode(device, &file).unwrap();
        same(&bits(&first), &bits(&still.download().unwrap()), what);
    }
}

fn frames_of_palettes_are_transparent(device: &Device) {
    let lines = scanlines(&[0; 20], SIZE[0], 1, RGBA8);
    let file = file(&[
        header(8, 3),
        chunk(b"PLTE", &[10, 20, 30]),
        chunk(b"tRNS", &[77]),
        chunk(b"acTL", &numbers(1)),
        chunk(b"fcTL", &control(0, SIZE, 0, 0, 0)),
        chunk(b"IDAT", &zlib(&lines)),
        end(),
    ]);
    let found = frames(device, &file);
    let image = found[0].as_ref().unwrap().image().to_u8().unwrap();
    same(
        &image.download().unwrap()[..4],
        &[10, 20, 30, 77],
        "palette",
    );
}
