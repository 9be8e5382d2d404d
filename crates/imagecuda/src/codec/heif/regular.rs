//! Files that libheif refuses, or shows in part, for what stands around their pictures, put right.
//!
//! A box that is made anew goes behind the end of the file, so that all offsets stay true.

use super::{
    boxes::{boxes, child, full, number, spans},
    sequence,
};
use crate::{Result, memory};
use std::{borrow::Cow, collections::BTreeSet};

/// Opens the file as it is to be.
pub(super) fn open<'a, T>(bytes: &'a [u8], open: impl Fn(Cow<'a, [u8]>) -> Result<T>) -> Result<T> {
    open(regular(bytes)?).or_else(|error| match without_sequence(bytes)? {
        // What is wrong with a sequence does no harm to the picture beside it.
        Some(still) => open(still.into()).map_err(|_| error),
        None => Err(error),
    })
}

/// Whether nothing of the file has to be put right.
pub(super) fn is_regular(bytes: &[u8]) -> bool {
    matches!(regular(bytes), Ok(Cow::Borrowed(_)))
}

/// A file with a primary picture, one list of references, and boxes that say how long they are.
fn regular(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let meta = match child(bytes, b"meta").filter(|meta| has_images(meta)) {
        Some(meta) => Meta::of_images(meta),
        // Only a sequence, of which the first frame is the picture.
        None => child(bytes, b"moov").and_then(sequence::first_frame),
    };
    let is_open = |start: usize| bytes.get(start..start + 4) == Some(&[0; 4]);
    let open_meta = spans(bytes).find(|span| span.kind == b"meta" && is_open(span.start));
    if meta.is_none() && open_meta.is_none() {
        return Ok(bytes.into());
    }
    let mut out = with_sizes(bytes)?;
    if let Some(meta) = meta {
        replace(&mut out, bytes, &[b"meta", b"moov"]);
        let meta = meta.write();
        memory::reserve(&mut out, meta.len())?;
        out.extend(meta);
    }
    Ok(out.into())
}

/// A file that has pictures beside its sequence, without the sequence.
fn without_sequence(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let has_both = child(bytes, b"meta").is_some_and(has_images) && child(bytes, b"moov").is_some();
    if !has_both {
        return Ok(None);
    }
    let mut out = with_sizes(bytes)?;
    replace(&mut out, bytes, &[b"moov"]);
    Ok(Some(out))
}

/// A copy of the file in which boxes that reach to its end say so in bytes.
fn with_sizes(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = memory::copied(bytes)?;
    for span in spans(bytes) {
        if let (Some(size @ [0, 0, 0, 0]), Ok(length)) = (
            out[span.start..].first_chunk_mut(),
            u32::try_from(span.end - span.start),
        ) {
            *size = length.to_be_bytes();
        }
    }
    Ok(out)
}

/// Makes free space of the boxes of these kinds. Without a sequence no brand may promise one.
fn replace(out: &mut [u8], bytes: &[u8], kinds: &[&[u8; 4]]) {
    for span in spans(bytes) {
        if kinds.contains(&span.kind) {
            out[span.start + 4..][..4].copy_from_slice(b"free");
        } else if span.kind == b"ftyp" {
            let (brands, _) = out[span.body..span.end].as_chunks_mut::<4>();
            // The second is no brand but a version.
            for (index, brand) in brands.iter_mut().enumerate() {
                if index != 1 {
                    match &*brand {
                        b"avis" => *brand = *b"avif",
                        b"hevc" | b"hevx" | b"msf1" | b"isom" | b"mp41" | b"mp42" => {
                            *brand = *b"mif1";
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

/// Pictures and what they are derived from.
const IMAGES: [&[u8; 4]; 11] = [
    b"av01", b"avc1", b"grid", b"hvc1", b"iden", b"iovl", b"j2k1", b"jpeg", b"tili", b"unci",
    b"vvc1",
];

fn has_images(meta: &[u8]) -> bool {
    full(meta).is_some_and(|meta| images(meta.body).next().is_some())
}

/// The numbers of the pictures of a `meta` box, and whether they are hidden.
fn images(meta: &[u8]) -> impl Iterator<Item = (u32, bool)> {
    let items = child(meta, b"iinf").and_then(full);
    let items = items.and_then(|items| items.body.get(if items.version == 0 { 2 } else { 4 }..));
    let entries = boxes(items.unwrap_or_default()).filter(|(kind, _)| *kind == b"infe");
    entries.filter_map(|(_, entry)| {
        let entry = full(entry)?;
        let size = match entry.version {
            2 => 2,
            3 => 4,
            _ => return None,
        };
        let id = number(entry.body, 0, size)? as u32;
        let kind = entry.body.get(size + 2..)?.first_chunk()?;
        IMAGES.contains(&kind).then_some((id, entry.flags & 1 == 1))
    })
}

/// More than libheif takes.
const MOST_REFERENCES: usize = 10_000;

/// What one item refers to.
pub(super) struct Reference {
    pub(super) kind: [u8; 4],
    pub(super) from: u32,
    pub(super) to: Vec<u32>,
}

/// A `meta` box that is to be written.
pub(super) struct Meta {
    pub(super) primary: Option<u32>,
    pub(super) references: Vec<Reference>,
    /// All other boxes.
    pub(super) rest: Vec<u8>,
}

impl Meta {
    /// Of a `meta` box that lacks the primary item or has references in several boxes; else nothing.
    fn of_images(meta: &[u8]) -> Option<Self> {
        let meta = full(meta)?.body;
        let lists = || boxes(meta).filter(|(kind, _)| *kind == b"iref");
        let has_primary = child(meta, b"pitm").is_some();
        if has_primary && lists().count() < 2 {
            return None;
        }
        let references = lists().flat_map(|(_, list)| references(list));
        let references: Vec<_> = references.take(MOST_REFERENCES + 1).collect();
        if references.len() > MOST_REFERENCES {
            return None;
        }
        let primary = match has_primary {
            true => None,
            false => Some(primary(meta, &references)?),
        };
        let mut rest = Vec::new();
        for (kind, body) in boxes(meta).filter(|(kind, _)| *kind != b"iref") {
            put(&mut rest, kind, &[body]);
        }
        Some(Self {
            primary,
            references,
            rest,
        })
    }

    fn write(&self) -> Vec<u8> {
        let mut body = vec![0; 4];
        body.extend(&self.rest);
        if let Some(primary) = self.primary {
            put(&mut body, b"pitm", &[&[1, 0, 0, 0], &primary.to_be_bytes()]);
        }
        if !self.references.is_empty() {
            let mut list = vec![1, 0, 0, 0];
            for Reference { kind, from, to } in &self.references {
                let to_bytes: Vec<u8> = to.iter().flat_map(|id| id.to_be_bytes()).collect();
                let count = (to.len() as u16).to_be_bytes();
                put(&mut list, kind, &[&from.to_be_bytes(), &count, &to_bytes]);
            }
            put(&mut body, b"iref", &[&list]);
        }
        let mut meta = Vec::new();
        put(&mut meta, b"meta", &[&body]);
        meta
    }
}

/// Appends a box.
pub(super) fn put(out: &mut Vec<u8>, kind: &[u8; 4], parts: &[&[u8]]) {
    let length = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    out.extend((length as u32).to_be_bytes());
    out.extend(kind);
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// What an `iref` box lists.
fn references(list: &[u8]) -> impl Iterator<Item = Reference> {
    let (size, entries) = match full(list) {
        Some(list) => (if list.version == 0 { 2 } else { 4 }, list.body),
        None => (2, &[][..]),
    };
    boxes(entries).filter_map(move |(kind, body)| {
        let from = number(body, 0, size)? as u32;
        let count = number(body, size, 2)? as usize;
        let to = body.get(size + 2..)?.get(..count * size)?;
        let to = to.chunks_exact(size).filter_map(|id| number(id, 0, size));
        Some(Reference {
            kind: *kind,
            from,
            to: to.map(|id| id as u32).collect(),
        })
    })
}

/// The first picture that is shown and no part of another.
fn primary(meta: &[u8], references: &[Reference]) -> Option<u32> {
    let mut parts = BTreeSet::new();
    for Reference { kind, from, to } in references {
        match kind {
            b"auxl" | b"thmb" => drop(parts.insert(*from)),
            b"dimg" => parts.extend(to),
            _ => {}
        }
    }
    let mut shown = images(meta).filter(|(id, is_hidden)| !is_hidden && !parts.contains(id));
    shown.next().map(|(id, _)| id)
}
