//! Rows of lossless files that are cut short: all rows before the cut are there.

use crate::support::{
    Noise,
    animations::{self, Png, RGBA8, png_chunk},
    cuts::{Case, Rest, noise, noise_of, tolerant},
    pictures::folder,
    same,
};
use imagecuda::{Depth, Device, Format, ImageU8, SaveOptions};
use libtest_mimic::Trial;
use std::fs;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        lossless_rows_are_there_until_the_cut,
        pngs_of_all_kinds_lose_only_what_is_missing,
        netpbm_of_all_kinds_loses_only_what_is_missing,
    ])
}

fn lossless_rows_are_there_until_the_cut(device: &Device) {
    let rgba = noise(device, false);
    let rgb = noise(device, true);
    let clear = [
        (Format::Png, false),
        (Format::Bmp, true),
        (Format::Qoi, false),
        (Format::Tga, false),
        (Format::Ico, false),
        (Format::Pnm, false),
    ];
    for (format, upwards) in clear {
        let options = match format {
            Format::Pnm => SaveOptions::new().format(format),
            _ => SaveOptions::new(),
        };
        let file = match format {
            Format::Pnm => pam(device, &rgba),
            _ => options.encode_u8(&rgba, format).unwrap(),
        };
        Case {
            name: &format!("{format}"),
            file: &file,
            format,
            rest: Rest::Clear,
            upwards,
            block: 2,
        }
        .check(device);
    }
    for (format, depth, block) in [
        (Format::Pnm, Depth::U8, 1),
        (Format::Pnm, Depth::U16, 1),
        (Format::Hdr, Depth::F32, 1),
    ] {
        let options = SaveOptions::new().background([0, 0, 0]).depth(depth);
        let file = options.encode(&rgb.to_f32().unwrap(), format).unwrap();
        Case {
            name: &format!("{format} {depth:?}"),
            file: &file,
            format,
            rest: Rest::Black,
            upwards: false,
            block,
        }
        .check(device);
    }
    let file = SaveOptions::new().encode_u8(&rgb, Format::Gif).unwrap();
    Case {
        name: "GIF",
        file: &file,
        format: Format::Gif,
        rest: Rest::Clear,
        upwards: false,
        block: 8,
    }
    .check(device);
    // It is written in tiles of 64x64.
    let rgba = noise_of(device, [150, 300], false).to_f32().unwrap();
    Case {
        name: "EXR",
        file: &SaveOptions::new().encode(&rgba, Format::Exr).unwrap(),
        format: Format::Exr,
        rest: Rest::Clear,
        upwards: false,
        block: 64,
    }
    .check(device);
}

fn pam(device: &Device, image: &ImageU8) -> Vec<u8> {
    let folder = folder();
    let path = folder.path().join("a.pam");
    assert_eq!(image.device(), device);
    SaveOptions::new().save_u8(image, &path).unwrap();
    fs::read(path).unwrap()
}

/// A PNG made by hand; `row` are its scanlines' bytes, uncompressed.
fn png([width, height]: [u32; 2], depth: u8, color: u8, interlaced: bool, lines: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, color, 0, 0, interlaced.into()]);
    png_chunk(&mut file, b"IHDR", &header);
    if color == 3 {
        let palette: Vec<u8> = (1..=48).collect();
        png_chunk(&mut file, b"PLTE", &palette);
        png_chunk(&mut file, b"tRNS", &[0, 100, 200]);
    }
    for data in animations::zlib(lines).chunks(1000) {
        png_chunk(&mut file, b"IDAT", data);
    }
    png_chunk(&mut file, b"IEND", &[]);
    file
}

fn pngs_of_all_kinds_lose_only_what_is_missing(device: &Device) {
    let mut noise = Noise::new(1);
    let size @ [width, height] = [37, 41];
    for (depth, color, samples) in [
        (1, 0, 1),
        (4, 0, 1),
        (8, 0, 1),
        (16, 0, 1),
        (8, 2, 3),
        (16, 2, 3),
        (4, 3, 1),
        (8, 4, 2),
        (16, 4, 2),
        (8, 6, 4),
        (16, 6, 4),
    ] {
        let bytes = (width as usize * samples * usize::from(depth)).div_ceil(8);
        let lines: Vec<u8> = (0..height)
            .flat_map(|_| [vec![0], noise.bytes(bytes)].concat())
            .collect();
        Case {
            name: &format!("PNG of {depth} bits, colour {color}"),
            file: &png(size, depth, color, false, &lines),
            format: Format::Png,
            rest: match color {
                0 | 2 => Rest::Black,
                _ => Rest::Clear,
            },
            upwards: false,
            block: 2,
        }
        .check(device);
    }
    for (depth, pixel) in [(8, 4), (16, 8)] {
        let kind = Png {
            depth,
            interlaced: true,
            ..RGBA8
        };
        let pixels = noise.bytes((width * height) as usize * pixel);
        let lines = animations::scanlines(&pixels, width, pixel, kind);
        let case = Case {
            name: "interlaced PNG",
            file: &png(size, depth, 6, true, &lines),
            format: Format::Png,
            rest: Rest::Coarse,
            upwards: false,
            block: 0,
        };
        case.check(device);
        // All but the last pass: every other row is complete.
        let whole = case.read(tolerant(), device, case.file.len()).unwrap();
        let cut = case.read(tolerant(), device, case.file.len() * 11 / 20);
        let [whole, cut] = [whole, cut.unwrap()].map(|decoded| {
            let image = decoded.into_image().unwrap();
            image.download().unwrap()
        });
        let row = width as usize * 4;
        for y in (0..height as usize).step_by(2) {
            same(&cut[y * row..][..row], &whole[y * row..][..row], y);
        }
    }
}

fn netpbm_of_all_kinds_loses_only_what_is_missing(device: &Device) {
    let mut noise = Noise::new(2);
    let (width, height) = (30, 40);
    let text = |noise: &mut Noise, count: usize, max: u8| {
        let samples = noise.bytes(count);
        let lines: Vec<String> = samples
            .chunks(width)
            .map(|row| row.iter().map(|v| format!("{} ", v % (max + 1))).collect())
            .collect();
        lines.join("\n")
    };
    let check = |name: &str, header: &str, data: Vec<u8>, rest| {
        let file = [header.as_bytes(), &data].concat();
        let case = Case {
            name,
            file: &file,
            format: Format::Pnm,
            rest,
            upwards: false,
            block: 2,
        };
        case.check(device);
    };
    let p1 = text(&mut noise, width * height, 1);
    check("P1", "P1 30 40\n", p1.into_bytes(), Rest::Black);
    let p2 = text(&mut noise, width * height, 99);
    check("P2", "P2 30 40 99\n", p2.into_bytes(), Rest::Black);
    let p3 = text(&mut noise, width * height * 3, 250);
    check("P3", "P3 30 40 250\n", p3.into_bytes(), Rest::Black);
    check("P4", "P4 30 40\n", noise.bytes(4 * height), Rest::Black);
    let mut p5 = noise.bytes(width * height);
    p5.iter_mut().for_each(|v| *v %= 20);
    check("P5", "P5 30 40 19\n", p5, Rest::Black);
    let p6 = noise.bytes(width * height * 6);
    check("P6", "P6 30 40 65535\n", p6, Rest::Black);
    let mut bw = noise.bytes(width * height);
    bw.iter_mut().for_each(|v| *v %= 2);
    let header = "P7\nWIDTH 30\nHEIGHT 40\nDEPTH 1\nMAXVAL 1\nTUPLTYPE BLACKANDWHITE\nENDHDR\n";
    check("P7", header, bw, Rest::Black);

    // Floats go from the bottom row up.
    let floats: Vec<u8> = (0..width * height * 3)
        .flat_map(|i| (i as f32 / 1000.0 + 0.5).to_be_bytes())
        .collect();
    let file = [b"PF\n30 40\n1.0\n", &floats[..]].concat();
    Case {
        name: "PFM",
        file: &file,
        format: Format::Pnm,
        rest: Rest::Black,
        upwards: true,
        block: 1,
    }
    .check(device);
}
