use super::*;
use crate::jpeg::file::File;
use imagecuda_kernels::jpeg::{
    color, idct,
    picture::{Color, Picture},
    upsample,
};

fn noise(i: usize) -> u32 {
    (i as u32 + 1).wrapping_mul(2_654_435_761).rotate_left(15) >> 7
}

/// Coefficients of a picture with edges.
fn blocks(count: usize) -> Vec<[i16; 64]> {
    let block = |i: usize| {
        let mut block = [0; 64];
        block[0] = (noise(i) % 160) as i16 - 80;
        for k in 0..noise(i * 3) as usize % 5 {
            block[noise(i + k) as usize % 64] = (noise(i * 5 + k) % 60) as i16 - 30;
        }
        block
    };
    (0..count).map(block).collect()
}

/// Makes the pixels with the bodies of the kernels, one at a time.
fn slowly(file: &File, blocks: &[[i16; 64]]) -> Vec<u8> {
    let picture = &file.picture;
    let planes = picture.parts().iter().zip(&file.quantizers);
    let planes = planes.map(|(part, quantizers)| {
        let mut plane = vec![0; part.blocks() * 64];
        for i in 0..part.blocks() {
            let samples = idct::inverse(&blocks[part.first_block as usize + i], quantizers);
            let across = part.blocks_x as usize;
            for (y, row) in samples.iter().enumerate() {
                let place = (i / across * 8 + y) * part.stride() + i % across * 8;
                plane[place..place + 8].copy_from_slice(row);
            }
        }
        plane
    });
    let planes: Vec<_> = planes.collect();
    let mut out = Vec::new();
    for (y, x) in (0..picture.height).flat_map(|y| (0..picture.width).map(move |x| (y, x))) {
        let parts = planes.iter().zip(picture.parts());
        let parts = parts.map(|(plane, part)| upsample::sample(plane, part, picture, x, y));
        let samples: Vec<u8> = parts.collect();
        match samples[..] {
            [y, cb, cr] if picture.color == Color::Ycc as u32 => {
                out.extend(color::ycc_to_rgb([y, cb, cr]));
            }
            [y, cb, cr, k] => out.extend(color::to_cmyk([y, cb, cr, k], Color::Ycck)),
            _ => out.extend(samples),
        }
    }
    out
}

fn file(size: (u32, u32), factors: &[(u32, u32)], color: Color) -> File {
    File {
        picture: Picture::new(size.0, size.1, factors, color).unwrap(),
        bits: 8,
        progressive: true,
        lossless: false,
        arithmetic: false,
        quantizers: [[3; 64], [9; 64], [5; 64], [1; 64]],
        scans: Vec::new(),
        whole: true,
    }
}

#[test]
fn rows_are_what_the_kernels_give() {
    let all: Vec<(u32, u32)> = (1..=4).flat_map(|h| (1..=4).map(move |v| (h, v))).collect();
    for &first in &all {
        for &second in &all {
            let size = (9 + 7 * second.0, 20 + first.1 + 3 * second.1);
            let file = file(size, &[first, second, (1, 1)], Color::Ycc);
            let blocks = blocks(file.picture.blocks());
            let expected = slowly(&file, &blocks);
            let window = Window::whole(&file.picture);
            let mut out = vec![0; expected.len()];
            bands(&file, &window, &blocks, &mut out);
            assert!(out == expected, "{first:?} {second:?}");
            out.fill(0);
            band(&file, &window, 0..file.picture.mcus_y, &blocks, &mut out);
            assert!(out == expected, "{first:?} {second:?}");
        }
    }
}

#[test]
fn the_smallest_and_every_color() {
    for width in 1..40 {
        let half: [(u32, u32); 4] = [(2, 2), (1, 1), (1, 2), (2, 1)];
        for (count, color) in [
            (1, Color::Gray),
            (3, Color::Rgb),
            (3, Color::Ycc),
            (4, Color::Ycck),
        ] {
            for height in [1, 2, 3, 16, 17, 33] {
                let file = file((width, height), &half[..count], color);
                let blocks = blocks(file.picture.blocks());
                let expected = slowly(&file, &blocks);
                let window = Window::whole(&file.picture);
                let mut out = vec![0; expected.len()];
                bands(&file, &window, &blocks, &mut out);
                assert!(out == expected, "{width}x{height} {color:?}");
            }
        }
    }
}
