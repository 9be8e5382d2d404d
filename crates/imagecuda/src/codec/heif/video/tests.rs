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
        let kinds = kinds(&packets[0]);
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
        assert_eq!(*video.packets[0], *items.data(items.primary).unwrap());
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
        jpeg_decoder: Default::default(),
        in_group: false,
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
    assert_eq!(annex_b(&configuration, &data).unwrap(), expected);
    for cut in [1, 3, 5, 7, 10] {
        assert_eq!(annex_b(&configuration, &data[..cut]), None, "{cut}");
    }
    for cut in 0..configuration.len() {
        assert_eq!(annex_b(&configuration[..cut], &data), None, "{cut}");
    }
}

#[cfg(feature = "heif-vendored")]
mod grids {
    use super::*;
    use crate::{
        Device, LoadOptions, VideoDecoder,
        device::{Payload, video::test_gpu},
    };
    use std::num::NonZeroU16;

    /// A grid of `columns` by `rows` tiles, of which the last column and row show only a part.
    pub(super) fn grid(
        chroma: &str,
        tile: [u32; 2],
        [columns, rows]: [u16; 2],
        cut: [u32; 2],
    ) -> Vec<u8> {
        let compression = CompressionFormat::Hevc;
        let mut encoder = super::super::super::LIBHEIF
            .encoder_for_format(compression)
            .unwrap();
        encoder.set_quality(EncoderQuality::Lossy(70)).unwrap();
        let chroma = EncoderParameterValue::String(chroma.to_owned());
        encoder.set_parameter_value("chroma", chroma).unwrap();
        let preset = EncoderParameterValue::String("ultrafast".to_owned());
        encoder.set_parameter_value("preset", preset).unwrap();
        let tiles: Vec<Image> = (0..columns * rows)
            .map(|number| picture(tile[0], tile[1], 5 * number as u8))
            .collect();
        let mut context = HeifContext::new().unwrap();
        // The bindings of 3.0 give the number of rows for that of columns.
        let count = NonZeroU16::new(columns).unwrap();
        let options = EncodingOptions::new().unwrap();
        let mut handle = context
            .encode_grid(&tiles, count, &mut encoder, Some(options))
            .unwrap()
            .unwrap();
        context.set_primary_image(&mut handle).unwrap();
        drop(handle);
        let mut file = context.write_to_bytes().unwrap();
        let whole = [tile[0] * u32::from(columns), tile[1] * u32::from(rows)];
        let size = [whole[0] - cut[0], whole[1] - cut[1]];
        // In the data of the grid, and in its property.
        let wide = |size: [u32; 2]| size.map(u32::to_be_bytes).as_flattened().to_vec();
        let narrow = |size: [u32; 2]| {
            size.map(|s| (s as u16).to_be_bytes())
                .as_flattened()
                .to_vec()
        };
        let head = |flags| vec![0, flags, rows as u8 - 1, columns as u8 - 1];
        for (from, to) in [
            (
                [head(0), narrow(whole)].concat(),
                [head(0), narrow(size)].concat(),
            ),
            (
                [head(1), wide(whole)].concat(),
                [head(1), wide(size)].concat(),
            ),
            (
                [b"ispe\0\0\0\0".to_vec(), wide(whole)].concat(),
                [b"ispe\0\0\0\0".to_vec(), wide(size)].concat(),
            ),
        ] {
            if let Some(at) = file.windows(from.len()).position(|w| w == from) {
                file[at..at + from.len()].copy_from_slice(&to);
            }
        }
        file
    }

    #[test]
    fn a_grid_is_its_tiles_in_order() {
        let file = grid("420", [64, 64], [3, 2], [30, 10]);
        let items = Items::new(&file).unwrap();
        let coded = Coded::of(&items).unwrap();
        let video = &coded.video;
        assert_eq!((video.size, video.tile), ([162, 118], [64, 64]));
        assert_eq!((video.columns, video.packets.len()), (3, 6));
        let canvas = video.canvas();
        // The last tile shows 34 by 54 pixels.
        let copies = video.copies(&canvas, 5, 1024, 64, [0, 0]);
        let [luma, chroma] = copies[..] else {
            panic!("{copies:?}");
        };
        assert_eq!((luma.from, luma.width, luma.height), (0, 34, 54));
        assert_eq!(luma.to, 256 + 64 * 162 + 128);
        assert_eq!(
            (chroma.from, chroma.width, chroma.height),
            (1024 * 64, 34, 27)
        );
        assert_eq!(chroma.to, 256 + 162 * 118 + 32 * 162 + 128);
    }

    fn pixels(device: &Device, file: &[u8], decoder: VideoDecoder) -> (Vec<f32>, bool) {
        let options = LoadOptions::new().video_decoder(decoder);
        let decoded = options.open_bytes(device, file).unwrap();
        let by_engines = matches!(decoded.payload, Payload::Video(_));
        (
            decoded.into_image().unwrap().download().unwrap(),
            by_engines,
        )
    }

    fn compare(device: &Device, file: &[u8], what: &str) -> bool {
        let (host, by_host) = pixels(device, file, VideoDecoder::Host);
        assert!(!by_host, "{what}");
        let (cpu, _) = pixels(&Device::cpu(), file, VideoDecoder::Engine);
        assert!(host == cpu, "{what}: GPU and CPU");
        let (engine, by_engines) = pixels(device, file, VideoDecoder::Engine);
        assert!(host == engine, "{what}: engine");
        by_engines
    }

    #[test]
    fn engines_give_libde265s_pixels() {
        let Some(device) = test_gpu() else {
            return;
        };
        for round in 0..2 {
            for chroma in ["420", "444"] {
                for size in [(144, 144), (200, 160), (333, 257), (640, 480), (1000, 750)] {
                    let file = file(CompressionFormat::Hevc, chroma, size);
                    let by_engines = compare(&device, &file, &format!("{chroma} {size:?}"));
                    assert!(by_engines, "{chroma} {size:?} {round}");
                }
                for (tile, count, cut) in [
                    ([256, 256], [2, 1], [0, 0]),
                    ([256, 192], [3, 3], [101, 57]),
                    ([512, 512], [8, 6], [64, 48]),
                ] {
                    let file = grid(chroma, tile, count, cut);
                    let by_engines =
                        compare(&device, &file, &format!("{chroma} {tile:?} {count:?}"));
                    assert!(by_engines, "{chroma} {tile:?} {round}");
                    // A tile with damage is the host's.
                    let mut damaged = file.clone();
                    let end = damaged.len() - 2000;
                    damaged[end..end + 24].fill(0x5a);
                    let load = |decoder| {
                        let options = LoadOptions::new().video_decoder(decoder);
                        let image = options.decode(&device, &damaged);
                        image
                            .map(|image| image.download().unwrap())
                            .map_err(|e| e.to_string())
                    };
                    let same = load(VideoDecoder::Host) == load(VideoDecoder::Engine);
                    println!("{chroma} {tile:?}: a damaged tile is the same: {same}");
                }
            }
        }
        let small = file(CompressionFormat::Hevc, "420", (100, 100));
        assert!(!compare(&device, &small, "small"));
        println!("{} decoders ended", device.release_video_decoders());
    }

    /// Real files, where there are some.
    #[test]
    fn engines_give_the_hosts_pixels_of_real_files() {
        let (Some(device), Some(folder)) = (test_gpu(), std::env::var_os("IMAGECUDA_CORPUS"))
        else {
            return;
        };
        let mut folders = vec![std::path::PathBuf::from(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let file = std::fs::read(&path).unwrap();
                let Some(Format::Heif | Format::Avif | Format::WebP) = Format::sniff(&file) else {
                    continue;
                };
                if LoadOptions::new().decode(&Device::cpu(), &file).is_ok() {
                    let name = path.display().to_string();
                    println!("{}: {}", compare(&device, &file, &name), name);
                }
            }
        }
    }
}
