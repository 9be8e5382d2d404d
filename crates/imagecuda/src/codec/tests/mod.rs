#[cfg(any(feature = "heif-vendored", feature = "webp"))]
pub(super) mod engines;

use super::*;
use crate::Compression;
use std::io::Cursor;

const WIDTH: u32 = 13;
const HEIGHT: u32 = 7;

/// A picture in which every sample differs from its neighbours.
fn picture(layout: Layout) -> Vec<u8> {
    let samples = (WIDTH * HEIGHT) as usize * layout.channels();
    let value = |i: usize| (i * 89 + i / 7) % 256;
    match layout.bits() {
        8 => (0..samples).map(|i| value(i) as u8).collect(),
        16 => (0..samples)
            .flat_map(|i| (value(i) as u16 * 251).to_ne_bytes())
            .collect(),
        _ => (0..samples)
            .flat_map(|i| (value(i) as f32 / 64.0).to_ne_bytes())
            .collect(),
    }
}

fn save(
    format: Format,
    extension: Option<&str>,
    options: &SaveOptions,
) -> Result<(EncoderInput, Vec<u8>, Vec<u8>)> {
    let plan = encoder_input(format, extension, options)?;
    let data = picture(plan.layout);
    let pixels = Pixels {
        width: WIDTH,
        height: HEIGHT,
        layout: plan.layout,
        data: &data,
    };
    let mut file = Cursor::new(Vec::new());
    let request = EncodeRequest {
        pixels,
        options,
        extension,
    };
    encode(format, request, &mut file)?;
    Ok((plan, data, file.into_inner()))
}

fn load(format: Format, bytes: &[u8]) -> Result<(Header, Vec<u8>)> {
    let decoder = open(format, bytes, &Limits::default(), false)?;
    let header = decoder.header();
    // At an odd address, and with something in it.
    let mut memory = vec![0xa5; header.bytes() + 1];
    decoder.read_into(&mut memory[1..])?;
    memory.remove(0);
    Ok((header, memory))
}

fn background() -> SaveOptions {
    SaveOptions::new().background([1, 2, 3])
}

fn savable() -> impl Iterator<Item = Format> {
    let all = Format::ALL.iter().copied();
    all.filter(|format| format.can_save())
}

#[test]
fn what_is_saved_loads_again() {
    for format in savable() {
        for (extension, options) in [
            (None, SaveOptions::new()),
            (Some("PAM"), SaveOptions::new()),
            (None, background()),
        ] {
            let (plan, data, file) = save(format, extension, &options).unwrap();
            if format != Format::Tga {
                assert_eq!(Format::sniff(&file), Some(format));
            }
            let (header, out) = load(format, &file).unwrap();
            assert_eq!((header.width, header.height), (WIDTH, HEIGHT), "{format}");
            assert_eq!(header.curve, plan.curve, "{format}");
            match format {
                Format::Avif | Format::Gif | Format::Hdr | Format::Heif | Format::Jpeg => {} // lossy
                // Icons, for example, always have alpha.
                _ if header.layout.has_alpha() && !plan.layout.has_alpha() => {
                    let pixels = out.chunks_exact(header.layout.bytes_per_pixel());
                    let alpha = header.layout.bits() / 8;
                    let is_opaque =
                        |pixel: &[u8]| pixel.iter().rev().take(alpha).all(|&v| v == 255);
                    assert!(
                        options.background.is_some() && { pixels }.all(is_opaque),
                        "{format}"
                    );
                }
                _ => {
                    assert_eq!(header.layout, plan.layout, "{format}");
                    assert!(out == data, "{format}");
                }
            }
        }
    }
}

#[test]
fn deeper_files_load_again() {
    use Compression::*;
    let tiff = [Uncompressed, Fast, Balanced, Small, Lzw, PackBits].map(Some);
    let table: [(Format, Depth, &[Option<Compression>]); 4] = [
        (Format::Png, Depth::U16, &tiff[..4]),
        (Format::Pnm, Depth::U16, &[None]),
        (Format::Tiff, Depth::U16, &tiff),
        (Format::Tiff, Depth::F32, &tiff),
    ];
    for (format, depth, compressions) in table {
        for &compression in compressions.iter().filter(|_| format.can_save()) {
            for (extension, mut options) in [
                (None, SaveOptions::new()),
                (Some("pam"), SaveOptions::new()),
                (None, background()),
            ] {
                options.compression = compression;
                let (plan, data, file) = save(format, extension, &options.depth(depth)).unwrap();
                let (header, out) = load(format, &file).unwrap();
                assert_eq!(header.layout, plan.layout, "{format}");
                assert!(out == data, "{format} {compression:?}");
            }
        }
    }
}

#[cfg(feature = "tiff")]
#[test]
fn samples_at_odd_addresses_are_written_too() {
    let options = SaveOptions::new().depth(Depth::U16);
    let (plan, data, file) = save(Format::Tiff, None, &options).unwrap();
    let mut memory = vec![0; data.len() + 2];
    for offset in [1, 2] {
        let room = &mut memory[offset..][..data.len()];
        room.copy_from_slice(&data);
        let pixels = Pixels {
            width: WIDTH,
            height: HEIGHT,
            layout: plan.layout,
            data: room,
        };
        let mut out = Cursor::new(Vec::new());
        encode(Format::Tiff, EncodeRequest::new(pixels, &options), &mut out).unwrap();
        assert!(out.into_inner() == file);
    }
}

#[test]
fn a_file_cut_short_is_an_error() {
    for format in savable() {
        let (_, _, file) = save(format, None, &SaveOptions::new()).unwrap();
        // A tenth of some is no more than what follows the pixels.
        for keep in [0, 1, 4, file.len() / 3, file.len() * 8 / 10] {
            let error = load(format, &file[..keep]).expect_err("a part of a file");
            let kind = error.kind();
            assert!(matches!(kind, ErrorKind::Decode(_)), "{keep}: {error}");
            assert_eq!(error.format(), Some(format));
        }
    }
}

#[test]
fn the_header_is_held_against_the_limits() {
    for format in savable() {
        let (plan, _, file) = save(format, None, &SaveOptions::new()).unwrap();
        let open = |pixels, bytes| -> Result<()> {
            let limits = Limits { pixels, bytes };
            check(&open(format, &file, &limits, false)?.header(), &limits)
        };
        let pixels = u64::from(WIDTH * HEIGHT);
        let what = |result: Result<()>| match result.err()?.kind() {
            &ErrorKind::LimitExceeded { what, .. } => Some(what),
            _ => None,
        };
        assert_eq!(what(open(pixels - 1, 1 << 20)), Some("pixels"), "{format}");
        // TIFF and PNG decoders may themselves need more than so little.
        if !matches!(format, Format::Tiff | Format::Png | Format::Ico) {
            let bytes = pixels * plan.layout.bytes_per_pixel() as u64 - 1;
            assert_eq!(what(open(pixels, bytes)), Some("bytes"), "{format}");
        }
        assert!(open(pixels, 1 << 20).is_ok(), "{format}");
    }
}

#[test]
fn a_picture_without_pixels_is_an_error() {
    let header = |width, height, layout| Header {
        width,
        height,
        layout,
        curve: Curve::Encoded,
    };
    let limits = Limits {
        pixels: u64::MAX,
        bytes: u64::MAX,
    };
    assert!(check(&header(1, 1, Layout::L8), &limits).is_ok());
    let error = check(&header(0, 5, Layout::L8), &limits).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)));
    // More bytes than can be counted.
    let error = check(&header(u32::MAX, u32::MAX, Layout::Rgba32F), &limits).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::LimitExceeded { what: "bytes", .. }
    ));
}

#[test]
fn options_that_cannot_be_honoured_are_errors() {
    let refused = |format, quality| {
        let error = encoder_input(format, None, &SaveOptions::new().quality(quality)).err();
        error.is_some_and(|error| match error.kind() {
            ErrorKind::InvalidOption { option, .. } => *option == "quality",
            _ => false,
        })
    };
    for format in savable() {
        let lossy = matches!(
            format,
            Format::Avif | Format::Heif | Format::Jpeg | Format::WebP
        );
        assert_eq!(refused(format, 1), !lossy, "{format}");
        assert_eq!(refused(format, 100), !lossy, "{format}");
        assert!(refused(format, 0) && refused(format, 101), "{format}");
    }
}

#[test]
fn plans() {
    let layout = |format, extension, options: &SaveOptions| {
        encoder_input(format, extension, options)
            .map(|plan| (plan.layout, plan.curve))
            .ok()
    };
    let (plain, flat) = (SaveOptions::new(), background());
    for format in savable() {
        let (with, without) = match format {
            Format::Exr => (
                (Layout::Rgba32F, Curve::Linear),
                (Layout::Rgb32F, Curve::Linear),
            ),
            Format::Hdr => (
                (Layout::Rgb32F, Curve::Linear),
                (Layout::Rgb32F, Curve::Linear),
            ),
            Format::Jpeg | Format::Pnm => (
                (Layout::Rgb8, Curve::Encoded),
                (Layout::Rgb8, Curve::Encoded),
            ),
            _ => match codec_of(format).unwrap().capabilities.depths[0] {
                Depth::U16 => (
                    (Layout::Rgba16, Curve::Encoded),
                    (Layout::Rgb16, Curve::Encoded),
                ),
                _ => (
                    (Layout::Rgba8, Curve::Encoded),
                    (Layout::Rgb8, Curve::Encoded),
                ),
            },
        };
        assert_eq!(layout(format, None, &plain), Some(with), "{format}");
        assert_eq!(layout(format, None, &flat), Some(without), "{format}");
    }
    let deep = |depth| (plain.clone().depth(depth), flat.clone().depth(depth));
    let (words, flat_words) = deep(Depth::U16);
    let (floats, flat_floats) = deep(Depth::F32);
    for format in [Format::Png, Format::Tiff]
        .into_iter()
        .filter(|f| f.can_save())
    {
        for (options, expected) in [(&words, Layout::Rgba16), (&flat_words, Layout::Rgb16)] {
            let expected = Some((expected, Curve::Encoded));
            assert_eq!(layout(format, None, options), expected, "{format}");
        }
    }
    if Format::Tiff.can_save() {
        for (options, expected) in [(&floats, Layout::Rgba32F), (&flat_floats, Layout::Rgb32F)] {
            let expected = Some((expected, Curve::Encoded));
            assert_eq!(layout(Format::Tiff, None, options), expected);
        }
    }
    if Format::Pnm.can_save() {
        for (name, expected) in [("pam", Layout::Rgba16), ("ppm", Layout::Rgb16)] {
            let expected = Some((expected, Curve::Encoded));
            assert_eq!(layout(Format::Pnm, Some(name), &words), expected);
        }
        let rgba = Some((Layout::Rgba8, Curve::Encoded));
        assert_eq!(layout(Format::Pnm, Some("pam"), &plain), rgba);
        for gray in ["pgm", "PBM", "pfm"] {
            let error = encoder_input(Format::Pnm, Some(gray), &plain).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported(text) if text.contains(".pam")));
        }
    }
}

#[test]
fn a_codec_that_is_not_there_says_so() {
    for &format in Format::ALL.iter().filter(|format| !format.can_load()) {
        let limits = Limits::default();
        let load = open(format, b"whatever", &limits, false).err().unwrap();
        let save = encoder_input(format, None, &SaveOptions::new())
            .err()
            .unwrap();
        for error in [load, save] {
            assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
            assert_eq!(error.format(), Some(format));
        }
    }
}

#[test]
fn sides_that_a_format_cannot_say_are_errors() {
    for (format, side) in [
        (Format::Ico, 257),
        (Format::WebP, 16_384),
        (Format::Jpeg, 65_536),
        (Format::Gif, 65_536),
        (Format::Tga, 65_536),
    ] {
        if !format.can_save() {
            continue;
        }
        let data = vec![0; side as usize * 3];
        let pixels = Pixels {
            width: 1,
            height: side,
            layout: Layout::Rgb8,
            data: &data,
        };
        let mut out = Cursor::new(Vec::new());
        let error = encode(
            format,
            EncodeRequest::new(pixels, &SaveOptions::new()),
            &mut out,
        )
        .unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&(side - 1).to_string()), "{text}");
        assert!(out.into_inner().is_empty());
    }
}

#[test]
fn pixels_of_the_wrong_size_are_an_error() {
    for format in savable() {
        let plan = encoder_input(format, None, &SaveOptions::new()).unwrap();
        let pixels = Pixels {
            width: 2,
            height: 2,
            layout: plan.layout,
            data: &[0; 3],
        };
        let mut out = Cursor::new(Vec::new());
        assert!(
            encode(
                format,
                EncodeRequest::new(pixels, &SaveOptions::new()),
                &mut out
            )
            .is_err()
        );
    }
}

#[cfg(feature = "pnm")]
#[test]
fn pfm_rows_run_upwards_in_either_byte_order() {
    let floats = |values: [f32; 4], to_bytes: fn(f32) -> [u8; 4]| values.map(to_bytes).concat();
    let little = [
        &b"Pf\n1 4\n-1.0\n"[..],
        &floats([1.0, 2.0, 3.0, 4.5], f32::to_le_bytes),
    ]
    .concat();
    let big = [
        &b"Pf\n1 4\n1\n"[..],
        &floats([1.0, 2.0, 3.0, 4.5], f32::to_be_bytes),
    ]
    .concat();
    for file in [little, big] {
        assert_eq!(Format::sniff(&file), Some(Format::Pnm));
        let (header, out) = load(Format::Pnm, &file).unwrap();
        assert_eq!(header.layout, Layout::L32F);
        assert_eq!(out, floats([4.5, 3.0, 2.0, 1.0], f32::to_ne_bytes));
        assert!(load(Format::Pnm, &file[..file.len() - 1]).is_err());
    }
    assert!(load(Format::Pnm, b"PF\n1 x\n-1\n").is_err());
}
