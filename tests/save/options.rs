//! What a caller may choose about a file, honoured by the formats that have it and refused by
//! the others. Depths have tests of their own.

use crate::support::pictures::{COMPRESSIONS, decode_bits};
use crate::support::{Noise, same};
use imagecuda::{
    Channels, Compression, Depth, Device, Error, ErrorKind, Format, Image, ImageU8, Layout,
    LoadOptions, Metadata, SaveOptions, Subsampling,
};
use libtest_mimic::Trial;
use std::io::Cursor;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        jpeg_subsampling_is_in_the_frame_header,
        progressive_jpegs_are_progressive,
        compression_changes_the_size_alone,
        webp_is_lossless_or_has_a_quality,
        webp_takes_every_effort,
        every_option_is_honoured_or_refused,
        what_is_out_of_range_is_refused,
        refusals_name_the_formats_that_would_do,
    ])
}

/// A soft picture with some grain: 8-bit RGBA.
fn picture(device: &Device, width: u32, height: u32) -> ImageU8 {
    let mut noise = Noise::new(11);
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let wave = |k: u32| {
                let phase = f64::from(x * k) / 31.0 + f64::from(y * (4 - k)) / 23.0;
                (phase.sin() * 100.0 + 128.0) as u8
            };
            let grain = (noise.next() >> 62) as u8;
            samples.extend([wave(1) + grain, wave(2), wave(3), 255 - (x * 3 % 200) as u8]);
        }
    }
    let mut image = ImageU8::new(device, width, height).unwrap();
    image.upload(&samples).unwrap();
    image
}

/// The marker of a JPEG's frame, and the sampling factors of its components.
fn frame(jpeg: &[u8]) -> (u8, Vec<u8>) {
    let mut at = 2;
    loop {
        let (marker, length) = (jpeg[at + 1], usize::from(jpeg[at + 2]) << 8);
        if matches!(marker, 0xc0..=0xc2) {
            let components = jpeg[at + 10..][..3 * usize::from(jpeg[at + 9])].chunks(3);
            // The segment's own order: number, factors, table.
            return (marker, components.map(|c| c[1]).collect());
        }
        at += 2 + length + usize::from(jpeg[at + 3]);
    }
}

fn jpeg_subsampling_is_in_the_frame_header(device: &Device) {
    let image = picture(device, 67, 45);
    for quality in [100, 90, 89, 30] {
        let options = SaveOptions::new().quality(quality);
        for progressive in [false, true] {
            let options = options.clone().progressive(progressive);
            let mut last = usize::MAX;
            for (subsampling, factor) in [
                (Subsampling::Yuv444, 0x11),
                (Subsampling::Yuv422, 0x21),
                (Subsampling::Yuv420, 0x22),
            ] {
                let options = options.clone().subsampling(subsampling);
                let file = options.encode_u8(&image, Format::Jpeg).unwrap();
                let marker = if progressive { 0xc2 } else { 0xc0 };
                assert_eq!(frame(&file), (marker, vec![factor, 0x11, 0x11]));
                assert!(file.len() < last, "{subsampling:?} at {quality}");
                last = file.len();
                close(
                    device,
                    &file,
                    &image,
                    if quality > 30 { 30.0 } else { 24.0 },
                );
            }
            let file = options.encode_u8(&image, Format::Jpeg).unwrap();
            let expected = if quality < 90 { 0x22 } else { 0x11 };
            assert_eq!(frame(&file).1[0], expected, "{quality}");
        }
    }
}

/// That both our decoder and another one see the picture, flattened onto black.
fn close(device: &Device, jpeg: &[u8], image: &ImageU8, at_least: f64) {
    let expected: Vec<u8> = image
        .download()
        .unwrap()
        .chunks(4)
        .flat_map(|p| [0, 1, 2].map(|c| (u32::from(p[c]) * u32::from(p[3]) / 255) as u8))
        .collect();
    let other = jpeg_decoder::Decoder::new(Cursor::new(jpeg)).decode();
    let ours = LoadOptions::new().decode_u8(device, jpeg).unwrap();
    let ours = ours.download().unwrap();
    let ours: Vec<u8> = ours.chunks(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    for pixels in [other.unwrap(), ours] {
        let square = |(a, b): (&u8, &u8)| f64::from(a.abs_diff(*b)).powi(2);
        let sum: f64 = pixels.iter().zip(&expected).map(square).sum();
        let psnr = 10.0 * (255.0 * 255.0 * pixels.len() as f64 / sum).log10();
        assert!(psnr >= at_least, "{psnr} dB");
    }
}

fn progressive_jpegs_are_progressive(device: &Device) {
    let image = picture(device, 201, 133);
    let plain = SaveOptions::new();
    let baseline = plain.encode_u8(&image, Format::Jpeg).unwrap();
    assert_eq!(frame(&baseline).0, 0xc0);
    let progressive = plain.progressive(true).encode_u8(&image, Format::Jpeg);
    let progressive = progressive.unwrap();
    assert_eq!(frame(&progressive).0, 0xc2);
    // The same coefficients in another order.
    same(
        &decode_bits(device, &progressive),
        &decode_bits(device, &baseline),
        "pixels",
    );
}

fn compression_changes_the_size_alone(device: &Device) {
    let image = picture(device, 256, 201);
    let expected = image.download().unwrap();
    for (format, compressions) in [
        (Format::Png, &COMPRESSIONS[..4]),
        (Format::Tiff, &COMPRESSIONS[..]),
    ] {
        let file = |compression| {
            let options = SaveOptions::new().compression(compression);
            options.encode_u8(&image, format).unwrap()
        };
        let sizes: Vec<usize> = compressions
            .iter()
            .map(|&compression| {
                let file = file(compression);
                let back = LoadOptions::new().decode_u8(device, &file).unwrap();
                same(&back.download().unwrap(), &expected, (format, compression));
                file.len()
            })
            .collect();
        let raw = expected.len();
        assert!(
            sizes[0] >= raw && sizes[0] < raw + 10_000,
            "{format} {sizes:?}"
        );
        assert!(sizes[1] < sizes[0] * 4 / 5, "{format} {sizes:?}");
        assert!(
            sizes[2] < sizes[1] && sizes[3] <= sizes[2],
            "{format} {sizes:?}"
        );
        let default = SaveOptions::new().encode_u8(&image, format).unwrap();
        let named = match format {
            Format::Png => Compression::Fast,
            _ => Compression::Uncompressed,
        };
        assert!(default == file(named), "{format}");
    }
    // Flat colours are what PackBits is for, and without alpha the pixel is narrower.
    let flat = ImageU8::from_pixels(device, 90, 70, Layout::L8, &[99; 6300]).unwrap();
    for compression in COMPRESSIONS {
        let options = SaveOptions::new()
            .background([0; 3])
            .compression(compression);
        let file = options.encode_u8(&flat, Format::Tiff).unwrap();
        assert_eq!(
            file.len() < 6300 * 3 / 2,
            compression != Compression::Uncompressed,
            "{compression:?}: {}",
            file.len()
        );
        let back = LoadOptions::new().decode_u8(device, &file).unwrap();
        same(
            &back.download().unwrap(),
            &[99, 99, 99, 255].repeat(6300),
            compression,
        );
    }
}

/// Whether a WebP without an extended header is lossless.
fn is_lossless(webp: &[u8]) -> bool {
    webp.windows(4).any(|four| four == b"VP8L")
}

fn webp_is_lossless_or_has_a_quality(device: &Device) {
    let image = picture(device, 40, 30);
    let encode = |options: SaveOptions| options.encode_u8(&image, Format::WebP);
    let plain = SaveOptions::new;
    let default = encode(plain()).unwrap();
    assert!(is_lossless(&default) && default == encode(plain().lossless(true)).unwrap());
    let lossy = encode(plain().quality(100)).unwrap();
    assert!(!is_lossless(&lossy));
    assert!(lossy == encode(plain().lossless(false)).unwrap());
    assert!(lossy == encode(plain().lossless(false).quality(100)).unwrap());
    let error = encode(plain().lossless(true).quality(90)).unwrap_err();
    assert_eq!(option(&error), Some("lossless"), "{error}");
}

fn webp_takes_every_effort(device: &Device) {
    let image = picture(device, 256, 201);
    let encode = |options: SaveOptions| options.encode_u8(&image, Format::WebP).unwrap();
    let [fast, small] = [0, 6].map(|effort| encode(SaveOptions::new().effort(effort)));
    assert!(small.len() < fast.len(), "{} {}", small.len(), fast.len());
    for effort in 0..=6 {
        let file = encode(SaveOptions::new().effort(effort));
        let back = LoadOptions::new().decode_u8(device, &file).unwrap();
        let pixels = back.download().unwrap();
        same(&pixels, &image.download().unwrap(), effort);
    }
    let lossy = |effort| encode(SaveOptions::new().quality(80).effort(effort));
    assert!(lossy(6) != lossy(0) && !is_lossless(&lossy(6)));
    assert!(lossy(4) == encode(SaveOptions::new().quality(80)));
}

/// The option that an error is about.
fn option(error: &Error) -> Option<&'static str> {
    match *error.kind() {
        ErrorKind::InvalidOption { option, .. } => Some(option),
        _ => None,
    }
}

fn every_option_is_honoured_or_refused(device: &Device) {
    use Format::*;
    let new = SaveOptions::new;
    let table: [(&str, SaveOptions, &[Format]); 27] = [
        ("quality", new().quality(1), &[Avif, Heif, Jpeg, WebP]),
        ("quality", new().quality(100), &[Avif, Heif, Jpeg, WebP]),
        (
            "subsampling",
            new().subsampling(Subsampling::Yuv444),
            &[Avif, Heif, Jpeg],
        ),
        (
            "subsampling",
            new().subsampling(Subsampling::Yuv422),
            &[Avif, Heif, Jpeg],
        ),
        (
            "subsampling",
            new().subsampling(Subsampling::Yuv420),
            &[Avif, Heif, Jpeg],
        ),
        ("progressive", new().progressive(true), &[Jpeg]),
        ("progressive", new().progressive(false), Format::ALL),
        (
            "compression",
            new().compression(COMPRESSIONS[0]),
            &[Png, Tiff],
        ),
        (
            "compression",
            new().compression(COMPRESSIONS[1]),
            &[Png, Tiff],
        ),
        (
            "compression",
            new().compression(COMPRESSIONS[2]),
            &[Png, Tiff],
        ),
        (
            "compression",
            new().compression(COMPRESSIONS[3]),
            &[Png, Tiff],
        ),
        ("compression", new().compression(COMPRESSIONS[4]), &[Tiff]),
        ("compression", new().compression(COMPRESSIONS[5]), &[Tiff]),
        ("lossless", new().lossless(true), &[WebP]),
        ("lossless", new().lossless(false), &[WebP]),
        ("effort", new().effort(0), &[Avif, Heif, WebP]),
        ("effort", new().effort(6), &[Avif, Heif, WebP]),
        (
            "metadata",
            new().metadata(Metadata::new().with_exif(b"MM\0*\0\0\0\x08\0\0\0\0\0\0")),
            &[Avif, Heif, Jpeg, Png, Tiff, WebP],
        ),
        ("metadata", new().metadata(Metadata::new()), Format::ALL),
        (
            "depth",
            new().depth(Depth::U8),
            &[
                Avif, Bmp, Gif, Heif, Ico, Jpeg, Png, Pnm, Qoi, Tga, Tiff, WebP,
            ],
        ),
        ("depth", new().depth(Depth::U16), &[Png, Pnm, Tiff]),
        ("depth", new().depth(Depth::F32), &[Exr, Hdr, Tiff]),
        (
            "channels",
            new().channels(Channels::Auto),
            &[Jpeg, Png, Tiff],
        ),
        (
            "channels",
            new().channels(Channels::Gray),
            &[Jpeg, Png, Tiff],
        ),
        ("channels", new().channels(Channels::GrayAlpha), &[Png]),
        (
            "channels",
            new().channels(Channels::Rgb),
            &[Jpeg, Png, Tiff],
        ),
        ("channels", new().channels(Channels::Rgba), &[Png, Tiff]),
    ];
    let image = Image::new(device, 3, 2).unwrap();
    for (name, options, honoured) in table {
        for &format in Format::ALL.iter().filter(|format| format.can_save()) {
            let result = options.encode(&image, format);
            match result {
                Ok(file) => {
                    assert!(honoured.contains(&format), "{format} took {options:?}");
                    let load = LoadOptions::new().format(format);
                    let back = load.decode(device, &file).unwrap();
                    assert_eq!((back.width(), back.height()), (3, 2));
                }
                Err(error) => {
                    assert!(!honoured.contains(&format), "{format}: {error}");
                    assert_eq!(option(&error), Some(name), "{error}");
                    assert_eq!(error.format(), Some(format));
                }
            }
        }
    }
}

fn what_is_out_of_range_is_refused(device: &Device) {
    let image = Image::new(device, 3, 2).unwrap();
    for &format in Format::ALL.iter().filter(|format| format.can_save()) {
        for (name, options) in [
            ("quality", SaveOptions::new().quality(0)),
            ("quality", SaveOptions::new().quality(101)),
            ("effort", SaveOptions::new().effort(7)),
        ] {
            let error = options.encode(&image, format).unwrap_err();
            assert_eq!(option(&error), Some(name), "{error}");
            assert!(error.to_string().contains("is not in"), "{error}");
        }
    }
}

fn refusals_name_the_formats_that_would_do(device: &Device) {
    let image = Image::new(device, 3, 2).unwrap();
    let new = SaveOptions::new;
    for (format, options, text) in [
        (
            Format::Png,
            new().compression(Compression::Lzw),
            "PNG: compression: Lzw is not one of PNG's: Uncompressed, Fast, Balanced, Small",
        ),
        (
            Format::Jpeg,
            new().depth(Depth::U16),
            "JPEG: depth: JPEG holds 8-bit samples, not 16-bit",
        ),
        (
            Format::Png,
            new().depth(Depth::F32),
            "PNG: depth: PNG holds 8-bit or 16-bit samples, not float",
        ),
        (
            Format::Jpeg,
            new().channels(Channels::Rgba),
            "JPEG: channels: Rgba is not one of JPEG's: Auto, Gray, Rgb",
        ),
        (
            Format::Png,
            new().channels(Channels::Rgba).background([0; 3]),
            "PNG: channels: with a background, there is no alpha",
        ),
        (
            Format::Tiff,
            new().channels(Channels::Gray).depth(Depth::F32),
            "TIFF: channels: Gray is of 8 or 16 bits, not of float",
        ),
        (
            Format::Jpeg,
            new()
                .channels(Channels::Gray)
                .subsampling(Subsampling::Yuv420),
            "JPEG: channels: a gray file has no colours to subsample",
        ),
        (
            Format::Bmp,
            new().compression(Compression::Lzw),
            "BMP: compression: not an option of BMP, only of PNG, TIFF",
        ),
    ] {
        let error = options.encode(&image, format).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}
