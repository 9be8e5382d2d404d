//! PNG files of the default compression: the same bytes on every device, and what another decoder
//! makes of them.

use crate::support::{Noise, pictures::folder};
use imagecuda::{
    Channels, Compression, Depth, Device, Format, Image, ImageU8, LoadOptions, PngEncoder,
    SaveOptions,
};
use libtest_mimic::Trial;
use std::{fs, io::Cursor};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        the_same_bytes_on_every_device,
        large_pictures_are_the_same,
        large_files_are_the_same,
        eight_bits_are_the_same,
        other_levels_are_the_hosts,
        images_may_change_while_they_are_saved,
    ])
}

/// What a picture shows.
#[derive(Clone, Copy, Debug)]
enum Content {
    Flat,
    Noise,
    /// Waves with a little noise.
    Photo,
    /// Boxes of a few colours, some of them patterned.
    Drawing,
}

const CONTENTS: [Content; 4] = [
    Content::Flat,
    Content::Noise,
    Content::Photo,
    Content::Drawing,
];

fn pixels(content: Content, width: u32, height: u32) -> Vec<f32> {
    let mut noise = Noise::new(u64::from(width) << 32 | u64::from(height));
    let mut next = move || (noise.next() >> 40) as f32 / (1u64 << 24) as f32;
    let mut pixels = Vec::with_capacity((width * height * 4) as usize);
    for y in 0..height {
        for x in 0..width {
            for c in 0..4u32 {
                pixels.push(match content {
                    Content::Flat => 0.7,
                    Content::Noise => next(),
                    Content::Photo if c == 3 => 1.0,
                    Content::Photo => {
                        let wave = (x as f32 / (17.0 + c as f32)).sin() + (y as f32 / 23.0).cos();
                        0.5 + wave * 0.24 + (next() - 0.5) * 0.03
                    }
                    Content::Drawing => {
                        let (column, row) = (x / 41, y / 19);
                        let pattern = if (column + row) % 3 == 0 {
                            x * y % 7
                        } else {
                            0
                        };
                        ((column * 37 + row * (c + 1) * 53 + pattern * 11) % 256) as f32 / 255.0
                    }
                });
            }
        }
    }
    pixels
}

fn picture(device: &Device, content: Content, width: u32, height: u32) -> Image {
    let mut image = Image::new(device, width, height).unwrap();
    image.upload(&pixels(content, width, height)).unwrap();
    image
}

fn encode(image: &Image, options: &SaveOptions, encoder: PngEncoder) -> Vec<u8> {
    let options = options.clone().png_encoder(encoder);
    options.encode(image, Format::Png).unwrap()
}

/// The samples of a file as the crate `png` reads them, checksums and all.
fn samples(file: &[u8]) -> Vec<u8> {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.ignore_checksums(false);
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut data).unwrap();
    reader.finish().unwrap();
    data
}

/// Holds a picture's file against the host's, and against one that is not compressed.
fn check(device: &Device, content: Content, (width, height): (u32, u32), options: &SaveOptions) {
    let image = picture(device, content, width, height);
    let case = format!("{content:?} {width}x{height} {options:?}");
    let host = encode(&image, options, PngEncoder::Host);
    for encoder in [PngEncoder::Kernels, PngEncoder::Auto] {
        let other = encode(&image, options, encoder);
        assert!(other == host, "{encoder:?}: {case}");
    }
    let cpu = picture(&Device::cpu(), content, width, height);
    assert!(
        encode(&cpu, options, PngEncoder::Host) == host,
        "CPU: {case}"
    );
    let stored = options.clone().compression(Compression::Uncompressed);
    let stored = encode(&cpu, &stored, PngEncoder::Host);
    assert!(samples(&host) == samples(&stored), "{case}");
}

fn the_same_bytes_on_every_device(device: &Device) {
    let sizes = [
        (1, 1),
        (2, 1),
        (1, 9),
        (7, 5),
        (31, 33),
        (128, 64),
        (129, 257),
        (640, 401),
        (1, 40_000),
        (65_535, 2),
    ];
    let mut number = 0;
    for size in sizes {
        for content in CONTENTS {
            for channels in [
                Channels::Gray,
                Channels::GrayAlpha,
                Channels::Rgb,
                Channels::Rgba,
                Channels::Auto,
            ] {
                number += 1;
                if size.0 * size.1 > 50_000 && number % 3 > 0 {
                    continue;
                }
                let depth = [Depth::U8, Depth::U8, Depth::U16][number % 3];
                let options = SaveOptions::new().channels(channels).depth(depth);
                check(device, content, size, &options);
            }
        }
    }
}

fn large_pictures_are_the_same(device: &Device) {
    // More than 256 chunks, whose places one thread block adds up, and more than one IDAT chunk.
    for (content, depth) in [
        (Content::Photo, Depth::U8),
        (Content::Drawing, Depth::U8),
        (Content::Noise, Depth::U16),
    ] {
        let options = SaveOptions::new().depth(depth);
        check(device, content, (2049, 1100), &options);
    }
}

/// Several threads write a large file in memory, to room for as much as the file before needed.
fn large_files_are_the_same(device: &Device) {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| folder());
    let path = folder.path().join("large.png");
    let threads = rayon::ThreadPoolBuilder::new().num_threads(8);
    let threads = threads.build().unwrap();
    let options = SaveOptions::new();
    // The last one needs much less than those before.
    for content in [Content::Noise, Content::Noise, Content::Flat] {
        let image = picture(device, content, 900, 900);
        let kernels = options.clone().png_encoder(PngEncoder::Kernels);
        threads.install(|| kernels.save(&image, &path)).unwrap();
        let cpu = picture(&Device::cpu(), content, 900, 900);
        let expected = encode(&cpu, &options, PngEncoder::Host);
        assert!(fs::read(&path).unwrap() == expected, "{content:?}");
    }
}

fn eight_bits_are_the_same(device: &Device) {
    let rgba: Vec<u8> = pixels(Content::Photo, 301, 251)
        .into_iter()
        .map(|v| (v * 255.0 + 0.5) as u8)
        .collect();
    let mut image = ImageU8::new(device, 301, 251).unwrap();
    image.upload(&rgba).unwrap();
    for channels in [Channels::Rgba, Channels::Rgb, Channels::Auto] {
        let options = SaveOptions::new().channels(channels);
        let [host, kernels] = [PngEncoder::Host, PngEncoder::Kernels].map(|encoder| {
            let options = options.clone().png_encoder(encoder);
            options.encode_u8(&image, Format::Png).unwrap()
        });
        assert!(host == kernels, "{channels:?}");
    }
}

fn other_levels_are_the_hosts(device: &Device) {
    let image = picture(device, Content::Photo, 300, 200);
    for compression in [
        Compression::Uncompressed,
        Compression::Balanced,
        Compression::Small,
    ] {
        let options = SaveOptions::new().compression(compression);
        let [host, kernels] = [PngEncoder::Host, PngEncoder::Kernels]
            .map(|encoder| encode(&image, &options, encoder));
        assert!(host == kernels, "{compression:?}");
        assert_ne!(host, encode(&image, &SaveOptions::new(), PngEncoder::Host));
    }
}

fn images_may_change_while_they_are_saved(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let saver = imagecuda::batch::Saver::new(SaveOptions::new()).threads(3);
    let mut expected = Vec::new();
    let mut image = picture(device, Content::Photo, 700, 500);
    for i in 0..12 {
        let content = CONTENTS[i as usize % 4];
        let other = picture(device, content, 700 - i, 500);
        image.reshape(700 - i, 500).unwrap();
        image.copy_from(&other).unwrap();
        expected.push(encode(&image, &SaveOptions::new(), PngEncoder::Host));
        saver.save(&image, folder.path().join(format!("{i}.png")));
    }
    for (saved, expected) in saver.finish().into_iter().zip(expected) {
        saved.result.unwrap();
        let file = fs::read(&saved.path).unwrap();
        assert!(file == expected, "{:?}", saved.path);
        LoadOptions::new().decode_u8(device, &file).unwrap();
    }
}
