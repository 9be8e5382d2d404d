//! OpenEXR, through the `image` crate.

mod recover;

use super::{
    capabilities::{Capabilities, PLAIN},
    contract::{Codec, Decode, EncodeRequest, no_metadata},
    image_crate,
};
use crate::{
    Depth, Error, Format, Limits, Result, memory::zeroed, parallel::with_room, picture::Header,
    sink::Sink,
};
use image::codecs::openexr::{OpenExrDecoder, OpenExrEncoder};
use imagecuda_kernels::expand::Curve;
use std::io::Cursor;

pub(super) static CODEC: Codec = Codec {
    format: Format::Exr,
    open,
    recover: recover::open,
    encode,
    metadata: no_metadata,
    sequence: None,
    capabilities: Capabilities {
        depths: &[Depth::F32],
        curve: Curve::Linear,
        ..PLAIN
    },
};

pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Decode + 'a>> {
    /// The decoder holds all attributes, each in many times its bytes.
    const MOST_ATTRIBUTES: usize = 10_000;
    let parts = bytes.get(5).is_some_and(|flags| flags & 0x10 != 0);
    let mut at = 8;
    for attributes in 0.. {
        // An empty name ends those of a part, and an empty part the header.
        if parts && bytes.get(at) == Some(&0) {
            at += 1;
        }
        match past_attribute(bytes, at) {
            Some(_) if attributes == MOST_ATTRIBUTES => {
                return Err(Error::decode("the header has too many attributes"));
            }
            Some(next) => at = next,
            None => break,
        }
    }
    let decoder = OpenExrDecoder::new(Cursor::new(bytes));
    if decoder.is_err() {
        refuse_other_kinds(bytes)?;
    }
    Ok(Box::new(Copied(image_crate::open(
        decoder,
        limits,
        Curve::Linear,
    )?)))
}

/// Says of a file that the decoder has refused whether it is of a kind that it does not know.
fn refuse_other_kinds(bytes: &[u8]) -> Result<()> {
    const DEEP: u8 = 8;
    if bytes.get(5).is_some_and(|flags| flags & DEEP != 0) {
        return Err(Error::unsupported("deep OpenEXR"));
    }
    let channels = channels(bytes).unwrap_or_default();
    if channels.is_empty() || ["R", "G", "B"].iter().all(|name| channels.contains(name)) {
        return Ok(());
    }
    let names = channels.join(", ");
    let names = names.chars().take(60).flat_map(char::escape_debug);
    let names: String = names.collect();
    Err(Error::unsupported(format!(
        "OpenEXR without the channels R, G and B; this one has {names}"
    )))
}

/// The names of the channels of a file's first part.
fn channels(bytes: &[u8]) -> Option<Vec<&str>> {
    const TYPE: &[u8] = b"channels\0chlist\0";
    /// The type of the samples, how they are compressed, and how far apart they are.
    const AFTER_NAME: usize = 16;
    let mut at = 8;
    while !bytes.get(at..)?.starts_with(TYPE) {
        at = past_attribute(bytes, at)?;
    }
    let mut list = bytes.get(at + TYPE.len() + 4..past_attribute(bytes, at)?)?;
    let mut names = Vec::new();
    while let Some(end) = list.iter().position(|&b| b == 0).filter(|&end| end > 0) {
        names.push(std::str::from_utf8(&list[..end]).ok()?);
        list = list.get(end + 1 + AFTER_NAME..)?;
    }
    Some(names)
}

/// Where the attribute of an OpenEXR header ends that is at `at`, if there is one: a name, a type,
/// a length, a value.
fn past_attribute(bytes: &[u8], at: usize) -> Option<usize> {
    let past_text = |at: usize| Some(at + bytes.get(at..)?.iter().position(|&b| b == 0)? + 1);
    if *bytes.get(at)? == 0 {
        return None;
    }
    let at = past_text(past_text(at)?)?;
    let length = i32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    (at + 4).checked_add(usize::try_from(length).ok()?)
}

/// A decoder that allocates all pixels once more, and aborts if it cannot.
struct Copied<'a>(Box<dyn Decode + 'a>);

impl Decode for Copied<'_> {
    fn header(&self) -> Header {
        self.0.header()
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        // Whether there is room. Other threads may take it meanwhile, but not as a rule.
        drop(zeroed::<u8>(out.len())?);
        self.0.read_into(out)
    }
}

fn encode(request: EncodeRequest<'_>, out: &mut dyn Sink) -> Result<()> {
    with_room(|| image_crate::write(OpenExrEncoder::new(out), request.pixels))?
}
