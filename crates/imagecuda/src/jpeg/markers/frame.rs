//! The frame header: the coding process of the file, and its components.

use crate::{Error, Result, error::cut_short, jpeg::file::File};
use imagecuda_kernels::jpeg::picture::{Color, Picture};

/// The contents of the frame header.
#[derive(Debug)]
pub(super) struct Frame {
    width: u16,
    /// 0 if a DNL segment after the first scan states it.
    pub(super) height: u16,
    bits: u8,
    pub(super) progressive: bool,
    pub(super) lossless: bool,
    arithmetic: bool,
    pub(super) components: Vec<FrameComponent>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct FrameComponent {
    pub(super) identifier: u8,
    /// Sampling factors across and down.
    factors: (u8, u8),
    /// The number of the quantization table.
    pub(super) quantizers: u8,
}

impl Frame {
    /// Reads a SOF segment that `marker` starts.
    pub(super) fn read(marker: u8, segment: &[u8]) -> Result<Self> {
        let process = match marker {
            0xc0..=0xc3 | 0xc9 | 0xca => None,
            0xc5..=0xc7 => Some("hierarchical JPEG"),
            0xcb => Some("arithmetic-coded lossless JPEG"),
            _ => Some("arithmetic-coded hierarchical JPEG"),
        };
        if let Some(process) = process {
            return Err(Error::unsupported(process));
        }
        let &[bits, h0, h1, w0, w1, count, ref components @ ..] = segment else {
            return Err(cut_short());
        };
        let lossless = marker == 0xc3;
        let known = match lossless {
            true => (2..=16).contains(&bits),
            false => matches!(bits, 8 | 12),
        };
        if !known {
            let kind = if lossless { "lossless " } else { "" };
            return Err(Error::unsupported(format!("{bits}-bit {kind}JPEG")));
        }
        let components = components
            .get(..3 * usize::from(count))
            .ok_or_else(cut_short)?;
        let component = |&[identifier, factors, quantizers]: &[u8; 3]| FrameComponent {
            identifier,
            factors: (factors >> 4, factors & 15),
            quantizers,
        };
        Ok(Self {
            width: u16::from_be_bytes([w0, w1]),
            height: u16::from_be_bytes([h0, h1]),
            bits,
            progressive: matches!(marker, 0xc2 | 0xca),
            lossless,
            arithmetic: matches!(marker, 0xc9 | 0xca),
            components: components.as_chunks().0.iter().map(component).collect(),
        })
    }

    /// The file of this frame, without scans yet.
    pub(super) fn file(&self, color: Color) -> Result<File> {
        let (width, height) = (self.width.into(), self.height.into());
        if width == 0 || height == 0 {
            return Err(Error::decode(format!("the picture is {width}x{height}")));
        }
        let factors = self.components.iter().map(|c| c.factors);
        let factors: Vec<_> = factors.map(|(h, v)| (h.into(), v.into())).collect();
        let picture = Picture::new(width, height, &factors, color)
            .ok_or_else(|| Error::decode("sampling factors that are not from 1 to 4"))?;
        Ok(File {
            picture,
            bits: self.bits,
            progressive: self.progressive,
            lossless: self.lossless,
            arithmetic: self.arithmetic,
            quantizers: [[0; 64]; 4],
            scans: Vec::new(),
            whole: false,
        })
    }

    /// The colour space of the components, by libjpeg's rules.
    pub(super) fn color(&self, jfif: bool, adobe: Option<u8>) -> Result<Color> {
        let names: Vec<u8> = self.components.iter().map(|c| c.identifier).collect();
        Ok(match (names.as_slice(), adobe) {
            ([_], _) => Color::Gray,
            ([_, _, _], _) if jfif => Color::Ycc,
            ([_, _, _], Some(0)) => Color::Rgb,
            ([_, _, _], Some(_)) => Color::Ycc,
            (b"RGB", None) => Color::Rgb,
            ([_, _, _], None) if self.lossless => Color::Rgb,
            ([_, _, _], None) => Color::Ycc,
            // CMYK is stored inverted, even without Adobe's segment: all programs that write it do so.
            ([_, _, _, _], None | Some(0)) => Color::InvertedCmyk,
            ([_, _, _, _], Some(_)) => Color::Ycck,
            (other, _) => {
                let count = other.len();
                return Err(Error::unsupported(format!("JPEG of {count} components")));
            }
        })
    }
}
