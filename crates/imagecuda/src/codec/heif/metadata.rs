//! What a HEIF or AVIF says beside its pixels.

use super::{LIBHEIF, boxes};
use crate::{
    codec::metadata::{Metadata, strip_exif},
    color::Cicp,
};
use libheif_rs::{ColorPrimaries, HeifContext, ImageHandle, TransferCharacteristics};
use std::sync::LazyLock;

pub(in crate::codec) fn metadata(bytes: &[u8]) -> Metadata {
    LazyLock::force(&LIBHEIF);
    let handle = HeifContext::read_from_bytes(bytes)
        .and_then(|context| Ok((context.primary_image_handle()?, context)));
    // The context is what the handle reads from.
    let Ok((handle, _context)) = handle else {
        return Metadata::default();
    };
    let profile = handle.color_profile_raw();
    Metadata {
        exif: exif(&handle),
        icc: profile.map(|profile| profile.data),
        cicp: cicp(&handle),
        applied: Some(boxes::orientation(bytes)),
        ..Metadata::default()
    }
}

/// The item's first four bytes say how many follow before EXIF's TIFF structure.
fn exif(handle: &ImageHandle) -> Option<Vec<u8>> {
    let mut id = [0];
    if handle.metadata_block_ids(&mut id, b"Exif") == 0 {
        return None;
    }
    let item = handle.metadata(id[0]).ok()?;
    let (skip, rest) = item.split_first_chunk()?;
    let exif = rest.get(u32::from_be_bytes(*skip) as usize..)?;
    // Some writers do not count "Exif".
    Some(strip_exif(exif).unwrap_or(exif).to_vec())
}

/// The code points of the file's nclx; what it leaves open is as in sRGB.
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
