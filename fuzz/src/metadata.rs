//! EXIF and ICC profiles, whole or not: what is written is read again, and goes on.

use super::{input::Input, load};
use imagecuda::{Device, ErrorKind, Format, Image, Layout, Metadata, SaveOptions, inspect_bytes};

const FORMATS: [Format; 4] = [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff];

pub(super) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let format = input.pick(&FORMATS);
    let length = input.number().into();
    let exif = input.take(length);
    let icc = input.rest();
    let pixels: Vec<u8> = (0..3 * 2 * 3).map(|i| i * 14).collect();
    let image = Image::from_pixels(&Device::cpu(), 3, 2, Layout::Rgb8, &pixels).unwrap();
    if flags & 1 == 0 {
        written(&image, format, exif, icc);
    } else {
        let file = SaveOptions::new().encode(&image, format).unwrap();
        load::check(format, &forced(format, file, exif, icc));
    }
}

/// What [`SaveOptions`] takes.
fn written(image: &Image, format: Format, exif: &[u8], icc: &[u8]) {
    let mut metadata = Metadata::new();
    if !exif.is_empty() {
        metadata = metadata.with_exif(exif);
    }
    if !icc.is_empty() {
        metadata = metadata.with_icc_profile(icc);
    }
    let file = match encode(image, format, &metadata) {
        Ok(file) => file,
        Err(error) => {
            assert!(
                matches!(error.kind(), ErrorKind::InvalidOption { .. }),
                "{error}"
            );
            return;
        }
    };
    load::check(format, &file);
    let info = inspect_bytes(&file).unwrap();
    assert_eq!(info.icc_profile(), metadata.icc_profile());
    if format != Format::Tiff {
        assert_eq!(info.exif(), metadata.exif());
        return;
    }
    // A TIFF takes what describes the picture, and that is all that comes back of it.
    let Some(exif) = info.exif() else { return };
    let again = encode(image, format, &Metadata::new().with_exif(exif)).unwrap();
    assert_eq!(inspect_bytes(&again).unwrap().exif(), Some(exif));
}

fn encode(image: &Image, format: Format, metadata: &Metadata) -> imagecuda::Result<Vec<u8>> {
    SaveOptions::new()
        .metadata(metadata.clone())
        .encode(image, format)
}

/// `file` with metadata that no option takes.
fn forced(format: Format, file: Vec<u8>, exif: &[u8], icc: &[u8]) -> Vec<u8> {
    let at = match format {
        Format::Jpeg => 2,
        Format::Png => 33, // behind IHDR
        _ => file.len(),
    };
    let (head, tail) = file.split_at(at);
    let mut out = head.to_vec();
    match format {
        Format::Jpeg => {
            let exif = &exif[..exif.len().min(65_000)];
            segment(&mut out, 0xe1, b"Exif\0\0", exif);
            for (index, piece) in icc.chunks(60_000).enumerate() {
                let count = icc.len().div_ceil(60_000) as u8;
                let name = [&b"ICC_PROFILE\0"[..], &[index as u8 + 1, count]].concat();
                segment(&mut out, 0xe2, &name, piece);
            }
        }
        Format::Png => {
            chunk(&mut out, b"eXIf", exif);
            // What says how colours are coded, and light. The rest is stored by zlib's rules.
            if let [primaries, transfer, ..] = *icc {
                chunk(&mut out, b"cICP", &[primaries, transfer, 0, 1]);
            }
        }
        Format::WebP => {
            // From a file of pixels alone to one of parts.
            let data = out.split_off(12);
            out.extend(b"VP8X\x0a\0\0\0\x28\0\0\0\x02\0\0\x01\0\0");
            part(&mut out, b"ICCP", icc);
            out.extend(data);
            part(&mut out, b"EXIF", exif);
            let length = (out.len() - 8) as u32;
            out[4..8].copy_from_slice(&length.to_le_bytes());
        }
        // Its tags become EXIF, and its profile is one of them.
        _ => {
            let end = out.len();
            out[end - exif.len().min(end - 8)..].copy_from_slice(&exif[..exif.len().min(end - 8)]);
        }
    }
    out.extend(tail);
    out
}

fn segment(out: &mut Vec<u8>, marker: u8, name: &[u8], data: &[u8]) {
    out.extend([0xff, marker]);
    out.extend(((name.len() + data.len() + 2) as u16).to_be_bytes());
    out.extend([name, data].concat());
}

fn chunk(out: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    let crc = name.iter().chain(data).fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    });
    out.extend((data.len() as u32).to_be_bytes());
    out.extend([name, data].concat());
    out.extend((!crc).to_be_bytes());
}

fn part(out: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    out.extend(name);
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out.resize(out.len().next_multiple_of(2), 0);
}
