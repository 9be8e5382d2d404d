//! Netpbm: PBM, PGM, PPM and PAM through the `image` crate, PFM by code of our own.

mod pfm;

use super::{
    capabilities::{Alpha, Capabilities, PLAIN},
    contract::{Codec, Decode, EncodeRequest, no_metadata},
    double_decode::DoubleDecode,
    image_crate,
};
use crate::{Depth, Error, Format, Limits, Result, memory, picture::Pixels, sink::Sink};
use image::codecs::pnm::{PnmDecoder, PnmEncoder, PnmSubtype};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::{
    borrow::Cow,
    io::{Cursor, Read},
};

pub(super) static CODEC: Codec = Codec {
    format: Format::Pnm,
    open,
    recover,
    encode,
    metadata: no_metadata,
    sequence: None,
    capabilities: Capabilities {
        depths: &[Depth::U8, Depth::U16],
        alpha: Alpha::ByExtension(is_pam),
        ..PLAIN
    },
};

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    match pfm::is_pfm(bytes) {
        true => pfm::open(bytes),
        false => open_integers(bytes, limits),
    }
}

/// PBM, PGM, PPM and PAM.
fn open_integers<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let tuple_type = missing_tuple_type(bytes);
    let (header, bytes) = match (tuple_type, bytes) {
        (Some(name), [b'P', b'7', b'\n', rest @ ..]) => {
            (format!("P7\nTUPLTYPE {name}\n"), rest.into())
        }
        _ => (String::new(), without_comments(bytes)?),
    };
    let file = Cursor::new(header).chain(Cursor::new(bytes));
    image_crate::open(PnmDecoder::new(file), limits, Curve::Encoded)
}

/// The tuple type of a PAM that does not state it, which it need not. The decoder takes the samples of such a
/// file for bytes, even if they have two.
fn missing_tuple_type(bytes: &[u8]) -> Option<&'static str> {
    let header = bytes.strip_prefix(b"P7\n")?;
    let mut name = None;
    for line in header.split(|&byte| byte == b'\n') {
        let mut words = line.split(u8::is_ascii_whitespace);
        match words.next()? {
            b"ENDHDR" => return name,
            b"TUPLTYPE" => return None,
            b"DEPTH" => {
                let word = words.find(|word| !word.is_empty());
                let depth = word.and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
                name = match depth {
                    Some(1_u32) => Some("GRAYSCALE"),
                    Some(2) => Some("GRAYSCALE_ALPHA"),
                    Some(3) => Some("RGB"),
                    Some(4) => Some("RGB_ALPHA"),
                    _ => None,
                };
            }
            _ => {}
        }
    }
    None
}

/// The file, with spaces for comments that the decoder does not know: among the samples of text, and
/// after a number without a space.
fn without_comments(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let end = match bytes {
        [b'P', b'1'..=b'3', ..] => bytes.len(),
        [b'P', b'4', ..] => numbers_end(bytes, 2),
        [b'P', b'5' | b'6', ..] => numbers_end(bytes, 3),
        _ => 0,
    };
    let is_text = end == bytes.len();
    let is_known = |at: usize| !is_text && !bytes[at - 1].is_ascii_digit();
    if memchr::memchr_iter(b'#', &bytes[..end]).all(is_known) {
        return Ok(bytes.into());
    }
    let mut out = memory::copied(bytes)?;
    let mut from = 0;
    while let Some(start) = memchr::memchr(b'#', &out[from..end]) {
        let comment = &mut out[from + start..end];
        let length = memchr::memchr2(b'\n', b'\r', comment).unwrap_or(comment.len());
        comment[..length].fill(b' ');
        from += start + length;
    }
    Ok(out.into())
}

/// Where a header's numbers end, of which there are `count`; nowhere if they are not there.
fn numbers_end(bytes: &[u8], count: usize) -> usize {
    let mut at = 2;
    for _ in 0..count {
        while let Some(byte @ (b'#' | b'\t'..=b'\r' | b' ')) = bytes.get(at) {
            let comment = &bytes[at..];
            at += match byte {
                b'#' => memchr::memchr2(b'\n', b'\r', comment).unwrap_or(comment.len()),
                _ => 1,
            };
        }
        let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit());
        match digits.count() {
            0 => return 0,
            digits => at += digits,
        }
    }
    at
}

/// Samples that are missing become 0, and then 1, which all kinds have.
fn recover<'a>(mut bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    let made_up: [&[u8]; 2] = match bytes {
        [b'P', b'F' | b'f', ..] => return pfm::recover(bytes),
        [b'P', b'1', ..] => [b"0 ", b"1 "],
        [b'P', b'2' | b'3', ..] => {
            // The last number may have lost its end.
            while let [rest @ .., b'0'..=b'9'] = bytes {
                bytes = rest;
            }
            [b"0 ", b"1 "]
        }
        [b'P', b'4', ..] => [&[0], &[255]],
        _ => [&[0], &[1]],
    };
    DoubleDecode::with(open_integers, bytes, limits, Some(made_up))
}

/// Whether a Netpbm file of that extension is a PAM, which holds alpha, or a PPM.
fn is_pam(extension: Option<&str>) -> Result<bool> {
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("pam") => Ok(true),
        Some(other @ ("pbm" | "pgm" | "pfm")) => Err(Error::unsupported(format!(
            "writing .{other} files; write .ppm (RGB) or .pam (RGB and alpha)"
        ))),
        _ => Ok(false),
    }
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    match is_pam(request.extension)? {
        true => image_crate::write(
            PnmEncoder::new(out).with_subtype(PnmSubtype::ArbitraryMap),
            request.pixels,
        ),
        false => write_ppm(request.pixels, out),
    }
}

/// A PPM, which the `image` crate writes with 8 bits alone.
fn write_ppm(pixels: Pixels<'_>, out: &mut dyn Sink) -> Result<()> {
    let max = match pixels.layout {
        Layout::Rgb8 => 255,
        Layout::Rgb16 => 65535,
        other => return Err(Error::encode(format!("a PPM takes no {other:?}"))),
    };
    write!(out, "P6\n{} {}\n{max}\n", pixels.width, pixels.height)?;
    if pixels.layout.bits() == 8 {
        return Ok(out.write_all(pixels.data)?);
    }
    // The high byte comes first in the file.
    let row = pixels.width as usize * pixels.layout.bytes_per_pixel();
    let mut big_endian = Vec::with_capacity(row);
    for row in pixels.data.chunks(row) {
        big_endian.clear();
        let samples = row.as_chunks().0.iter();
        big_endian.extend(samples.flat_map(|v| u16::from_ne_bytes(*v).to_be_bytes()));
        out.write_all(&big_endian)?;
    }
    Ok(())
}
