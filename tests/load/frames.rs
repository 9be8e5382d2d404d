//! The frames of animations and the pages of documents on every device, one after the other.

use crate::support::animations::{Dispose, Png, RGBA8, gif_file, parts, png_file, webp_file};
use crate::support::{bits, same};
use imagecuda::{
    Device, Error, ErrorKind, Format, Frame, Frames, Image, LoadOptions, SaveOptions, inspect_bytes,
};
use libtest_mimic::Trial;
use std::{io::Cursor, num::NonZeroU32, time::Duration};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        a_still_picture_is_one_frame,
        pages_have_sizes_of_their_own,
        pages_in_a_circle_end,
        the_first_frame_is_what_load_gives,
        delays_and_loops_are_as_the_file_says,
        frames_go_into_one_image,
        frames_can_be_skipped,
        a_damaged_frame_is_the_last,
        limits_hold_for_every_frame,
        a_claim_of_many_frames_costs_nothing,
        frames_are_counted,
        errors_name_the_file,
    ])
}

const SIZE: [u32; 2] = [21, 14];

fn open(device: &Device, file: &[u8]) -> Frames {
    LoadOptions::new().frames_bytes(device, file).unwrap()
}

fn bytes(frame: Result<Frame, Error>) -> Vec<u8> {
    frame.unwrap().image().to_u8().unwrap().download().unwrap()
}

fn a_still_picture_is_one_frame(device: &Device) {
    let image = Image::new(device, 7, 5).unwrap();
    for &format in Format::ALL.iter().filter(|format| format.can_save()) {
        let file = SaveOptions::new().encode(&image, format).unwrap();
        let options = LoadOptions::new().format(format);
        let mut frames = options.frames_bytes(device, file).unwrap();
        assert_eq!(
            (frames.format(), frames.loop_count()),
            (format, NonZeroU32::new(1))
        );
        let frame = frames.next().unwrap().unwrap();
        assert_eq!((frame.image().width(), frame.image().height()), (7, 5));
        assert_eq!((frame.delay(), frame.index()), (Duration::ZERO, 0));
        assert!(
            frames.next().is_none() && frames.next().is_none(),
            "{format}"
        );
    }
}

/// A page of 4 x 3 16-bit grays, one of 2 x 2 colours, and one of 5 x 1 with alpha.
fn document(big: bool) -> Vec<u8> {
    use tiff::encoder::{TiffEncoder, colortype};
    fn write<K: tiff::encoder::TiffKind>(mut file: TiffEncoder<&mut Cursor<Vec<u8>>, K>) {
        let gray: Vec<u16> = (0..12).map(|i| i * 5461).collect();
        file.write_image::<colortype::Gray16>(4, 3, &gray).unwrap();
        let rgb: Vec<u8> = (0..12).map(|i| i * 20).collect();
        file.write_image::<colortype::RGB8>(2, 2, &rgb).unwrap();
        let rgba: Vec<u8> = (0..20).map(|i| i * 12).collect();
        file.write_image::<colortype::RGBA8>(5, 1, &rgba).unwrap();
    }
    let mut out = Cursor::new(Vec::new());
    match big {
        false => write(TiffEncoder::new(&mut out).unwrap()),
        true => write(TiffEncoder::new_big(&mut out).unwrap()),
    }
    out.into_inner()
}

fn pages_have_sizes_of_their_own(device: &Device) {
    for big in [false, true] {
        let file = document(big);
        let pages: Vec<_> = open(device, &file).map(Result::unwrap).collect();
        let sizes: Vec<_> = pages
            .iter()
            .map(|p| (p.image().width(), p.image().height()))
            .collect();
        assert_eq!(sizes, [(4, 3), (2, 2), (5, 1)]);
        assert!(pages.iter().all(|page| page.delay() == Duration::ZERO));
        let gray = pages[0].image().download().unwrap();
        assert_eq!(
            gray[4 * 7..4 * 7 + 4],
            [38_227.0_f32 / 65_535.0; 3]
                .map(|v| v)
                .into_iter()
                .chain([1.0])
                .collect::<Vec<_>>()
        );
        let mut pages = pages.into_iter();
        let rgb = bytes(Ok(pages.nth(1).unwrap()));
        assert_eq!(rgb[12..], [180, 200, 220, 255]);
        let rgba: Vec<u8> = (0..20).map(|i| i * 12).collect();
        assert_eq!(bytes(Ok(pages.next().unwrap())), rgba);
        // Pages that are passed over are not decoded.
        let mut frames = open(device, &file);
        assert_eq!(bytes(frames.nth(2).unwrap()), rgba);
        assert!(frames.next().is_none());
    }
}

fn pages_in_a_circle_end(device: &Device) {
    let mut file = document(false);
    let at = |file: &[u8], at: usize| u32::from_le_bytes(*file[at..].first_chunk().unwrap());
    let next = |file: &[u8], ifd: u32| {
        let entries = u16::from_le_bytes(*file[ifd as usize..].first_chunk().unwrap());
        ifd as usize + 2 + 12 * usize::from(entries)
    };
    let first = at(&file, 4);
    let second = at(&file, next(&file, first));
    let link = next(&file, second);
    file[link..link + 4].copy_from_slice(&first.to_le_bytes());
    let mut frames = open(device, &file);
    assert!(frames.next().unwrap().is_ok() && frames.next().unwrap().is_ok());
    assert!(frames.next().is_none());
    // And to nowhere.
    file[link..link + 4].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    assert_eq!(open(device, &file).filter(Result::is_ok).count(), 2);
    assert_eq!(open(device, &file).filter(Result::is_err).count(), 1);
}

fn animated() -> [(Format, Vec<u8>); 3] {
    let mut parts = parts(9, SIZE, 5, &[0, 255]);
    for part in &mut parts {
        (part.over, part.dispose) = (true, Dispose::Keep);
    }
    [
        (Format::Gif, gif_file(SIZE, &parts, None)),
        (Format::Png, png_file(SIZE, &parts, RGBA8)),
        (Format::WebP, webp_file(SIZE, &parts, 0)),
    ]
}

fn the_first_frame_is_what_load_gives(device: &Device) {
    for (format, file) in animated()
        .into_iter()
        .chain([(Format::Tiff, document(false))])
    {
        let loaded = LoadOptions::new().decode(device, &file).unwrap();
        let frame = open(device, &file).next().unwrap().unwrap();
        same(
            &bits(&frame.image().download().unwrap()),
            &bits(&loaded.download().unwrap()),
            format,
        );
    }
}

fn delays_and_loops_are_as_the_file_says(device: &Device) {
    let parts = parts(5, SIZE, 6, &[255]);
    let delays =
        |file: &[u8]| -> Vec<_> { open(device, file).map(|f| f.unwrap().delay()).collect() };
    let times = |unit: u64| -> Vec<_> {
        let delays = parts.iter().map(|part| u64::from(part.delay) * unit);
        delays.map(Duration::from_millis).collect()
    };
    let gif = |repeat| gif_file(SIZE, &parts, repeat);
    let png = |plays| png_file(SIZE, &parts, Png { plays, ..RGBA8 });
    let webp = |plays| webp_file(SIZE, &parts, plays);
    assert_eq!(delays(&gif(None)), times(10));
    assert_eq!(delays(&png(0)), times(10));
    assert_eq!(delays(&webp(0)), times(1));
    // A GIF says how often it is played again.
    for (file, loops) in [
        (gif(None), 1),
        (gif(Some(gif::Repeat::Infinite)), 0),
        (gif(Some(gif::Repeat::Finite(2))), 3),
        (png(0), 0),
        (png(3), 3),
        (webp(0), 0),
        (webp(3), 3),
    ] {
        let frames = open(device, &file);
        let found = (frames.loop_count(), frames.frame_count());
        assert_eq!(found, (NonZeroU32::new(loops), 6), "{}", frames.format());
    }
}

fn frames_go_into_one_image(device: &Device) {
    for (format, file) in animated() {
        let expected: Vec<_> = open(device, &file).map(bytes).collect();
        let mut frames = open(device, &file);
        // Without room, nothing changes, and the frame is still to come.
        let mut small = Image::new(device, 5, 5).unwrap();
        let error = frames.next_into(&mut small).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::OverCapacity { .. }),
            "{error}"
        );
        assert_eq!((small.width(), small.height()), (5, 5));
        let mut image = Image::new(device, 32, 32).unwrap();
        for expected in &expected {
            assert!(frames.next_into(&mut image).unwrap().is_some());
            assert_eq!(
                ([image.width(), image.height()], image.capacity()),
                (SIZE, 1024)
            );
            same(
                &image.to_u8().unwrap().download().unwrap(),
                expected,
                format,
            );
        }
        assert!(frames.next_into(&mut image).unwrap().is_none());
        assert!(frames.next_into(&mut small).unwrap().is_none());
    }
    let mut pages = open(device, &document(false));
    let mut image = Image::new(device, 2, 2).unwrap();
    pages.next_into(&mut image).unwrap_err();
    pages.skip_frames(1).unwrap();
    assert_eq!(pages.next_into(&mut image).unwrap(), Some(Duration::ZERO));
    assert!(matches!(
        pages.next_into(&mut image).unwrap_err().kind(),
        ErrorKind::OverCapacity { .. }
    ));
}

fn frames_can_be_skipped(device: &Device) {
    for (format, file) in animated() {
        let all: Vec<_> = open(device, &file).map(bytes).collect();
        let delays = open(device, &file).map(|frame| frame.unwrap().delay());
        let delays: Vec<_> = delays.collect();
        for (n, expected) in all.iter().enumerate() {
            let mut frames = open(device, &file);
            let frame = frames.nth(n).unwrap().unwrap();
            assert_eq!(frame.index(), n);
            same(&bytes(Ok(frame)), expected, (format, n));
            assert_eq!(frames.skip_frames(9).unwrap(), delays[n + 1..]);
            assert!(frames.next().is_none());
        }
        assert!(open(device, &file).nth(5).is_none());
    }
}

fn a_damaged_frame_is_the_last(device: &Device) {
    let [gif, png, mut webp] = animated().map(|(_, file)| file);
    let document = document(false);
    // Into the pixels of a later frame.
    let at = webp.len() - webp.len() / 5;
    let frame = (0..at)
        .rev()
        .find(|&at| webp[at..].starts_with(b"VP8L"))
        .unwrap();
    webp[frame + 13..frame + 45].fill(0xff);
    let cut = |file: &[u8]| file[..file.len() * 3 / 4].to_vec();
    for file in [cut(&gif), cut(&png), webp, cut(&document)] {
        let Ok(frames) = LoadOptions::new().frames_bytes(device, file) else {
            panic!("the first frame is whole");
        };
        let format = frames.format();
        let results: Vec<_> = frames.collect();
        let (last, before) = results.split_last().unwrap();
        let error = last.as_ref().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
        assert_eq!(error.format(), Some(format));
        assert!(
            !before.is_empty() && before.iter().all(Result::is_ok),
            "{format}"
        );
    }
}

fn limits_hold_for_every_frame(device: &Device) {
    let pixels = u64::from(SIZE[0] * SIZE[1]);
    for (format, file) in animated() {
        let error = LoadOptions::new()
            .max_pixels(pixels - 1)
            .frames_bytes(device, file.clone());
        let error = error.unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::LimitExceeded { what: "pixels", .. }
            ),
            "{error}"
        );
        let frames = LoadOptions::new()
            .max_pixels(pixels)
            .frames_bytes(device, file)
            .unwrap();
        assert_eq!(frames.filter(Result::is_ok).count(), 5, "{format}");
    }
    // A GIF's frames may be larger than its canvas, and pages larger than the first.
    let large = parts(4, [100, 100], 1, &[255]);
    let mut gif = gif_file(SIZE, &parts(4, SIZE, 1, &[255]), None);
    gif.truncate(gif.len() - 1);
    gif.extend(&gif_file(SIZE, &large, None)[13 + 6..]);
    for (file, limit) in [(gif, pixels), (document(false), 4 * 3)] {
        let frames = LoadOptions::new()
            .max_pixels(limit)
            .frames_bytes(device, file);
        let count = frames.unwrap().filter(Result::is_ok).count();
        assert!((1..=3).contains(&count));
    }
}

fn a_claim_of_many_frames_costs_nothing(device: &Device) {
    let mut file = png_file(SIZE, &parts(2, SIZE, 2, &[255]), RGBA8);
    let control = 8 + 25; // after the signature and the header
    let mut claim = Vec::new();
    crate::support::animations::png_chunk(
        &mut claim,
        b"acTL",
        &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0],
    );
    file[control..control + claim.len()].copy_from_slice(&claim);
    let mut frames = open(device, &file);
    assert_eq!(frames.frame_count(), 0x7fff_ffff);
    assert_eq!(frames.size_hint(), (0, Some(0x8000_0000)));
    assert!(frames.next().unwrap().is_ok() && frames.next().unwrap().is_ok());
    assert!(frames.next().unwrap().is_err() && frames.next().is_none());
    assert_eq!(frames.size_hint(), (0, Some(0)));
}

fn errors_name_the_file(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.gif");
    let [(_, gif), ..] = animated();
    std::fs::write(&path, &gif[..gif.len() * 2 / 3]).unwrap();
    let error = LoadOptions::new().frames(device, &path).unwrap();
    let error = error.last().unwrap().unwrap_err();
    assert!(
        error.to_string().contains("cut.gif (GIF): cannot decode: "),
        "{error}"
    );
    let error = LoadOptions::new()
        .frames(device, folder.path().join("no.gif"))
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Io(_)) && error.path().is_some(),
        "{error}"
    );
    let error = LoadOptions::new()
        .frames_bytes(device, b"what".to_vec())
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::UnknownFormat(_)),
        "{error}"
    );
}

fn frames_are_counted(device: &Device) {
    let parts = parts(3, SIZE, 6, &[0, 255]);
    let gif = gif_file(SIZE, &parts, None);
    let files = [
        (png_file(SIZE, &parts, RGBA8), 6),
        (webp_file(SIZE, &parts, 0), 6),
        (document(false), 3),
        (document(true), 3),
        (gif_file(SIZE, &parts[..1], None), 1),
        (gif[..gif.len() - 1].to_vec(), 6), // no end
        (gif[..gif.len() - 20].to_vec(), 6),
        (gif, 6),
    ];
    for (file, count) in files {
        let info = inspect_bytes(&file).unwrap();
        assert_eq!(info.frame_count(), count, "{}", info.format());
        let frames = open(device, &file);
        assert_eq!(frames.frame_count(), count);
        let most = frames.size_hint().1.unwrap();
        let found = frames.count();
        assert!((count as usize..=most).contains(&found), "{found}");
    }
    for &format in Format::ALL.iter().filter(|format| format.can_save()) {
        let image = Image::new(device, 7, 5).unwrap();
        let file = SaveOptions::new().encode(&image, format).unwrap();
        // Without a name, nothing tells a TGA.
        if format != Format::Tga {
            assert_eq!(inspect_bytes(&file).unwrap().frame_count(), 1, "{format}");
        }
    }
    // The last page leads to the first.
    let mut endless = document(false);
    let (first, end) = (endless[4..8].to_vec(), endless.len());
    assert_eq!(endless[end - 4..], [0; 4]);
    endless[end - 4..].copy_from_slice(&first);
    assert_eq!(inspect_bytes(&endless).unwrap().frame_count(), 3);
}
