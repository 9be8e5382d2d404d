//! What the first bytes of a file tell of its first scan, before the file is read.

use super::segments::{self, Next, START_OF_SCAN};

/// The first scan of a sequential Huffman-coded file of 8-bit samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FirstScan {
    /// Where its data begin.
    pub(crate) start: usize,
    /// The pixels of the picture. 0 if the file states the height after the scan.
    pub(crate) pixels: usize,
}

impl FirstScan {
    /// Finds it in the first bytes of a file. `None` if they do not reach it, or if the file is of
    /// another kind.
    pub(crate) fn find(head: &[u8]) -> Option<Self> {
        if !head.starts_with(&[0xff, 0xd8]) {
            return None;
        }
        let (mut at, mut pixels) = (2, None);
        while let Next::Segment(segment) = segments::next(head, at) {
            at = segment.after;
            match (segment.marker, segment.data) {
                (START_OF_SCAN, _) => return pixels.map(|pixels| Self { start: at, pixels }),
                (0xc0 | 0xc1, &[8, high, low, left, right, ..]) => {
                    let side = |high, low| usize::from(u16::from_be_bytes([high, low]));
                    pixels = Some(side(high, low) * side(left, right));
                }
                (0xc4 | 0xc8 | 0xcc, _) => {}
                (0xc0..=0xcf, _) => return None,
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "jpeg")]
    #[test]
    fn is_what_the_parser_finds() {
        use super::*;
        use crate::{
            Device, Format, Image, SaveOptions,
            jpeg::{entropy_segment::look_at_part, markers},
        };
        use imagecuda_kernels::layout::Layout;

        let pixels: Vec<u8> = (0..90u32 * 70 * 3)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let image = Image::from_pixels(&Device::cpu(), 90, 70, Layout::Rgb8, &pixels).unwrap();
        let options = SaveOptions::new().quality(100);
        let file = options.encode(&image, Format::Jpeg).unwrap();
        let parsed = markers::parse(&file, false).unwrap();
        let scan = FirstScan::find(&file).unwrap();
        assert_eq!(scan.start, parsed.scans[0].data.start);
        assert_eq!(scan.pixels, 90 * 70);
        assert_eq!(FirstScan::find(&file[..scan.start]), Some(scan));
        assert_eq!(FirstScan::find(&file[..scan.start - 1]), None);
        // Chunks that were looked at in parts give the same, whatever the parts.
        for parts in [1, 2, 7] {
            let bytes = parts * imagecuda_kernels::jpeg::stuffing::CHUNK;
            let looked = file[scan.start..].chunks(bytes);
            let known = crate::jpeg::entropy_segment::LookedAt {
                start: scan.start,
                chunks: looked.flat_map(look_at_part).collect(),
            };
            let again = markers::parse_known(&file, false, Some(&known)).unwrap();
            assert_eq!(again.scans[0].data, parsed.scans[0].data);
            assert_eq!(again.scans[0].marks, parsed.scans[0].marks);
        }
        let progressive = options.progressive(true);
        let file = progressive.encode(&image, Format::Jpeg).unwrap();
        assert_eq!(FirstScan::find(&file), None);
    }
}
