//! The metadata of a HEIF or AVIF.

use super::{LIBHEIF, boxes, decode_error, regular};
use crate::{
    Result,
    color::Cicp,
    metadata::embedded::{Embedded, strip_exif},
};
use libheif_rs::{ColorPrimaries, HeifContext, ImageHandle, TransferCharacteristics};
use std::sync::LazyLock;

pub(super) fn metadata(bytes: &[u8]) -> Embedded {
    LazyLock::force(&LIBHEIF);
    regular::open(bytes, |bytes| read(&bytes)).unwrap_or_default()
}

fn read(bytes: &[u8]) -> Result<Embedded> {
    // The context is what the handle reads from.
    let context = HeifContext::read_from_bytes(bytes).map_err(decode_error)?;
    let handle = context.primary_image_handle().map_err(decode_error)?;
    let profile = handle.color_profile_raw();
    Ok(Embedded {
        exif: exif(&handle),
        icc: profile.map(|profile| profile.data),
        cicp: cicp(&handle),
        applied: Some(boxes::orientation(bytes)),
        ..Embedded::default()
    })
}

/// The item's first four bytes are the number of bytes before EXIF's TIFF structure.
fn exif(handle: &ImageHandle) -> Option<Vec<u8>> {
    let mut id = [0];
    if handle.metadata_block_ids(&mut id, b"Exif") == 0 {
        return None;
    }
    let item = handle.metadata(id[0]).ok()?;
    let (skip, rest) = item.split_first_chunk()?;
    let exif = rest.get(u32::from_be_bytes(*skip) as usize..)?;
    // Some writers leave "Exif" out of that number.
    Some(strip_exif(exif).unwrap_or(exif).to_vec())
}

/// The code points of the file's nclx. Unspecified ones are those of sRGB.
fn cicp(handle: &ImageHandle) -> Option<Cicp> {
    const SRGB: Cicp = Cicp {
        primaries: 1,
        transfer: 13,
    };
    let nclx = handle.color_profile_nclx()?;
    let primaries = match nclx.color_primaries() {
        ColorPrimaries::Unspecified | ColorPrimaries::Unknown => None,
        known => Some(known as u8),
    };
    let transfer = match nclx.transfer_characteristics() {
        TransferCharacteristics::Unspecified | TransferCharacteristics::Unknown => None,
        known => Some(known as u8),
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
}
