//! The options that each format honours. Other options are refused.

use super::{Codec, contract::OpenLayer};
use crate::{
    Channels, Compression, Depth, Error, Metadata, Result, SaveOptions,
    metadata::{embedded, exif},
};
use imagecuda_kernels::expand::Curve;

/// What a format's files can hold, and which options its encoder has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capabilities {
    /// The depths of the samples. The first is the default.
    pub(crate) depths: &'static [Depth],
    /// The channels that callers may choose. Empty if there is no choice.
    pub(crate) channels: &'static [Channels],
    pub(crate) alpha: Alpha,
    /// Whether the samples are sRGB-encoded or linear.
    pub(crate) curve: Curve,
    /// From 1 to 100.
    pub(crate) quality: bool,
    pub(crate) subsampling: bool,
    pub(crate) progressive: bool,
    pub(crate) optimize_huffman: bool,
    pub(crate) restart_interval: bool,
    pub(crate) compressions: &'static [Compression],
    pub(crate) lossless: bool,
    /// From 0 to [`MAX_EFFORT`].
    pub(crate) effort: bool,
    /// EXIF and an ICC profile.
    pub(crate) metadata: bool,
    /// The maximum sizes in bytes of EXIF and of an ICC profile in a file.
    pub(crate) max_metadata: (usize, usize),
    /// Opens one of the layers that a file may have.
    pub(crate) layers: Option<OpenLayer>,
}

/// Whether a format's files have alpha.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alpha {
    Kept,
    /// Alpha is flattened onto the background.
    Flattened,
    /// The extension of the file decides.
    #[allow(dead_code, reason = "for PNM, which a build may lack")]
    ByExtension(fn(Option<&str>) -> Result<bool>),
}

const MAX_EFFORT: u8 = 6;

/// The maximum size of metadata in most formats: a length of 31 bits, less some room for the
/// headers around it.
const MAX_PART: usize = i32::MAX as usize - 1024;

/// A format with 8-bit RGBA and no options.
pub(super) const PLAIN: Capabilities = Capabilities {
    depths: &[Depth::U8],
    channels: &[],
    alpha: Alpha::Kept,
    curve: Curve::Encoded,
    quality: false,
    subsampling: false,
    progressive: false,
    optimize_huffman: false,
    restart_interval: false,
    compressions: &[],
    lossless: false,
    effort: false,
    metadata: false,
    max_metadata: (MAX_PART, MAX_PART),
    layers: None,
};

/// Fails unless `codec` honours every option that is set, and no two options exclude each other.
/// Returns the depth of the file.
pub(super) fn check(codec: &Codec, options: &SaveOptions) -> Result<Depth> {
    let (format, capabilities) = (codec.format, &codec.capabilities);
    let &SaveOptions {
        depth,
        channels,
        quality,
        subsampling,
        progressive,
        optimize_huffman,
        restart_interval,
        compression,
        lossless,
        effort,
        ..
    } = options;

    in_range("quality", quality, 1, 100)?;
    in_range("effort", effort, 0, MAX_EFFORT)?;
    type Has = fn(&Capabilities) -> bool;
    let set: [(&'static str, bool, Has); 10] = [
        ("channels", channels.is_some(), |h| !h.channels.is_empty()),
        ("quality", quality.is_some(), |h| h.quality),
        ("subsampling", subsampling.is_some(), |h| h.subsampling),
        ("progressive", progressive, |h| h.progressive),
        ("optimize_huffman", optimize_huffman, |h| h.optimize_huffman),
        ("restart_interval", restart_interval > 0, |h| {
            h.restart_interval
        }),
        ("compression", compression.is_some(), |h| {
            !h.compressions.is_empty()
        }),
        ("lossless", lossless.is_some(), |h| h.lossless),
        ("effort", effort.is_some(), |h| h.effort),
        ("metadata", !options.metadata.is_empty(), |h| h.metadata),
    ];
    for (option, is_set, has) in set {
        if is_set && !has(capabilities) {
            let others = super::all().filter(|codec| has(&codec.capabilities));
            let others = list(others.map(|codec| codec.format), ", ");
            let reason = match others.is_empty() {
                true => format!("not an option of {format}"),
                false => format!("not an option of {format}, only of {others}"),
            };
            return Err(Error::option(option, reason));
        }
    }
    if let Some(compression) = compression.filter(|c| !capabilities.compressions.contains(c)) {
        let known = list(
            capabilities.compressions.iter().map(|c| format!("{c:?}")),
            ", ",
        );
        let reason = format!("{compression:?} is not one of {format}'s: {known}");
        return Err(Error::option("compression", reason));
    }
    if let Some(depth) = depth.filter(|depth| !capabilities.depths.contains(depth)) {
        let known = list(capabilities.depths.iter().map(|&depth| name(depth)), " or ");
        let reason = format!("{format} holds {known} samples, not {}", name(depth));
        return Err(Error::option("depth", reason));
    }
    let depth = depth.unwrap_or(capabilities.depths[0]);
    if let Some(channels) = channels {
        check_channels(codec, channels, depth, options)?;
    }
    if lossless == Some(true) && quality.is_some() {
        return Err(Error::option("lossless", "with a quality, a file is lossy"));
    }
    check_metadata(codec, &options.metadata)?;
    Ok(depth)
}

/// Fails unless files of `codec` can have these channels.
fn check_channels(
    codec: &Codec,
    channels: Channels,
    depth: Depth,
    options: &SaveOptions,
) -> Result<()> {
    use Channels::*;
    let (format, capabilities) = (codec.format, &codec.capabilities);
    let refuse = |reason| Err(Error::option("channels", reason));
    if !capabilities.channels.contains(&channels) {
        let known = list(capabilities.channels.iter().map(|c| format!("{c:?}")), ", ");
        return refuse(format!("{channels:?} is not one of {format}'s: {known}"));
    }
    match channels {
        Auto | Gray if depth == Depth::F32 => {
            refuse(format!("{channels:?} is of 8 or 16 bits, not of float"))
        }
        GrayAlpha | Rgba if options.background.is_some() => {
            refuse("with a background, there is no alpha".to_owned())
        }
        Gray | GrayAlpha if options.metadata.icc_profile().is_some() => {
            refuse("the ICC profile is for RGB, and the file gray".to_owned())
        }
        Gray if options.subsampling.is_some() => {
            refuse("a gray file has no colours to subsample".to_owned())
        }
        _ => Ok(()),
    }
}

/// The fewest channels of a file that hold a picture with or without colour and alpha.
pub(super) fn minimal_channels(codec: &Codec, color: bool, alpha: bool) -> Channels {
    let minimal = match (color, alpha) {
        (false, false) => Channels::Gray,
        (false, true) => Channels::GrayAlpha,
        (true, false) => Channels::Rgb,
        (true, true) => Channels::Rgba,
    };
    match codec.capabilities.channels.contains(&minimal) {
        true => minimal,
        false => Channels::Rgba,
    }
}

/// Fails unless `metadata` are valid and fit into a file of `codec`.
fn check_metadata(codec: &Codec, metadata: &Metadata) -> Result<()> {
    let format = codec.format;
    let (longest_exif, longest_icc) = codec.capabilities.max_metadata;
    let refuse = |reason: String| Err(Error::option("metadata", reason));
    let too_long = |what, length, limit| {
        refuse(format!(
            "{length} bytes of {what}, and {format} holds at most {limit}"
        ))
    };
    match metadata.exif() {
        Some(exif) if !exif::is_valid(exif) => {
            return refuse("the EXIF is no TIFF structure".to_owned());
        }
        Some(exif) if exif.len() > longest_exif => {
            return too_long("EXIF", exif.len(), longest_exif);
        }
        _ => {}
    }
    match metadata.icc_profile() {
        Some(icc) if !embedded::is_profile(icc) => refuse("the ICC profile is none".to_owned()),
        Some(icc) if !embedded::is_rgb_profile(icc) => {
            refuse("the ICC profile is not for RGB".to_owned())
        }
        Some(icc) if icc.len() > longest_icc => too_long("ICC profile", icc.len(), longest_icc),
        _ => Ok(()),
    }
}

fn in_range(option: &'static str, value: Option<u8>, min: u8, max: u8) -> Result<()> {
    match value {
        Some(value) if !(min..=max).contains(&value) => {
            let reason = format!("{value} is not in {min}..={max}");
            Err(Error::option(option, reason))
        }
        _ => Ok(()),
    }
}

fn name(depth: Depth) -> &'static str {
    match depth {
        Depth::U8 => "8-bit",
        Depth::U16 => "16-bit",
        Depth::F32 => "float",
    }
}

fn list(items: impl Iterator<Item = impl ToString>, between: &str) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    items.join(between)
}
