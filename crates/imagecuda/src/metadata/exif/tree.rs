//! Copies EXIF from a TIFF file, and into one. The file's own tags describe how its pixels are
//! stored, so only tags that describe the picture are copied.

use super::Reader;
use crate::metadata::embedded::MOST_BYTES;

/// The tags of the first directory that describe a picture: title, camera, resolution, orientation,
/// date, author, and the tags that Windows adds.
const DESCRIPTIVE: [u16; 21] = [
    269, 270, 271, 272, 274, 282, 283, 285, 296, 305, 306, 315, 316, 18246, 18249, 33432, 40091,
    40092, 40093, 40094, 40095,
];
/// The tags of the resolution and its unit.
const RESOLUTION: [u16; 3] = [282, 283, RESOLUTION_UNIT];
const RESOLUTION_UNIT: u16 = 296;

/// Tags that point to other directories.
const EXIF: u16 = 34665;
const GPS: u16 = 34853;
const INTEROPERABILITY: u16 = 40965;

/// A tag with its values, in the byte order of its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) tag: u16,
    pub(crate) kind: u16,
    pub(crate) data: Vec<u8>,
}

/// The first directory, and the directories inside. A tree has no deeper levels, so it has no
/// circles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    big_endian: bool,
    pub(crate) main: Vec<Entry>,
    pub(crate) exif: Vec<Entry>,
    pub(crate) gps: Vec<Entry>,
    pub(crate) interoperability: Vec<Entry>,
}

impl Tree {
    /// Reads the tags that describe the picture in `bytes`, which are a TIFF file or EXIF.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let reader = Reader::new(bytes)?;
        let first = reader.first()?;
        // The values of a sound structure do not overlap, so together they are no longer than the
        // structure.
        let mut left = bytes.len().min(MOST_BYTES);
        let mut take = |directory: usize, wanted: &dyn Fn(u16) -> bool| -> Vec<Entry> {
            let mut entries = Vec::new();
            for raw in reader.entries(directory) {
                // Types from 14 on exist only in BigTIFF.
                let Some(value) = raw.value.filter(|_| raw.kind <= 13 && wanted(raw.tag)) else {
                    continue;
                };
                // A value that is too large counts as missing.
                let Some(rest) = left.checked_sub(value.len()) else {
                    continue;
                };
                left = rest;
                entries.push(Entry {
                    tag: raw.tag,
                    kind: raw.kind,
                    data: value.to_vec(),
                });
            }
            entries.sort_by_key(|entry| entry.tag);
            entries.dedup_by_key(|entry| entry.tag);
            entries
        };
        let place = |directory: usize, tag: u16| {
            let mut entries = reader.entries(directory);
            let entry = entries.find(|raw| raw.tag == tag)?;
            usize::try_from(reader.unsigned(&entry)?).ok()
        };
        let mut main = take(first, &|tag| DESCRIPTIVE.contains(&tag));
        // Some writers store a resolution without a unit if they do not know it.
        let unit = reader
            .entries(first)
            .find(|raw| raw.tag == RESOLUTION_UNIT)
            .and_then(|raw| reader.unsigned(&raw));
        if unit == Some(1) {
            main.retain(|entry| !RESOLUTION.contains(&entry.tag));
        }
        let no_place = |tag| ![EXIF, GPS, INTEROPERABILITY].contains(&tag);
        let exif_at = place(first, EXIF);
        let exif = exif_at.map_or(Vec::new(), |at| take(at, &no_place));
        let gps = place(first, GPS).map_or(Vec::new(), |at| take(at, &no_place));
        let interoperability = exif_at
            .and_then(|at| place(at, INTEROPERABILITY))
            .map_or(Vec::new(), |at| take(at, &no_place));
        let tree = Self {
            big_endian: reader.big_endian,
            main,
            exif,
            gps,
            interoperability,
        };
        Some(tree)
    }

    /// Whether the tree has more than an orientation.
    pub(crate) fn describes(&self) -> bool {
        let more = |entry: &Entry| entry.tag != super::ORIENTATION;
        self.main.iter().any(more)
            || [&self.exif, &self.gps, &self.interoperability]
                .iter()
                .any(|directory| !directory.is_empty())
    }

    /// Converts the values to this machine's byte order.
    pub(crate) fn into_native(mut self) -> Self {
        if self.big_endian != cfg!(target_endian = "big") {
            let directories = [
                &mut self.main,
                &mut self.exif,
                &mut self.gps,
                &mut self.interoperability,
            ];
            for entry in directories.into_iter().flatten() {
                let size = match entry.kind {
                    3 | 8 => 2,
                    4 | 5 | 9 | 10 | 11 | 13 => 4, // fractions are two numbers
                    12 => 8,
                    _ => 1,
                };
                let numbers = entry.data.chunks_exact_mut(size);
                numbers.for_each(<[u8]>::reverse);
            }
            self.big_endian = cfg!(target_endian = "big");
        }
        self
    }

    /// Writes the tree as EXIF. `None` if its offsets would not fit.
    pub(crate) fn to_exif(&self) -> Option<Vec<u8>> {
        let mut out = Out {
            bytes: if self.big_endian {
                *b"MM\0*"
            } else {
                *b"II*\0"
            }
            .to_vec(),
            big_endian: self.big_endian,
        };
        out.number(8, 4);
        let more = !self.interoperability.is_empty();
        let inner = [
            (EXIF, more || !self.exif.is_empty()),
            (GPS, !self.gps.is_empty()),
        ];
        let [exif, gps] = out.directory(&self.main, inner);
        if let Some(at) = exif {
            out.patch(at);
            let [interoperability] = out.directory(&self.exif, [(INTEROPERABILITY, more)]);
            if let Some(at) = interoperability {
                out.patch(at);
                out.directory(&self.interoperability, []);
            }
        }
        if let Some(at) = gps {
            out.patch(at);
            out.directory(&self.gps, []);
        }
        u32::try_from(out.bytes.len()).is_ok().then_some(out.bytes)
    }
}

struct Out {
    bytes: Vec<u8>,
    big_endian: bool,
}

impl Out {
    fn encode(&self, number: usize, size: usize) -> Vec<u8> {
        // A number that does not fit makes the whole too large, which is checked at the end.
        let number = number as u64;
        match self.big_endian {
            true => number.to_be_bytes()[8 - size..].to_vec(),
            false => number.to_le_bytes()[..size].to_vec(),
        }
    }

    fn number(&mut self, number: usize, size: usize) {
        let number = self.encode(number, size);
        self.bytes.extend(number);
    }

    /// Writes the current end of the output to the offset at `at`.
    fn patch(&mut self, at: usize) {
        let place = self.encode(self.bytes.len(), 4);
        self.bytes[at..at + 4].copy_from_slice(&place);
    }

    /// Writes a directory and its values. Returns the positions of the offsets to inner
    /// directories, which are patched later.
    fn directory<const N: usize>(
        &mut self,
        entries: &[Entry],
        inner: [(u16, bool); N],
    ) -> [Option<usize>; N] {
        let mut all: Vec<(u16, Option<&Entry>)> =
            entries.iter().map(|e| (e.tag, Some(e))).collect();
        all.extend(
            inner
                .iter()
                .filter(|(_, is)| *is)
                .map(|&(tag, _)| (tag, None)),
        );
        all.sort_by_key(|&(tag, _)| tag);
        let mut places = [None; N];
        let mut patches = Vec::new();
        self.number(all.len(), 2);
        for (tag, entry) in all {
            self.number(tag.into(), 2);
            let Some(entry) = entry else {
                self.number(super::LONG.into(), 2);
                self.number(1, 4);
                let index = inner.iter().position(|&(of, _)| of == tag);
                places[index.unwrap_or(0)] = Some(self.bytes.len());
                self.number(0, 4);
                continue;
            };
            let size = super::size_of(entry.kind).unwrap_or(1);
            self.number(entry.kind.into(), 2);
            self.number(entry.data.len() / size, 4);
            if entry.data.len() <= 4 {
                self.bytes.extend(&entry.data);
                self.bytes
                    .resize(self.bytes.len() + 4 - entry.data.len(), 0);
            } else {
                patches.push((self.bytes.len(), &entry.data));
                self.number(0, 4);
            }
        }
        self.number(0, 4); // no directory follows
        for (at, data) in patches {
            self.patch(at);
            self.bytes.extend(data);
            self.bytes.resize(self.bytes.len().next_multiple_of(2), 0);
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(tag: u16, kind: u16, data: &[u8]) -> Entry {
        let data = data.to_vec();
        Entry { tag, kind, data }
    }

    fn tree() -> Tree {
        Tree {
            big_endian: false,
            main: vec![
                entry(271, 2, b"Maker of cameras\0"),
                entry(274, 3, &[6, 0]),
                entry(282, 5, &[72, 0, 0, 0, 1, 0, 0, 0]),
                entry(33432, 2, b"me\0"),
            ],
            exif: vec![
                entry(33434, 5, &[1, 0, 0, 0, 250, 0, 0, 0]),
                entry(34855, 3, &[100, 0]),
                entry(37500, 7, b"note\0\x01\x02\x03"),
            ],
            gps: vec![entry(0, 1, &[2, 3, 0, 0]), entry(1, 2, b"N\0")],
            interoperability: vec![entry(1, 2, b"R98\0")],
        }
    }

    #[test]
    fn what_is_written_reads_the_same_in_both_orders() {
        let tree = tree();
        let exif = tree.to_exif().unwrap();
        assert!(super::super::is_valid(&exif));
        assert_eq!(Tree::read(&exif).as_ref(), Some(&tree));
        // The same data read in the other byte order.
        let native = tree.clone().into_native();
        let swapped = Tree {
            big_endian: !native.big_endian,
            ..native.clone()
        }
        .into_native();
        assert_ne!(swapped.main, native.main);
        let other = Tree {
            big_endian: !native.big_endian,
            ..swapped
        };
        let read = Tree::read(&other.to_exif().unwrap()).unwrap();
        assert_eq!(read, other);
        assert_eq!(read.into_native(), native);
    }

    #[test]
    fn parts_may_be_missing() {
        let parts: [fn(&mut Tree); 5] = [
            |tree| tree.gps.clear(),
            |tree| tree.exif.clear(),
            |tree| tree.interoperability.clear(),
            |tree| tree.main.clear(),
            |tree| tree.main.truncate(1),
        ];
        for remove in parts {
            let mut tree = tree();
            remove(&mut tree);
            let exif = tree.to_exif().unwrap();
            assert_eq!(Tree::read(&exif), Some(tree));
        }
        let mut silent = tree();
        silent.main.retain(|entry| entry.tag == 274);
        (silent.exif, silent.gps) = Default::default();
        silent.interoperability.clear();
        assert!(!Tree::read(&silent.to_exif().unwrap()).unwrap().describes());
        assert!(tree().describes());
    }

    #[test]
    fn how_pixels_lie_is_left_out() {
        let mut tree = tree();
        let clean = tree.clone();
        for tag in [256, 257, 258, 259, 262, 273, 277, 278, 279, 320, 339, 34675] {
            tree.main.push(entry(tag, 4, &[1, 0, 0, 0]));
        }
        assert_eq!(Tree::read(&tree.to_exif().unwrap()), Some(clean.clone()));
        // A resolution without a unit is dropped.
        tree.main.push(entry(296, 3, &[1, 0]));
        let read = Tree::read(&tree.to_exif().unwrap()).unwrap();
        assert_eq!(read.main.len(), clean.main.len() - 1);
    }

    #[test]
    fn values_that_are_too_large_are_left_out() {
        let mut tree = tree();
        let without = tree.clone();
        tree.main.push(entry(270, 2, &vec![b'a'; MOST_BYTES + 1]));
        tree.main.sort_by_key(|entry| entry.tag);
        assert_eq!(Tree::read(&tree.to_exif().unwrap()), Some(without));
    }

    /// Damages every byte in turn. Nothing panics, and no value is larger than the file.
    #[test]
    fn damage_ends_in_what_is_there() {
        let whole = tree().to_exif().unwrap();
        for cut in 0..whole.len() {
            Tree::read(&whole[..cut]);
        }
        for at in 0..whole.len() {
            for value in [0, 1, 8, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                let Some(tree) = Tree::read(&damaged) else {
                    continue;
                };
                let directories = [tree.main, tree.exif, tree.gps, tree.interoperability];
                let bytes: usize = directories.iter().flatten().map(|e| e.data.len()).sum();
                assert!(bytes <= damaged.len(), "{at} {value}");
            }
        }
    }
}
