//! The chunks of PNG files, and the part of them that decides the pixels.

use crate::{Error, Result};

pub(in crate::codec) struct Chunk<'a> {
    pub(in crate::codec) kind: &'a [u8; 4],
    /// The data, as far as the file has them.
    pub(in crate::codec) data: &'a [u8],
    /// The offset of the next chunk.
    pub(in crate::codec) after: usize,
    /// The bytes that the checksum covers.
    checked: &'a [u8],
    /// The checksum, if the file has it.
    checksum: Option<u32>,
}

impl Chunk<'_> {
    /// Whether the file has the checksum, and it is right.
    pub(in crate::codec) fn is_right(&self) -> bool {
        self.checksum == Some(crc32fast::hash(self.checked))
    }

    /// Whether the file has the checksum, and so all of the data.
    pub(in crate::codec) fn is_complete(&self) -> bool {
        self.checksum.is_some()
    }

    /// Whether the file has the checksum, and it is wrong.
    pub(in crate::codec) fn is_wrong(&self) -> bool {
        self.checksum.is_some() && !self.is_right()
    }
}

/// Iterates over the chunks of a file.
pub(in crate::codec) fn chunks(file: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    chunks_from(file, 8)
}

/// Iterates over the chunks from an offset up to IEND or the end of the file. The last chunk may be
/// cut off.
pub(in crate::codec) fn chunks_from(file: &[u8], mut at: usize) -> impl Iterator<Item = Chunk<'_>> {
    std::iter::from_fn(move || {
        let (&length, tail) = file.get(at..)?.split_first_chunk()?;
        let (kind, tail) = tail.split_first_chunk()?;
        if kind == b"IEND" {
            return None;
        }
        let length = u32::from_be_bytes(length) as usize;
        let (data, tail) = tail.split_at(length.min(tail.len()));
        let checked = &file[at + 4..at + 8 + data.len()];
        at = at.saturating_add(length).saturating_add(12);
        Some(Chunk {
            kind,
            data,
            after: at,
            checked,
            checksum: tail.first_chunk().map(|sum| u32::from_be_bytes(*sum)),
        })
    })
}

/// The compressed data of a picture, in pieces.
#[derive(Default)]
pub(in crate::codec) struct Data<'a> {
    pub(in crate::codec) pieces: Vec<&'a [u8]>,
    /// Whether the checksum of a chunk is wrong.
    pub(in crate::codec) is_wrong: bool,
    /// Whether the file ends within the data.
    pub(in crate::codec) is_cut: bool,
}

impl<'a> Data<'a> {
    /// Adds the data of a chunk without its first `before` bytes.
    pub(in crate::codec) fn push(&mut self, chunk: &Chunk<'a>, before: usize) {
        self.is_wrong |= chunk.is_wrong();
        self.is_cut |= chunk.checksum.is_none();
        self.pieces.extend(chunk.data.get(before..));
    }
}

/// The chunks before a picture's data that decide its pixels.
#[derive(Debug)]
pub(in crate::codec) struct Head {
    pub(in crate::codec) width: u32,
    pub(in crate::codec) height: u32,
    /// Bits of a sample.
    pub(in crate::codec) depth: u8,
    /// 0: gray, 2: RGB, 3: palette, 4: gray and alpha, 6: RGB and alpha.
    pub(in crate::codec) color: u8,
    pub(in crate::codec) interlaced: bool,
    pub(in crate::codec) palette: Option<Vec<u8>>,
    pub(in crate::codec) transparency: Option<Vec<u8>>,
    /// The offset of the first chunk of data.
    pub(in crate::codec) data: usize,
}

const PALETTE: u8 = 3;

impl Head {
    pub(in crate::codec) fn read(file: &[u8]) -> Result<Self> {
        Self::read_as(file, false)
    }

    /// Like [`read`](Self::read), but ignores checksums.
    pub(in crate::codec) fn read_damaged(file: &[u8]) -> Result<Self> {
        Self::read_as(file, true)
    }

    fn read_as(file: &[u8], damaged: bool) -> Result<Self> {
        let (mut header, mut head): (_, Option<Self>) = (None, None);
        let (mut at, mut data) = (8, None);
        for chunk in chunks(file) {
            let name = || {
                String::from_utf8_lossy(chunk.kind)
                    .escape_debug()
                    .to_string()
            };
            let twice = || Error::decode(format!("two {} chunks that are not alike", name()));
            let right = || match damaged || chunk.is_right() {
                true => Ok(()),
                false => Err(Error::decode(format!(
                    "the checksum of {} is wrong",
                    name()
                ))),
            };
            match (chunk.kind, &mut head) {
                (b"IHDR", None) => {
                    right()?;
                    head = Some(Self::of(chunk.data)?);
                    header = Some(chunk.data);
                }
                (b"IHDR", Some(_)) if header != Some(chunk.data) => return Err(twice()),
                (b"IDAT", Some(_)) => {
                    data = Some(at);
                    break;
                }
                (b"IDAT" | b"PLTE", None) => return Err(Error::decode("there is no header")),
                // With other colour types a palette only suggests colours.
                (b"PLTE", Some(head)) if head.color == PALETTE => {
                    right()?;
                    head.take_palette(chunk.data).ok_or_else(twice)??;
                }
                (b"tRNS", Some(head)) if chunk.is_right() => head.take_transparency(chunk.data),
                (b"IHDR" | b"PLTE", Some(_)) => {}
                (kind, _) if kind[0] & 0x20 == 0 => {
                    // The case of the first letter marks a critical chunk: without it the picture
                    // cannot be understood.
                    return Err(match kind.iter().all(u8::is_ascii_alphabetic) {
                        true => Error::unsupported(format!("PNG with a chunk {}", name())),
                        false => Error::decode("a chunk without a name"),
                    });
                }
                _ => {}
            }
            at = chunk.after;
        }
        let (Some(mut head), Some(data)) = (head, data) else {
            return Err(super::decode::cut_short());
        };
        if head.color == PALETTE && head.palette.is_none() {
            return Err(Error::decode("there is no palette"));
        }
        head.data = data;
        Ok(head)
    }

    fn of(header: &[u8]) -> Result<Self> {
        let wrong = || Error::decode("the header says what no PNG is");
        let &[
            w0,
            w1,
            w2,
            w3,
            h0,
            h1,
            h2,
            h3,
            depth,
            color,
            0,
            0,
            interlaced @ (0 | 1),
        ] = header
        else {
            return Err(wrong());
        };
        let depths: &[u8] = match color {
            0 => &[1, 2, 4, 8, 16],
            2 | 4 | 6 => &[8, 16],
            PALETTE => &[1, 2, 4, 8],
            _ => &[],
        };
        if !depths.contains(&depth) {
            return Err(wrong());
        }
        Ok(Self {
            width: u32::from_be_bytes([w0, w1, w2, w3]),
            height: u32::from_be_bytes([h0, h1, h2, h3]),
            depth,
            color,
            interlaced: interlaced == 1,
            palette: None,
            transparency: None,
            data: 0,
        })
    }

    /// `None` if the file has another, different palette.
    fn take_palette(&mut self, palette: &[u8]) -> Option<Result<()>> {
        if self
            .palette
            .as_deref()
            .is_some_and(|other| other != palette)
        {
            return None;
        }
        // The `png` crate panics at other lengths.
        if !matches!(palette.len(), 3..=768) || !palette.len().is_multiple_of(3) {
            let length = palette.len();
            return Some(Err(Error::decode(format!("a palette of {length} bytes"))));
        }
        self.palette = Some(palette.to_vec());
        Some(Ok(()))
    }

    /// The first valid chunk counts.
    fn take_transparency(&mut self, transparency: &[u8]) {
        let mut transparency = transparency.to_vec();
        match (self.color, transparency.len()) {
            // If samples have fewer bits than the field, the excess bits must be masked.
            (0, 2..) => {
                transparency.truncate(2);
                transparency[1] &= (0xff_u16 >> (8 - self.depth.min(8))) as u8;
            }
            (2, 6..) => transparency.truncate(6),
            // With more values than colours the chunk counts as missing, as in libpng.
            (PALETTE, 1..) if transparency.len() <= self.colors() => {}
            _ => return,
        }
        self.transparency.get_or_insert(transparency);
    }

    /// The number of the palette's colours.
    fn colors(&self) -> usize {
        self.palette.as_ref().map_or(0, |palette| palette.len() / 3)
    }

    /// Whether the pixels can have colour.
    pub(in crate::codec) fn has_color(&self) -> bool {
        !matches!(self.color, 0 | 4)
    }

    /// The size of a picture's data once they are inflated: rows, each with its filter byte.
    pub(in crate::codec) fn filtered_bytes(&self, (width, height): (u32, u32)) -> u64 {
        let channels = match self.color {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        let row = (u64::from(width) * channels * u64::from(self.depth)).div_ceil(8);
        // The passes of an interlaced picture have shorter rows, and nearly twice as many.
        let rows = u64::from(height) * if self.interlaced { 2 } else { 1 };
        (row + 1).saturating_mul(rows)
    }

    /// The start of a PNG file with these chunks and this size, without the last checksum.
    pub(in crate::codec) fn file(&self, width: u32, height: u32) -> Vec<u8> {
        let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
        header.extend([self.depth, self.color, 0, 0, self.interlaced.into()]);
        let others = [(b"PLTE", &self.palette), (b"tRNS", &self.transparency)];
        let others = others
            .into_iter()
            .filter_map(|(kind, data)| Some((kind, data.as_ref()?)));
        for (i, (kind, data)) in [(b"IHDR", &header)].into_iter().chain(others).enumerate() {
            if i > 0 {
                out.extend(super::decode::CHECKSUM);
            }
            out.extend((data.len() as u32).to_be_bytes());
            out.extend(kind);
            out.extend(data);
        }
        out
    }
}
