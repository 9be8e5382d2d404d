//! Windows icons, through the `image` crate.

use super::{
    capabilities::PLAIN,
    check_sides,
    contract::{Codec, Decode, EncodeRequest},
    double_decode::DoubleDecode,
    image_crate,
};
use crate::{Error, Format, Limits, Result, sink::Sink};
use image::codecs::ico::{IcoDecoder, IcoEncoder};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::io::Cursor;

pub(super) static CODEC: Codec = Codec {
    format: Format::Ico,
    open,
    recover: |bytes, limits| DoubleDecode::open(open, bytes, limits),
    encode,
    sequence: None,
    capabilities: PLAIN,
};

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    /// The decoder of a PNG inside has no limit of its own, and a profile's bytes inflate to a
    /// thousand times as many. It is looked for in all of the file, since the list of pictures may be
    /// long, and all of them the same.
    const MOST_PROFILE: u32 = 64 << 10;
    let is_large = |[a, b, c, d, kind @ ..]: &[u8; 8]| {
        kind == b"iCCP" && u32::from_be_bytes([*a, *b, *c, *d]) > MOST_PROFILE
    };
    if bytes.array_windows().any(is_large) {
        return Err(Error::decode("the profile is too large"));
    }
    let decoder = IcoDecoder::new(Cursor::new(bytes));
    image_crate::open(decoder, limits, Curve::Encoded)
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    check_sides(&request.pixels, 256)?;
    // The PNG inside an icon must have alpha, whether the picture has or not.
    let opaque: Vec<u8>;
    let mut pixels = request.pixels;
    if pixels.layout == Layout::Rgb8 {
        let (rgb, _) = pixels.data.as_chunks();
        opaque = rgb.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
        pixels.layout = Layout::Rgba8;
        pixels.data = &opaque;
    }
    image_crate::write(IcoEncoder::new(out), pixels)
}
