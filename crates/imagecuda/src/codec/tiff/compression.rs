//! The compressions of strips and tiles, and the decoders of those that are plain streams of bytes.

use super::{fax::Fax, ifd::cut_short};
use crate::{Error, Result};
use flate2::{Decompress, FlushDecompress};
use std::io::Read;
use weezl::{BitOrder, LzwStatus, decode::Configuration};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    PackBits,
    Lzw,
    Deflate,
    Zstd,
    Lzma,
    Fax(Fax),
    Jpeg,
    /// TIFF 6.0's kind: the picture is one JPEG, whose parts are in tags and strips.
    OldJpeg,
    WebP,
    SgiLog,
}

impl Compression {
    /// The compression with this number. Group 3 has options.
    pub(super) fn new(number: u16, t4_options: u16) -> Result<Self> {
        let unknown = match number {
            1 => return Ok(Self::None),
            2 => return Ok(Self::Fax(Fax::Huffman { align: 1 })),
            3 => {
                let two_dimensional = t4_options & 1 == 1;
                return Ok(Self::Fax(Fax::Group3 { two_dimensional }));
            }
            4 => return Ok(Self::Fax(Fax::Group4)),
            5 => return Ok(Self::Lzw),
            6 => return Ok(Self::OldJpeg),
            7 => return Ok(Self::Jpeg),
            8 | 32_946 => return Ok(Self::Deflate),
            32_771 => return Ok(Self::Fax(Fax::Huffman { align: 2 })),
            32_773 => return Ok(Self::PackBits),
            34_676 => return Ok(Self::SgiLog),
            34_925 => return Ok(Self::Lzma),
            50_000 => return Ok(Self::Zstd),
            50_001 => return Ok(Self::WebP),
            9 | 10 | 34_661 => "JBIG",
            32_766 => "NeXT",
            32_809 => "ThunderScan",
            32_895..=32_898 => "IT8",
            32_908 | 32_909 => "Pixar",
            32_947 => "Kodak DCS",
            33_003 | 33_005 | 34_712 => "JPEG 2000",
            34_677 => "24-bit LogLuv",
            34_887 => "LERC",
            34_892 => "lossy JPEG of DNG",
            34_933 | 34_934 => "PNG and JPEG XR",
            50_002 | 52_546 => "JPEG XL",
            _ => "",
        };
        Err(Error::unsupported(match unknown {
            "" => format!("compression {number} of TIFF"),
            name => format!("{name} compression of TIFF"),
        }))
    }

    /// Whether a predictor may be applied to the samples.
    pub(super) fn takes_predictor(self) -> bool {
        matches!(self, Self::Lzw | Self::Deflate | Self::Zstd | Self::Lzma)
    }

    /// Whether several strips or tiles are decoded at a time. Some decoders may need much memory, and those
    /// of files use all cores themselves.
    pub(super) fn runs_beside_others(self) -> bool {
        !self.is_file() && !matches!(self, Self::Zstd | Self::Lzma)
    }

    /// Whether strips and tiles are files of another format. Their bits are never reversed.
    pub(super) fn is_file(self) -> bool {
        matches!(self, Self::Jpeg | Self::OldJpeg | Self::WebP)
    }
}

/// The limit for LZMA's dictionary in KiB: twice that of its highest setting.
const LZMA_MEMORY: u32 = 1 << 17;

/// Fills `out` from a compressed stream. Returns how many bytes are good, and the reason if not all
/// are.
pub(super) fn stream(compression: Compression, data: &[u8], out: &mut [u8]) -> (usize, Result<()>) {
    let (good, result) = match compression {
        Compression::PackBits => (unpack_bits(data, out), Ok(())),
        Compression::Lzw => lzw(data, out),
        Compression::Deflate => inflate(data, out),
        Compression::Zstd => match zstd::stream::read::Decoder::with_buffer(data) {
            Ok(reader) => read(reader, out),
            Err(error) => (0, Err(Error::decode(error))),
        },
        Compression::Lzma => read(
            lzma_rust2::XzReader::new_mem_limit(data, false, LZMA_MEMORY),
            out,
        ),
        _ => {
            let good = data.len().min(out.len());
            out[..good].copy_from_slice(&data[..good]);
            (good, Ok(()))
        }
    };
    (good, result.and_then(|()| is_whole(good, out)))
}

/// Fails unless all bytes are good.
pub(super) fn is_whole(good: usize, out: &[u8]) -> Result<()> {
    match good == out.len() {
        true => Ok(()),
        false => Err(cut_short()),
    }
}

fn unpack_bits(mut data: &[u8], out: &mut [u8]) -> usize {
    let mut good = 0;
    while good < out.len()
        && let Some((&count, rest)) = data.split_first()
    {
        data = rest;
        let left = &mut out[good..];
        let count = usize::from(count);
        match count {
            0..128 => {
                let run = (count + 1).min(left.len()).min(data.len());
                left[..run].copy_from_slice(&data[..run]);
                data = &data[run..];
                good += run;
            }
            128 => {}
            _ => {
                let Some((&value, rest)) = data.split_first() else {
                    break;
                };
                let run = (257 - count).min(left.len());
                left[..run].fill(value);
                data = rest;
                good += run;
            }
        }
    }
    good
}

fn lzw(data: &[u8], out: &mut [u8]) -> (usize, Result<()>) {
    // Writers before TIFF 5.0 reversed the bits of codes, and switched to longer codes one code
    // later. The first code clears the table, which shows the order of its bits.
    let is_old = matches!(data, [0, second, ..] if second & 1 == 1);
    let configuration = match is_old {
        true => Configuration::new(BitOrder::Lsb, 8),
        false => Configuration::with_tiff_size_switch(BitOrder::Msb, 8),
    };
    let mut decoder = configuration.with_yield_on_full_buffer(true).build();
    let (mut from, mut good) = (0, 0);
    while good < out.len() {
        let step = decoder.decode_bytes(&data[from..], &mut out[good..]);
        from += step.consumed_in;
        good += step.consumed_out;
        match step.status {
            Ok(LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return (good, Err(Error::decode(error))),
        }
    }
    (good, Ok(()))
}

fn inflate(data: &[u8], out: &mut [u8]) -> (usize, Result<()>) {
    let mut inflater = Decompress::new(true);
    loop {
        let (from, good) = (inflater.total_in() as usize, inflater.total_out() as usize);
        let finish = FlushDecompress::Finish;
        let step = inflater.decompress(&data[from..], &mut out[good..], finish);
        let (read, made) = (inflater.total_in() as usize, inflater.total_out() as usize);
        match step {
            Err(error) => return (made, Err(Error::decode(error))),
            Ok(flate2::Status::StreamEnd) => return (made, Ok(())),
            Ok(_) if made == out.len() || (read, made) == (from, good) => return (made, Ok(())),
            Ok(_) => {}
        }
    }
}

fn read(mut reader: impl Read, out: &mut [u8]) -> (usize, Result<()>) {
    let mut good = 0;
    while good < out.len() {
        match reader.read(&mut out[good..]) {
            Ok(0) => break,
            Ok(count) => good += count,
            Err(error) => return (good, Err(Error::decode(error))),
        }
    }
    (good, Ok(()))
}
