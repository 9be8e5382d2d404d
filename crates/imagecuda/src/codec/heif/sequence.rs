//! Sequences of pictures without a still one. The first frame of one becomes an item, as which libheif
//! decodes it like any other.

use super::{
    boxes::{boxes, child, full, number},
    regular::{Meta, Reference, put},
};

/// The still picture that the first frame of a `moov` box is, with its alpha.
pub(super) fn first_frame(moov: &[u8]) -> Option<Meta> {
    let tracks = || boxes(moov).filter(|(kind, _)| *kind == b"trak");
    let find = |handlers: &[&[u8; 4]], wanted: &dyn Fn(&Track<'_>) -> bool| {
        let read = |(_, track)| Track::read(track, handlers);
        tracks().filter_map(read).find(|track| wanted(track))
    };
    let color = find(&[b"pict", b"vide"], &|_| true)?;
    let alpha = find(&[b"auxv"], &|track| {
        track.is_alpha && track.auxiliary_of == Some(color.id)
    });
    let mut references = Vec::new();
    if let Some(alpha) = &alpha {
        let reference = |kind, from, to| Reference {
            kind,
            from,
            to: vec![to],
        };
        references.push(reference(*b"auxl", ALPHA, COLOR));
        if color.premultiplied_by == Some(alpha.id) {
            references.push(reference(*b"prem", COLOR, ALPHA));
        }
    }
    Some(Meta {
        primary: Some(COLOR),
        references,
        rest: items(&color, alpha.as_ref())?,
    })
}

/// The numbers of the items.
const COLOR: u32 = 1;
const ALPHA: u32 = 2;

/// What the track of alpha is, in words of the standards.
const ALPHA_TYPE: &[u8] = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";

struct Track<'a> {
    id: u32,
    auxiliary_of: Option<u32>,
    premultiplied_by: Option<u32>,
    is_alpha: bool,
    /// Of an item: its type and its properties.
    kind: &'static [u8; 4],
    size: [u32; 2],
    properties: Vec<(&'a [u8; 4], &'a [u8])>,
    /// Where the first frame is.
    offset: u32,
    length: u32,
}

impl<'a> Track<'a> {
    fn read(track: &'a [u8], handlers: &[&[u8; 4]]) -> Option<Self> {
        let media = child(track, b"mdia")?;
        let handler = full(child(media, b"hdlr")?)?.body.get(4..8)?;
        if !handlers.iter().any(|known| known[..] == *handler) {
            return None;
        }
        let header = full(child(track, b"tkhd")?)?;
        // Behind two times, of 32 or 64 bits.
        let id = number(header.body, if header.version == 0 { 8 } else { 16 }, 4)?;
        let reference = |kind| {
            let to = child(child(track, b"tref")?, kind)?;
            Some(number(to, 0, 4)? as u32)
        };
        let samples = child(child(media, b"minf")?, b"stbl")?;
        let (kind, entry) = boxes(full(child(samples, b"stsd")?)?.body.get(4..)?).next()?;
        let kind = match kind {
            b"av01" => b"av01",
            b"hvc1" | b"hev1" => b"hvc1",
            _ => return None,
        };
        // A description of video has 78 bytes, of which some are the size, and then boxes.
        let size = [number(entry, 24, 2)? as u32, number(entry, 26, 2)? as u32];
        let parts = || boxes(entry.get(78..).unwrap_or_default());
        let is_property = |kind: &[u8; 4]| matches!(kind, b"av1C" | b"hvcC" | b"colr");
        let auxiliary = parts().find(|(kind, _)| *kind == b"auxi");
        let auxiliary = auxiliary.and_then(|(_, auxiliary)| Some(full(auxiliary)?.body));
        let (offset, length) = first_sample(samples)?;
        Some(Self {
            id: id as u32,
            auxiliary_of: reference(b"auxl"),
            premultiplied_by: reference(b"prem"),
            // Old writers did not say what else it could be.
            is_alpha: auxiliary.is_none_or(|kind| {
                kind.starts_with(ALPHA_TYPE) || kind.starts_with(b"urn:mpeg:hevc:2015:auxid:1\0")
            }),
            kind,
            size,
            // As many as the number of one can count.
            properties: parts()
                .filter(|(kind, _)| is_property(kind))
                .take(0x80)
                .collect(),
            offset,
            length,
        })
    }
}

/// The offset and the length of the first sample: it begins the first chunk.
fn first_sample(samples: &[u8]) -> Option<(u32, u32)> {
    let offset = match child(samples, b"stco") {
        Some(chunks) => number(full(chunks)?.body, 4, 4)?,
        None => number(full(child(samples, b"co64")?)?.body, 4, 8)?,
    };
    let sizes = full(child(samples, b"stsz")?)?.body;
    let length = match number(sizes, 0, 4)? {
        0 => number(sizes, 8, 4)?,
        same => same,
    };
    Some((u32::try_from(offset).ok()?, length as u32))
}

/// The boxes that describe the items.
fn items(color: &Track<'_>, alpha: Option<&Track<'_>>) -> Option<Vec<u8>> {
    let items: Vec<_> = [(COLOR, Some(color)), (ALPHA, alpha)]
        .into_iter()
        .filter_map(|(id, track)| Some((id, track?)))
        .collect();
    let count = items.len() as u16;
    let id = |id: u32| (id as u16).to_be_bytes();

    // Entries of an id, no protection and a type; offsets and lengths of 32 bits; an id has properties.
    let mut entries = [&[0; 4][..], &count.to_be_bytes()].concat();
    let mut places = [&[0, 0, 0, 0, 0x44, 0][..], &count.to_be_bytes()].concat();
    let mut lists = [&[0; 4][..], &u32::from(count).to_be_bytes()].concat();
    let mut properties = Vec::new();
    let mut index = 0_u8;
    for (item, track) in items {
        put(
            &mut entries,
            b"infe",
            &[&[2, 0, 0, 0], &id(item), &[0, 0], track.kind, &[0]],
        );
        places.extend(id(item));
        places.extend([0, 0, 0, 1]);
        places.extend([track.offset, track.length].map(u32::to_be_bytes).concat());

        let first = index;
        let size = track.size.map(u32::to_be_bytes);
        put(&mut properties, b"ispe", &[&[0; 4], size.as_flattened()]);
        for (kind, body) in &track.properties {
            put(&mut properties, kind, &[body]);
        }
        index = index.checked_add(u8::try_from(track.properties.len()).ok()?)?;
        index = index.checked_add(1)?;
        if item == ALPHA {
            put(&mut properties, b"auxC", &[&[0; 4], ALPHA_TYPE]);
            index = index.checked_add(1)?;
        }
        lists.extend(id(item));
        lists.push(index - first);
        // The first bit says whether a reader must know the property.
        lists.extend(
            (first + 1..=index)
                .map(|index| (index < 0x80).then_some(index))
                .collect::<Option<Vec<_>>>()?,
        );
    }
    let mut out = Vec::new();
    put(&mut out, b"hdlr", &[&[0; 8], b"pict", &[0; 13]]);
    put(&mut out, b"iinf", &[&entries]);
    put(&mut out, b"iloc", &[&places]);
    let mut described = Vec::new();
    put(&mut described, b"ipco", &[&properties]);
    put(&mut described, b"ipma", &[&lists]);
    put(&mut out, b"iprp", &[&described]);
    Some(out)
}
