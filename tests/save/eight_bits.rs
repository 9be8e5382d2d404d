//! An 8-bit image is saved as the float image is that it stands for, to the byte.

use crate::support::Noise;
use imagecuda::{
    Channels, Compression, Depth, Device, Format, ImageU8, JpegEncoder, Layout, SaveOptions,
};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        eight_bits_are_saved_as_their_floats,
        the_fewest_channels_are_those_of_the_floats,
    ])
}

/// More pixels than one task of the CPU has, in rows that no task ends with.
const SIZE: (u32, u32) = (509, 263);

#[track_caller]
fn check(image: &ImageU8, format: Format, options: &SaveOptions) {
    let floats = options.encode(&image.to_f32().unwrap(), format).unwrap();
    let bytes = options.encode_u8(image, format).unwrap();
    assert!(bytes == floats, "{format}, {options:?}");
}

fn eight_bits_are_saved_as_their_floats(device: &Device) {
    let (width, height) = SIZE;
    let pixels = Noise::new(41).bytes(width as usize * height as usize * 4);
    let image = ImageU8::from_pixels(device, width, height, Layout::Rgba8, &pixels).unwrap();
    let plain = SaveOptions::new();
    for format in Format::ALL {
        // HEIF's encoders take their time, and icons are small.
        let is_slow = matches!(format, Format::Avif | Format::Heif | Format::Ico);
        if format.can_save() && !is_slow {
            check(&image, *format, &plain);
            check(&image, *format, &plain.clone().background([90, 0, 200]));
        }
    }
    let png = plain.clone().compression(Compression::Uncompressed);
    for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb] {
        check(&image, Format::Png, &png.clone().channels(channels));
        let deep = png.clone().depth(Depth::U16);
        check(&image, Format::Png, &deep.channels(channels));
    }
    check(&image, Format::Tiff, &plain.clone().depth(Depth::F32));
    check(&image, Format::Jpeg, &plain.clone().progressive(true));
    check(
        &image,
        Format::Jpeg,
        &plain.clone().channels(Channels::Gray),
    );
    check(
        &image,
        Format::Jpeg,
        &plain.jpeg_encoder(JpegEncoder::Kernels),
    );
}

fn the_fewest_channels_are_those_of_the_floats(device: &Device) {
    let (width, height) = SIZE;
    let noise = Noise::new(42).bytes(width as usize * height as usize);
    // Gray and opaque until the last pixel, which decides.
    for last in [[7, 7, 7, 255], [7, 7, 7, 254], [7, 7, 8, 255], [1, 2, 3, 0]] {
        let mut pixels: Vec<u8> = noise.iter().flat_map(|&v| [v, v, v, 255]).collect();
        let at = pixels.len() - 4;
        pixels[at..].copy_from_slice(&last);
        let image = ImageU8::from_pixels(device, width, height, Layout::Rgba8, &pixels).unwrap();
        let options = SaveOptions::new().channels(Channels::Auto);
        check(&image, Format::Png, &options);
        check(&image, Format::Png, &options.clone().depth(Depth::U16));
        check(&image, Format::Png, &options.clone().background([7; 3]));
        check(&image, Format::Jpeg, &options);
    }
}
