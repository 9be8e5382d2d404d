//! The markers and headers around the entropy-coded data.

use super::{Encoding, huffman::Table, progressive::Script};
use crate::{Metadata, metadata::embedded::JPEG_ICC_PIECE, sink::Sink};
use imagecuda_kernels::jpeg::{picture::BLOCK, scan::NATURAL};
use std::{io, ops::Range};

// Annex K.1 of the standard, in natural order.
#[rustfmt::skip]
const LUMA: [u8; BLOCK] = [
    16,  11,  10,  16,  24,  40,  51,  61,
    12,  12,  14,  19,  26,  58,  60,  55,
    14,  13,  16,  24,  40,  57,  69,  56,
    14,  17,  22,  29,  51,  87,  80,  62,
    18,  22,  37,  56,  68, 109, 103,  77,
    24,  35,  55,  64,  81, 104, 113,  92,
    49,  64,  78,  87, 103, 121, 120, 101,
    72,  92,  95,  98, 112, 100, 103,  99,
];

#[rustfmt::skip]
const CHROMA: [u8; BLOCK] = [
    17,  18,  24,  47,  99,  99,  99,  99,
    18,  21,  26,  66,  99,  99,  99,  99,
    24,  26,  56,  99,  99,  99,  99,  99,
    47,  66,  99,  99,  99,  99,  99,  99,
    99,  99,  99,  99,  99,  99,  99,  99,
    99,  99,  99,  99,  99,  99,  99,  99,
    99,  99,  99,  99,  99,  99,  99,  99,
    99,  99,  99,  99,  99,  99,  99,  99,
];

/// The quantization tables of luma and chroma for a quality of 1 to 100, in natural order. They are
/// the standard's tables, scaled as libjpeg scales them.
pub(super) fn quantizers(quality: u8) -> [[u8; BLOCK]; 2] {
    let quality = u32::from(quality.clamp(1, 100));
    let percent = match quality {
        ..50 => 5000 / quality,
        _ => 200 - 2 * quality,
    };
    [LUMA, CHROMA].map(|table| {
        table.map(|divisor| ((u32::from(divisor) * percent + 50) / 100).clamp(1, 255) as u8)
    })
}

impl Encoding {
    /// Writes a whole file with the entropy-coded `data`; of a progressive file, with all scans.
    pub(crate) fn write(
        &self,
        data: &[u8],
        metadata: &Metadata,
        out: &mut dyn Sink,
    ) -> io::Result<()> {
        let mut start = self.start(metadata);
        if self.is_progressive {
            out.write_all(&start)?;
            out.write_all(data)?;
            return out.write_all(&END);
        }
        let kinds = if self.frame.components > 1 { 2 } else { 1 };
        for (number, [dc, ac]) in (0..).zip(&self.tables[..kinds]) {
            codes(&mut start, number, dc);
            codes(&mut start, 0x10 | number, ac);
        }
        scan(&mut start, 0..self.frame.components, 0x11, [0, 63, 0]);
        out.write_all(&start)?;
        out.write_all(data)?;
        out.write_all(&END)
    }

    /// The segments before the first scan and its tables. The lengths of the metadata were checked.
    pub(super) fn start(&self, metadata: &Metadata) -> Vec<u8> {
        let frame = &self.frame;
        let mut file = vec![0xff, 0xd8];
        // Square pixels, no physical size, no thumbnail.
        segment(
            &mut file,
            0xe0,
            &[b"JFIF\0\x01\x01", &[0, 0, 1, 0, 1, 0, 0]],
        );
        if let Some(exif) = metadata.exif() {
            segment(&mut file, 0xe1, &[b"Exif\0\0", exif]);
        }
        let pieces = metadata.icc_profile().unwrap_or_default();
        let pieces = pieces.chunks(JPEG_ICC_PIECE);
        let count = pieces.len() as u8;
        for (number, piece) in (1..=count).zip(pieces) {
            segment(
                &mut file,
                0xe2,
                &[b"ICC_PROFILE\0", &[number, count], piece],
            );
        }
        let kinds = if frame.components > 1 { 2 } else { 1 };
        for (number, table) in (0..).zip(&self.quantizers[..kinds]) {
            let zigzag = NATURAL.map(|place| table[usize::from(place)]);
            segment(&mut file, 0xdb, &[&[number], &zigzag]);
        }
        let [h0, h1] = (frame.height as u16).to_be_bytes();
        let [w0, w1] = (frame.width as u16).to_be_bytes();
        let mut header = vec![8, h0, h1, w0, w1, frame.components as u8];
        for component in 0..frame.components as u8 {
            let factors = match component {
                0 => (frame.h << 4 | frame.v) as u8,
                _ => 0x11,
            };
            header.extend([component + 1, factors, component.min(1)]);
        }
        let marker = if self.is_progressive { 0xc2 } else { 0xc0 };
        segment(&mut file, marker, &[&header]);
        if frame.restart_interval > 0 {
            let interval = frame.restart_interval as u16;
            segment(&mut file, 0xdd, &[&interval.to_be_bytes()]);
        }
        file
    }

    /// The segments before a scan of a progressive file. `tables` are the scan's tables for luma
    /// and chroma.
    pub(super) fn scan(&self, script: &Script, tables: &[Option<Table>; 2]) -> Vec<u8> {
        let mut file = Vec::new();
        let (class, of_kind) = match script.component {
            Some(_) => (0x10, 0x01),
            None => (0, 0x10),
        };
        for (number, table) in (0..).zip(tables) {
            if let Some(table) = table {
                codes(&mut file, class | number, table);
            }
        }
        let components = match script.component {
            Some(component) => component..component + 1,
            None => 0..self.frame.components,
        };
        // The header names only tables that the scan uses.
        let has_codes = tables.iter().any(Option::is_some);
        let of_kind = if has_codes { of_kind } else { 0 };
        let ([first, last], [high, low]) = (script.band, script.bits);
        scan(
            &mut file,
            components,
            of_kind,
            [first, last, high << 4 | low],
        );
        file
    }
}

/// The end of a file.
const END: [u8; 2] = [0xff, 0xd9];

fn codes(file: &mut Vec<u8>, number: u8, Table { counts, symbols }: &Table) {
    segment(file, 0xc4, &[&[number], counts, symbols]);
}

/// A scan header: the components with their table numbers (0 or 1, times `of_kind`), and which
/// coefficients and bits the scan has.
fn scan(file: &mut Vec<u8>, components: Range<u32>, of_kind: u8, what: [u8; 3]) {
    let mut scan = vec![components.len() as u8];
    for component in components {
        scan.extend([component as u8 + 1, component.min(1) as u8 * of_kind]);
    }
    segment(file, 0xda, &[&scan, &what]);
}

fn segment(file: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    file.extend([0xff, marker]);
    file.extend((length as u16 + 2).to_be_bytes());
    parts.iter().for_each(|part| file.extend_from_slice(part));
}
