//! Reads the segments of a JPEG file, and finds the data of its scans.

mod frame;

use self::frame::Frame;
use super::{
    entropy_segment::{EntropySegment, LookedAt, next_marker},
    file::{File, Scan, ScanComponent},
    segments::{self, Next, Segment},
    tables::Tables,
};
use crate::{Error, Result, error::cut_short, memory};

/// The most scans of a file. Real files have a few dozen at most. Each scan takes time by the size
/// of the picture, however few bytes it has.
const MOST_SCANS: usize = 1000;

/// The most blocks of all scans together, as a multiple of the picture's blocks; and a number of
/// blocks that any file may have, as they take little time.
const MOST_ROUNDS: u64 = 50;
const FEW_BLOCKS: u64 = 1 << 24;

/// The bit position of a coefficient that no scan has had.
const UNKNOWN: u8 = u8::MAX;

/// Reads the markers of a file. With `damaged`, anything may be missing after the header of the
/// first scan.
pub(super) fn parse(bytes: &[u8], damaged: bool) -> Result<File> {
    parse_known(bytes, damaged, None)
}

/// As [`parse`]. The data of a scan may have been looked at.
pub(super) fn parse_known(bytes: &[u8], damaged: bool, known: Option<&LookedAt>) -> Result<File> {
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(Error::decode("no JPEG signature"));
    }
    let mut parser = Parser {
        bytes,
        damaged,
        known,
        frame: None,
        tables: Tables::new(),
        restart_interval: 0,
        jfif: false,
        adobe: None,
        file: None,
        precision: [[UNKNOWN; 64]; 4],
        blocks: 0,
        asks_too_much: false,
    };
    let mut at = 2;
    let (mut ended, mut broken) = (false, false);
    loop {
        let result = match segments::next(bytes, at) {
            Next::Segment(segment) => parser.segment(segment),
            // After a scan, bytes that are no segment end the file, whatever they are.
            Next::Cut if parser.has_scans() => break,
            Next::Cut => Err(cut_short()),
            Next::End => {
                ended = true;
                break;
            }
            Next::Nothing => break,
        };
        match result {
            Ok(after) => at = after,
            // Data after the complete picture do not belong to it.
            Err(_) if parser.is_complete() && !parser.asks_too_much => break,
            Err(_) if damaged && parser.has_scans() => {
                broken = true;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    parser.finish(ended, broken, damaged)
}

struct Parser<'a> {
    bytes: &'a [u8],
    /// Whether anything may be missing.
    damaged: bool,
    /// What is known of a scan's data.
    known: Option<&'a LookedAt>,
    frame: Option<Frame>,
    tables: Tables,
    restart_interval: u32,
    /// Whether there is a JFIF segment, which says that the colours are YCbCr or gray.
    jfif: bool,
    /// The colour transform of Adobe's APP14 segment: 0 is none, 1 is YCbCr, 2 is YCCK.
    adobe: Option<u8>,
    /// The file, from its first scan on.
    file: Option<File>,
    /// For each coefficient, in zigzag order, the bit position that its scans have reached.
    precision: [[u8; 64]; 4],
    /// The number of blocks of all scans so far.
    blocks: u64,
    /// Whether the file has more scans than allowed.
    asks_too_much: bool,
}

impl Parser<'_> {
    fn has_scans(&self) -> bool {
        self.file
            .as_ref()
            .is_some_and(|file| !file.scans.is_empty())
    }

    /// Whether every bit of every coefficient has come.
    fn is_complete(&self) -> bool {
        let components = self.file.as_ref().map_or(0, |file| file.picture.components);
        let precision = &self.precision[..components as usize];
        components > 0 && precision.iter().flatten().all(|&bits| bits == 0)
    }

    /// Reads a segment, and a scan's data after it. Returns the offset where the search for the
    /// next marker starts.
    fn segment(&mut self, segment: Segment<'_>) -> Result<usize> {
        let Segment {
            marker,
            data: segment,
            after,
        } = segment;
        match marker {
            0xc4 => self.tables.define_codes(segment)?,
            0xdb => self.tables.define_quantizers(segment)?,
            0xcc => self.tables.define_conditioning(segment)?,
            0xde => return Err(Error::unsupported("hierarchical JPEG")),
            0xc8 => {}
            0xc0..=0xcf => {
                if self.frame.is_some() {
                    return Err(Error::decode("two frames in one picture"));
                }
                self.frame = Some(Frame::read(marker, segment)?);
            }
            0xdd => match segment {
                &[high, low, ..] => {
                    self.restart_interval = u16::from_be_bytes([high, low]).into();
                }
                _ => return Err(Error::decode("a restart interval that is not there")),
            },
            0xe0 => self.jfif |= segment.starts_with(b"JFIF\0") && segment.len() >= 14,
            0xee if segment.starts_with(b"Adobe") && segment.len() > 11 => {
                self.adobe = Some(segment[11]);
            }
            segments::START_OF_SCAN => return self.scan(segment, after),
            _ => {}
        }
        Ok(after)
    }

    /// Reads the header of a scan, and finds its data, which start at `at`.
    fn scan(&mut self, segment: &[u8], at: usize) -> Result<usize> {
        let frame = self.frame.as_mut().ok_or_else(no_frame)?;
        if self.file.is_none() {
            let color = frame.color(self.jfif, self.adobe)?;
            if frame.height == 0 {
                frame.height = height_behind(self.bytes, at)?;
            }
            self.file = Some(frame.file(color)?);
        }
        let Some(file) = &mut self.file else {
            return Err(no_frame());
        };
        let [count, rest @ ..] = segment else {
            return Err(cut_short());
        };
        let (selectors, rest) = rest
            .split_at_checked(2 * usize::from(*count))
            .ok_or_else(cut_short)?;
        let &[first, last, bits, ..] = rest else {
            return Err(cut_short());
        };
        // Sequential scans do not use these fields, and some files have wrong values in them.
        let (spectral, approximation) = match frame.progressive || frame.lossless {
            true => ((first, last), (bits >> 4, bits & 15)),
            false => ((0, 63), (0, 0)),
        };
        if file.scans.len() >= MOST_SCANS {
            self.asks_too_much = true;
            return Err(Error::decode(format!("more than {MOST_SCANS} scans")));
        }
        let mut components: Vec<ScanComponent> = Vec::new();
        for pair in selectors.chunks_exact(2) {
            // If several components have the same identifier, the first one counts.
            let index = frame.components.iter().enumerate().position(|(index, c)| {
                c.identifier == pair[0] && components.iter().all(|other| other.index != index)
            });
            let index = index.ok_or_else(misplaced)?;
            let table = |tables: &[Option<_>; 4], number| tables.get(usize::from(number))?.clone();
            components.push(ScanComponent {
                index,
                dc: table(&self.tables.dc, pair[1] >> 4),
                ac: table(&self.tables.ac, pair[1] & 15),
                arithmetic: self.tables.arithmetic(pair[1]),
            });
        }
        check(&components, spectral, approximation, file)?;
        let parts = components.iter().map(|c| &file.picture.component[c.index]);
        let blocks =
            parts.map(|c| u64::from(c.width.div_ceil(8)) * u64::from(c.height.div_ceil(8)));
        self.blocks += blocks.sum::<u64>();
        if self.blocks > FEW_BLOCKS.max(MOST_ROUNDS * file.picture.blocks() as u64) {
            self.asks_too_much = true;
            return Err(Error::decode(
                "more scans than a picture of this size may have",
            ));
        }
        let again = |c: &ScanComponent| self.precision[c.index][0] != UNKNOWN;
        if !frame.progressive && components.iter().any(again) {
            return Err(misplaced());
        }
        for component in &components {
            let known = &mut self.precision[component.index];
            if frame.lossless {
                known.fill(0);
                continue;
            }
            if known.iter().all(|&bits| bits == UNKNOWN) {
                let number = usize::from(frame.components[component.index].quantizers);
                let quantizers = self.tables.quantizers.get(number).copied().flatten();
                let missing = || Error::decode("quantizers are missing");
                file.quantizers[component.index] = quantizers.ok_or_else(missing)?;
            }
            known[usize::from(spectral.0)..=usize::from(spectral.1)].fill(approximation.1);
        }
        let most = file.most_restarts(&components, self.restart_interval, self.damaged);
        let EntropySegment {
            mut end,
            mut restarts,
            marks,
        } = EntropySegment::find(self.bytes, at, most, self.known)?;
        // As in libjpeg, a marker that means nothing ends an interval, and the next restart goes on
        // behind it.
        if self.damaged
            && self.restart_interval > 0
            && let Some(1..=0xbf) = self.bytes.get(end + 1)
        {
            let mut at = end + 2;
            end = self.bytes.len();
            while let Some(found) = next_marker(self.bytes, at) {
                match self.bytes[found] {
                    0xd0..=0xd7 if restarts.len() < most => memory::push(&mut restarts, found - 1)?,
                    0xd0..=0xd7 => {}
                    1..=0xbf => {}
                    _ => {
                        end = found - 1;
                        break;
                    }
                }
                at = found + 1;
            }
        }
        let scan = Scan {
            components,
            spectral,
            approximation,
            restart_interval: self.restart_interval,
            data: at..end,
            restarts,
            marks,
        };
        if frame.lossless {
            check_lossless(file, &scan)?;
        }
        file.scans.push(scan);
        Ok(end)
    }

    fn finish(self, ended: bool, broken: bool, damaged: bool) -> Result<File> {
        if self.frame.is_none() {
            return Err(no_frame());
        }
        let complete = self.is_complete();
        let scanned = self.file.filter(|file| !file.scans.is_empty());
        let mut file = scanned.ok_or_else(cut_short)?;
        let precision = &self.precision[..file.picture.components as usize];
        let begun = |known: &[u8; 64]| known.iter().any(|&bits| bits != UNKNOWN);
        // Arithmetic codes have no end of their own: only a marker after them shows that they are
        // complete.
        let is_open = |scan: &Scan| scan.data.end == self.bytes.len();
        let cut = file.arithmetic && file.scans.last().is_some_and(is_open);
        // A file without an end marker must be complete with the scans that it has.
        let all = !cut && (complete || (ended && precision.iter().all(begun)));
        file.whole = all && !broken;
        match file.whole || damaged {
            true => Ok(file),
            false => Err(cut_short()),
        }
    }
}

/// Whether a scan's header is valid, and the file has defined all tables that the scan needs.
fn check(
    components: &[ScanComponent],
    (first, last): (u8, u8),
    (before, now): (u8, u8),
    file: &File,
) -> Result<()> {
    if !(1..=4).contains(&components.len()) {
        return Err(misplaced());
    }
    if components.len() > 1 {
        let part = |c: &ScanComponent| &file.picture.component[c.index];
        let blocks: u32 = components.iter().map(|c| part(c).h * part(c).v).sum();
        if blocks > 10 {
            return Err(Error::decode("more than ten blocks in an MCU"));
        }
    }
    if file.progressive {
        let bands = match first {
            0 => last == 0,
            _ => first <= last && last < 64 && components.len() == 1,
        };
        if !bands || now > 13 || (before != 0 && before != now + 1) {
            return Err(Error::decode(format!(
                "a scan of coefficients {first} to {last}, bits {before} to {now}"
            )));
        }
    }
    if file.arithmetic {
        return Ok(());
    }
    let wants_dc = file.lossless || first == 0 && before == 0;
    let wants_ac = !file.lossless && last > 0;
    // Differences in lossless files may have one bit more.
    let largest_dc = if file.lossless { 16 } else { 15 };
    for component in components {
        for (largest, wanted, table) in [
            (largest_dc, wants_dc, &component.dc),
            (u8::MAX, wants_ac, &component.ac),
        ] {
            match table {
                _ if !wanted => {}
                None => return Err(Error::decode("a Huffman table is missing")),
                Some(table) if table.is_sound(largest) => {}
                Some(_) => return Err(Error::decode("a Huffman table is broken")),
            }
        }
    }
    Ok(())
}

/// Whether the header of a scan of a lossless file is valid.
fn check_lossless(file: &File, scan: &Scan) -> Result<()> {
    let (predictor, transform) = (scan.spectral.0, scan.approximation.1);
    if !(1..=7).contains(&predictor) || transform >= file.bits {
        return Err(Error::decode(format!(
            "a lossless scan with predictor {predictor}, without {transform} bits"
        )));
    }
    let (mcus_x, _) = file.lossless_mcus(scan);
    match (scan.restart_interval as usize).is_multiple_of(mcus_x) {
        true => Ok(()),
        false => Err(Error::decode("a restart within a row of a lossless scan")),
    }
}

/// The height that a DNL segment states after the first scan, whose data start at `at`.
fn height_behind(bytes: &[u8], at: usize) -> Result<u16> {
    const DEFINE_NUMBER_OF_LINES: u8 = 0xdc;
    let end = EntropySegment::find(bytes, at, 0, None)?.end;
    match segments::next(bytes, end) {
        Next::Segment(Segment {
            marker: DEFINE_NUMBER_OF_LINES,
            data: &[high, low, ..],
            ..
        }) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(Error::decode(
            "the height is stated neither before the pixels nor after them",
        )),
    }
}

fn no_frame() -> Error {
    Error::decode("no frame header")
}

fn misplaced() -> Error {
    Error::decode("a scan that has no place in the frame")
}

#[cfg(test)]
mod tests;
