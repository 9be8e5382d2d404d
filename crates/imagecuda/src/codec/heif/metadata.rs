//! The metadata of a HEIF or AVIF.

use super::{LIBHEIF, boxes, decode_error, items::Items, regular};
use crate::{
    Result,
    color::Cicp,
    metadata::embedded::{Embedded, kept, strip_exif},
};
use libheif_rs::{ColorPrimaries, HeifContext, ImageHandle, TransferCharacteristics};
use std::sync::LazyLock;

pub(super) fn metadata(bytes: &[u8]) -> Embedded {
    plain(bytes).unwrap_or_else(|| by_libheif(bytes))
}

fn by_libheif(bytes: &[u8]) -> Embedded {
    LazyLock::force(&LIBHEIF);
    regular::open(bytes, |bytes| read(&bytes)).unwrap_or_default()
}

/// The metadata of a file that has them in the usual way. libheif would open the whole file once more.
fn plain(bytes: &[u8]) -> Option<Embedded> {
    if !regular::is_regular(bytes) {
        return None;
    }
    let items = Items::new(bytes)?;
    let (mut icc, mut nclx) = (None, None);
    for (kind, body) in items.properties(items.primary)? {
        match (kind, body.split_first_chunk()) {
            (b"colr", Some((b"nclx", codes))) if nclx.is_none() => nclx = Some(codes),
            (b"colr", Some((b"prof", profile))) if icc.is_none() && !profile.is_empty() => {
                icc = Some(profile);
            }
            (b"colr", _) => return None,
            _ => {}
        }
    }
    let cicp = match nclx {
        // libheif takes none of the codes if it does not know the matrix.
        Some(codes) => match boxes::number(codes, 4, 2)? {
            0..=2 | 4..=14 => code_points(usual(codes, 0)?, usual(codes, 2)?),
            _ => return None,
        },
        None => None,
    };
    // A grid has those of its tiles that it lacks itself.
    let is_grid = items.kind(items.primary)? == *b"grid";
    let lacks = [icc.is_none(), nclx.is_none()];
    if lacks == [true; 2] || is_grid && lacks != [false; 2] {
        return None;
    }
    let describes = |item: &u64| items.references(b"cdsc", *item).contains(&items.primary);
    let exif = items.all()?.filter(|(_, kind)| kind == b"Exif");
    let exif: Vec<u64> = exif.map(|(item, _)| item).filter(describes).collect();
    let exif = match exif[..] {
        [] => None,
        [item] => tiff(&items.data(item)?),
        _ => return None,
    };
    Some(Embedded {
        exif,
        icc: icc.and_then(kept),
        cicp,
        applied: Some(boxes::orientation(bytes)),
        ..Embedded::default()
    })
}

/// A code point that all know, or 2 for an unspecified one, which is none. Of others libheif decides.
fn usual(codes: &[u8], at: usize) -> Option<Option<u8>> {
    match boxes::number(codes, at, 2)? {
        2 => Some(None),
        code @ (1 | 4..=9 | 12 | 13 | 16 | 18) if at > 0 || code <= 12 => Some(Some(code as u8)),
        _ => None,
    }
}

fn read(bytes: &[u8]) -> Result<Embedded> {
    // The context is what the handle reads from.
    let context = HeifContext::read_from_bytes(bytes).map_err(decode_error)?;
    let handle = context.primary_image_handle().map_err(decode_error)?;
    let profile = handle.color_profile_raw();
    Ok(Embedded {
        exif: exif(&handle),
        icc: profile.and_then(|profile| kept(&profile.data)),
        cicp: cicp(&handle),
        applied: Some(boxes::orientation(bytes)),
        ..Embedded::default()
    })
}

fn exif(handle: &ImageHandle) -> Option<Vec<u8>> {
    let mut id = [0];
    if handle.metadata_block_ids(&mut id, b"Exif") == 0 {
        return None;
    }
    tiff(&handle.metadata(id[0]).ok()?)
}

/// EXIF's TIFF structure. The item's first four bytes are the number of bytes before it.
fn tiff(item: &[u8]) -> Option<Vec<u8>> {
    let (skip, rest) = item.split_first_chunk()?;
    let exif = rest.get(u32::from_be_bytes(*skip) as usize..)?;
    // Some writers leave "Exif" out of that number.
    kept(strip_exif(exif).unwrap_or(exif))
}

/// The code points of the file's nclx.
fn cicp(handle: &ImageHandle) -> Option<Cicp> {
    let nclx = handle.color_profile_nclx()?;
    let primaries = match nclx.color_primaries() {
        ColorPrimaries::Unspecified | ColorPrimaries::Unknown => None,
        known => Some(known as u8),
    };
    let transfer = match nclx.transfer_characteristics() {
        TransferCharacteristics::Unspecified | TransferCharacteristics::Unknown => None,
        known => Some(known as u8),
    };
    code_points(primaries, transfer)
}

/// Unspecified ones are those of sRGB.
fn code_points(primaries: Option<u8>, transfer: Option<u8>) -> Option<Cicp> {
    const SRGB: Cicp = Cicp {
        primaries: 1,
        transfer: 13,
    };
    (primaries.is_some() || transfer.is_some()).then(|| Cicp {
        primaries: primaries.unwrap_or(SRGB.primaries),
        transfer: transfer.unwrap_or(SRGB.transfer),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Metadata as Carried, SaveOptions,
        codec::{self, EncodeRequest},
        picture::Pixels,
    };
    use imagecuda_kernels::{layout::Layout, orient::Orientation};
    use libheif_rs::{
        ColorProfileNCLX, CompressionFormat, EncoderQuality, EncodingOptions, MatrixCoefficients,
    };
    use std::io::Cursor;

    const PIXELS: Pixels<'static> = Pixels {
        width: 16,
        height: 16,
        layout: Layout::Rgb8,
        data: &[99; 16 * 16 * 3],
    };

    /// An AVIF whose nclx has these primaries.
    fn file(primaries: ColorPrimaries) -> Vec<u8> {
        let mut image = super::super::write::image(PIXELS).unwrap();
        let mut profile = ColorProfileNCLX::new().unwrap();
        profile.set_color_primaries(primaries);
        image.set_color_profile_nclx(&profile).unwrap();
        let mut encoder = LIBHEIF.encoder_for_format(CompressionFormat::Av1).unwrap();
        encoder.set_quality(EncoderQuality::Lossy(50)).unwrap();
        let mut context = HeifContext::new().unwrap();
        let options = EncodingOptions::new().unwrap();
        context
            .encode_image(&image, &mut encoder, Some(options))
            .unwrap();
        context.write_to_bytes().unwrap()
    }

    #[test]
    fn code_points_are_those_of_the_nclx() {
        for (primaries, expected) in [
            (ColorPrimaries::ITU_R_BT_709_5, 1),
            (ColorPrimaries::ITU_R_BT_2020_2_and_2100_0, 9),
            (ColorPrimaries::SMPTE_EG_432_1, 12),
            (ColorPrimaries::Unspecified, 1), // as the transfer is sRGB's
        ] {
            let expected = Cicp {
                primaries: expected,
                transfer: 13,
            };
            assert_eq!(metadata(&file(primaries)).cicp, Some(expected));
        }
    }

    /// The matrix is needed even with a profile.
    #[test]
    fn a_profile_and_an_nclx_are_both_there() {
        let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        let options = SaveOptions::new().metadata(Carried::new().with_icc_profile(&icc));
        for format in [crate::Format::Heif, crate::Format::Avif] {
            let mut file = Cursor::new(Vec::new());
            codec::encode(format, EncodeRequest::new(PIXELS, &options), &mut file).unwrap();
            let file = file.into_inner();
            let read = metadata(&file);
            assert_eq!(read.icc.as_ref(), Some(&icc));
            assert_eq!((read.exif, read.applied), (None, Some(Orientation::Normal)));
            let context = HeifContext::read_from_bytes(&file).unwrap();
            let handle = context.primary_image_handle().unwrap();
            let nclx = handle.color_profile_nclx().unwrap();
            let matrix = nclx.matrix_coefficients();
            assert_eq!(matrix, MatrixCoefficients::ITU_R_BT_601_6);
        }
    }

    /// What is read without libheif is what libheif says, and most files are read so.
    #[test]
    fn plain_files_have_the_metadata_that_libheif_finds() {
        let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        let exif = b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec();
        let carried = [
            Carried::new(),
            Carried::new().with_icc_profile(&icc),
            Carried::new().with_exif(&exif).with_icc_profile(&icc),
            Carried::new().with_exif(&exif),
        ];
        let mut files = Vec::new();
        for format in [crate::Format::Heif, crate::Format::Avif] {
            for carried in &carried {
                let options = SaveOptions::new().metadata(carried.clone());
                let mut file = Cursor::new(Vec::new());
                codec::encode(format, EncodeRequest::new(PIXELS, &options), &mut file).unwrap();
                files.push(file.into_inner());
            }
        }
        files.extend(
            [
                ColorPrimaries::ITU_R_BT_2020_2_and_2100_0,
                ColorPrimaries::SMPTE_EG_432_1,
                ColorPrimaries::Unspecified,
            ]
            .map(file),
        );
        for file in &files {
            assert!(same(file).unwrap());
        }
        // Real ones, where there are some.
        let mut folders: Vec<_> = std::env::var_os("IMAGECUDA_CORPUS").into_iter().collect();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.into());
                    continue;
                }
                let file = std::fs::read(&path).unwrap();
                let format = crate::Format::sniff(&file);
                let is_it = matches!(format, Some(crate::Format::Heif | crate::Format::Avif));
                // Of a file that cannot be opened nobody asks for metadata.
                let opens = is_it
                    && codec::open(format.unwrap(), &file, &Default::default(), false).is_ok();
                if opens {
                    println!("{} {:?}", path.display(), same(&file));
                    assert!(same(&file) != Some(false), "{}", path.display());
                }
            }
        }
    }

    /// Its tiles may have them.
    #[test]
    fn a_grid_without_a_profile_is_for_libheif() {
        let options = SaveOptions::new();
        let mut file = Cursor::new(Vec::new());
        let request = EncodeRequest::new(PIXELS, &options);
        codec::encode(crate::Format::Heif, request, &mut file).unwrap();
        let mut file = file.into_inner();
        assert!(plain(&file).is_some_and(|found| found.icc.is_none()));
        let find = |word: &[u8], from: usize| {
            let at = file[from..].windows(4).position(|at| at == word);
            from + at.unwrap()
        };
        let kind = find(b"hvc1", find(b"infe", 0));
        file[kind..kind + 4].copy_from_slice(b"grid");
        assert!(plain(&file).is_none());
    }

    /// `None` if the file is for libheif.
    fn same(file: &[u8]) -> Option<bool> {
        let parts = |found: Embedded| (found.exif, found.icc, found.cicp, found.applied);
        plain(file).map(|found| parts(found) == parts(by_libheif(file)))
    }
}
