//! Decodes PNG through the `png` crate. The crate gets only the chunks that decide the pixels, with
//! small faults repaired.

use super::{
    chunks::{Data, Head, chunks},
    kernels,
};
pub(in crate::codec) use crate::error::cut_short;
use crate::{
    Error, Result,
    codec::{
        Decode,
        contract::{PayloadTarget, pixel_payload},
    },
    device::Payload,
    metadata::embedded::MOST_BYTES,
    picture::{Area, Header},
};
use ::png::{DecodeOptions, Decoder, Reader, Transformations};
use flate2::{Decompress, FlushDecompress, Status};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::{
    io::{BufRead, Error as IoError, ErrorKind as IoErrorKind, Read, Seek, SeekFrom},
    ops::Range,
};

struct Png<'a> {
    bytes: &'a [u8],
    head: Head,
    /// The rows that are needed.
    rows: Range<u32>,
}

/// Opens a PNG. Palettes and transparent colours are resolved, and 1, 2 and 4 bits become 8. An
/// animated PNG gives its default image.
pub(in crate::codec) fn open(bytes: &[u8]) -> Result<Box<dyn Decode + '_>> {
    let head = Head::read(bytes)?;
    let rows = 0..head.height;
    Ok(Box::new(Png { bytes, head, rows }))
}

impl Decode for Png<'_> {
    fn header(&self) -> Header {
        Header {
            height: self.rows.end - self.rows.start,
            ..header(&self.head)
        }
    }

    fn narrow(&mut self, needed: Area, target: PayloadTarget<'_>) -> Area {
        // Kernels decode all rows, and so do the passes of an interlaced picture.
        if !target.device.takes_png(target.png_decoder) && !self.head.interlaced {
            self.rows = needed.y..needed.y + needed.height;
        }
        Area {
            x: 0,
            y: self.rows.start,
            width: self.head.width,
            height: self.rows.end - self.rows.start,
        }
    }

    fn payload(self: Box<Self>, target: PayloadTarget<'_>) -> Result<Payload> {
        let PayloadTarget {
            device,
            file,
            png_decoder,
            ..
        } = target;
        if device.takes_png(png_decoder)
            && let Some(png) = kernels::data(&self.head, self.bytes)
        {
            // The host checks the checksums while the kernels run, if the picture is not one of a group.
            let is_whole =
                || !chunks(self.bytes).any(|chunk| chunk.kind == b"IDAT" && !chunk.is_right());
            if let Some(payload) = device.decode_png(&png, png_decoder, file, is_whole)? {
                return Ok(payload);
            }
        }
        pixel_payload(self, target)
    }

    fn read_into(self: Box<Self>, out: &mut [u8]) -> Result<()> {
        let mut data = Data::default();
        for chunk in chunks(self.bytes).filter(|chunk| chunk.kind == b"IDAT") {
            data.push(&chunk, 0);
        }
        let size = (self.head.width, self.head.height);
        match self.rows == (0..self.head.height) {
            true => read(&self.head, size, data, Transformations::EXPAND, out)?,
            false => self.read_rows(data, out)?,
        }
        if self.head.depth == 16 {
            native(out);
        }
        Ok(())
    }
}

impl Png<'_> {
    /// Decodes to the last row that is needed.
    fn read_rows(&self, data: Data<'_>, out: &mut [u8]) -> Result<()> {
        let size = (self.head.width, self.head.height);
        check(&self.head, size, &data)?;
        let is_cut = data.is_cut;
        let stride = out.len() / self.rows.len();
        let mut reader = reader(&self.head, size, data, Transformations::EXPAND, true)?;
        check_row(&reader, stride)?;
        let mut above = vec![0; stride];
        let mut next = |row: &mut [u8]| match reader.read_row(row) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(cut_short()),
            Err(_) if is_cut => Err(cut_short()),
            Err(error) => Err(Error::decode(error)),
        };
        (0..self.rows.start).try_for_each(|_| next(&mut above))?;
        out.chunks_exact_mut(stride).try_for_each(next)
    }
}

/// The layout to which a file's pixels are decoded.
pub(in crate::codec) fn header(head: &Head) -> Header {
    let alpha = head.transparency.is_some();
    let deep = head.depth == 16;
    let layout = match (head.color, alpha) {
        (0, false) if deep => Layout::L16,
        (0, false) => Layout::L8,
        (0, true) | (4, _) if deep => Layout::La16,
        (0, true) | (4, _) => Layout::La8,
        (2, false) if deep => Layout::Rgb16,
        (2 | 3, false) => Layout::Rgb8,
        _ if deep => Layout::Rgba16,
        _ => Layout::Rgba8,
    };
    Header {
        width: head.width,
        height: head.height,
        layout,
        curve: Curve::Encoded,
    }
}

/// Converts 16-bit samples from the file's byte order, high byte first, to the machine's.
pub(in crate::codec) fn native(out: &mut [u8]) {
    for sample in out.as_chunks_mut().0 {
        *sample = u16::from_be_bytes(*sample).to_ne_bytes();
    }
}

/// Decodes a whole picture of `size` into `out`.
pub(in crate::codec) fn read(
    head: &Head,
    size: (u32, u32),
    data: Data<'_>,
    transformations: Transformations,
    out: &mut [u8],
) -> Result<()> {
    check(head, size, &data)?;
    let is_cut = data.is_cut;
    let mut reader = reader(head, size, data, transformations, true)?;
    check_row(&reader, out.len() / size.1 as usize)?;
    match reader.next_frame(out) {
        Ok(_) => Ok(()),
        Err(_) if is_cut => Err(cut_short()),
        Err(error) => Err(Error::decode(error)),
    }
}

/// Refuses data of which both kinds of checksums are wrong.
fn check(head: &Head, size: (u32, u32), data: &Data<'_>) -> Result<()> {
    match data.is_wrong && !ends_with_its_checksum(data, head.filtered_bytes(size)) {
        true => Err(Error::decode("the checksums of the pixels' data are wrong")),
        false => Ok(()),
    }
}

/// A reader of a picture. If it is `strict`, it also checks the checksum of all `data`.
pub(in crate::codec) fn reader<'a>(
    head: &Head,
    (width, height): (u32, u32),
    data: Data<'a>,
    transformations: Transformations,
    strict: bool,
) -> Result<Reader<Stream<'a>>> {
    let mut options = DecodeOptions::default();
    // The chunks' checksums were checked before.
    options.set_ignore_crc(true);
    options.set_ignore_adler32(!strict);
    let mut stream = Stream::new(head.file(width, height), data);
    // If the file ends too soon, the crate holds back the last rows when it sees an IEND.
    stream.ended = !strict;
    let mut decoder = Decoder::new_with_options(stream, options);
    // The crate's memory for rows is small compared with the picture, which was checked against the
    // limits.
    decoder.set_limits(::png::Limits { bytes: usize::MAX });
    decoder.set_transformations(transformations);
    decoder.read_info().map_err(Error::decode)
}

/// Refuses rows of another size than `bytes`. The crate leaves out chunks that it does not like, and would
/// then make pixels of other channels than the header's layout.
pub(in crate::codec) fn check_row(reader: &Reader<Stream<'_>>, bytes: usize) -> Result<()> {
    match reader.output_line_size(reader.info().width) == Some(bytes) {
        true => Ok(()),
        false => Err(Error::decode("a chunk before the data is wrong")),
    }
}

/// Whether the data inflate to bytes that match their own checksum, Adler-32. Gives up after twice
/// the `expected` bytes.
fn ends_with_its_checksum(data: &Data<'_>, expected: u64) -> bool {
    let most = expected.saturating_mul(2).saturating_add(1 << 16);
    let mut out = vec![0; 1 << 15];
    let mut inflate = Decompress::new(true);
    for mut piece in data.pieces.iter().copied() {
        loop {
            let (taken, made) = (inflate.total_in(), inflate.total_out());
            match inflate.decompress(piece, &mut out, FlushDecompress::None) {
                Ok(Status::StreamEnd) => return true,
                Ok(Status::Ok | Status::BufError) if inflate.total_out() <= most => {}
                _ => return false,
            }
            piece = &piece[(inflate.total_in() - taken) as usize..];
            if piece.is_empty() && inflate.total_out() - made < out.len() as u64 {
                break;
            }
        }
    }
    false
}

/// Inflates the profile of an iCCP chunk. `None` if it is damaged or inflates to too much.
pub(in crate::codec) fn profile(chunk: &[u8]) -> Option<Vec<u8>> {
    // The chunk has a name, and the number of the only compression method.
    let name = chunk.iter().take(80).position(|&byte| byte == 0)?;
    let [0, deflated @ ..] = chunk.get(name + 1..)? else {
        return None;
    };
    let mut profile = Vec::new();
    let inflate = flate2::read::ZlibDecoder::new(deflated);
    let left = (MOST_BYTES as u64).checked_sub(deflated.len() as u64)?;
    let length = inflate.take(left + 1).read_to_end(&mut profile).ok()?;
    (name > 0 && length as u64 <= left).then_some(profile)
}

/// A PNG file that consists of a head and of pieces of data.
pub(in crate::codec) struct Stream<'a> {
    /// Bytes that the stream makes itself, and how many of them were read.
    own: Vec<u8>,
    taken: usize,
    /// Then the current piece of data, and the pieces after it.
    piece: &'a [u8],
    pieces: std::vec::IntoIter<&'a [u8]>,
    /// Whether IEND was sent, or is not to be sent.
    ended: bool,
}

/// A checksum that no reader checks.
pub(in crate::codec) const CHECKSUM: [u8; 4] = [0; 4];

impl<'a> Stream<'a> {
    fn new(head: Vec<u8>, data: Data<'a>) -> Self {
        Self {
            own: head,
            taken: 0,
            piece: &[],
            pieces: data.pieces.into_iter(),
            ended: false,
        }
    }

    /// Goes on to the next chunk, if everything before it was read.
    fn advance(&mut self) {
        if self.taken < self.own.len() || !self.piece.is_empty() {
            return;
        }
        self.own.clear();
        self.taken = 0;
        // The checksum of the chunk before.
        self.own.extend(CHECKSUM);
        match self.pieces.next() {
            Some(piece) => {
                self.own.extend((piece.len() as u32).to_be_bytes());
                self.own.extend(b"IDAT");
                self.piece = piece;
            }
            None if self.ended => self.own.clear(),
            None => {
                self.own.extend(b"\0\0\0\0IEND");
                self.own.extend(CHECKSUM);
                self.ended = true;
            }
        }
    }
}

impl BufRead for Stream<'_> {
    fn fill_buf(&mut self) -> Result<&[u8], IoError> {
        self.advance();
        Ok(match &self.own[self.taken..] {
            [] => self.piece,
            own => own,
        })
    }

    fn consume(&mut self, amount: usize) {
        match self.own.len() - self.taken {
            0 => self.piece = &self.piece[amount..],
            _ => self.taken += amount,
        }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, IoError> {
        let length = self.fill_buf()?.read(out)?;
        self.consume(length);
        Ok(length)
    }
}

/// The `png` crate requires `Seek`, but never seeks.
impl Seek for Stream<'_> {
    fn seek(&mut self, _: SeekFrom) -> Result<u64, IoError> {
        Err(IoErrorKind::Unsupported.into())
    }
}
