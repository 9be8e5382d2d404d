use super::*;
use crate::{Format, Limits};
use libheif_rs::{
    Channel, ColorProfileNCLX, ColorSpace, CompressionFormat, EncoderParameterValue,
    EncoderQuality, EncodingOptions, HeifContext, Image, RgbChroma,
};

fn picture(width: u32, height: u32, seed: u8) -> Image {
    let mut image = Image::new(width, height, ColorSpace::Rgb(RgbChroma::Rgb)).unwrap();
    image
        .create_plane(Channel::Interleaved, width, height, 8)
        .unwrap();
    let profile = ColorProfileNCLX::new().unwrap();
    image.set_color_profile_nclx(&profile).unwrap();
    let plane = image.planes_mut().interleaved.unwrap();
    for (y, row) in plane.data.chunks_mut(plane.stride).enumerate() {
        for (x, sample) in row.iter_mut().enumerate() {
            *sample = (x as u8).wrapping_mul(3) ^ (y as u8).wrapping_add(seed);
        }
    }
    image
}

fn file(format: CompressionFormat, chroma: &str, size: (u32, u32)) -> Vec<u8> {
    let mut encoder = super::super::LIBHEIF.encoder_for_format(format).unwrap();
    encoder.set_quality(EncoderQuality::Lossy(50)).unwrap();
    let chroma = EncoderParameterValue::String(chroma.to_owned());
    encoder.set_parameter_value("chroma", chroma).unwrap();
    let mut context = HeifContext::new().unwrap();
    let options = EncodingOptions::new().unwrap();
    context
        .encode_image(&picture(size.0, size.1, 0), &mut encoder, Some(options))
        .unwrap();
    context.write_to_bytes().unwrap()
}

fn joined(packet: &Packet<'_>) -> Vec<u8> {
    packet.joined(&mut Vec::new()).to_vec()
}

/// The kinds of the units of an Annex B stream.
fn kinds(packet: &[u8]) -> Vec<u8> {
    let starts = packet.windows(4).enumerate();
    let starts = starts.filter(|(_, window)| *window == [0, 0, 0, 1]);
    starts.map(|(at, _)| packet[at + 4] >> 1 & 0x3f).collect()
}

#[test]
fn a_single_picture_is_one_frame_with_its_parameter_sets() {
    for (chroma, is_444) in [("420", false), ("444", true)] {
        let file = file(CompressionFormat::Hevc, chroma, (256, 192));
        let items = Items::new(&file).unwrap();
        let coded = Coded::of(&items).unwrap();
        let Video {
            codec,
            bits,
            size,
            tile,
            columns,
            packets,
            ..
        } = &coded.video;
        assert_eq!((*codec, *bits, *columns), (VideoCodec::Hevc, 8, 1));
        assert_eq!(coded.video.is_444, is_444);
        assert_eq!((*size, *tile), ([256, 192], [256, 192]));
        let kinds = kinds(&joined(&packets[0]));
        // Video, sequence and picture parameter sets, and a slice of a key frame.
        assert!(kinds.starts_with(&[32, 33, 34]), "{kinds:?}");
        assert!(
            kinds[3..].iter().all(|kind| (16..=21).contains(kind)),
            "{kinds:?}"
        );
        let signal = coded.signal.unwrap();
        assert_eq!((signal.matrix, signal.full_range), (6, true));
    }
    assert!(
        Coded::of(&Items::new(&file(CompressionFormat::Hevc, "422", (64, 64))).unwrap()).is_none()
    );
}

#[test]
fn an_avif_is_a_frame_too() {
    for (chroma, is_444) in [("420", false), ("444", true)] {
        let file = file(CompressionFormat::Av1, chroma, (256, 192));
        let items = Items::new(&file).unwrap();
        let video = Coded::of(&items).unwrap().video;
        assert_eq!(
            (video.codec, video.bits, video.is_444),
            (VideoCodec::Av1, 8, is_444)
        );
        assert_eq!(
            joined(&video.packets[0]),
            *items.data(items.primary).unwrap()
        );
    }
    assert!(
        Coded::of(&Items::new(&file(CompressionFormat::Av1, "422", (64, 64))).unwrap()).is_none()
    );
}

#[test]
fn damage_is_no_panic() {
    let file = file(CompressionFormat::Hevc, "420", (64, 64));
    let end = file.len().min(900);
    for at in 0..end {
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = file.clone();
            damaged[at] = value;
            if let Some(items) = Items::new(&damaged) {
                Coded::of(&items);
            }
        }
        if let Some(items) = Items::new(&file[..at]) {
            Coded::of(&items);
        }
    }
}

#[test]
fn the_host_decodes_without_a_gpu() {
    let file = file(CompressionFormat::Hevc, "420", (256, 192));
    let heif = super::super::read_header(Format::Heif, &file, &Limits::default()).unwrap();
    let target = PayloadTarget {
        device: &crate::Device::cpu(),
        file: None,
        uploaded: None,
        new_image: None,
        jpeg_decoder: Default::default(),
        in_group: false,
        may_wait: false,
        color_policy: Default::default(),
        png_decoder: Default::default(),
        video_decoder: crate::VideoDecoder::Engine,
    };
    assert!(heif.frames(target).is_none());
}

#[test]
fn units_have_start_codes_and_damaged_lengths_are_none() {
    let mut configuration = vec![0; 21];
    // Lengths of four bytes, and two arrays.
    configuration.extend([3, 2]);
    configuration.extend([32, 0, 1, 0, 3, 64, 1, 9]);
    configuration.extend([39, 0, 1, 0, 2, 78, 1]);
    let data = [0, 0, 0, 2, 40, 7, 0, 0, 0, 1, 78];
    // Without the two that only inform.
    let expected = [0, 0, 0, 1, 64, 1, 9, 0, 0, 0, 1, 40, 7];
    let all = units(&configuration, &data).unwrap();
    assert_eq!(joined(&Packet::Units(all)), expected);
    for cut in [1, 3, 5, 7, 10] {
        assert_eq!(units(&configuration, &data[..cut]), None, "{cut}");
    }
    for cut in 0..configuration.len() {
        assert_eq!(units(&configuration[..cut], &data), None, "{cut}");
    }
}

#[cfg(feature = "heif-vendored")]
mod damage;
#[cfg(feature = "heif-vendored")]
mod engines;
#[cfg(feature = "heif-vendored")]
mod grids;
#[cfg(feature = "heif-vendored")]
mod made;
