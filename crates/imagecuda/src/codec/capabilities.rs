//! Which options each format honours: the one table of it, and the refusal of the rest.

use crate::{
    Channels, Compression, Depth, Error, Format, Metadata, Result, SaveOptions,
    metadata::{embedded, exif},
};

/// The options that a format's encoder has.
#[derive(Clone, Copy, Debug)]
struct Honours {
    /// The first is the default.
    depths: &'static [Depth],
    /// None where there is nothing to choose.
    channels: &'static [Channels],
    /// 1 to 100.
    quality: bool,
    subsampling: bool,
    progressive: bool,
    optimize_huffman: bool,
    restart_interval: bool,
    compressions: &'static [Compression],
    lossless: bool,
    /// 0 to [`MAX_EFFORT`].
    effort: bool,
    metadata: bool,
}

const MAX_EFFORT: u8 = 6;

/// 8-bit samples, and nothing to choose.
const PLAIN: Honours = Honours {
    depths: &[Depth::U8],
    channels: &[],
    quality: false,
    subsampling: false,
    progressive: false,
    optimize_huffman: false,
    restart_interval: false,
    compressions: &[],
    lossless: false,
    effort: false,
    metadata: false,
};

impl Honours {
    const fn of(format: Format) -> Self {
        use {Channels::*, Compression::*};
        match format {
            Format::Exr | Format::Hdr => Self {
                depths: &[Depth::F32],
                ..PLAIN
            },
            Format::Jpeg => Self {
                channels: &[Auto, Gray, Rgb],
                quality: true,
                subsampling: true,
                progressive: true,
                optimize_huffman: true,
                restart_interval: true,
                metadata: true,
                ..PLAIN
            },
            Format::Png => Self {
                depths: &[Depth::U8, Depth::U16],
                channels: &[Auto, Gray, GrayAlpha, Rgb, Rgba],
                compressions: &[Uncompressed, Fast, Balanced, Small],
                metadata: true,
                ..PLAIN
            },
            Format::Pnm => Self {
                depths: &[Depth::U8, Depth::U16],
                ..PLAIN
            },
            Format::Tiff => Self {
                depths: &[Depth::U8, Depth::U16, Depth::F32],
                channels: &[Auto, Gray, Rgb, Rgba],
                compressions: &[Uncompressed, Fast, Balanced, Small, Lzw, PackBits],
                metadata: true,
                ..PLAIN
            },
            Format::WebP => Self {
                quality: true,
                lossless: true,
                effort: true,
                metadata: true,
                ..PLAIN
            },
            Format::Avif | Format::Heif => Self {
                quality: true,
                subsampling: true,
                metadata: true,
                ..PLAIN
            },
            Format::Bmp | Format::Gif | Format::Ico | Format::Qoi | Format::Tga => PLAIN,
        }
    }
}

/// That `format` honours every option that is set, and no two exclude each other. Gives the
/// depth of the file.
pub(super) fn check(format: Format, options: &SaveOptions) -> Result<Depth> {
    let honours = Honours::of(format);
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
    type Has = fn(Honours) -> bool;
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
        if is_set && !has(honours) {
            let has = |f: &&Format| f.can_save() && has(Honours::of(**f));
            let others = list(Format::ALL.iter().filter(has), ", ");
            let reason = match others.is_empty() {
                true => format!("not an option of {format}"),
                false => format!("not an option of {format}, only of {others}"),
            };
            return Err(Error::option(option, reason));
        }
    }
    if let Some(compression) = compression.filter(|c| !honours.compressions.contains(c)) {
        let known = list(honours.compressions.iter().map(|c| format!("{c:?}")), ", ");
        let reason = format!("{compression:?} is not one of {format}'s: {known}");
        return Err(Error::option("compression", reason));
    }
    if let Some(depth) = depth.filter(|depth| !honours.depths.contains(depth)) {
        let known = list(honours.depths.iter().map(|&depth| name(depth)), " or ");
        let reason = format!("{format} holds {known} samples, not {}", name(depth));
        return Err(Error::option("depth", reason));
    }
    let depth = depth.unwrap_or(honours.depths[0]);
    if let Some(channels) = channels {
        check_channels(format, channels, depth, options)?;
    }
    if lossless == Some(true) && quality.is_some() {
        return Err(Error::option("lossless", "with a quality, a file is lossy"));
    }
    check_metadata(format, &options.metadata)?;
    Ok(depth)
}

/// That files of `format` have these channels.
fn check_channels(
    format: Format,
    channels: Channels,
    depth: Depth,
    options: &SaveOptions,
) -> Result<()> {
    use Channels::*;
    let honours = Honours::of(format);
    let refuse = |reason| Err(Error::option("channels", reason));
    if !honours.channels.contains(&channels) {
        let known = list(honours.channels.iter().map(|c| format!("{c:?}")), ", ");
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

/// The fewest channels of a file of `format` that hold a picture with or without colour and alpha.
pub(super) fn minimal_channels(format: Format, color: bool, alpha: bool) -> Channels {
    let minimal = match (color, alpha) {
        (false, false) => Channels::Gray,
        (false, true) => Channels::GrayAlpha,
        (true, false) => Channels::Rgb,
        (true, true) => Channels::Rgba,
    };
    match Honours::of(format).channels.contains(&minimal) {
        true => minimal,
        false => Channels::Rgba,
    }
}

/// That `metadata` is what it should be, and fits into a file of `format`.
fn check_metadata(format: Format, metadata: &Metadata) -> Result<()> {
    // A JPEG's segments have 16-bit lengths; the other formats' parts 31 bits at least.
    let (longest_exif, longest_icc) = match format {
        Format::Jpeg => (65_527, 255 * embedded::JPEG_ICC_PIECE),
        _ => (i32::MAX as usize - 1024, i32::MAX as usize - 1024),
    };
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
