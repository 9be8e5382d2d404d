//! The kernels that make pixels of coefficients, on the CPU: for the pictures of one launch, one
//! thread block after the other.

use super::super::{
    idct,
    jobs::{INVERSE_BLOCKS, PIXEL_THREADS, PictureJob, job_of_block},
    picture::BLOCK,
    pixel,
    tile::{self, TILE},
};
use crate::expand::Expand;
use alloc::{vec, vec::Vec};

/// `jpeg_inverse`, and the kernel after it: the pixels of all pictures. The jobs' offsets are those
/// of bytes in `coefficients`, in the samples, of which there are `samples` bytes, and in `pixels`.
pub fn pictures<P: Expand>(
    jobs: &[PictureJob],
    coefficients: &[i16],
    samples: usize,
    pixels: &mut [P],
) {
    let samples = inverse(jobs, coefficients, samples);
    let blocks = |job: &PictureJob| job.first_row + job.pixel_blocks();
    for block in 0..jobs.last().map_or(0, blocks) {
        let number = job_of_block(jobs.len() as u32, block, |number| jobs[number].first_row);
        let job = &jobs[number];
        let (left, top) = job.first_tile_of_block(block - job.first_row);
        let samples = &samples[job.samples as usize..];
        let to = &mut pixels[job.pixels as usize / size_of::<P>()..];
        for thread in 0..PIXEL_THREADS {
            tile_of_thread(job, samples, (left + thread % 32, top + thread / 32), to);
        }
    }
}

/// A tile of a picture.
fn tile_of_thread<P: Expand>(
    PictureJob { picture, .. }: &PictureJob,
    samples: &[u8],
    (across, down): (u32, u32),
    to: &mut [P],
) {
    if across * TILE >= picture.width || down >= tile::tiles_down(picture.height) {
        return;
    }
    tile::make(picture, samples, (across, down), |row, half, pixels| {
        let y = tile::first_row(down).wrapping_add(row);
        for (x, pixel) in (across * TILE + half * 4..).zip(pixels) {
            if x < picture.width && y < picture.height {
                let at = y as usize * picture.width as usize + x as usize;
                to[at] = pixel::expand(picture.color(), pixel);
            }
        }
    });
}

/// `jpeg_inverse`, without sums of DC: these are added already. All pictures are at full size.
fn inverse(jobs: &[PictureJob], coefficients: &[i16], bytes: usize) -> Vec<u8> {
    let mut samples = vec![0; bytes];
    let blocks = |job: &PictureJob| job.first_inverse + job.inverse_blocks();
    for block in 0..jobs.last().map_or(0, blocks) {
        let number = job_of_block(jobs.len() as u32, block, |number| {
            jobs[number].first_inverse
        });
        let job = &jobs[number];
        let first = (block - job.first_inverse) * INVERSE_BLOCKS;
        for block in first..first + INVERSE_BLOCKS {
            let (number, row, column) = job.picture.find_block(block);
            let part = &job.picture.component[number];
            if row >= part.blocks_y {
                continue;
            }
            let from = job.coefficients as usize / size_of::<i16>() + block as usize * BLOCK;
            let (blocks, _) = coefficients[from..].as_chunks();
            let lines = idct::inverse(&blocks[0], &job.quantizers[number]);
            for (line, bytes) in (row as usize * 8..).zip(lines) {
                let at = part.start() + line * part.stride() + column as usize * 8;
                let at = job.samples as usize + at;
                samples[at..at + 8].copy_from_slice(&bytes);
            }
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        jpeg::{
            color::ycc_to_rgb,
            jobs::DcAddresses,
            picture::{Color, Picture},
            upsample,
        },
        pixel::RgbaF32,
        texel::{L8, Rgb8},
    };

    fn noise(state: &mut u32) -> u32 {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *state >> 16
    }

    /// The pixels of one picture, each for itself.
    fn alone(job: &PictureJob, coefficients: &[i16]) -> Vec<RgbaF32> {
        let picture = &job.picture;
        let mut planes = vec![0; picture.blocks() * BLOCK];
        let (blocks, _) = coefficients.as_chunks();
        for (part, quantizers) in picture.parts().iter().zip(&job.quantizers) {
            for block in 0..part.blocks() {
                let at = part.first_block as usize + block;
                let lines = idct::inverse(&blocks[at], quantizers);
                let (x, y) = (
                    block % part.blocks_x as usize,
                    block / part.blocks_x as usize,
                );
                for (line, bytes) in lines.iter().enumerate() {
                    let to = part.start() + (y * 8 + line) * part.stride() + x * 8;
                    planes[to..to + 8].copy_from_slice(bytes);
                }
            }
        }
        let mut pixels = Vec::new();
        for (y, x) in (0..picture.height).flat_map(|y| (0..picture.width).map(move |x| (y, x))) {
            let of = |number: usize| {
                let part = &picture.component[number];
                upsample::sample(&planes[part.start()..], part, picture, x, y)
            };
            pixels.push(match picture.color() {
                Color::Gray => RgbaF32::from_encoded(L8([of(0)])),
                _ => RgbaF32::from_encoded(Rgb8(ycc_to_rgb([of(0), of(1), of(2)]))),
            });
        }
        pixels
    }

    /// Pictures of many sizes in one launch, with gaps between their parts of the memory.
    #[test]
    fn a_group_has_the_pixels_of_its_pictures() {
        let mut state = 7;
        let sizes = [
            (1, 1),
            (500, 3),
            (257, 9),
            (16, 40),
            (8, 8),
            (513, 17),
            (3, 200),
        ];
        let factors: [&[(u32, u32)]; 4] = [
            &[(1, 1)],
            &[(2, 2), (1, 1), (1, 1)],
            &[(1, 1), (1, 1), (1, 1)],
            &[(2, 1), (1, 1), (1, 1)],
        ];
        let (mut jobs, mut coefficients) = (Vec::new(), Vec::<i16>::new());
        let (mut samples, mut pixels, mut inverse, mut rows) = (0, 0, 0, 0);
        for (number, (width, height)) in sizes.into_iter().cycle().take(23).enumerate() {
            let factors = factors[number % 4];
            let color = if factors.len() == 1 {
                Color::Gray
            } else {
                Color::Ycc
            };
            let picture = Picture::new(width, height, factors, color).unwrap();
            let mut quantizers = [[0; BLOCK]; 4];
            for divisor in quantizers.as_flattened_mut() {
                *divisor = 1 + (noise(&mut state) % 30) as u16;
            }
            coefficients.extend([i16::MAX; BLOCK]);
            let job = PictureJob {
                picture,
                quantizers,
                dc: [DcAddresses::default(); 4],
                block_origins: 0,
                coefficients: 2 * coefficients.len() as u64,
                samples,
                pixels,
                shaper: 0,
                first_inverse: inverse,
                first_row: rows,
                sizes: [8; 4],
            };
            for _ in 0..picture.blocks() * BLOCK {
                let large = noise(&mut state).is_multiple_of(8);
                let number = noise(&mut state) as i16 % 64;
                coefficients.push(if large { number } else { 0 });
            }
            samples += (picture.blocks() * BLOCK) as u64 + 256;
            pixels += ((picture.pixels() + 5) * size_of::<RgbaF32>()) as u64;
            inverse += job.inverse_blocks();
            rows += job.pixel_blocks();
            jobs.push(job);
        }
        let empty = RgbaF32([-1.0; 4]);
        let mut made = vec![empty; pixels as usize / size_of::<RgbaF32>()];
        pictures(&jobs, &coefficients, samples as usize, &mut made);
        let mut rest = &made[..];
        for job in &jobs {
            let expected = alone(job, &coefficients[job.coefficients as usize / 2..]);
            let (own, gap) = rest.split_at(expected.len());
            assert!(own == expected, "{:?}", job.picture);
            assert!(gap[..5].iter().all(|pixel| *pixel == empty));
            rest = &gap[5..];
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn each_thread_block_has_one_job() {
        let firsts = [0, 1, 5, 6, 600];
        for block in 0..700 {
            let expected = firsts.iter().rposition(|&first| first <= block);
            let found = job_of_block(5, block, |number| firsts[number]);
            assert_eq!(Some(found), expected);
        }
    }
}
