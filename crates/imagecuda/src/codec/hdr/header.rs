//! The text before a Radiance picture: a signature, variables, and the size.

use crate::{Error, Result};
use imagecuda_kernels::orient::Orientation;

/// The contents of the text, and the data after it.
#[derive(Debug)]
pub(super) struct Header<'a> {
    /// The number of scanlines, and the pixels of each.
    pub(super) scanlines: u32,
    pub(super) pixels: u32,
    /// The direction of scanlines in the picture.
    pub(super) orientation: Orientation,
    pub(super) is_xyz: bool,
    pub(super) data: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads the header. EXPOSURE and COLORCORR are factors that were applied to the pixels, and
    /// PRIMARIES is often written without need. As in other programs, the pixels are used as they
    /// are.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut rest = bytes;
        let mut is_xyz = false;
        loop {
            let Some(end) = memchr::memchr(b'\n', rest) else {
                return Err(Error::decode("the header has no end"));
            };
            let (line, after) = (rest[..end].trim_ascii_end(), &rest[end + 1..]);
            rest = after;
            if let Some(format) = line.strip_prefix(b"FORMAT=") {
                is_xyz = match format.trim_ascii() {
                    b"32-bit_rle_rgbe" => false,
                    b"32-bit_rle_xyze" => true,
                    other => {
                        let other = other[..other.len().min(40)].escape_ascii();
                        return Err(Error::unsupported(format!("pixels of format {other}")));
                    }
                };
            } else if let Some(([scanlines, pixels], orientation)) = resolution(line) {
                return Ok(Self {
                    scanlines,
                    pixels,
                    orientation,
                    is_xyz,
                    data: rest,
                });
            }
        }
    }
}

/// The line with the size: axis and direction of the scanlines, then of the pixels in each. Y
/// counts from the bottom.
fn resolution(line: &[u8]) -> Option<([u32; 2], Orientation)> {
    if !matches!(line, [b'+' | b'-', b'X' | b'Y', ..]) {
        return None;
    }
    let text = str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    let mut next = || words.next();
    let (first, scanlines, second, pixels) = (next()?, next()?, next()?, next()?);
    let orientation = match (first, second) {
        ("-Y", "+X") => Orientation::Normal,
        ("-Y", "-X") => Orientation::MirrorHorizontal,
        ("+Y", "-X") => Orientation::Rotate180,
        ("+Y", "+X") => Orientation::MirrorVertical,
        ("+X", "-Y") => Orientation::Transpose,
        ("-X", "-Y") => Orientation::Rotate90,
        ("-X", "+Y") => Orientation::Transverse,
        ("+X", "+Y") => Orientation::Rotate270,
        _ => return None,
    };
    Some(([scanlines.parse().ok()?, pixels.parse().ok()?], orientation))
}
