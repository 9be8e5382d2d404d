//! The meaning of a page's samples: what the tags say, and libtiff's guesses if tags are missing.

use super::{
    compression::Compression,
    ifd::Directory,
    kind::Kind,
    lab::{Lab, LabEncoding},
    luma::YCbCr,
    samples::{Meaning, Palette},
    tag,
};
use crate::{Error, Result};

/// Values of the tag PhotometricInterpretation.
mod color {
    pub(super) const WHITE_IS_ZERO: u16 = 0;
    pub(super) const BLACK_IS_ZERO: u16 = 1;
    pub(super) const RGB: u16 = 2;
    pub(super) const PALETTE: u16 = 3;
    pub(super) const MASK: u16 = 4;
    pub(super) const SEPARATED: u16 = 5;
    pub(super) const YCBCR: u16 = 6;
    pub(super) const CIE_LAB: u16 = 8;
    pub(super) const ICC_LAB: u16 = 9;
    pub(super) const LOG_L: u16 = 32_844;
    pub(super) const LOG_LUV: u16 = 32_845;
}
/// The samples of a pixel. If the tag is missing, as many as BitsPerSample has, or as the colours
/// need.
pub(super) fn samples(directory: &Directory<'_>) -> Result<usize> {
    let samples = match directory.number(tag::SAMPLES_PER_PIXEL)? {
        Some(samples) => samples,
        None => {
            let bits = directory.numbers_up_to(tag::BITS_PER_SAMPLE, 16)?;
            let extra = directory.numbers_up_to(tag::EXTRA_SAMPLES, 16)?;
            let colors = match directory.number(tag::PHOTOMETRIC)?.map(u16::try_from) {
                Some(Ok(
                    color::RGB | color::YCBCR | color::CIE_LAB | color::ICC_LAB | color::LOG_LUV,
                )) => 3,
                Some(Ok(color::SEPARATED)) => 4,
                _ => 1,
            };
            let said = bits.map_or(0, |bits| bits.len());
            said.max(colors + extra.map_or(0, |extra| extra.len())) as u64
        }
    };
    match u16::try_from(samples) {
        Ok(samples @ 1..) => Ok(samples.into()),
        _ => Err(Error::decode(format!("{samples} samples a pixel"))),
    }
}

/// The value of the tag; if it is missing, libtiff's guess.
pub(super) fn photometric_of(
    directory: &Directory<'_>,
    compression: Compression,
    samples: usize,
    extra: usize,
) -> Result<u16> {
    let said = match directory.number(tag::PHOTOMETRIC)? {
        Some(number) => Some(directory.short(tag::PHOTOMETRIC, number as u16)?),
        None => None,
    };
    Ok(match (said, samples.saturating_sub(extra)) {
        // These files have YCbCr, whatever they say.
        (None | Some(color::RGB), 3..) if compression == Compression::OldJpeg => color::YCBCR,
        (Some(number), _) => number,
        (None, 0..3) if matches!(compression, Compression::Fax(_)) => color::WHITE_IS_ZERO,
        (None, 0..3) => color::BLACK_IS_ZERO,
        (None, 3..) => color::RGB,
    })
}

pub(super) fn kind(
    directory: &Directory<'_>,
    compression: Compression,
    photometric: u16,
    samples: usize,
) -> Result<Kind> {
    if compression == Compression::SgiLog {
        return Ok(Kind::unsigned(match photometric {
            color::LOG_L => 16,
            _ => 32,
        }));
    }
    let default = match compression {
        Compression::Jpeg | Compression::OldJpeg | Compression::WebP => 8,
        _ => 1,
    };
    let alike = |tag, default: u64| -> Result<u64> {
        let numbers = directory.numbers_up_to(tag, samples)?;
        let numbers = numbers.unwrap_or_default();
        match numbers.iter().all(|number| *number == numbers[0]) {
            true => Ok(numbers.first().copied().unwrap_or(default)),
            false => Err(Error::unsupported("samples that are not alike")),
        }
    };
    let bits = alike(tag::BITS_PER_SAMPLE, default)?;
    let format = match photometric {
        // The sign is part of these samples' meaning.
        color::PALETTE | color::MASK | color::CIE_LAB | color::ICC_LAB => 1,
        _ => alike(tag::SAMPLE_FORMAT, 1)? as u16,
    };
    Kind::new(bits, format)
}

pub(super) fn meaning(
    directory: &Directory<'_>,
    photometric: u16,
    kind: Kind,
    is_log: bool,
) -> Result<Meaning> {
    let lab = |encoding| {
        let white = directory.fractions(tag::WHITE_POINT);
        match kind.bits() {
            8 | 16 => Ok(Meaning::Lab(Lab::new(encoding, kind.top(), white))),
            bits => Err(Error::unsupported(format!("{bits}-bit L*a*b*"))),
        }
    };
    let name = match photometric {
        color::LOG_L if is_log => return Ok(Meaning::LogL),
        color::LOG_LUV if is_log => return Ok(Meaning::LogLuv),
        _ if is_log => return Err(Error::decode("SGI Log compression of other colours")),
        color::WHITE_IS_ZERO => return Ok(Meaning::InvertedGray),
        color::BLACK_IS_ZERO | color::MASK => return Ok(Meaning::Gray),
        color::RGB => return Ok(Meaning::Rgb),
        color::SEPARATED => return Ok(Meaning::Cmyk),
        color::YCBCR => return Ok(Meaning::YCbCr(YCbCr::new(directory, kind))),
        color::CIE_LAB => return lab(LabEncoding::Cie),
        color::ICC_LAB => return lab(LabEncoding::Icc),
        color::PALETTE => {
            if kind.bits() > 16 {
                return Err(Error::unsupported("palettes of more than 65,536 colours"));
            }
            let map = directory.numbers_up_to(tag::COLOR_MAP, 3 << 16)?;
            let map = map.ok_or_else(|| Error::decode("the palette is missing"))?;
            return Ok(Meaning::Palette(Palette::new(&map, kind)?));
        }
        10 => "ITU L*a*b*",
        color::LOG_L | color::LOG_LUV => "LogL or LogLuv without its compression",
        32_803 => "colour filter array",
        34_892 => "linear raw",
        51_177 => "depth map",
        _ => "",
    };
    Err(Error::unsupported(match name {
        "" => format!("colours of type {photometric} of TIFF"),
        name => format!("{name} colours of TIFF"),
    }))
}

/// How many pixels across and down share their chroma.
pub(super) fn subsampling(
    directory: &Directory<'_>,
    planar: bool,
    samples: usize,
    kind: Kind,
) -> Result<[u32; 2]> {
    let numbers = directory.numbers_up_to(tag::YCBCR_SUBSAMPLING, 2)?;
    let sampling = match numbers.as_deref() {
        None => [2, 2],
        Some(&[across @ (1 | 2 | 4), down @ (1 | 2 | 4)]) => [across as u32, down as u32],
        Some(_) => return Err(Error::decode("chroma is sampled as it cannot be")),
    };
    let is_plain = !planar && samples == 3 && kind.bytes().is_some();
    match is_plain || sampling == [1, 1] {
        true => Ok(sampling),
        false => Err(Error::unsupported("chroma of its own sampling in planes")),
    }
}
