//! A device-independent bitmap: a header of one of many sizes, masks or a palette, and pixels.

use super::{cut_short, rle};
use crate::{Error, Result};

pub(in crate::codec) struct Dib {
    pub(in crate::codec) width: u32,
    pub(in crate::codec) height: u32,
    top_down: bool,
    bits: u16,
    pub(in crate::codec) encoding: PixelEncoding,
    palette: Vec<[u8; 3]>,
    /// Where the pixels are, counted from the bitmap's header.
    pub(in crate::codec) pixels_at: usize,
}

pub(in crate::codec) enum PixelEncoding {
    /// 1 to 8 bits.
    Palette,
    /// Red, green, blue and alpha in pixels of 16, 24 or 32 bits.
    Fields([Field; 4]),
    /// Runs of 4, 8 or 24 bits.
    Rle,
    Png,
    Jpeg,
}

/// The bits of a channel in a pixel.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::codec) struct Field {
    shift: u32,
    most: u32,
}

impl Field {
    const fn new(shift: u32, bits: u32) -> Self {
        let most = if bits == 0 {
            0
        } else {
            u32::MAX >> (32 - bits)
        };
        Self { shift, most }
    }

    fn of_mask(mask: u32, bits: u16) -> Result<Self> {
        let shift = mask.trailing_zeros() % 32;
        let most = mask >> shift;
        if most & most.wrapping_add(1) != 0 {
            return Err(Error::decode("the mask of a channel has gaps"));
        }
        if u64::from(mask) >> bits != 0 {
            return Err(Error::decode("the mask of a channel is wider than a pixel"));
        }
        Ok(Self { shift, most })
    }

    /// The channel's share of 255, to the nearest.
    #[inline]
    fn read(self, pixel: u32) -> u8 {
        let value = u64::from(pixel >> self.shift & self.most);
        match self.most {
            255 => value as u8,
            0 => 255, // no alpha
            most => ((value * 255 + u64::from(most / 2)) / u64::from(most)) as u8,
        }
    }
}

const NO_ALPHA: Field = Field::new(0, 0);

/// What 16 bits are without masks.
const FIELDS_16: [Field; 4] = [
    Field::new(10, 5),
    Field::new(5, 5),
    Field::new(0, 5),
    NO_ALPHA,
];

/// What 24 and 32 bits are.
const FIELDS_32: [Field; 4] = [
    Field::new(16, 8),
    Field::new(8, 8),
    Field::new(0, 8),
    NO_ALPHA,
];

const CORE: usize = 12;
const INFO: usize = 40;
/// From here on the header has the masks in it.
const WITH_MASKS: usize = 52;
const OS2: usize = 64;

/// The header, whose end may be missing: what lacks is 0.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32(&self, at: usize) -> u32 {
        u32::from(self.u16(at)) | u32::from(self.u16(at + 2)) << 16
    }

    fn u16(&self, at: usize) -> u16 {
        let bytes = self.0.get(at..).and_then(|bytes| bytes.first_chunk());
        bytes.map_or(0, |bytes| u16::from_le_bytes(*bytes))
    }
}

impl Dib {
    /// `offset` is where the file says that the pixels are, counted from the bitmap's header. Where
    /// there can be none, they are after what the header tells of.
    pub(in crate::codec) fn read(bytes: &[u8], offset: Option<usize>) -> Result<Self> {
        let size = Fields(bytes).u32(0) as usize;
        let header = match bytes.get(..size) {
            Some(_) if size < CORE => return Err(Error::decode("the header is too short")),
            Some(_) if size > CORE && !(16..=124).contains(&size) => {
                return Err(Error::unsupported(format!("a header of {size} bytes")));
            }
            Some(header) => Fields(header),
            None => return Err(cut_short()),
        };
        let is_core = size == CORE;
        let (width, height, bits) = match is_core {
            true => (header.u16(4).into(), header.u16(6).into(), header.u16(10)),
            false => (header.u32(4) as i32, header.u32(8) as i32, header.u16(14)),
        };
        let compression = header.u32(16);
        let colors = header.u32(32) as usize;
        if width < 0 {
            return Err(Error::decode("the width is negative"));
        }
        let top_down = height < 0;
        // The masks of the older headers are after them.
        let masks = match (compression, size) {
            (3, INFO) => 12,
            (6, INFO) => 16,
            _ => 0,
        };
        let encoding = match compression {
            3 | 6 if matches!(bits, 16 | 24 | 32) && size != OS2 => {
                let head = bytes.get(..size + masks).ok_or_else(cut_short)?;
                PixelEncoding::Fields(fields(&Fields(head), size, compression, bits)?)
            }
            _ => encoding(compression, bits, size)?,
        };
        let entry = if is_core { 3 } else { 4 };
        let colors = match encoding {
            PixelEncoding::Rle if bits == 24 => 0,
            PixelEncoding::Palette | PixelEncoding::Rle if colors == 0 => 1 << bits,
            PixelEncoding::Palette | PixelEncoding::Rle => colors,
            _ => 0,
        };
        let palette_at = size + masks;
        let end = palette_at.saturating_add(colors.saturating_mul(entry));
        let pixels_at = offset.filter(|&at| at >= palette_at).unwrap_or(end);
        let mut palette = Vec::new();
        if let PixelEncoding::Palette | PixelEncoding::Rle = encoding {
            // A palette that is said to be longer than there is room ends where the pixels begin.
            let colors = bytes
                .get(palette_at..end.min(pixels_at))
                .ok_or_else(cut_short)?;
            let colors = colors.chunks_exact(entry).take(256);
            palette.extend(colors.map(|color| [color[2], color[1], color[0]]));
            // What the others are nothing says.
            palette.resize(256, [0; 3]);
        }
        Ok(Self {
            width: width.unsigned_abs(),
            height: height.unsigned_abs(),
            top_down,
            bits,
            encoding,
            palette,
            pixels_at,
        })
    }

    pub(in crate::codec) fn has_alpha(&self) -> bool {
        matches!(self.encoding, PixelEncoding::Fields([.., alpha]) if alpha != NO_ALPHA)
    }

    /// Takes the fourth byte of 32-bit pixels for alpha, as icons have it. Says whether it is one now.
    #[allow(dead_code, reason = "for icons, which a build may lack")]
    pub(in crate::codec) fn with_alpha(&mut self) -> bool {
        if let PixelEncoding::Fields(fields) = &mut self.encoding
            && self.bits == 32
            && *fields == FIELDS_32
        {
            fields[3] = Field::new(24, 8);
        }
        self.has_alpha()
    }

    /// The bytes of pixels without runs, but for what may fill up the last row.
    pub(in crate::codec) fn pixel_bytes(&self) -> u64 {
        let above = u64::from(self.height.saturating_sub(1)) * self.stride() as u64;
        above + (u64::from(self.width) * u64::from(self.bits)).div_ceil(8)
    }

    /// The bytes of a row.
    fn stride(&self) -> usize {
        (u64::from(self.width) * u64::from(self.bits)).div_ceil(32) as usize * 4
    }

    /// Writes pixels of `N` channels, 3 or 4, row by row as they come; what is after them is returned.
    pub(in crate::codec) fn read_pixels<'a, const N: usize>(
        &self,
        bytes: &'a [u8],
        out: &mut [u8],
    ) -> Result<&'a [u8]> {
        let out = out.as_chunks_mut::<N>().0;
        let mut rows = Rows {
            width: self.width as usize,
            height: self.height as usize,
            top_down: self.top_down,
            out,
        };
        match &self.encoding {
            PixelEncoding::Rle => rle::read(bytes, self.bits, &self.palette, &mut rows),
            PixelEncoding::Palette => self.read_rows(bytes, &mut rows, |row, out| {
                let bits = usize::from(self.bits);
                for (x, out) in out.iter_mut().enumerate() {
                    let byte = row[x * bits / 8] >> (8 - bits - x * bits % 8);
                    let index = byte & (u8::MAX >> (8 - bits));
                    *out = opaque(self.palette[usize::from(index)]);
                }
            }),
            PixelEncoding::Fields(fields) => self.read_fields(bytes, fields, &mut rows),
            PixelEncoding::Png | PixelEncoding::Jpeg => {
                Err(Error::unsupported("another format's file"))
            }
        }
    }

    fn read_fields<'a, const N: usize>(
        &self,
        bytes: &'a [u8],
        fields: &[Field; 4],
        rows: &mut Rows<'_, N>,
    ) -> Result<&'a [u8]> {
        let put = |pixel: u32, out: &mut [u8; N]| {
            let channels = fields.map(|field| field.read(pixel));
            out.copy_from_slice(&channels[..N]);
        };
        self.read_rows(bytes, rows, |row, out| match self.bits {
            16 => {
                for (out, &pixel) in out.iter_mut().zip(row.as_chunks().0) {
                    put(u16::from_le_bytes(pixel).into(), out);
                }
            }
            24 => {
                for (out, &[a, b, c]) in out.iter_mut().zip(row.as_chunks().0) {
                    put(u32::from_le_bytes([a, b, c, 0]), out);
                }
            }
            _ => {
                for (out, &pixel) in out.iter_mut().zip(row.as_chunks().0) {
                    put(u32::from_le_bytes(pixel), out);
                }
            }
        })
    }

    /// Gives each row's bytes, and where its pixels go.
    fn read_rows<'a, const N: usize>(
        &self,
        mut bytes: &'a [u8],
        rows: &mut Rows<'_, N>,
        mut read: impl FnMut(&[u8], &mut [[u8; N]]),
    ) -> Result<&'a [u8]> {
        let stride = self.stride();
        let used = (u64::from(self.width) * u64::from(self.bits)).div_ceil(8) as usize;
        for y in 0..rows.height {
            let row = bytes.get(..used).ok_or_else(cut_short)?;
            read(row, rows.row(y));
            // Some writers do not fill up the last row.
            bytes = bytes.get(stride..).unwrap_or_default();
        }
        Ok(bytes)
    }
}

/// A colour with as many channels as asked for.
#[inline]
pub(super) fn opaque<const N: usize>([r, g, b]: [u8; 3]) -> [u8; N] {
    let mut pixel = [255; N];
    pixel[..3].copy_from_slice(&[r, g, b]);
    pixel
}

/// The pixels, by rows in the file's order.
pub(super) struct Rows<'a, const N: usize> {
    pub(super) width: usize,
    pub(super) height: usize,
    top_down: bool,
    out: &'a mut [[u8; N]],
}

impl<const N: usize> Rows<'_, N> {
    pub(super) fn row(&mut self, y: usize) -> &mut [[u8; N]] {
        let y = if self.top_down {
            y
        } else {
            self.height - 1 - y
        };
        &mut self.out[y * self.width..][..self.width]
    }
}

/// The fields that masks tell of, which are in a header of `size` bytes or after it.
fn fields(head: &Fields<'_>, size: usize, compression: u32, bits: u16) -> Result<[Field; 4]> {
    let alpha = compression == 6 || size > WITH_MASKS;
    let mut fields = [NO_ALPHA; 4];
    for (i, field) in fields
        .iter_mut()
        .enumerate()
        .take(if alpha { 4 } else { 3 })
    {
        let mask = head.u32(INFO + 4 * i);
        if mask == 0 && i < 3 {
            return Err(Error::decode("a colour has no mask"));
        }
        if mask != 0 {
            *field = Field::of_mask(mask, bits)?;
        }
    }
    Ok(fields)
}

fn encoding(compression: u32, bits: u16, size: usize) -> Result<PixelEncoding> {
    Ok(match (compression, bits) {
        (0, 1 | 2 | 4 | 8) => PixelEncoding::Palette,
        (0, 16) => PixelEncoding::Fields(FIELDS_16),
        (0, 24 | 32) => PixelEncoding::Fields(FIELDS_32),
        (1, 8) | (2, 4) => PixelEncoding::Rle,
        (4, 24) if size == OS2 => PixelEncoding::Rle,
        (3 | 4, _) if size == OS2 => return Err(Error::unsupported("Huffman codes of OS/2")),
        (4, _) => PixelEncoding::Jpeg,
        (5, _) => PixelEncoding::Png,
        (11..=13, _) => return Err(Error::unsupported("CMYK bitmaps")),
        (0..=3 | 6, _) => return Err(Error::decode(format!("{bits} bits a pixel"))),
        _ => return Err(Error::decode(format!("compression {compression}"))),
    })
}
