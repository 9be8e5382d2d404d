//! The engines of a GPU against libwebp, where there is a GPU.

use super::file;
use crate::{
    Device, VideoDecoder,
    codec::{
        tests::engines::{by_threads, compare_damaged, pixels},
        webp::encoder,
    },
    device::video::test_gpu,
    picture::Pixels,
};
use imagecuda_kernels::layout::Layout;
use libwebp_sys::WebPConfig;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Pictures with and without segments, of all filters and qualities.
fn files(sizes: &[[u32; 2]]) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for (i, &size) in sizes.iter().enumerate() {
        for segments in [1, 4, 2] {
            for (filter_type, strength) in [(1, 60), (0, 30), (1, 0)] {
                files.push(file(size, |config: &mut WebPConfig| {
                    config.quality = [75.0, 20.0, 95.0][(i + segments as usize) % 3];
                    config.segments = segments;
                    config.filter_type = filter_type;
                    config.filter_strength = strength;
                    config.filter_sharpness = i as i32;
                    config.partitions = i as i32 % 4;
                    config.method = 2;
                }));
            }
        }
    }
    files
}

/// With alpha.
fn translucent([width, height]: [u32; 2]) -> Vec<u8> {
    let data: Vec<u8> = (0..width * height)
        .flat_map(|i| {
            let (x, y) = (i % width, i / width);
            [x as u8, y as u8, (x ^ y) as u8, (x + 2 * y) as u8]
        })
        .collect();
    let pixels = Pixels {
        width,
        height,
        layout: Layout::Rgba8,
        data: &data,
    };
    encoder::encode(pixels, &encoder::config().unwrap()).unwrap()
}

#[test]
fn engines_give_libwebps_pixels_in_any_order() {
    let Some(device) = test_gpu() else {
        return;
    };
    let mut files = files(&[
        [160, 120],
        [61, 47],
        [333, 211],
        [640, 480],
        [1001, 777],
        [1920, 1080],
    ]);
    files.extend([[160, 120], [61, 47], [641, 480]].map(translucent));
    let expected: Vec<_> = files
        .iter()
        .map(|file| pixels(&device, file, VideoDecoder::Host).0)
        .collect();
    let cpu = Device::cpu();
    for (file, expected) in files.iter().zip(&expected) {
        assert!(pixels(&cpu, file, VideoDecoder::Engine).0 == *expected);
    }
    let mut seed = 7_usize;
    let mut by_engines = 0;
    for _ in 0..4 * files.len() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let number = (seed >> 33) % files.len();
        let (made, by) = pixels(&device, &files[number], VideoDecoder::Engine);
        by_engines += usize::from(by);
        assert!(made == expected[number], "file {number}");
    }
    println!("{by_engines} of {} by engines", 4 * files.len());
    assert!(by_engines > files.len());
}

/// What a decoder keeps of a picture does not change the next one: all ordered pairs of pictures of one
/// size class, which one decoder of each kind decodes.
#[test]
fn engines_forget_the_picture_before() {
    let Some(device) = test_gpu() else {
        return;
    };
    let files = files(&[[160, 120], [333, 211], [640, 480]]);
    let expected: Vec<_> = files
        .iter()
        .map(|file| pixels(&device, file, VideoDecoder::Host).0)
        .collect();
    let (mut wrong, mut by_engines) = (Vec::new(), 0);
    for first in 0..files.len() {
        for second in 0..files.len() {
            for number in [first, second] {
                let (made, by) = pixels(&device, &files[number], VideoDecoder::Engine);
                by_engines += usize::from(by);
                if made != expected[number] {
                    wrong.push((first, second, number));
                }
            }
        }
    }
    println!(
        "{by_engines} of {} by engines",
        2 * files.len() * files.len()
    );
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(by_engines > files.len() * files.len());
}

/// By many threads, each picture in turn, as batches load them.
#[test]
fn engines_decode_batches() {
    let Some(device) = test_gpu() else {
        return;
    };
    let files = files(&[[333, 211], [640, 480], [1001, 777], [1920, 1080]]);
    let expected: Vec<_> = files
        .iter()
        .map(|file| pixels(&device, file, VideoDecoder::Host).0)
        .collect();
    let by_engines = AtomicUsize::new(0);
    by_threads(1000, |number| {
        let number = number * 7 % files.len();
        let (made, by) = pixels(&device, &files[number], VideoDecoder::Engine);
        by_engines.fetch_add(usize::from(by), Ordering::Relaxed);
        assert!(made == expected[number], "file {number}");
    });
    let by_engines = by_engines.into_inner();
    assert!(by_engines > 500, "{by_engines} of 1000 by engines");
}

/// Errors are libwebp's, and nothing hangs. Of what the engines do not tell, there is a count.
#[test]
fn engines_and_damage() {
    let files = files(&[[160, 120], [333, 211]]);
    compare_damaged(|number| {
        let mut file = files[number % files.len()].clone();
        let at = file.len() / 4 + number * 7919 % (file.len() * 3 / 4);
        match number % 4 {
            0 => file.truncate(at),
            _ => file[at] ^= 1 << (number % 8),
        }
        file
    });
}
