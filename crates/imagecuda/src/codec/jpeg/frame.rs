//! The segments of a JPEG file, up to its first scan and at its end.

use crate::{Error, Result};

/// What the markers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) components: u8,
    pub(super) progressive: bool,
    /// Whether the first scan has some of the components only.
    pub(super) split: bool,
    /// Whether a component has several rows of blocks in an MCU.
    pub(super) tall: bool,
    /// The colour transform of Adobe's APP14 segment (0 none, 1 YCbCr, 2 YCCK), and where
    /// that byte is.
    pub(super) adobe: Option<(u8, usize)>,
    /// Whether a JFIF segment says that the colours are YCbCr or gray.
    pub(super) jfif: bool,
    /// Where the entropy-coded data of the last scan end: the offset of the end-of-image
    /// marker or, in a file that lacks it, the file's length.
    pub(super) end: usize,
}

/// Reads the markers of a file: a whole one or, if it is `damaged`, one that may lack anything
/// behind the header of its first scan. [`Frame::end`] is then in front of what is wrong.
pub(super) fn parse(bytes: &[u8], damaged: bool) -> Result<Frame> {
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(Error::decode("no JPEG signature"));
    }
    let mut frame: Option<Frame> = None;
    let (mut adobe, mut jfif) = (None, false);
    let mut scans = 0;
    let mut wanted = Vec::new(); // the components that no scan has had yet
    let mut damage = None; // where it is
    let mut at = 2;
    while let Some(found) = next_marker(bytes, at) {
        let (marker, after) = (bytes[found], found + 1);
        match marker {
            0xd9 => {
                at = found - 1;
                break;
            }
            // Markers without a segment; restarts lie within a scan.
            0x01 | 0xd0..=0xd8 => {
                at = after;
                continue;
            }
            _ => {}
        }
        let segment = bytes
            .get(after..)
            .and_then(|rest| {
                let length = u16::from_be_bytes(*rest.first_chunk()?);
                rest.get(2..usize::from(length))
            })
            .ok_or_else(cut_short);
        // Behind a scan a segment that runs past the end is a matter for the decoder.
        let segment = match segment {
            Err(_) if scans > 0 => {
                damage = Some(found - 1).filter(|_| damaged);
                break;
            }
            segment => segment?,
        };
        let scans_before = scans;
        let mut read = || match marker {
            // Start of frame; 0xc4, 0xc8 and 0xcc are other things.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                if frame.is_some() {
                    return Err(Error::decode("two frames in one picture"));
                }
                frame = Some(start_of_frame(marker, segment)?);
                wanted = segment[6..].chunks_exact(3).map(|c| c[0]).collect();
                Ok(())
            }
            0xcc => Err(Error::unsupported("arithmetic-coded JPEG")),
            0xe0 if scans == 0 => {
                jfif |= segment.starts_with(b"JFIF\0");
                Ok(())
            }
            0xee if scans == 0 && segment.starts_with(b"Adobe") && segment.len() > 11 => {
                adobe = Some((segment[11], after + 2 + 11));
                Ok(())
            }
            0xda => {
                let [count, components @ ..] = segment else {
                    return Err(cut_short());
                };
                if let (0, Some(frame)) = (scans, &mut frame) {
                    frame.split = *count < frame.components;
                }
                for component in components.chunks_exact(2).take(usize::from(*count)) {
                    let before = wanted.len();
                    wanted.retain(|&id| id != component[0]);
                    // zune-jpeg would stop there, and call the half of a picture whole.
                    if wanted.len() == before && frame.is_some_and(|frame| !frame.progressive) {
                        return Err(Error::decode("a scan that has no place in the frame"));
                    }
                }
                scans += 1;
                Ok(())
            }
            _ => Ok(()),
        };
        match read() {
            Err(_) if damaged && scans_before > 0 => {
                damage = Some(found - 1);
                break;
            }
            result => result?,
        }
        at = after + 2 + segment.len();
    }
    let mut frame = frame.ok_or_else(|| Error::decode("no frame header"))?;
    if scans == 0 || !(damaged || wanted.is_empty()) {
        return Err(cut_short());
    }
    let ended = bytes.get(at..at + 2) == Some(&[0xff, 0xd9]);
    frame.end = match damage {
        Some(damage) => damage,
        None if ended => at,
        None => bytes.len(),
    };
    (frame.adobe, frame.jfif) = (adobe, jfif);
    Ok(frame)
}

fn cut_short() -> Error {
    Error::decode("the file is cut short")
}

/// The offset of the next marker's second byte. Skips entropy-coded data, in which 0xff is
/// followed by 0, and fill bytes.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)? + 1;
        match bytes.get(at)? {
            0 => at += 1,
            0xff => {}
            _ => return Some(at),
        }
    }
}

fn start_of_frame(marker: u8, segment: &[u8]) -> Result<Frame> {
    let process = match marker {
        0xc0..=0xc2 => None,
        0xc3 => Some("lossless JPEG"),
        0xc5..=0xc7 => Some("hierarchical JPEG"),
        0xc9 | 0xca => Some("arithmetic-coded JPEG"),
        0xcb => Some("arithmetic-coded lossless JPEG"),
        _ => Some("arithmetic-coded hierarchical JPEG"),
    };
    if let Some(process) = process {
        return Err(Error::unsupported(process));
    }
    let &[bits, h0, h1, w0, w1, components, ref factors @ ..] = segment else {
        return Err(cut_short());
    };
    if bits != 8 {
        return Err(Error::unsupported(format!("{bits}-bit JPEG")));
    }
    Ok(Frame {
        width: u16::from_be_bytes([w0, w1]),
        height: u16::from_be_bytes([h0, h1]),
        components,
        progressive: marker == 0xc2,
        split: false,
        tall: factors
            .chunks_exact(3)
            .any(|component| component[1] & 15 > 1),
        adobe: None,
        jfif: false,
        end: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn file(sof: u8, bits: u8) -> Vec<u8> {
        let mut file = b"\xff\xd8\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x02".to_vec();
        file.extend([0xff, 0xff, sof, 0, 11, bits, 0, 3, 0, 5, 1, 1, 0x11, 0]);
        file.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
        file.extend([1, 2, 0xff, 0, 3, 0xff, 0xd0, 4]);
        file
    }

    #[test]
    fn finds_frame_and_end() {
        let mut file = file(0xc2, 8);
        let end = file.len();
        let expected = Frame {
            width: 5,
            height: 3,
            components: 1,
            progressive: true,
            split: false,
            tall: false,
            adobe: Some((2, 17)),
            jfif: false,
            end,
        };
        assert_eq!(parse(&file, false).unwrap(), expected);
        // What follows the end is not of the picture.
        file.extend([0xff, 0xd9, 7, 7, 0xff, 0xd9]);
        assert_eq!(parse(&file, false).unwrap(), expected);
    }

    #[test]
    fn a_component_without_a_scan_is_missing() {
        let two = |first: u8, second: u8| {
            let mut file =
                b"\xff\xd8\xff\xc0\0\x0e\x08\0\x03\0\x05\x02\x01\x22\0\x02\x11\0".to_vec();
            for id in [first, second] {
                file.extend([0xff, 0xda, 0, 8, 1, id, 0, 0, 63, 0, 1, 2, 3]);
            }
            file
        };
        let frame = parse(&two(1, 2), false).unwrap();
        assert!(frame.split && frame.tall);
        assert!(matches!(
            parse(&two(1, 1), false).unwrap_err().kind(),
            ErrorKind::Decode(_)
        ));
    }

    #[test]
    fn names_what_is_unsupported() {
        for (sof, bits, what) in [
            (0xc1, 12, "12-bit"),
            (0xc3, 8, "lossless"),
            (0xc5, 8, "hierarchical"),
            (0xc9, 8, "arithmetic"),
        ] {
            let error = parse(&file(sof, bits), false).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported(text) if text.contains(what)));
        }
    }

    #[test]
    fn every_cut_before_the_scan_is_an_error() {
        let file = file(0xc0, 8);
        let scan = file.windows(2).position(|two| two == [0xff, 0xda]).unwrap() + 10;
        for keep in 0..scan {
            assert!(parse(&file[..keep], false).is_err(), "{keep}");
            assert!(parse(&file[..keep], true).is_err(), "{keep}");
        }
        assert!(parse(&file[..scan], false).is_ok());
    }

    #[test]
    fn damage_behind_the_first_scan_ends_the_file() {
        let mut cut = file(0xc2, 8);
        let end = cut.len();
        // A segment that is not all there.
        cut.extend([0xff, 0xc4, 0, 20, 1]);
        assert_eq!(parse(&cut, true).unwrap().end, end);
        cut.truncate(end);
        // Another frame.
        cut.extend([0xff, 0xc2, 0, 11, 8, 0, 3, 0, 5, 1, 1, 0x11, 0]);
        assert!(parse(&cut, false).is_err());
        assert_eq!(parse(&cut, true).unwrap().end, end);
    }
}
