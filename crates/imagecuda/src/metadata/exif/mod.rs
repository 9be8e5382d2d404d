//! EXIF is the structure of a TIFF file without a picture: directories of tags, in either byte
//! order. A damaged structure may point outside of itself, or in circles.

#[cfg(feature = "tiff")]
mod tree;

#[cfg(feature = "tiff")]
pub(crate) use self::tree::{Entry, Tree};

use imagecuda_kernels::orient::Orientation;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const ORIENTATION: u16 = 274;

/// Reads the numbers of a TIFF structure.
#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    /// Whether offsets have 64 bits (BigTIFF). Those of EXIF never have.
    big: bool,
}

/// A tag in a directory, and the position of its entry.
struct Raw<'a> {
    at: usize,
    tag: u16,
    kind: u16,
    /// The value, if it lies inside the structure.
    value: Option<&'a [u8]>,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let (big_endian, big) = match bytes.first_chunk()? {
            b"II*\0" => (false, false),
            b"MM\0*" => (true, false),
            b"II+\0" => (false, true),
            b"MM\0+" => (true, true),
            _ => return None,
        };
        Some(Self {
            bytes,
            big_endian,
            big,
        })
    }

    fn number(&self, at: usize, size: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        let digit = |number, &byte: &u8| number << 8 | u64::from(byte);
        Some(match self.big_endian {
            true => bytes.iter().fold(0, digit),
            false => bytes.iter().rev().fold(0, digit),
        })
    }

    fn index(&self, at: usize, size: usize) -> Option<usize> {
        self.number(at, size)?.try_into().ok()
    }

    /// The offset of the first directory.
    fn first(&self) -> Option<usize> {
        match self.big {
            true => self.index(8, 8),
            false => self.index(4, 4),
        }
    }

    /// The sizes in bytes of a directory's count, of an entry, and of a count of values or an
    /// offset.
    fn sizes(&self) -> (usize, usize, usize) {
        match self.big {
            true => (8, 20, 8),
            false => (2, 12, 4),
        }
    }

    /// Where the entries of a directory begin, and how many it claims to have.
    fn directory(&self, at: usize) -> Option<(usize, usize)> {
        let (count, ..) = self.sizes();
        Some((at.checked_add(count)?, self.index(at, count)?))
    }

    /// The entries of the directory at `at` that lie inside the structure.
    fn entries(self, at: usize) -> impl Iterator<Item = Raw<'a>> {
        let (start, count) = self.directory(at).unwrap_or_default();
        let (_, size, _) = self.sizes();
        // BigTIFF allows more entries, but no file has them.
        let count = count.min(usize::from(u16::MAX));
        (0..count).map_while(move |i| {
            let at = start.checked_add(i.checked_mul(size)?)?;
            self.bytes.get(at..at.checked_add(size)?)?;
            let kind = self.number(at + 2, 2)? as u16;
            Some(Raw {
                at,
                tag: self.number(at, 2)? as u16,
                kind,
                value: self.value(at, kind),
            })
        })
    }

    fn value(&self, entry: usize, kind: u16) -> Option<&'a [u8]> {
        let (_, _, size) = self.sizes();
        let length = self.index(entry + 4, size)?.checked_mul(size_of(kind)?)?;
        let inline = entry + 4 + size;
        let at = match length {
            length if length <= size => inline,
            _ => self.index(inline, size)?,
        };
        self.bytes.get(at..at.checked_add(length)?)
    }

    /// The first value of an entry of whole numbers, unless it is negative.
    fn unsigned(&self, entry: &Raw<'a>) -> Option<u64> {
        const SIGNED: [u16; 4] = [6, 8, 9, 17];
        let size = match entry.kind {
            1 | 6 => 1,
            SHORT | 8 => 2,
            LONG | 9 | 13 => 4,
            16..=18 => 8,
            _ => return None,
        };
        let bytes = entry.value?.get(..size)?;
        let number = Self { bytes, ..*self }.number(0, size)?;
        let is_negative = SIGNED.contains(&entry.kind) && number >> (8 * size - 1) == 1;
        (!is_negative).then_some(number)
    }
}

/// The size in bytes of a value of this type.
fn size_of(kind: u16) -> Option<usize> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        SHORT | 8 => 2,
        LONG | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => return None,
    })
}

/// Whether `exif` is a TIFF structure with a first directory.
pub(crate) fn is_valid(exif: &[u8]) -> bool {
    let whole = |reader: Reader<'_>| {
        let (start, count) = reader.directory(reader.first()?)?;
        exif.get(start..start.checked_add(count * 12)?)
    };
    Reader::new(exif).is_some_and(|reader| !reader.big && whole(reader).is_some())
}

/// The value of tag 274 in the first directory.
pub(crate) fn orientation(exif: &[u8]) -> Option<Orientation> {
    let reader = Reader::new(exif)?;
    let entry = find(reader)?;
    Orientation::from_exif(reader.unsigned(&entry)?.try_into().ok()?)
}

fn find(reader: Reader<'_>) -> Option<Raw<'_>> {
    reader
        .entries(reader.first()?)
        .find(|entry| entry.tag == ORIENTATION)
}

/// EXIF that contains only an orientation.
pub(crate) fn of_orientation(orientation: Orientation) -> Vec<u8> {
    with_orientation(b"II*\0\x08\0\0\0\0\0\0\0\0\0", orientation)
}

/// Changes the orientation of `exif`. All other bytes stay where they are, because maker notes
/// contain offsets that only their maker knows.
pub(crate) fn with_orientation(exif: &[u8], orientation: Orientation) -> Vec<u8> {
    let mut out = exif.to_vec();
    let Some(reader) = Reader::new(exif).filter(|reader| !reader.big) else {
        return out;
    };
    let two = |number: u16| match reader.big_endian {
        true => number.to_be_bytes(),
        false => number.to_le_bytes(),
    };
    let four = |number: u32| match reader.big_endian {
        true => number.to_be_bytes(),
        false => number.to_le_bytes(),
    };
    let mut entry = [two(ORIENTATION), two(SHORT)].concat();
    entry.extend(four(1));
    entry.extend(two(orientation as u16));
    entry.extend(two(0));
    if let Some(found) = find(reader) {
        out[found.at..found.at + 12].copy_from_slice(&entry);
        return out;
    }
    if orientation == Orientation::Normal {
        return out;
    }
    // There is no such entry. Append a copy of the directory with one entry more.
    let Some((first, (start, claimed))) = reader
        .first()
        .and_then(|first| Some((first, reader.directory(first)?)))
    else {
        return out;
    };
    let mut entries: Vec<(u16, &[u8])> = reader
        .entries(first)
        .map(|raw| (raw.tag, &exif[raw.at..raw.at + 12]))
        .collect();
    entries.push((ORIENTATION, &entry));
    entries.sort_by_key(|&(tag, _)| tag);
    let next = reader.number(start + 12 * claimed, 4).unwrap_or(0);
    out.resize(out.len().next_multiple_of(2), 0);
    let (Ok(count), Ok(at)) = (u16::try_from(entries.len()), u32::try_from(out.len())) else {
        return exif.to_vec();
    };
    out[4..8].copy_from_slice(&four(at));
    out.extend(two(count));
    entries.iter().for_each(|(_, entry)| out.extend(*entry));
    out.extend(four(next as u32));
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An EXIF structure of this orientation.
    pub(crate) fn exif(number: u16, big_endian: bool) -> Vec<u8> {
        let two = |v: u16| match big_endian {
            true => v.to_be_bytes(),
            false => v.to_le_bytes(),
        };
        let four = |v: u32| match big_endian {
            true => v.to_be_bytes(),
            false => v.to_le_bytes(),
        };
        let mut bytes = if big_endian { *b"MM\0*" } else { *b"II*\0" }.to_vec();
        bytes.extend(four(8));
        bytes.extend(two(2)); // entries
        for (tag, value) in [(271, 9), (274, number)] {
            bytes.extend(two(tag));
            bytes.extend(two(3));
            bytes.extend(four(1));
            bytes.extend(two(value));
            bytes.extend(two(0));
        }
        bytes
    }

    #[test]
    fn finds_orientations_in_both_byte_orders() {
        for number in 1..=8 {
            for big_endian in [true, false] {
                let found = orientation(&exif(number, big_endian)).unwrap();
                assert_eq!(found as u32, u32::from(number));
            }
        }
        assert_eq!(orientation(&exif(0, true)), None);
        assert_eq!(orientation(&exif(9, false)), None);
    }

    #[test]
    fn orientations_are_whole_numbers_of_any_type() {
        let of = |kind: u16, number: i64, big_endian: bool| {
            let mut bytes = exif(1, big_endian);
            let entry = bytes.len() - 12;
            let size = size_of(kind).unwrap();
            let mut value = number.to_be_bytes()[8 - size..].to_vec();
            let mut kind = kind.to_be_bytes();
            if !big_endian {
                value.reverse();
                kind.reverse();
            }
            bytes[entry + 2..entry + 4].copy_from_slice(&kind);
            bytes[entry + 8..entry + 8 + size].copy_from_slice(&value);
            orientation(&bytes)
        };
        for big_endian in [true, false] {
            for kind in [1, 3, 4, 6, 8, 9, 13] {
                assert_eq!(
                    of(kind, 6, big_endian),
                    Some(Orientation::Rotate90),
                    "{kind}"
                );
                assert_eq!(of(kind, 9, big_endian), None, "{kind}");
                assert_eq!(of(kind, -1, big_endian), None, "{kind}");
            }
            // Entries of text, of undefined type, and of a float.
            for kind in [2, 7, 11] {
                assert_eq!(of(kind, 6, big_endian), None, "{kind}");
            }
        }
    }

    #[test]
    fn damage_is_as_if_it_were_not_there() {
        let whole = exif(6, true);
        assert!(is_valid(&whole));
        for cut in 0..whole.len() {
            assert_eq!(orientation(&whole[..cut]), None, "{cut} bytes");
            assert!(!is_valid(&whole[..cut]), "{cut} bytes");
            with_orientation(&whole[..cut], Orientation::Transpose);
        }
        let mut endless = whole;
        endless[8..10].fill(0xff); // entries
        assert!(!is_valid(&endless));
        endless[4..8].fill(0xff); // the directory's place
        assert_eq!(orientation(&endless), None);
        with_orientation(&endless, Orientation::Transpose);
    }

    #[test]
    fn orientations_are_replaced_and_added_in_place() {
        for big_endian in [true, false] {
            for orientation in Orientation::ALL {
                let before = exif(6, big_endian);
                let after = with_orientation(&before, orientation);
                assert_eq!(super::orientation(&after), Some(orientation));
                let changed = (0..before.len()).filter(|&i| before[i] != after[i]);
                assert!(changed.count() <= 1 && before.len() == after.len());

                let mut without = before.clone();
                let tag = without.len() - 12;
                without[tag..tag + 2].copy_from_slice(&[0xee; 2]);
                let added = with_orientation(&without, orientation);
                if orientation == Orientation::Normal {
                    assert_eq!(added, without);
                } else {
                    assert!(is_valid(&added));
                    assert_eq!(added[8..without.len()], without[8..]);
                    assert_eq!(super::orientation(&added), Some(orientation));
                    let reader = Reader::new(&added).unwrap();
                    let tags = reader.entries(reader.first().unwrap()).map(|raw| raw.tag);
                    assert_eq!(tags.collect::<Vec<_>>(), [271, 274, 0xeeee]);
                }
            }
        }
        let alone = of_orientation(Orientation::Rotate90);
        assert!(is_valid(&alone));
        assert_eq!(orientation(&alone), Some(Orientation::Rotate90));
        assert!(is_valid(&of_orientation(Orientation::Normal)));
    }
}
