//! WebP, GIF and TIFF.

use super::{Picture, jpeg::EXIF, load, refused, shows};
use crate::support::pictures::picture;
use imagecuda::{Device, Format, LoadOptions, SaveOptions, inspect_bytes};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        a_webp_has_what_its_header_says,
        a_webps_length_may_be_wrong,
        controls_of_a_gif_may_be_longer,
        a_gif_without_a_screen_is_its_first_image,
        extensions_of_a_gif_may_be_of_any_kind,
        a_gif_without_a_palette_is_gray,
        a_gifs_first_image_may_be_larger_than_its_screen,
        comments_of_a_pnm_may_be_among_its_samples,
        a_pam_need_not_state_its_tuple_type,
        a_tiffs_orientation_is_a_number_of_any_type,
    ])
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut out = [&kind[..], &(data.len() as u32).to_le_bytes(), data].concat();
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"RIFF", &[b"WEBP", &chunks.concat()[..]].concat())
}

/// The extended header of a picture of 20x10.
fn extended(flags: u8) -> Vec<u8> {
    chunk(b"VP8X", &[flags, 0, 0, 0, 19, 0, 0, 9, 0, 0])
}

/// The chunks of a picture as the library writes them, without a header.
fn webp(device: &Device, options: &SaveOptions) -> Vec<Vec<u8>> {
    let image = picture(device, 20, 10);
    let file = options.encode_u8(&image, Format::WebP).unwrap();
    let mut chunks = Vec::new();
    let mut rest = &file[12..];
    while let Some(length) = rest.get(4..8) {
        let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
        let (one, others) = rest.split_at((8 + length).next_multiple_of(2));
        if !one.starts_with(b"VP8X") {
            chunks.push(one.to_vec());
        }
        rest = others;
    }
    chunks
}

/// A picture in both kinds, opaque.
fn pictures(device: &Device) -> [Vec<u8>; 2] {
    let lossy = SaveOptions::new().background([0; 3]).quality(80);
    let lossless = SaveOptions::new().background([0; 3]);
    [lossy, lossless].map(|options| webp(device, &options).concat())
}

const EXIF_FLAG: u8 = 8;
const ICC_FLAG: u8 = 0x20;
const ALPHA_FLAG: u8 = 0x10;

fn a_webp_has_what_its_header_says(device: &Device) {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let mut other = EXIF.to_vec();
    other[18] = 3;
    for image in pictures(device) {
        let still = load(device, &riff(std::slice::from_ref(&image))).unwrap();
        let exif = [EXIF, &other].map(|exif| chunk(b"EXIF", exif));
        let iccs = [&profile[..], b"none"].map(|icc| chunk(b"ICCP", icc));
        for flags in [
            0,
            EXIF_FLAG,
            ICC_FLAG,
            EXIF_FLAG | ICC_FLAG,
            4,
            ALPHA_FLAG,
            0xc0 | EXIF_FLAG,
        ] {
            let file = riff(&[extended(flags), iccs.concat(), image.clone(), exif.concat()]);
            let info = inspect_bytes(&file).unwrap();
            let (has_exif, has_icc) = (flags & EXIF_FLAG != 0, flags & ICC_FLAG != 0);
            assert_eq!(info.exif(), has_exif.then_some(EXIF), "{flags:x}");
            assert_eq!(
                info.icc_profile(),
                has_icc.then_some(&profile[..]),
                "{flags:x}"
            );
            let (width, height, _) = load(device, &file).unwrap();
            let size = if has_exif { (10, 20) } else { (20, 10) };
            assert_eq!((width, height), size, "{flags:x}");
        }
        // Without such a header there is nothing else.
        let file = riff(&[image.clone(), exif[0].clone()]);
        assert_eq!(inspect_bytes(&file).unwrap().exif(), None);
        shows(device, &file, &still, "EXIF behind a simple file");
    }
    // As Pillow and libvips have it, alpha of a lossy picture that is denied is none.
    let mut chunks = webp(device, &SaveOptions::new().quality(80));
    assert!(chunks[0].starts_with(b"ALPH"));
    chunks.insert(0, extended(ALPHA_FLAG));
    let alpha = load(device, &riff(&chunks)).unwrap();
    assert!(alpha.2.iter().skip(3).step_by(4).any(|&alpha| alpha < 255));
    chunks[0] = extended(0);
    let opaque = load(device, &riff(&chunks)).unwrap();
    assert!(
        opaque
            .2
            .iter()
            .skip(3)
            .step_by(4)
            .all(|&alpha| alpha == 255)
    );
}

fn a_webps_length_may_be_wrong(device: &Device) {
    for image in pictures(device) {
        let with = |size: usize, chunks: &[Vec<u8>]| {
            let mut file = riff(chunks);
            file[4..8].copy_from_slice(&(size as u32).to_le_bytes());
            file
        };
        let simple = [image.clone()];
        let still = load(device, &riff(&simple)).unwrap();
        let length = 4 + image.len();
        for size in [0, 1, 20, length - 1, length, length + 1, length + 2, 99_999] {
            shows(
                device,
                &with(size, &simple),
                &still,
                &format!("{size} for {length}"),
            );
        }
        let long = [extended(EXIF_FLAG), image.clone(), chunk(b"EXIF", EXIF)];
        let turned = load(device, &riff(&long)).unwrap();
        assert_eq!((turned.0, turned.1), (10, 20));
        for size in [0, 30, 99_999] {
            shows(device, &with(size, &long), &turned, &format!("{size}"));
        }
        // What is behind the end that the header says is not of the file.
        let before = 4 + 18 + image.len();
        shows(device, &with(before, &long), &still, "EXIF behind the end");
        let whole = riff(&long);
        shows(
            device,
            &whole[..whole.len() - 9],
            &still,
            "EXIF that is cut",
        );
        // And a picture that is not there is none.
        let whole = riff(&simple);
        assert!(load(device, &whole[..whole.len() - 9]).is_err());
    }
}

/// 3x2 pixels of four colours, the last of them transparent by the control.
fn gif(screen: [u16; 2], control: &[u8]) -> Vec<u8> {
    let mut file = b"GIF89a".to_vec();
    file.extend(screen.map(u16::to_le_bytes).concat());
    file.extend([0x81, 0, 0]);
    file.extend([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]);
    file.extend(control);
    file.extend([0x2c, 0, 0, 0, 0, 3, 0, 2, 0, 0]);
    // Codes of 3 bits, with 4, which empties the table, before they would need more; 5 ends them.
    let codes = [4, 0, 1, 4, 2, 3, 4, 3, 0, 5];
    let bits = codes
        .iter()
        .rev()
        .fold(0_u64, |bits, code| bits << 3 | code);
    file.extend([2, 4]);
    file.extend(&bits.to_le_bytes()[..4]);
    file.extend([0, 0x3b]);
    file
}

const CONTROL: &[u8] = b"\x21\xf9\x04\x01\x0a\0\x03\0";

fn controls_of_a_gif_may_be_longer(device: &Device) {
    let expected = load(device, &gif([3, 2], CONTROL)).unwrap();
    same_alphas(&expected, &[255, 255, 255, 0, 0, 255]);
    for control in [
        &b"\x21\xf9\x05\x01\x0a\0\x03\x09\0"[..],
        b"\x21\xf9\x07\x01\x0a\0\x03\x09\x09\x09\0",
        b"\x21\xf9\x04\x01\x0a\0\x03\x02\x09\x09\0",
    ] {
        let file = gif([3, 2], control);
        shows(device, &file, &expected, &format!("{control:x?}"));
        let mut frames = LoadOptions::new().frames_bytes(device, file).unwrap();
        let frame = frames.next().unwrap().unwrap();
        assert_eq!(frame.delay().as_millis(), 100);
        assert!(frames.next().is_none());
    }
    let opaque = load(device, &gif([3, 2], b"")).unwrap();
    same_alphas(&opaque, &[255; 6]);
    for control in [&b"\x21\xf9\0"[..], b"\x21\xf9\x03\x01\x0a\0\0"] {
        shows(
            device,
            &gif([3, 2], control),
            &opaque,
            &format!("{control:x?}"),
        );
    }
}

#[track_caller]
fn same_alphas(picture: &Picture, expected: &[u8]) {
    let alphas: Vec<u8> = picture.2.iter().skip(3).step_by(4).copied().collect();
    assert_eq!(alphas, expected);
}

fn a_gif_without_a_screen_is_its_first_image(device: &Device) {
    let expected = load(device, &gif([3, 2], CONTROL)).unwrap();
    for screen in [[0, 0], [3, 0], [0, 2]] {
        let file = gif(screen, CONTROL);
        shows(device, &file, &expected, &format!("{screen:?}"));
        let info = inspect_bytes(&file).unwrap();
        assert_eq!((info.width(), info.height(), info.frame_count()), (3, 2, 1));
        let frames = LoadOptions::new().frames_bytes(device, file).unwrap();
        let frames: Vec<_> = frames.map(Result::unwrap).collect();
        assert_eq!(frames.len(), 1);
    }
    let mut empty = gif([0, 0], b"");
    empty[13 + 12 + 5] = 0;
    refused(device, &empty, "0x2");
}

fn extensions_of_a_gif_may_be_of_any_kind(device: &Device) {
    let expected = load(device, &gif([3, 2], CONTROL)).unwrap();
    for other in [
        &b"\x21\x99\x03abc\0"[..],
        b"\x21\0\0",
        b"\x21\xab\x01a\x02bc\0",
    ] {
        let file = gif([3, 2], &[other, CONTROL].concat());
        shows(device, &file, &expected, &format!("{other:x?}"));
        assert_eq!(inspect_bytes(&file).unwrap().frame_count(), 1);
    }
    // Zeros between blocks are of writers that end blocks twice.
    let mut file = gif([3, 2], &[&[0, 0], CONTROL, &[0]].concat());
    file.splice(file.len() - 1..file.len() - 1, [0; 9]);
    shows(device, &file, &expected, "zeros");
    assert_eq!(inspect_bytes(&file).unwrap().frame_count(), 1);
    let frames = LoadOptions::new().frames_bytes(device, file).unwrap();
    assert_eq!(frames.map(Result::unwrap).count(), 1);
}

/// As Pillow has it.
fn a_gif_without_a_palette_is_gray(device: &Device) {
    let mut file = gif([3, 2], b"");
    file.drain(13..25);
    file[10] = 0;
    let pixels = [0, 1, 2, 3, 3, 0].map(|gray| [gray, gray, gray, 255]);
    let expected = (3, 2, pixels.concat());
    shows(device, &file, &expected, "no palette");
}

/// It makes the screen larger, as for Pillow.
fn a_gifs_first_image_may_be_larger_than_its_screen(device: &Device) {
    let expected = load(device, &gif([3, 2], CONTROL)).unwrap();
    for screen in [[1, 1], [2, 2], [3, 1]] {
        shows(
            device,
            &gif(screen, CONTROL),
            &expected,
            &format!("{screen:?}"),
        );
    }
    let mut moved = gif([3, 2], b"");
    moved[26..30].copy_from_slice(&[2, 0, 1, 0]);
    let (width, height, pixels) = load(device, &moved).unwrap();
    assert_eq!((width, height), (5, 3));
    assert_eq!(pixels[..4], [0; 4]);
    assert_eq!(pixels[(5 + 3) * 4..][..4], expected.2[4..8]);
}

fn comments_of_a_pnm_may_be_among_its_samples(device: &Device) {
    let plain = load(device, b"P2 3 2 255 1 20 3 4 5 60\n").unwrap();
    for file in [
        &b"P2 3 2 255 1 20 # a comment, 99\n3 4 5 60\n"[..],
        b"P2\n#one\n3 2 #two\r255\n1 20#three\n3\n#four # five\n4 5 60 # the end",
    ] {
        shows(device, file, &plain, "comments");
    }
    let bits = load(device, b"P1 4 1 1011").unwrap();
    shows(device, b"P1 4 1 1# 0 0\n0#\n11", &bits, "bits");
    let color = load(device, b"P3 1 1 255 9 8 7").unwrap();
    shows(device, b"P3 1 1 255 9 # 1\n8 # 2\n7", &color, "colours");
    // They may end numbers of a header.
    let gray = load(device, b"P5 3 1 255\n#0\x8c").unwrap();
    for header in [
        "P5#x\n3#y\r1 # z\n#\n255\n",
        "P5 3 1#255\n255 ",
        "P5\n3 1#\n255\n",
    ] {
        let file = [header.as_bytes(), b"#0\x8c"].concat();
        shows(device, &file, &gray, header);
    }
    let bits = load(device, b"P4 8 1\n#").unwrap();
    shows(device, b"P4 8#2\n1\n#", &bits, "binary bits");
    // In binary samples there are none.
    let raw = load(device, b"P5 3 1 255\n#a\n").unwrap();
    assert_eq!(raw.2[..4], [b'#', b'#', b'#', 255]);
    refused(device, b"P2 3 1 255 1 2 # 3", "");
}

fn a_pam_need_not_state_its_tuple_type(device: &Device) {
    let names = ["GRAYSCALE", "GRAYSCALE_ALPHA", "RGB", "RGB_ALPHA"];
    for (depth, name) in (1_usize..).zip(names) {
        for max in [1_u16, 100, 255, 256, 1000, 65535] {
            let samples = (0..6 * depth).map(|i| (i * 7919 % (usize::from(max) + 1)) as u16);
            let samples = samples.flat_map(|v| match max {
                0..256 => vec![v as u8],
                _ => v.to_be_bytes().to_vec(),
            });
            let samples: Vec<u8> = samples.collect();
            let file = |depth_line: &str, tuple_type: &str| {
                let header = format!(
                    "P7\nWIDTH 3\n{depth_line}\nHEIGHT 2\nMAXVAL {max}\n{tuple_type}ENDHDR\n"
                );
                [header.as_bytes(), &samples].concat()
            };
            let depth_line = format!("DEPTH {depth}");
            let said = load(device, &file(&depth_line, &format!("TUPLTYPE {name}\n"))).unwrap();
            for line in [depth_line, format!("# TUPLTYPE X\nDEPTH  0{depth} ")] {
                shows(
                    device,
                    &file(&line, ""),
                    &said,
                    &format!("{name}, {max}: {line}"),
                );
            }
            let cut = file("DEPTH 3", "");
            assert!(depth > 2 || load(device, &cut).is_err());
        }
    }
    refused(
        device,
        b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 65536\nENDHDR\n12345678",
        "",
    );
}

fn a_tiffs_orientation_is_a_number_of_any_type(device: &Device) {
    let image = picture(device, 5, 3);
    let file = SaveOptions::new().encode_u8(&image, Format::Tiff).unwrap();
    let small = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes([file[small], file[small + 1]]));
    let directory = &file[small + 2..small + 2 + 12 * count];
    for kind in [1_u16, 3, 4, 6, 8, 9] {
        let mut entries: Vec<&[u8]> = directory
            .chunks(12)
            .filter(|entry| entry[..2] != [0x12, 1])
            .collect();
        let mut entry = [274, kind, 1, 0].map(u16::to_le_bytes).concat();
        entry.extend([6, 0, 0, 0]);
        entries.push(&entry);
        entries.sort_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
        let mut turned = file.clone();
        turned.resize(turned.len().next_multiple_of(2), 0);
        let at = turned.len() as u32;
        turned[4..8].copy_from_slice(&at.to_le_bytes());
        turned.extend((entries.len() as u16).to_le_bytes());
        turned.extend(entries.concat());
        turned.extend([0; 4]);
        let (width, height, _) = load(device, &turned).unwrap();
        assert_eq!((width, height), (3, 5), "type {kind}");
    }
}
