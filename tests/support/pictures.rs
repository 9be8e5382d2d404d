//! Pictures to save and load, and how far apart two are.

use super::{Noise, bits, crc32};
use image::{ColorType, ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use imagecuda::{Compression, Device, Format, ImageU8, LoadOptions};
use tempfile::TempDir;

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// An image of noise with soft structure, alpha included, so that lossy formats have a chance.
pub fn picture(device: &Device, width: u32, height: u32) -> ImageU8 {
    let mut noise = Noise::new(u64::from(width) << 32 | u64::from(height));
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let wave = |k: u32| {
                let phase = f64::from(x * k) / 23.0 + f64::from(y * (5 - k)) / 17.0;
                (phase.sin() * 100.0 + 128.0) as u8
            };
            let grain = (noise.next() >> 61) as u8;
            samples.extend([wave(1) + grain, wave(2), wave(3) ^ (grain & 1), wave(4)]);
        }
    }
    let mut image = ImageU8::new(device, width, height).unwrap();
    image.upload(&samples).unwrap();
    image
}

pub fn opaque(image: &ImageU8) -> ImageU8 {
    let mut samples = image.download().unwrap();
    samples.iter_mut().skip(3).step_by(4).for_each(|a| *a = 255);
    let mut copy = ImageU8::new(image.device(), image.width(), image.height()).unwrap();
    copy.upload(&samples).unwrap();
    copy
}

pub fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |(x, y): (&u8, &u8)| f64::from(x.abs_diff(*y)).powi(2);
    let mse = a.iter().zip(b).map(square).sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / mse.max(1e-9)).log10()
}

pub fn decode_u8(device: &Device, bytes: &[u8]) -> ImageU8 {
    LoadOptions::new().decode_u8(device, bytes).unwrap()
}

pub const LOSSLESS_RGBA: [Format; 7] = [
    Format::Png,
    Format::WebP,
    Format::Tiff,
    Format::Bmp,
    Format::Qoi,
    Format::Tga,
    Format::Ico,
];

/// The naive blend of the documentation, on 8-bit values.
pub fn flattened(rgba: &[u8], background: [u8; 3]) -> Vec<u8> {
    let unit = |x: u8| f32::from(x) / 255.0;
    rgba.chunks(4)
        .flat_map(|p| {
            let a = unit(p[3]);
            let blend = |c: usize| unit(p[c]) * a + unit(background[c]) * (1.0 - a);
            [0, 1, 2]
                .map(|c| (blend(c) * 255.0 + 0.5) as u8)
                .into_iter()
                .chain([255])
        })
        .collect()
}

/// Every compression that there is.
pub const COMPRESSIONS: [Compression; 6] = [
    Compression::Uncompressed,
    Compression::Fast,
    Compression::Balanced,
    Compression::Small,
    Compression::Lzw,
    Compression::PackBits,
];

/// The bits of what a file's bytes load as.
pub fn decode_bits(device: &Device, file: &[u8]) -> Vec<u32> {
    let image = LoadOptions::new().decode(device, file).unwrap();
    bits(&image.download().unwrap())
}

/// The layouts of PNG files with 8 and 16 bits.
pub const PNG_COLORS: [ColorType; 8] = [
    ColorType::L8,
    ColorType::La8,
    ColorType::Rgb8,
    ColorType::Rgba8,
    ColorType::L16,
    ColorType::La16,
    ColorType::Rgb16,
    ColorType::Rgba16,
];

/// A PNG of noise.
pub fn noise_png(color: ColorType, width: u32, height: u32) -> Vec<u8> {
    let len = width as usize * height as usize * usize::from(color.bytes_per_pixel());
    let pixels = Noise::new(len as u64).bytes(len);
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(&pixels, width, height, ExtendedColorType::from(color))
        .unwrap();
    file
}

/// The little-endian EXIF structure of one entry.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    bytes.extend([orientation, 0, 0, 0]);
    bytes
}

/// A PNG with EXIF after its header.
pub fn png_with_exif(file: &[u8], orientation: u8) -> Vec<u8> {
    let chunk = [b"eXIf", &exif(orientation)[..]].concat();
    let length = u32::try_from(chunk.len() - 4).unwrap().to_be_bytes();
    let crc = crc32(&chunk).to_be_bytes();
    [&file[..33], &length, &chunk, &crc, &file[33..]].concat()
}
