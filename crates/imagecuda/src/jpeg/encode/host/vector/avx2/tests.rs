//! The numbers are those of the kernels' bodies.

use super::*;
use crate::jpeg::encode::host::vector::{Portable, has_avx2, portable_masks};
use imagecuda_kernels::jpeg::{encode::fdct::Divisors, picture::BLOCK};

fn noise() -> impl FnMut() -> u32 {
    let mut state = 1u64;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u32
    }
}

/// Bytes of noise, and in every other round of nothing but the ends of their range.
fn bytes<const N: usize>(round: u32, noise: &mut impl FnMut() -> u32) -> [u8; N] {
    std::array::from_fn(|_| match round % 2 {
        0 => noise() as u8,
        _ => [0, 255][noise() as usize % 2],
    })
}

#[test]
fn samples_are_those_of_the_kernels() {
    if !has_avx2() {
        return;
    }
    let mut noise = noise();
    for round in 0..20_000 {
        let (pixels, upper, lower) = (
            bytes(round, &mut noise),
            bytes(round, &mut noise),
            bytes(round, &mut noise),
        );
        #[allow(unsafe_code, reason = "calls of what the processor is checked for")]
        // SAFETY: the processor has what was asked for above.
        let (ycc, halves, quarters) =
            unsafe { (ycc(&pixels), halves(&upper), quarters(&upper, &lower)) };
        assert_eq!(ycc, Portable.ycc(&pixels));
        assert_eq!(halves, Portable.halves(&upper));
        assert_eq!(quarters, Portable.quarters(&upper, &lower));
    }
}

/// Each pixel value once, so no rounding can differ.
#[test]
fn all_colors_are_those_of_the_kernels() {
    if !has_avx2() {
        return;
    }
    for start in (0..1u32 << 24).step_by(STEP) {
        let mut pixels = [0; 3 * STEP];
        for (pixel, number) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(start..) {
            *pixel = *number.to_le_bytes().first_chunk().unwrap();
        }
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: the processor has what was asked for above.
        let ycc = unsafe { ycc(&pixels) };
        assert!(ycc == Portable.ycc(&pixels), "{start}");
    }
}

/// Samples of 0 and 255 with the signs of a coefficient's cosines, which make it as large as can be.
fn extreme(place: usize, is_inverse: bool) -> [[u8; 8]; 8] {
    let sign = |frequency: usize, i: usize| {
        let angle = std::f64::consts::PI * frequency as f64 * (2 * i + 1) as f64 / 16.0;
        angle.cos() < 0.0
    };
    std::array::from_fn(|y| {
        std::array::from_fn(|x| {
            let is_negative = sign(place % 8, x) ^ sign(place / 8, y);
            [255, 0][usize::from(is_negative ^ is_inverse)]
        })
    })
}

#[test]
fn coefficients_are_those_of_the_kernels() {
    if !has_avx2() {
        return;
    }
    let mut noise = noise();
    for round in 0..20_000u32 {
        let mut table = [1; BLOCK];
        if round % 3 != 0 {
            table = std::array::from_fn(|_| (noise() % 255 + 1) as u8 >> (noise() % 8))
                .map(|v: u8| v.max(1));
        }
        let quantizer = Quantizer::new(Divisors::new(&table));
        let mut rows = [[0; 16]; 8];
        for (y, row) in rows.iter_mut().enumerate() {
            *row = match round {
                0..128 => {
                    let [left, right] = [false, true]
                        .map(|is_inverse| extreme(round as usize % BLOCK, is_inverse)[y]);
                    cast([left, right])
                }
                128..384 => [round as u8; 16],
                // Of smooth pictures most coefficients are zero.
                _ if round % 5 == 0 => {
                    std::array::from_fn(|x| (x * 3 + y * 5 + noise() as usize % 3) as u8)
                }
                _ => bytes(round, &mut noise),
            };
        }
        let samples = Samples {
            plane: rows.as_flattened(),
            stride: 16,
        };
        let [mut a, mut b, mut c, mut d] = [CodedUnit([1; BLOCK], 1); 4];
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: the processor has what was asked for above.
        unsafe {
            two_blocks(samples, &quantizer, [&mut a, &mut b]);
        }
        Portable.blocks(samples, &quantizer, [&mut c, &mut d]);
        assert_eq!((a, b), (c, d), "{rows:?} {table:?}");
    }
}

#[test]
fn masks_are_those_of_any_processor() {
    if !has_avx2() {
        return;
    }
    let mut noise = noise();
    for round in 0..5000 {
        let coefficients: [i16; BLOCK] = std::array::from_fn(|_| {
            let v = (noise() as i16).max(-i16::MAX);
            v >> (round % 16)
        });
        #[allow(unsafe_code, reason = "a call of what the processor is checked for")]
        // SAFETY: the processor has what was asked for above.
        let found = unsafe { masks_of_one(&coefficients) };
        assert_eq!(found, portable_masks(&coefficients));
    }
}

/// Whole rows of MCUs: the edges, and the codes.
#[test]
fn rows_are_those_of_the_kernels() {
    use crate::jpeg::encode::{
        Encoding,
        host::{Part, joined},
    };
    if !has_avx2() {
        return;
    }
    let mut noise = noise();
    for round in 0..200u32 {
        let size = [noise() % 150 + 1, noise() % 50 + 1];
        let channels = [1, 3, 3, 3][round as usize % 4];
        let quality = noise() as u8 % 100 + 1;
        let subsampling = [
            crate::Subsampling::Yuv444,
            crate::Subsampling::Yuv422,
            crate::Subsampling::Yuv420,
        ][noise() as usize % 3];
        let options = crate::SaveOptions::new()
            .quality(quality)
            .subsampling(subsampling);
        let data: Vec<u8> = (0..size[0] * size[1] * channels)
            .map(|_| noise() as u8)
            .collect();
        let encoding = Encoding::new((size[0], size[1]), channels == 1, &options).unwrap();
        let picture = crate::picture::Pixels {
            width: size[0],
            height: size[1],
            layout: if channels == 1 {
                crate::Layout::L8
            } else {
                crate::Layout::Rgb8
            },
            data: &data,
        };
        let picture = encoding.transform_of(picture).unwrap();
        let frame = &encoding.frame;
        let tables = encoding.codes();
        let units = (frame.mcus_x * frame.units_of_mcu()) as usize;
        let [mut blocks, mut others] = [(); 2].map(|()| vec![CodedUnit([0; BLOCK], 0); units]);
        let [mut planes, mut other_planes] = [(); 2].map(|()| Planes::default());
        let (mut scan, mut other_scan) = (Scan::new(frame), Scan::new(frame));
        let [mut coder, mut other_coder] = [(); 2].map(|()| Coder::new(&tables));
        for mcu_y in 0..frame.mcus_y {
            let part = Part::row(frame, mcu_y);
            other_planes.transform(&picture, &part, &mut others, Portable);
            other_scan.each(&others, &mut other_coder);
            #[allow(unsafe_code, reason = "calls of what the processor is checked for")]
            // SAFETY: the processor has what was asked for above.
            unsafe {
                transform(&mut planes, &picture, &part, &mut blocks);
                code(&mut scan, &blocks, &mut coder);
            }
            assert!(blocks == others, "{frame:?} {mcu_y}");
        }
        let [codes, others] = [coder, other_coder].map(|coder| joined([&coder.bits].into_iter()));
        assert!(codes == others, "{frame:?}");
    }
}
