//! Samples in limited range, where 16 to 235 of 255 are black to white.

use super::*;

const CODECS: [(Format, CompressionFormat); 2] = [
    (Format::Heif, CompressionFormat::Hevc),
    (Format::Avif, CompressionFormat::Av1),
];

const SIZE: (u32, u32) = (64, 64);

/// From the least to the most of `bits`.
fn ramp(bits: u8) -> Vec<u16> {
    let (most, last) = ((1_u32 << bits) - 1, SIZE.0 * SIZE.1 - 1);
    (0..=last).map(|i| (i * most / last) as u16).collect()
}

/// What a coded sample is, from 0 to 1: the whole, or ITU-T H.273's 219 steps, of which each is
/// several in deeper samples.
fn share(sample: u16, bits: u8, full: bool) -> f64 {
    let step = 2_f64.powi(i32::from(bits) - 8);
    let whole = 2_f64.powi(bits.into()) - 1.0;
    let sample = f64::from(sample);
    match full {
        true => sample / whole,
        false => ((sample - 16.0 * step) / (219.0 * step)).clamp(0.0, 1.0),
    }
}

/// The samples that are given out, from 0 to 1.
fn shares(layout: Layout, out: &[u8]) -> Vec<f64> {
    match layout.bits() {
        8 => out.iter().map(|&v| f64::from(v) / 255.0).collect(),
        _ => {
            let samples = out.as_chunks().0.iter().map(|&v| u16::from_ne_bytes(v));
            samples.map(|v| f64::from(v) / 65_535.0).collect()
        }
    }
}

/// The place of the box that says the range.
fn colors(file: &[u8]) -> usize {
    let at = file.windows(8).position(|w| w == b"colrnclx");
    at.unwrap()
}

/// A profile in limited range, which the bindings only have from files.
pub(super) fn limited() -> ColorProfileNCLX {
    let data = [0; 64 * 64 * 3];
    let mut file = encode(Format::Avif, SIZE, Layout::Rgb8, &data, &SaveOptions::new()).unwrap();
    Said::ByBox(false).say(&mut file);
    let context = HeifContext::read_from_bytes(&file).unwrap();
    let profile = context.primary_image_handle().unwrap().color_profile_nclx();
    profile.unwrap()
}

/// The ways in which a file says its range. The box overrules what is coded.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    ByBox(bool),
    /// By what is coded, without a box.
    Coded(bool),
}

impl Said {
    fn coded(self) -> bool {
        self != Self::Coded(false)
    }

    fn is_full(self) -> bool {
        let (Self::ByBox(full) | Self::Coded(full)) = self;
        full
    }

    fn say(self, file: &mut [u8]) {
        let at = colors(file);
        match self {
            Self::ByBox(full) => file[at + 14] = u8::from(full) << 7,
            // A box of an unknown type.
            Self::Coded(_) => file[at..at + 4].copy_from_slice(b"none"),
        }
    }
}

const WAYS: [Said; 4] = [
    Said::ByBox(true),
    Said::ByBox(false),
    Said::Coded(true),
    Said::Coded(false),
];

#[test]
fn gray_of_every_depth_is_what_its_range_says() {
    for (format, compression) in CODECS {
        for bits in [8, 10, 12] {
            for alpha in [false, true] {
                for way in WAYS {
                    let what = format!("{format}, {bits} bits, alpha {alpha}, {way:?}");
                    let gray = ramp(bits);
                    let mut planes = vec![(Channel::Y, gray.clone())];
                    if alpha {
                        planes.push((Channel::Alpha, gray.iter().rev().copied().collect()));
                    }
                    let space = ColorSpace::Monochrome;
                    let coded = way.coded();
                    let mut file =
                        encode_planes_as(compression, space, SIZE, bits, &planes, "444", coded);
                    way.say(&mut file);
                    let (header, out) = decode(format, &file).unwrap();
                    let expected = match (bits, alpha) {
                        (8, false) => Layout::L8,
                        (8, true) => Layout::La8,
                        (_, false) => Layout::L16,
                        (_, true) => Layout::La16,
                    };
                    assert_eq!(header.layout, expected, "{what}");
                    let out = shares(header.layout, &out);
                    let pixels = out.chunks(header.layout.channels());
                    // One of the samples that are coded, whose last bit encoders may lose.
                    let near = 1.3 / (2_f64.powi(bits.into()) - 1.0);
                    for (i, pixel) in pixels.enumerate() {
                        let expected = share(gray[i], bits, way.is_full());
                        assert!((pixel[0] - expected).abs() < near, "{what}: {i}, {pixel:?}");
                        if alpha {
                            let expected = share(gray[gray.len() - 1 - i], bits, true);
                            let far = (pixel[1] - expected).abs();
                            assert!(far < 4.0 * near, "{what}: alpha of {i}, {pixel:?}");
                        }
                    }
                }
            }
        }
    }
}

/// Gray in colours. Encoders lose a step of luma and of each plane of chroma.
#[test]
fn colours_of_every_depth_are_what_their_range_says() {
    for (format, compression) in CODECS {
        for bits in [8, 10, 12] {
            for chroma in ["420", "422", "444"] {
                for way in [Said::ByBox(true), Said::ByBox(false)] {
                    let gray = ramp(bits);
                    let channels = [Channel::R, Channel::G, Channel::B];
                    let planes = channels.map(|channel| (channel, gray.clone()));
                    let space = ColorSpace::Rgb(RgbChroma::C444);
                    let mut file =
                        encode_planes_as(compression, space, SIZE, bits, &planes, chroma, true);
                    way.say(&mut file);
                    let (header, out) = decode(format, &file).unwrap();
                    let out = shares(header.layout, &out);
                    for (sample, pixel) in gray.iter().zip(out.as_chunks::<3>().0) {
                        let expected = share(*sample, bits, way.is_full());
                        for channel in pixel {
                            let far = (channel - expected).abs();
                            assert!(
                                far < 1.5 / 255.0,
                                "{format}, {bits} bits, {chroma}, {way:?}: {sample}, {pixel:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}
