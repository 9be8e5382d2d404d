//! The part of a picture that the options ask for.

use crate::{
    Error, LoadOptions, Result,
    codec::{Decode, PayloadTarget},
    picture::{Area, Header},
};
use imagecuda_kernels::orient::{Orientation, View};

/// What is made of the pixels that a decoder gives.
pub(super) struct Wanted {
    /// Where the result is among them.
    pub(super) view: View,
    /// The size of the result.
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Wanted {
    /// Finds what the options ask for, and tells the decoder what it needs to decode.
    pub(super) fn of(
        options: &LoadOptions,
        decoder: &mut dyn Decode,
        orientation: Orientation,
        target: PayloadTarget<'_>,
    ) -> Result<Self> {
        let Header { width, height, .. } = decoder.header();
        let size = orientation.size(width, height);
        let Some(region) = options.region else {
            return Ok(Self {
                view: View::whole(orientation, size.0, size.1),
                width: size.0,
                height: size.1,
            });
        };
        let region = checked(region, size)?;
        let needed = region.stored(orientation, size);
        let decoded = decoder.narrow(needed, target);
        let part = needed.within(decoded).viewed(orientation, decoded.size());
        let (width, height) = orientation.size(decoded.width, decoded.height);
        Ok(Self {
            view: View {
                left: part.x,
                top: part.y,
                ..View::whole(orientation, width, height)
            },
            width: part.width,
            height: part.height,
        })
    }
}

/// The region, if it has pixels, and all of them are in a picture of this size.
fn checked(region: Area, size: (u32, u32)) -> Result<Area> {
    let Area {
        x,
        y,
        width,
        height,
    } = region;
    if width == 0 || height == 0 {
        let reason = format!("a region of {width}x{height} is empty");
        return Err(Error::option("region", reason));
    }
    if !region.is_within(size) {
        let (of_width, of_height) = size;
        let reason = format!(
            "{width}x{height} at ({x}, {y}) is out of the bounds of a picture of \
             {of_width}x{of_height}"
        );
        return Err(Error::option("region", reason));
    }
    Ok(region)
}
