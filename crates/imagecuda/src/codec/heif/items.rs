//! The items of an ISO media file: pictures, tiles and what they are made of (ISO/IEC 23008-12 and
//! 14496-12). What is damaged counts as not there.

use super::boxes::{boxes, child, full, number};
use std::{borrow::Cow, collections::BTreeMap};

/// A property: its four letters and its content.
pub(super) type Property<'a> = (&'a [u8; 4], &'a [u8]);

pub(super) struct Items<'a> {
    file: &'a [u8],
    /// The content of the box `meta`.
    meta: &'a [u8],
    pub(super) primary: u64,
}

impl<'a> Items<'a> {
    pub(super) fn new(file: &'a [u8]) -> Option<Self> {
        let meta = full(child(file, b"meta")?)?.body;
        let primary = full(child(meta, b"pitm")?)?;
        let size = if primary.version == 0 { 2 } else { 4 };
        Some(Self {
            file,
            meta,
            primary: number(primary.body, 0, size)?,
        })
    }

    /// The numbers and types of all items.
    pub(super) fn all(&self) -> Option<impl Iterator<Item = (u64, [u8; 4])> + use<'a>> {
        let all = full(child(self.meta, b"iinf")?)?;
        let entries = all.body.get(if all.version == 0 { 2 } else { 4 }..)?;
        let entries = boxes(entries).filter(|(kind, _)| *kind == b"infe");
        Some(entries.filter_map(|(_, entry)| {
            let entry = full(entry)?;
            let size = match entry.version {
                2 => 2,
                3 => 4,
                _ => return None,
            };
            // After the number of its protection.
            let kind = entry.body.get(size + 2..)?.first_chunk()?;
            Some((number(entry.body, 0, size)?, *kind))
        }))
    }

    /// The four letters of an item's type.
    pub(super) fn kind(&self, item: u64) -> Option<[u8; 4]> {
        self.all()?
            .find_map(|(other, kind)| (other == item).then_some(kind))
    }

    /// The properties of all items.
    pub(super) fn all_properties(&self) -> Option<impl Iterator<Item = Property<'a>> + use<'a>> {
        Some(boxes(child(child(self.meta, b"iprp")?, b"ipco")?))
    }

    /// The properties of an item, in the order in which they are applied.
    pub(super) fn properties(&self, item: u64) -> Option<Vec<Property<'a>>> {
        let all: Vec<_> = self.all_properties()?.collect();
        let mut associations =
            boxes(child(self.meta, b"iprp")?).filter(|(kind, _)| *kind == b"ipma");
        let indices = associations.find_map(|(_, ipma)| associated(ipma, item))?;
        // They count from 1.
        let property = |index: usize| all.get(index.checked_sub(1)?).copied();
        Some(indices.into_iter().filter_map(property).collect())
    }

    /// The items to which `item` refers in this way, in order.
    pub(super) fn references(&self, kind: &[u8; 4], item: u64) -> Vec<u64> {
        let find = || {
            let all = full(child(self.meta, b"iref")?)?;
            let size = if all.version == 0 { 2 } else { 4 };
            boxes(all.body)
                .filter(|(found, _)| *found == kind)
                .find(|(_, body)| number(body, 0, size) == Some(item))
                .and_then(|(_, body)| {
                    let count = number(body, size, 2)? as usize;
                    let ids = body.get(size + 2..)?.get(..count * size)?;
                    Some(
                        ids.chunks(size)
                            .filter_map(|id| number(id, 0, size))
                            .collect(),
                    )
                })
        };
        find().unwrap_or_default()
    }

    /// Whether the primary item, or one that it needs, is made of itself by way of others or of their alpha.
    /// libheif 1.23.1 holds a lock on a picture while it decodes its alpha and the tiles of both, so it would
    /// wait for itself. That a grid has itself as a tile, it sees.
    pub(super) fn is_made_of_itself(&self) -> bool {
        let mut needs: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let lists = boxes(self.meta).filter(|(kind, _)| *kind == b"iref");
        for all in lists.filter_map(|(_, body)| full(body)) {
            let size = if all.version == 0 { 2 } else { 4 };
            for (kind, body) in boxes(all.body) {
                let Some(from) = number(body, 0, size) else {
                    continue;
                };
                // After their count, of two bytes.
                let others = body.get(size + 2..).unwrap_or_default().chunks_exact(size);
                for other in others.filter_map(|id| number(id, 0, size)) {
                    match kind {
                        b"dimg" if other != from => needs.entry(from).or_default().push(other),
                        b"auxl" => needs.entry(other).or_default().push(from),
                        _ => {}
                    }
                }
            }
        }
        // Depth first: whether an item is on the path from the primary one, or was left.
        let mut is_on_path = BTreeMap::from([(self.primary, true)]);
        let mut path = vec![(self.primary, 0)];
        while let Some((item, next)) = path.last_mut() {
            let needed = needs.get(item).and_then(|needed| needed.get(*next));
            *next += 1;
            match needed {
                None => {
                    is_on_path.insert(*item, false);
                    path.pop();
                }
                Some(needed) => match is_on_path.get(needed) {
                    Some(true) => return true,
                    Some(false) => {}
                    None => {
                        is_on_path.insert(*needed, true);
                        path.push((*needed, 0));
                    }
                },
            }
        }
        false
    }

    /// The data of an item.
    pub(super) fn data(&self, item: u64) -> Option<Cow<'a, [u8]>> {
        let locations = full(child(self.meta, b"iloc")?)?;
        let body = locations.body;
        let nibble = |at: usize, high: bool| {
            let byte = *body.get(at)?;
            Some(usize::from(if high { byte >> 4 } else { byte & 15 }))
        };
        let [offset, length] = [nibble(0, true)?, nibble(0, false)?];
        let base = nibble(1, true)?;
        let index = match locations.version {
            0 => 0,
            _ => nibble(1, false)?,
        };
        let id = if locations.version < 2 { 2 } else { 4 };
        let count = number(body, 2, id)?;
        let mut at = 2 + id;
        for _ in 0..count {
            let found = number(body, at, id)? == item;
            at += id;
            let mut method = 0;
            if locations.version > 0 {
                method = number(body, at, 2)? & 15;
                at += 2;
            }
            let is_here = number(body, at, 2)? == 0;
            let start = number(body, at + 2, base)?;
            let extents = number(body, at + 2 + base, 2)? as usize;
            at += 4 + base;
            if !found {
                at = at.checked_add(extents * (index + offset + length))?;
                continue;
            }
            let source = match (method, is_here) {
                (0, true) => self.file,
                (1, _) => child(self.meta, b"idat")?,
                _ => return None,
            };
            let mut data = Cow::Borrowed(&[][..]);
            for _ in 0..extents {
                let first = start.checked_add(number(body, at + index, offset)?)?;
                let bytes = source.get(usize::try_from(first).ok()?..)?;
                let bytes = match number(body, at + index + offset, length)? {
                    // It could reach to the end of the file. libheif takes it for none.
                    0 => return None,
                    some => bytes.get(..usize::try_from(some).ok()?)?,
                };
                // Extents may lie over each other, so that their sum is a bomb.
                if data.len() + bytes.len() > self.file.len() {
                    return None;
                }
                match data.is_empty() {
                    true => data = Cow::Borrowed(bytes),
                    false => data.to_mut().extend_from_slice(bytes),
                }
                at += index + offset + length;
            }
            return Some(data);
        }
        None
    }
}

/// The numbers of an item's properties.
fn associated(ipma: &[u8], item: u64) -> Option<Vec<usize>> {
    let ipma = full(ipma)?;
    let id = if ipma.version == 0 { 2 } else { 4 };
    let wide = ipma.flags & 1 == 1;
    let size = if wide { 2 } else { 1 };
    let (entries, mut rest) = (number(ipma.body, 0, 4)?, ipma.body.get(4..)?);
    for _ in 0..entries {
        let found = number(rest, 0, id)? == item;
        let count = usize::from(*rest.get(id)?);
        let indices = rest.get(id + 1..)?.get(..count * size)?;
        if found {
            // The first bit says whether a reader must know the property.
            let index = |bytes: &[u8]| match bytes {
                [one] => usize::from(one & 0x7f),
                two => usize::from(u16::from_be_bytes([two[0] & 0x7f, two[1]])),
            };
            return Some(indices.chunks_exact(size).map(index).collect());
        }
        rest = &rest[id + 1 + count * size..];
    }
    None
}
