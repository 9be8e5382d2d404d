//! Gray files, and the fewest channels that lose nothing, against formulas written here and
//! decoders of other crates.

use crate::support::{Noise, same};
use ::image::{ColorType, DynamicImage, ImageFormat};
use imagecuda::{
    Channels, Depth, Device, Format, Image, ImageU8, Layout, LoadOptions, Metadata, SaveOptions,
    inspect_bytes,
};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = crate::support::on_each_device(crate::device_tests![
        brightness_is_weighed_and_grays_are_exact,
        every_choice_has_its_channels,
        auto_keeps_what_there_is_and_no_more,
        auto_is_of_what_a_file_can_hold,
        auto_loses_nothing_of_almost_opaque_pixels,
        a_background_leaves_no_alpha,
        profiles_keep_colours,
        every_way_to_save_gives_the_same_file,
    ]);
    trials.extend(crate::support::on_both_devices(crate::device_tests![
        gpu_packs_grays_as_the_cpu,
        gpu_finds_the_fewest_channels_as_the_cpu,
    ]));
    trials
}

/// What the crate `image` makes of a file.
fn read(file: &[u8], format: ImageFormat) -> DynamicImage {
    ::image::load_from_memory_with_format(file, format).unwrap()
}

fn save(image: &Image, options: &SaveOptions) -> DynamicImage {
    read(
        &options.encode(image, Format::Png).unwrap(),
        ImageFormat::Png,
    )
}

fn image(device: &Device, samples: &[f32]) -> Image {
    let mut image = Image::new(device, samples.len() as u32 / 4, 1).unwrap();
    image.upload(samples).unwrap();
    image
}

fn gray() -> SaveOptions {
    SaveOptions::new().channels(Channels::Gray)
}

fn auto() -> SaveOptions {
    SaveOptions::new().channels(Channels::Auto)
}

fn brightness_is_weighed_and_grays_are_exact(device: &Device) {
    let all: Vec<u16> = (0..=65_535).collect();
    let bytes = bytemuck::cast_slice(&all);
    let grays = Image::from_pixels(device, 65_536, 1, Layout::L16, bytes).unwrap();
    let back = save(&grays, &gray().depth(Depth::U16));
    same(&back.into_luma16().into_raw(), &all, "16 bits");
    let bytes: Vec<u8> = (0..=255).collect();
    let grays = Image::from_pixels(device, 256, 1, Layout::L8, &bytes).unwrap();
    same(
        &save(&grays, &gray()).into_luma8().into_raw(),
        &bytes,
        "8 bits",
    );

    // Fractions of half a step are the rounding's.
    let colors = Noise::new(31).bytes(4 * 10_007);
    let source = Image::from_pixels(device, 10_007, 1, Layout::Rgba8, &colors).unwrap();
    let saved = save(&source, &SaveOptions::new().channels(Channels::GrayAlpha));
    assert_eq!(saved.color(), ColorType::La8);
    for (got, rgba) in saved.into_luma_alpha8().chunks(2).zip(colors.chunks(4)) {
        let exact: f64 = [0.299, 0.587, 0.114]
            .iter()
            .zip(rgba)
            .map(|(weight, &v)| weight * f64::from(v))
            .sum();
        assert!(
            (f64::from(got[0]) - exact).abs() < 0.502,
            "{got:?} of {rgba:?}"
        );
        assert_eq!(got[1], rgba[3]);
    }
}

fn every_choice_has_its_channels(device: &Device) {
    let pixels = Noise::new(32).bytes(4 * 35);
    let image = Image::from_pixels(device, 7, 5, Layout::Rgba8, &pixels).unwrap();
    for (channels, eight, sixteen) in [
        (Channels::Auto, ColorType::Rgba8, ColorType::Rgba16),
        (Channels::Gray, ColorType::L8, ColorType::L16),
        (Channels::GrayAlpha, ColorType::La8, ColorType::La16),
        (Channels::Rgb, ColorType::Rgb8, ColorType::Rgb16),
        (Channels::Rgba, ColorType::Rgba8, ColorType::Rgba16),
    ] {
        let options = SaveOptions::new().channels(channels);
        assert_eq!(save(&image, &options).color(), eight);
        assert_eq!(save(&image, &options.depth(Depth::U16)).color(), sixteen);
    }
    // What a JPEG and a TIFF say of themselves when they are loaded.
    for (format, channels, layout) in [
        (Format::Jpeg, Channels::Gray, Layout::L8),
        (Format::Jpeg, Channels::Auto, Layout::Rgb8),
        (Format::Tiff, Channels::Gray, Layout::L8),
        (Format::Tiff, Channels::Rgb, Layout::Rgb8),
        (Format::Tiff, Channels::Rgba, Layout::Rgba8),
    ] {
        let options = SaveOptions::new().channels(channels);
        let file = options.encode(&image, format).unwrap();
        let info = inspect_bytes(&file).unwrap();
        assert_eq!(info.layout(), layout, "{format} {channels:?}");
    }
    let file = gray().encode(&image, Format::Tiff).unwrap();
    let tiff = LoadOptions::new().decode_u8(device, &file).unwrap();
    let png = LoadOptions::new().decode_u8(device, &gray().encode(&image, Format::Png).unwrap());
    same(
        &tiff.download().unwrap(),
        &png.unwrap().download().unwrap(),
        "TIFF as PNG",
    );
}

/// A picture of one gray and opaque pixel many times, and the one that `change` makes last.
fn all_but_one(device: &Device, change: impl Fn(&mut [f32])) -> Image {
    let mut samples = [0.5, 0.5, 0.5, 1.0].repeat(300 * 301);
    let last = samples.len() - 4;
    change(&mut samples[last..]);
    let mut image = Image::new(device, 300, 301).unwrap();
    image.upload(&samples).unwrap();
    image
}

fn auto_keeps_what_there_is_and_no_more(device: &Device) {
    type Change = fn(&mut [f32]);
    let cases: [(Change, ColorType); 5] = [
        (|_| {}, ColorType::L8),
        (|pixel| pixel[3] = 0.9, ColorType::La8),
        (|pixel| pixel[1] = 0.9, ColorType::Rgb8),
        (|pixel| pixel[2] = 0.9, ColorType::Rgb8),
        (
            |pixel| pixel[2..].copy_from_slice(&[0.9; 2]),
            ColorType::Rgba8,
        ),
    ];
    for (change, color) in cases {
        let image = all_but_one(device, change);
        let saved = save(&image, &auto());
        assert_eq!(saved.color(), color);
        let all = save(&image, &SaveOptions::new());
        same(
            &saved.into_rgba8().into_raw(),
            &all.into_rgba8().into_raw(),
            color,
        );
    }
    let gray = all_but_one(device, |_| {});
    for format in [Format::Jpeg, Format::Tiff] {
        let file = auto().encode(&gray, format).unwrap();
        let info = inspect_bytes(&file).unwrap();
        assert_eq!(info.layout(), Layout::L8, "{format}");
    }
    // TIFF has no gray with alpha here.
    let clear = all_but_one(device, |pixel| pixel[3] = 0.0);
    let file = auto().encode(&clear, Format::Tiff).unwrap();
    let info = inspect_bytes(&file).unwrap();
    assert_eq!(info.layout(), Layout::Rgba8);
}

fn auto_is_of_what_a_file_can_hold(device: &Device) {
    let almost = all_but_one(device, |pixel| pixel[0] = 0.5005);
    assert_eq!(save(&almost, &auto()).color(), ColorType::L8);
    let deep = auto().depth(Depth::U16);
    assert_eq!(save(&almost, &deep).color(), ColorType::Rgb16);
    // Past the end all are as bright.
    let bright = image(device, &[7.0, 1.0, f32::INFINITY, 3.0]);
    assert_eq!(save(&bright, &auto()).color(), ColorType::L8);
}

fn auto_loses_nothing_of_almost_opaque_pixels(device: &Device) {
    for (depth, alpha) in [(Depth::U8, 0.9985), (Depth::U16, 0.999_994)] {
        let samples: Vec<f32> = (0..65_536)
            .flat_map(|i| [i as f32 / 65_535.0, 0.25, 1.0, alpha])
            .collect();
        let image = image(device, &samples);
        let saved = save(&image, &auto().depth(depth));
        assert!(!saved.color().has_alpha());
        let all = save(&image, &SaveOptions::new().depth(depth));
        assert!(all.color().has_alpha());
        let (saved, all) = (saved.into_rgba16().into_raw(), all.into_rgba16().into_raw());
        same(&saved, &all, depth);
    }
}

fn a_background_leaves_no_alpha(device: &Device) {
    let clear = all_but_one(device, |pixel| pixel[3] = 0.5);
    let on = |rgb| save(&clear, &auto().background(rgb));
    assert_eq!(on([90; 3]).color(), ColorType::L8);
    assert_eq!(on([90, 90, 200]).color(), ColorType::Rgb8);
    let last = *on([255; 3]).into_luma8().into_raw().last().unwrap();
    assert_eq!(last, 191, "half of 0.5, half of white");
    let last = *save(&clear, &gray())
        .into_luma8()
        .into_raw()
        .last()
        .unwrap();
    assert_eq!(last, 64, "half of 0.5, half of black");
}

fn profiles_keep_colours(device: &Device) {
    let icc = moxcms::ColorProfile::new_srgb().encode().unwrap();
    let metadata = Metadata::new().with_icc_profile(icc);
    let image = all_but_one(device, |_| {});
    let saved = save(&image, &auto().metadata(metadata.clone()));
    assert_eq!(saved.color(), ColorType::Rgb8);
    let error = gray().metadata(metadata).encode(&image, Format::Png);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("channels: the ICC profile is for RGB"),
        "{error}"
    );
}

fn every_way_to_save_gives_the_same_file(device: &Device) {
    let pixels: Vec<u8> = (0..=255).flat_map(|v| [v, v, v, 255]).collect();
    let eight = ImageU8::from_pixels(device, 16, 16, Layout::Rgba8, &pixels).unwrap();
    let float = eight.to_f32().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    for options in [
        auto(),
        gray(),
        SaveOptions::new().channels(Channels::GrayAlpha),
    ] {
        let file = options.encode(&float, Format::Png).unwrap();
        assert!(options.encode_u8(&eight, Format::Png).unwrap() == file);
        let mut via = ImageU8::new(device, 16, 16).unwrap();
        options.save_via(&float, &path, &mut via).unwrap();
        assert!(std::fs::read(&path).unwrap() == file);
        same(&via.download().unwrap(), &pixels, "via");
    }
}

fn gpu_packs_grays_as_the_cpu(gpu: &Device) {
    for pixels in [1, 2, 31, 33, 1009, 262_147] {
        let samples = Noise::new(33).floats(pixels * 4);
        for channels in [Channels::Gray, Channels::GrayAlpha] {
            for depth in [Depth::U8, Depth::U16] {
                let options = SaveOptions::new().channels(channels).depth(depth);
                let [a, b] = [gpu, &Device::cpu()].map(|device| {
                    options
                        .encode(&image(device, &samples), Format::Png)
                        .unwrap()
                });
                assert!(a == b, "{pixels} pixels, {channels:?} {depth:?}");
            }
        }
    }
}

fn gpu_finds_the_fewest_channels_as_the_cpu(gpu: &Device) {
    for pixels in [1, 255, 257, 100_003] {
        for place in [0, pixels / 2, pixels - 1] {
            for channel in 0..4 {
                let mut samples = [0.25, 0.25, 0.25, 1.0].repeat(pixels);
                samples[4 * place + channel] = 0.75;
                for options in [auto(), auto().depth(Depth::U16), auto().background([9; 3])] {
                    let [a, b] = [gpu, &Device::cpu()].map(|device| {
                        options
                            .encode(&image(device, &samples), Format::Png)
                            .unwrap()
                    });
                    assert!(a == b, "{place} of {pixels} pixels, channel {channel}");
                }
            }
        }
    }
}
