//! The planes' pixels against libheif's own RGB.

use super::*;

const SIZE: (u32, u32) = (61, 47);

/// Colours of all kinds, with hard edges.
fn colours(bits: u8) -> Vec<(Channel, Vec<u16>)> {
    let most = (1_u32 << bits) - 1;
    let mut seed = u32::from(bits);
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(seed) * u64::from(most + 1)) >> 32) as u16
    };
    let places = || (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
    [Channel::R, Channel::G, Channel::B]
        .into_iter()
        .zip(1_u32..)
        .map(|(channel, k)| {
            let sample = |(x, y): (u32, u32)| match (x / 8 + y / 8) % 2 {
                0 => noise(),
                _ => ((x * k + y * (4 - k)) * most / 250).min(most) as u16,
            };
            (channel, places().map(sample).collect())
        })
        .collect()
}

/// The pixels as shares of the whole: those of the payload, and libheif's.
fn both(format: Format, file: &[u8]) -> [Vec<f64>; 2] {
    let share = |most: u32| move |sample: u32| f64::from(sample) / f64::from(most);
    let deep = |bytes: &[u8], most: u32| -> Vec<f64> {
        let samples = bytes.as_chunks().0.iter();
        samples
            .map(|&s| share(most)(u16::from_ne_bytes(s).into()))
            .collect()
    };
    let heif = read_header(format, file, &Limits::default()).unwrap();
    let layout = heif.header.layout;
    let space = ColorSpace::Rgb(rgb_chroma(layout));
    // Of the file as it is: libheif crops by its own means.
    let context = HeifContext::read_from_bytes(file).unwrap();
    let handle = context.primary_image_handle().unwrap();
    let how = How {
        strict: true,
        as_coded: false,
        threads: 1,
    };
    let image = super::super::decode(&handle, space, how).unwrap();
    let plane = image.planes().interleaved.unwrap();
    let row = heif.header.width as usize * layout.bytes_per_pixel();
    let rows = plane.data.chunks(plane.stride).take(plane.height as usize);
    let theirs: Vec<u8> = rows.flat_map(|bytes| bytes[..row].to_vec()).collect();
    let bits = plane.bits_per_pixel;
    let mut ours = vec![0; heif.header.bytes()];
    Box::new(heif).read_into(&mut ours).unwrap();
    match layout.bits() {
        8 => [ours, theirs].map(|bytes| bytes.into_iter().map(|s| share(255)(s.into())).collect()),
        _ => [deep(&ours, 65_535), deep(&theirs, (1 << bits) - 1)],
    }
}

fn farthest([ours, theirs]: &[Vec<f64>; 2]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let far = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    far.fold(0.0, f64::max)
}

/// BT.709, FCC, BT.601 twice, SMPTE 240M, YCgCo, BT.2020, and by the primaries.
const MATRICES: [u8; 8] = [1, 4, 5, 6, 7, 8, 9, 12];

#[test]
fn pixels_are_libheifs_to_one_of_255() {
    for (format, compression) in [
        (Format::Heif, CompressionFormat::Hevc),
        (Format::Avif, CompressionFormat::Av1),
    ] {
        for bits in [8, 10, 12] {
            for chroma in ["420", "422", "444"] {
                let space = ColorSpace::Rgb(RgbChroma::C444);
                let planes = colours(bits);
                let file = encode_planes_as(compression, space, SIZE, bits, &planes, chroma, true);
                let at = file.windows(8).position(|w| w == b"colrnclx").unwrap();
                for matrix in MATRICES {
                    for full in [true, false] {
                        let mut file = file.clone();
                        file[at + 13] = matrix;
                        file[at + 14] = u8::from(full) << 7;
                        // libheif 1.23.1 clips YCgCo to 255, whatever the depth, and does not mind its
                        // range.
                        if matrix == 8 && (bits > 8 || !full) {
                            continue;
                        }
                        let far = farthest(&both(format, &file));
                        // In limited range libheif counts 256 steps of luma and of chroma for 255.
                        let near = if full { 1.01 } else { 3.1 } / 255.0;
                        let what = format!("{format} {bits} {chroma} {matrix} {full}");
                        assert!(far < near, "{what}: {}", far * 255.0);
                    }
                }
            }
        }
    }
}

#[test]
fn turned_pixels_are_libheifs() {
    use libheif_rs::ImageOrientation::*;
    let space = ColorSpace::Rgb(RgbChroma::Rgb);
    let data = picture(SIZE.0, SIZE.1, Layout::Rgb8);
    for orientation in [
        Normal,
        FlipHorizontally,
        Rotate180,
        FlipVertically,
        Rotate90CwThenFlipHorizontally,
        Rotate90Cw,
        Rotate90CwThenFlipVertically,
        Rotate270Cw,
    ] {
        let pixels = Pixels {
            width: SIZE.0,
            height: SIZE.1,
            layout: Layout::Rgb8,
            data: &data,
        };
        let image = image(pixels).unwrap();
        assert_eq!(image.color_space(), Some(space));
        let mut encoder = LIBHEIF.encoder_for_format(CompressionFormat::Hevc).unwrap();
        encoder.set_quality(EncoderQuality::Lossy(90)).unwrap();
        let chroma = EncoderParameterValue::String("444".to_owned());
        encoder.set_parameter_value("chroma", chroma).unwrap();
        let mut how = EncodingOptions::new().unwrap();
        how.set_image_orientation(orientation);
        let mut context = HeifContext::new().unwrap();
        context
            .encode_image(&image, &mut encoder, Some(how))
            .unwrap();
        let file = context.write_to_bytes().unwrap();
        let heif = read_header(Format::Heif, &file, &Limits::default()).unwrap();
        assert!(heif.view.is_some());
        let far = farthest(&both(Format::Heif, &file));
        assert!(far < 1.01 / 255.0, "{orientation:?}: {}", far * 255.0);
    }
}

/// White in YCgCo-Re of 10 bits is that of 8 bits.
#[test]
fn reversible_colours_are_of_fewer_bits() {
    let gray = vec![255_u16 * 4; (SIZE.0 * SIZE.1) as usize];
    let planes = [Channel::R, Channel::G, Channel::B].map(|channel| (channel, gray.clone()));
    let space = ColorSpace::Rgb(RgbChroma::C444);
    let mut file = encode_planes_as(
        CompressionFormat::Av1,
        space,
        SIZE,
        10,
        &planes,
        "444",
        true,
    );
    let at = file.windows(8).position(|w| w == b"colrnclx").unwrap();
    file[at + 13] = 16;
    let heif = read_header(Format::Avif, &file, &Limits::default()).unwrap();
    assert_eq!(heif.reversible, Some(2));
    let planes = heif.planes(&Device::cpu()).unwrap();
    assert_eq!(
        planes.picture.model,
        imagecuda_kernels::planes::model::REVERSIBLE
    );
    assert_eq!(planes.picture.ranges[0].whole, 255.0);
    assert_eq!(planes.picture.ranges[1].black, 512.0);
}

/// A region of a picture whose chroma pixels share is what the whole has there.
#[test]
fn a_region_is_a_part_of_the_whole() {
    let data = picture(SIZE.0, SIZE.1, Layout::Rgba8);
    let options = SaveOptions::new().subsampling(Subsampling::Yuv420);
    for format in FORMATS {
        let file = encode(format, SIZE, Layout::Rgba8, &data, &options).unwrap();
        let load = |options: crate::LoadOptions| {
            let decoded = options.open_bytes(&Device::cpu(), &file).unwrap();
            decoded.into_image().unwrap().pixels().unwrap().to_vec()
        };
        let whole = load(crate::LoadOptions::new());
        let (x, y, width, height) = (7, 5, 33, 21);
        let part = load(crate::LoadOptions::new().region(x, y, width, height));
        let rows = whole.chunks(SIZE.0 as usize).skip(y as usize);
        let expected: Vec<_> = rows
            .take(height as usize)
            .flat_map(|row| row[x as usize..][..width as usize].to_vec())
            .collect();
        assert!(part == expected, "{format}");
    }
}
