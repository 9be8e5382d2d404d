pub(super) mod clap;
mod damage;
mod effort;
mod planes;
mod range;
pub(super) mod regular;

use super::{write::image, *};
use crate::{
    SaveOptions, Subsampling,
    codec::{self, EncodeRequest},
    picture::Pixels,
};
use libheif_rs::{
    Channel, Chroma, CompressionFormat, EncoderParameterValue, EncoderQuality, EncodingOptions,
};
use std::io::Cursor;

const FORMATS: [Format; 2] = [Format::Heif, Format::Avif];

/// Soft waves, with the top left corner marked; alpha too, where there is one.
fn picture(width: u32, height: u32, layout: Layout) -> Vec<u8> {
    let mut data = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let wave = |k: u32| {
                let phase = f64::from(x * k) / 19.0 + f64::from(y * (4 - k)) / 13.0;
                (phase.sin() * 110.0 + 128.0) as u8
            };
            let corner = x < width / 3 && y < height / 4;
            let alpha = if corner { 255 } else { wave(2) };
            let pixel = match corner {
                true => [220, 30, 60, alpha],
                false => [wave(1), wave(2), wave(3), alpha],
            };
            data.extend_from_slice(&pixel[..layout.channels()]);
        }
    }
    data
}

fn encode(
    format: Format,
    (width, height): (u32, u32),
    layout: Layout,
    data: &[u8],
    options: &SaveOptions,
) -> Result<Vec<u8>> {
    let pixels = Pixels {
        width,
        height,
        layout,
        data,
    };
    let mut file = Cursor::new(Vec::new());
    codec::encode(format, EncodeRequest::new(pixels, options), &mut file)?;
    Ok(file.into_inner())
}

fn decode(format: Format, bytes: &[u8]) -> Result<(Header, Vec<u8>)> {
    let decoder = codec::open(format, bytes, &Limits::default(), false)?;
    let header = decoder.header();
    codec::check(&header, &Limits::default())?;
    let mut out = vec![0xa5; header.bytes() + 1]; // at an odd address
    decoder.read_into(&mut out[1..])?;
    out.remove(0);
    Ok((header, out))
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |(x, y): (&u8, &u8)| f64::from(x.abs_diff(*y)).powi(2);
    let mse = a.iter().zip(b).map(square).sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / mse.max(1e-9)).log10()
}

/// A file of planes that the codec itself does not write.
fn encode_planes(
    format: CompressionFormat,
    space: ColorSpace,
    (width, height): (u32, u32),
    bits: u8,
    planes: &[(Channel, Vec<u16>)],
) -> Vec<u8> {
    encode_planes_as(format, space, (width, height), bits, planes, "444", true)
}

fn encode_planes_as(
    format: CompressionFormat,
    space: ColorSpace,
    (width, height): (u32, u32),
    bits: u8,
    planes: &[(Channel, Vec<u16>)],
    chroma: &str,
    full_range: bool,
) -> Vec<u8> {
    let mut image = Image::new(width, height, space).unwrap();
    for (channel, samples) in planes {
        image.create_plane(*channel, width, height, bits).unwrap();
        let all = image.planes_mut();
        let plane = [all.y, all.r, all.g, all.b, all.a]
            .into_iter()
            .zip([
                Channel::Y,
                Channel::R,
                Channel::G,
                Channel::B,
                Channel::Alpha,
            ])
            .find_map(|(plane, c)| plane.filter(|_| c == *channel))
            .unwrap();
        let rows = samples.chunks(width as usize);
        for (out, row) in plane.data.chunks_mut(plane.stride).zip(rows) {
            for (i, sample) in row.iter().enumerate() {
                match bits {
                    8 => out[i] = *sample as u8,
                    _ => out[2 * i..][..2].copy_from_slice(&sample.to_ne_bytes()),
                }
            }
        }
    }
    let profile = match full_range {
        true => ColorProfileNCLX::new().unwrap(),
        false => range::limited(),
    };
    image.set_color_profile_nclx(&profile).unwrap();
    let mut encoder = LIBHEIF.encoder_for_format(format).unwrap();
    encoder.set_quality(EncoderQuality::LossLess).unwrap();
    if !matches!(space, ColorSpace::Monochrome) {
        let chroma = EncoderParameterValue::String(chroma.to_owned());
        encoder.set_parameter_value("chroma", chroma).unwrap();
    }
    let mut context = HeifContext::new().unwrap();
    let options = EncodingOptions::new().unwrap();
    context
        .encode_image(&image, &mut encoder, Some(options))
        .unwrap();
    context.write_to_bytes().unwrap()
}

#[test]
fn quality_has_its_price_and_its_worth() {
    for format in FORMATS {
        for size in [(64, 48), (1, 1), (2, 3), (17, 1), (1, 33), (131, 77)] {
            let data = picture(size.0, size.1, Layout::Rgb8);
            let mut before = usize::MAX;
            for (quality, at_least) in [
                (None, 50.0),
                (Some(90), 38.0),
                (Some(60), 26.0),
                (Some(10), 15.0),
            ] {
                let mut options = SaveOptions::new();
                options.quality = quality;
                let file = encode(format, size, Layout::Rgb8, &data, &options).unwrap();
                let (header, out) = decode(format, &file).unwrap();
                assert_eq!((header.width, header.height), size);
                assert_eq!(header.layout, Layout::Rgb8);
                let psnr = psnr(&out, &data);
                println!(
                    "{format} {size:?} {quality:?}: {psnr:.1} dB, {} bytes",
                    file.len()
                );
                assert!(psnr >= at_least, "{format} {size:?} {quality:?}: {psnr} dB");
                if size.0 * size.1 > 1000 {
                    assert!(file.len() < before, "{format} {quality:?}");
                    before = file.len();
                }
            }
            let best = encode(
                format,
                size,
                Layout::Rgb8,
                &data,
                &SaveOptions::new().quality(100),
            );
            let default = encode(format, size, Layout::Rgb8, &data, &SaveOptions::new());
            assert!(best.unwrap() == default.unwrap(), "{format}");
        }
    }
}

#[test]
fn chroma_is_whole_from_90_or_as_asked() {
    let size = (32, 32);
    let data = picture(size.0, size.1, Layout::Rgb8);
    for format in FORMATS {
        for (quality, subsampling, chroma) in [
            (89, None, Chroma::C420),
            (90, None, Chroma::C444),
            (89, Some(Subsampling::Yuv444), Chroma::C444),
            (89, Some(Subsampling::Yuv422), Chroma::C422),
            (100, Some(Subsampling::Yuv422), Chroma::C422),
            (100, Some(Subsampling::Yuv420), Chroma::C420),
        ] {
            let mut options = SaveOptions::new().quality(quality);
            options.subsampling = subsampling;
            let file = encode(format, size, Layout::Rgb8, &data, &options).unwrap();
            let context = HeifContext::read_from_bytes(&file).unwrap();
            let handle = context.primary_image_handle().unwrap();
            let space = handle.preferred_decoding_colorspace().unwrap();
            assert_eq!(
                space,
                ColorSpace::YCbCr(chroma),
                "{subsampling:?} at {quality}"
            );
            let (_, out) = decode(format, &file).unwrap();
            assert!(psnr(&out, &data) > 25.0, "{subsampling:?} at {quality}");
            // The file says what its numbers mean.
            let profile = handle.color_profile_nclx().unwrap();
            use libheif_rs::{ColorPrimaries, TransferCharacteristics};
            assert_eq!(profile.color_primaries(), ColorPrimaries::ITU_R_BT_709_5);
            let curve = profile.transfer_characteristics();
            assert_eq!(curve, TransferCharacteristics::IEC_61966_2_1);
            assert_eq!(profile.full_range_flag(), 1);
        }
    }
}

#[test]
fn alpha_is_kept_and_opaque_alpha_is_not() {
    let size = (61, 43);
    let data = picture(size.0, size.1, Layout::Rgba8);
    for format in FORMATS {
        let file = encode(format, size, Layout::Rgba8, &data, &SaveOptions::new()).unwrap();
        let (header, out) = decode(format, &file).unwrap();
        assert_eq!(header.layout, Layout::Rgba8);
        let channel =
            |data: &[u8], c| -> Vec<u8> { data.iter().skip(c).step_by(4).copied().collect() };
        for c in 0..4 {
            let psnr = psnr(&channel(&out, c), &channel(&data, c));
            println!("{format} channel {c}: {psnr:.1} dB");
            assert!(psnr > 44.0, "{format} channel {c}: {psnr} dB");
        }
        let mut opaque = data.clone();
        opaque.iter_mut().skip(3).step_by(4).for_each(|a| *a = 255);
        let file = encode(format, size, Layout::Rgba8, &opaque, &SaveOptions::new()).unwrap();
        let (header, out) = decode(format, &file).unwrap();
        assert_eq!(header.layout, Layout::Rgb8);
        assert_eq!(
            out[..3]
                .iter()
                .zip([220, 30, 60])
                .filter(|(a, b)| a.abs_diff(*b) > 4)
                .count(),
            0
        );
    }
}

#[test]
fn deep_samples_keep_their_precision() {
    let size = (64, 32);
    let samples = (size.0 * size.1) as usize;
    for (format, compression) in [
        (Format::Heif, CompressionFormat::Hevc),
        (Format::Avif, CompressionFormat::Av1),
    ] {
        for bits in [10, 12] {
            let top = (1_u32 << bits) - 1;
            let ramp: Vec<u16> = (0..samples)
                .map(|i| (i as u32 * top / samples as u32) as u16)
                .collect();
            let exact = |sample: u16| ((u32::from(sample) * 65_535 + top / 2) / top) as u16;

            let planes = [(Channel::Y, ramp.clone())];
            let file = encode_planes(compression, ColorSpace::Monochrome, size, bits, &planes);
            let (header, out) = decode(format, &file).unwrap();
            assert_eq!(header.layout, Layout::L16, "{format} {bits}");
            let out: Vec<u16> = out
                .as_chunks()
                .0
                .iter()
                .map(|&s| u16::from_ne_bytes(s))
                .collect();
            for (out, &sample) in out.iter().zip(&ramp) {
                let expected = exact(sample);
                // Lossless in the file; libheif may round once.
                assert!(
                    out.abs_diff(expected) <= exact(1),
                    "{format} {bits}: {out}, {expected}"
                );
            }
            let distinct: std::collections::BTreeSet<_> = out.iter().collect();
            assert!(distinct.len() > 256, "{format} {bits}");
        }
    }
}

#[test]
fn premultiplied_colours_are_divided() {
    let size = (32, 32);
    let data: Vec<u8> = [100, 50, 25, 128].repeat(1024);
    let plain = encode(
        Format::Avif,
        size,
        Layout::Rgba8,
        &data,
        &SaveOptions::new(),
    )
    .unwrap();
    let image = image(Pixels {
        width: 32,
        height: 32,
        layout: Layout::Rgba8,
        data: &data,
    })
    .unwrap();
    image.set_premultiplied_alpha(true);
    let mut encoder = LIBHEIF.encoder_for_format(CompressionFormat::Av1).unwrap();
    encoder.set_quality(EncoderQuality::Lossy(100)).unwrap();
    let mut context = HeifContext::new().unwrap();
    context.encode_image(&image, &mut encoder, None).unwrap();
    let premultiplied = context.write_to_bytes().unwrap();
    for (file, expected) in [
        (plain, [100, 50, 25, 128_u8]),
        (premultiplied, [199, 100, 50, 128]),
    ] {
        let (_, out) = decode(Format::Avif, &file).unwrap();
        let pixel = &out[2000..2004];
        let near = pixel.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 4);
        assert!(near, "{pixel:?}, {expected:?}");
    }
}

#[test]
fn orientation_is_applied_once() {
    use libheif_rs::ImageOrientation;
    let (width, height) = (48, 32);
    let data = picture(width, height, Layout::Rgb8);
    for (format, compression) in [
        (Format::Heif, CompressionFormat::Hevc),
        (Format::Avif, CompressionFormat::Av1),
    ] {
        let image = image(Pixels {
            width,
            height,
            layout: Layout::Rgb8,
            data: &data,
        })
        .unwrap();
        let mut encoder = LIBHEIF.encoder_for_format(compression).unwrap();
        encoder.set_quality(EncoderQuality::Lossy(100)).unwrap();
        let mut options = EncodingOptions::new().unwrap();
        options.set_image_orientation(ImageOrientation::Rotate90Cw);
        let mut context = HeifContext::new().unwrap();
        let handle = context
            .encode_image(&image, &mut encoder, Some(options))
            .unwrap();
        // What cameras do: EXIF says it again, to those who do not know the format's own way.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        context.add_exif_metadata(&handle, exif).unwrap();
        drop(handle);
        let (header, out) = decode(format, &context.write_to_bytes().unwrap()).unwrap();
        assert_eq!((header.width, header.height), (height, width));
        let turned: Vec<u8> = (0..width)
            .flat_map(|y| (0..height).map(move |x| (y, height - 1 - x)))
            .flat_map(|(x, y)| data[((y * width + x) * 3) as usize..][..3].to_vec())
            .collect();
        assert!(
            psnr(&out, &turned) > 24.0,
            "{format}: {}",
            psnr(&out, &turned)
        );
    }
}
