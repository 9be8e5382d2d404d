//! What options can be.

use crate::args::value_with;
use imagecuda::{
    Channels, ColorPolicy, Compression, Depth, Format, JpegDecoder, JpegEncoder, PngDecoder,
    PngEncoder, Scale, Subsampling, VideoDecoder,
};
use std::error::Error;

pub(crate) const DEPTHS: [(&str, Depth); 3] =
    [("8", Depth::U8), ("16", Depth::U16), ("float", Depth::F32)];

pub(crate) const SUBSAMPLINGS: [(&str, Subsampling); 3] = [
    ("444", Subsampling::Yuv444),
    ("422", Subsampling::Yuv422),
    ("420", Subsampling::Yuv420),
];

pub(crate) const COLOR_POLICIES: [(&str, ColorPolicy); 3] = [
    ("srgb", ColorPolicy::ToSrgb),
    ("keep", ColorPolicy::Keep),
    ("raw", ColorPolicy::Raw),
];

pub(crate) const PNG_ENCODERS: [(&str, PngEncoder); 3] = [
    ("auto", PngEncoder::Auto),
    ("host", PngEncoder::Host),
    ("kernels", PngEncoder::Kernels),
];

pub(crate) const JPEG_ENCODERS: [(&str, JpegEncoder); 3] = [
    ("auto", JpegEncoder::Auto),
    ("host", JpegEncoder::Host),
    ("kernels", JpegEncoder::Kernels),
];

pub(crate) const JPEG_DECODERS: [(&str, JpegDecoder); 3] = [
    ("auto", JpegDecoder::Auto),
    ("host", JpegDecoder::Host),
    ("kernels", JpegDecoder::Kernels),
];

pub(crate) const PNG_DECODERS: [(&str, PngDecoder); 3] = [
    ("auto", PngDecoder::Auto),
    ("host", PngDecoder::Host),
    ("kernels", PngDecoder::Kernels),
];

pub(crate) const VIDEO_DECODERS: [(&str, VideoDecoder); 3] = [
    ("auto", VideoDecoder::Auto),
    ("host", VideoDecoder::Host),
    ("engine", VideoDecoder::Engine),
];

pub(crate) const CHANNELS: [(&str, Channels); 5] = [
    ("auto", Channels::Auto),
    ("gray", Channels::Gray),
    ("gray-alpha", Channels::GrayAlpha),
    ("rgb", Channels::Rgb),
    ("rgba", Channels::Rgba),
];

pub(crate) const COMPRESSIONS: [(&str, Compression); 6] = [
    ("none", Compression::Uncompressed),
    ("fast", Compression::Fast),
    ("balanced", Compression::Balanced),
    ("small", Compression::Small),
    ("lzw", Compression::Lzw),
    ("packbits", Compression::PackBits),
];

pub(crate) const SCALES: [(&str, Scale); 3] = [
    ("1/2", Scale::Half),
    ("1/4", Scale::Quarter),
    ("1/8", Scale::Eighth),
];

/// The format that has this extension.
pub(crate) fn known_format(extension: &str) -> Result<Format, &'static str> {
    let known = Format::from_extension(extension.trim_start_matches('.'));
    known.ok_or("no format has this extension")
}

/// Whole numbers with commas between them.
pub(crate) fn numbers<const N: usize>(text: &str) -> Result<[u32; N], String> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let numbers = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    numbers.ok_or_else(|| format!("{N} whole numbers with commas between are needed"))
}

/// The value of `option`, which is the name of one of the `choices`.
pub(crate) fn choice<T: Copy>(
    args: &mut lexopt::Parser,
    option: &str,
    choices: &[(&str, T)],
) -> Result<T, Box<dyn Error>> {
    value_with(args, option, |text| one_of(text, choices))
}

fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    match choices.iter().find(|(name, _)| *name == text) {
        Some(&(_, choice)) => Ok(choice),
        None => {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            Err(format!("one of {} is needed", names.join(", ")))
        }
    }
}

pub(crate) fn color(text: &str) -> Result<[u8; 3], String> {
    let parts: Result<Vec<u8>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    parts
        .ok()
        .and_then(|parts| parts.try_into().ok())
        .ok_or_else(|| "R,G,B, each 0 to 255, is needed".to_owned())
}
