//! Reads directories of tags, and tolerates small faults: tags in any order, and numbers of any
//! integer type. Lists as long as the file stay where they are in it.

pub(super) use crate::error::cut_short;
use crate::{Error, Result, memory::reserve};

/// The tags of a picture.
pub(super) struct Directory<'a> {
    bytes: &'a [u8],
    pub(super) little_endian: bool,
    /// The entries by tag. If a tag occurs twice, the first one counts, as in libtiff.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// The offset of the values.
    at: usize,
}

/// The integers of a tag, where they are in the file. None is negative.
#[derive(Clone, Copy, Default)]
pub(super) struct Integers<'a> {
    values: &'a [u8],
    /// The bytes of each.
    size: usize,
    little_endian: bool,
}

/// The byte order and the size of offsets.
#[derive(Clone, Copy)]
pub(super) struct Structure {
    little_endian: bool,
    /// BigTIFF has 64-bit offsets.
    big: bool,
}

/// The most tags of a directory: as many as a classic TIFF can have.
const MOST_TAGS: u64 = 65_535;

impl Structure {
    pub(super) fn of(bytes: &[u8]) -> Result<Self> {
        let little_endian = match bytes.get(..2) {
            Some(b"II") => true,
            Some(b"MM") => false,
            _ => return Err(Error::decode("no TIFF signature")),
        };
        let structure = |big| Self { little_endian, big };
        let number = |at, size| structure(false).number(bytes, at, size);
        match number(2, 2)? {
            42 => Ok(structure(false)),
            43 if number(4, 2)? == 8 => Ok(structure(true)),
            other => Err(Error::decode(format!("version {other} of TIFF"))),
        }
    }

    /// The unsigned integer of `size` bytes at `at`.
    pub(super) fn number(self, bytes: &[u8], at: u64, size: usize) -> Result<u64> {
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let number = bytes
            .get(start..start.saturating_add(size))
            .ok_or_else(cut_short)?;
        let digit = |number, &byte: &u8| number << 8 | u64::from(byte);
        Ok(match self.little_endian {
            true => number.iter().rev().fold(0, digit),
            false => number.iter().fold(0, digit),
        })
    }

    /// The offset of the header's field that points to the first directory, and its size in bytes.
    pub(super) fn first_place(self) -> (u64, usize) {
        if self.big { (8, 8) } else { (4, 4) }
    }

    /// The offset of the first directory.
    pub(super) fn first(self, bytes: &[u8]) -> Result<u64> {
        let (at, size) = self.first_place();
        self.number(bytes, at, size)
    }

    /// The sizes in bytes of a directory's count, of an entry, and of an offset.
    fn sizes(self) -> (usize, u64, usize) {
        if self.big { (8, 20, 8) } else { (2, 12, 4) }
    }

    /// The number of tags of the directory at `at`, and where its entries start and end.
    fn extent(self, bytes: &[u8], at: u64) -> Result<(u64, u64, u64)> {
        let (count_size, entry, _) = self.sizes();
        let count = self.number(bytes, at, count_size)?;
        let start = at.saturating_add(count_size as u64);
        let end = count
            .checked_mul(entry)
            .and_then(|length| length.checked_add(start))
            .ok_or_else(|| Error::decode("a directory has too many tags"))?;
        Ok((count, start, end))
    }

    /// The offset of the directory after the one at `at`; 0 after the last.
    pub(super) fn following(self, bytes: &[u8], at: u64) -> Result<u64> {
        let (_, _, end) = self.extent(bytes, at)?;
        self.number(bytes, end, self.sizes().2)
    }
}

impl<'a> Directory<'a> {
    /// Reads the first directory.
    pub(super) fn first(bytes: &'a [u8]) -> Result<Self> {
        let structure = Structure::of(bytes)?;
        Self::read(bytes, structure, structure.first(bytes)?)
    }

    fn read(bytes: &'a [u8], structure: Structure, at: u64) -> Result<Self> {
        let (count, start, end) = structure.extent(bytes, at)?;
        if count > MOST_TAGS {
            return Err(Error::decode("a directory has too many tags"));
        }
        if at == 0 || end > bytes.len() as u64 {
            return Err(cut_short());
        }
        let (_, size, offset) = structure.sizes();
        let mut entries = Vec::with_capacity(count as usize);
        for at in (start..end).step_by(size as usize) {
            let number = |from: u64, size| structure.number(bytes, at + from, size);
            let (tag, kind) = (number(0, 2)? as u16, number(2, 2)? as u16);
            let count = number(4, offset)?;
            let inline = at + 4 + offset as u64;
            let length = size_of_type(kind).map(|size| count.saturating_mul(size as u64));
            let at = match length {
                Some(length) if length <= offset as u64 => inline,
                _ => structure.number(bytes, inline, offset)?,
            };
            entries.push(Entry {
                tag,
                kind,
                count,
                at: usize::try_from(at).unwrap_or(usize::MAX),
            });
        }
        entries.sort_by_key(|entry| entry.tag);
        entries.dedup_by_key(|entry| entry.tag);
        Ok(Self {
            bytes,
            little_endian: structure.little_endian,
            entries,
        })
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    fn find(&self, tag: u16) -> Option<Entry> {
        let found = self.entries.binary_search_by_key(&tag, |entry| entry.tag);
        let entry = *self.entries.get(found.ok()?)?;
        (entry.count > 0).then_some(entry)
    }

    pub(super) fn has(&self, tag: u16) -> bool {
        self.find(tag).is_some()
    }

    /// The first `most` values of an entry as bytes, and the size of one value.
    fn values(&self, entry: Entry, most: usize) -> Result<(&'a [u8], usize)> {
        let size = size_of_type(entry.kind).ok_or_else(|| nonsense(entry.tag))?;
        let count = usize::try_from(entry.count).unwrap_or(usize::MAX).min(most);
        let end = count
            .checked_mul(size)
            .and_then(|length| length.checked_add(entry.at));
        let values = end.and_then(|end| self.bytes.get(entry.at..end));
        Ok((values.ok_or_else(cut_short)?, size))
    }

    /// The values of a tag, if the file has it: at most `most` integers, none of them negative.
    pub(super) fn integers(&self, tag: u16, most: usize) -> Result<Option<Integers<'a>>> {
        let Some(entry) = self.find(tag) else {
            return Ok(None);
        };
        let (values, size) = self.values(entry, most)?;
        let integers = Integers {
            values,
            size,
            little_endian: self.little_endian,
        };
        let is_positive = |value| value >> (8 * size - 1) == 0;
        match entry.kind {
            1 | 2 | 3 | 4 | 7 | 13 | 16 | 18 => Ok(Some(integers)),
            6 | 8 | 9 | 17 if integers.iter().all(is_positive) => Ok(Some(integers)),
            _ => Err(nonsense(tag)),
        }
    }

    /// A copy of them, for lists of which only so many values count that they are short.
    pub(super) fn numbers_up_to(&self, tag: u16, most: usize) -> Result<Option<Vec<u64>>> {
        let Some(integers) = self.integers(tag, most)? else {
            return Ok(None);
        };
        let mut numbers = Vec::new();
        reserve(&mut numbers, integers.len())?;
        numbers.extend(integers.iter());
        Ok(Some(numbers))
    }

    /// The first value of a tag, if the file has it.
    pub(super) fn number(&self, tag: u16) -> Result<Option<u64>> {
        Ok(self.integers(tag, 1)?.and_then(|numbers| numbers.get(0)))
    }

    /// The first value of a tag as 16 bits, or the default.
    pub(super) fn short(&self, tag: u16, default: u16) -> Result<u16> {
        match self.number(tag)? {
            Some(number) => u16::try_from(number).map_err(|_| nonsense(tag)),
            None => Ok(default),
        }
    }

    /// The first values of a tag of any numeric type, if the file has them.
    pub(super) fn fractions<const N: usize>(&self, tag: u16) -> Option<[f64; N]> {
        let entry = self.find(tag)?;
        let (values, size) = self.values(entry, N).ok()?;
        let fraction = |value: &[u8]| {
            let (low, high) = value.split_at(size / 2);
            let order = self.little_endian;
            let [whole, low, high] = [value, low, high].map(|part| integer(part, order));
            match entry.kind {
                5 => low as f64 / high as f64,
                10 => f64::from(low as i32) / f64::from(high as i32),
                11 => f32::from_bits(whole as u32).into(),
                12 => f64::from_bits(whole),
                1 | 3 | 4 | 16 => whole as f64,
                _ => f64::NAN,
            }
        };
        let fractions: Vec<f64> = values.chunks_exact(size).map(fraction).collect();
        fractions.try_into().ok()
    }

    /// The bytes of a tag, if the file has all of them.
    pub(super) fn data(&self, tag: u16) -> Option<&'a [u8]> {
        Some(self.values(self.find(tag)?, usize::MAX).ok()?.0)
    }
}

impl Integers<'_> {
    pub(super) fn len(&self) -> usize {
        self.iter().len()
    }

    pub(super) fn get(&self, index: usize) -> Option<u64> {
        let start = index.checked_mul(self.size)?;
        let value = self.values.get(start..start.checked_add(self.size)?)?;
        (self.size > 0).then(|| integer(value, self.little_endian))
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = u64> {
        let values = self.values.chunks_exact(self.size.max(1));
        values.map(|value| integer(value, self.little_endian))
    }
}

fn integer(value: &[u8], little_endian: bool) -> u64 {
    let digit = |number, &byte: &u8| number << 8 | u64::from(byte);
    match little_endian {
        true => value.iter().rev().fold(0, digit),
        false => value.iter().fold(0, digit),
    }
}

fn size_of_type(kind: u16) -> Option<usize> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => return None,
    })
}

fn nonsense(tag: u16) -> Error {
    Error::decode(format!("tag {tag} has a value that it cannot have"))
}
