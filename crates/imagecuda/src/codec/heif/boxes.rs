//! Reads how an ISO media file's picture has to be oriented. libheif applies the orientation, but
//! does not report it.

use imagecuda_kernels::orient::Orientation;

/// The orientation that libheif applies to the primary picture. Damaged boxes count as missing; if
/// that is wrong, libheif does not open the file.
pub(super) fn orientation(bytes: &[u8]) -> Orientation {
    find(bytes).unwrap_or_default()
}

fn find(bytes: &[u8]) -> Option<Orientation> {
    let mut turn = Turn::default();
    for property in properties(bytes)? {
        match property {
            (b"irot", [angle, ..]) => turn.rotate(4 - (angle & 3)),
            (b"imir", [axis, ..]) => turn.mirror(axis & 1 == 0),
            _ => {}
        }
    }
    Some(turn.into())
}

/// The properties of the primary picture, in the order in which they are applied.
pub(super) fn properties(bytes: &[u8]) -> Option<Vec<(&[u8; 4], &[u8])>> {
    let meta = full(child(bytes, b"meta")?)?.body;
    let primary = full(child(meta, b"pitm")?)?;
    let primary = match primary.version {
        0 => number(primary.body, 0, 2)?,
        _ => number(primary.body, 0, 4)?,
    };
    let all: Vec<_> = all_properties(bytes)?.collect();
    let mut associations = boxes(child(meta, b"iprp")?).filter(|(kind, _)| *kind == b"ipma");
    let indices = associations.find_map(|(_, ipma)| associated(full(ipma)?, primary))?;
    // Property numbers start at 1.
    let property = |index: usize| all.get(index.checked_sub(1)?).copied();
    Some(indices.into_iter().filter_map(property).collect())
}

/// The properties of all items.
pub(super) fn all_properties(bytes: &[u8]) -> Option<impl Iterator<Item = (&[u8; 4], &[u8])>> {
    let meta = full(child(bytes, b"meta")?)?.body;
    Some(boxes(child(child(meta, b"iprp")?, b"ipco")?))
}

/// The numbers of an item's properties.
fn associated(ipma: Full<'_>, item: u64) -> Option<Vec<usize>> {
    let id = if ipma.version == 0 { 2 } else { 4 };
    let wide = ipma.flags & 1 == 1;
    let size = if wide { 2 } else { 1 };
    let (entries, mut rest) = (number(ipma.body, 0, 4)?, ipma.body.get(4..)?);
    for _ in 0..entries {
        let found = number(rest, 0, id)? == item;
        let count = usize::from(*rest.get(id)?);
        let indices = rest.get(id + 1..)?.get(..count * size)?;
        if found {
            // The highest bit says whether a reader must know the property.
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

/// An orientation as an optional mirroring from left to right, followed by quarter turns clockwise.
#[derive(Clone, Copy, Default)]
struct Turn {
    mirrored: bool,
    quarters: u8,
}

impl Turn {
    fn rotate(&mut self, quarters: u8) {
        self.quarters = (self.quarters + quarters) % 4;
    }

    /// Mirroring after a turn equals the opposite turn after mirroring. A mirroring from top to
    /// bottom equals one from left to right and half a turn.
    fn mirror(&mut self, top_to_bottom: bool) {
        self.mirrored = !self.mirrored;
        self.quarters = (4 - self.quarters) % 4;
        if top_to_bottom {
            self.rotate(2);
        }
    }
}

impl From<Turn> for Orientation {
    fn from(turn: Turn) -> Self {
        match (turn.mirrored, turn.quarters) {
            (false, 1) => Self::Rotate90,
            (false, 2) => Self::Rotate180,
            (false, 3) => Self::Rotate270,
            (false, _) => Self::Normal,
            (true, 1) => Self::Transverse,
            (true, 2) => Self::MirrorVertical,
            (true, 3) => Self::Transpose,
            (true, _) => Self::MirrorHorizontal,
        }
    }
}

/// A box that starts with a version and flags.
pub(super) struct Full<'a> {
    pub(super) version: u8,
    pub(super) flags: u8,
    pub(super) body: &'a [u8],
}

pub(super) fn full(bytes: &[u8]) -> Option<Full<'_>> {
    let (&[version, _, _, flags], body) = bytes.split_first_chunk()?;
    Some(Full {
        version,
        flags,
        body,
    })
}

pub(super) fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes)
        .find(|(found, _)| *found == kind)
        .map(|(_, body)| body)
}

/// Where a box is.
pub(super) struct Span<'a> {
    pub(super) kind: &'a [u8; 4],
    pub(super) start: usize,
    pub(super) body: usize,
    pub(super) end: usize,
}

/// The complete boxes in `bytes`.
pub(super) fn spans(bytes: &[u8]) -> impl Iterator<Item = Span<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = &bytes[start..];
        let (header, kind) = (rest.first_chunk()?, rest.get(4..8)?.try_into().ok()?);
        let (body, length) = match u32::from_be_bytes(*header) {
            0 => (8, rest.len()), // to the end
            1 => (16, number(rest, 8, 8)?.try_into().ok()?),
            length => (8, length as usize),
        };
        rest.get(body..length)?;
        let span = Span {
            kind,
            start,
            body: start + body,
            end: start + length,
        };
        start = span.end;
        Some(span)
    })
}

pub(super) fn boxes(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    spans(bytes).map(|span| (span.kind, &bytes[span.body..span.end]))
}

pub(super) fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.get(..size)?;
    Some(bytes.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32 + 8).to_be_bytes();
        [&length, &kind[..], body].concat()
    }

    /// Makes a file with these properties, all of the primary item 7 and in this order, after an
    /// item that has others.
    fn file(properties: &[(&[u8; 4], u8)], wide: bool, long: bool) -> Vec<u8> {
        let version = [u8::from(long), 0, 0, u8::from(wide)];
        let id = |id: u8| match long {
            true => vec![0, 0, 0, id],
            false => vec![0, id],
        };
        let all = properties
            .iter()
            .map(|(kind, value)| boxed(kind, &[*value]));
        let mut ipco = boxed(b"ispe", &[0; 12]);
        ipco.extend(all.collect::<Vec<_>>().concat());
        let index = |index: usize| match wide {
            true => vec![0x80, index as u8],
            false => vec![0x80 | index as u8],
        };
        let count = properties.len();
        let mut ipma = [&version[..], &[0, 0, 0, 2], &id(6), &[1], &index(1)].concat();
        ipma.extend([id(7), vec![count as u8]].concat());
        (0..count).for_each(|i| ipma.extend(index(i + 2)));
        let pitm = [&[u8::from(long), 0, 0, 0][..], &id(7)].concat();
        let iprp = [boxed(b"ipco", &ipco), boxed(b"ipma", &ipma)].concat();
        let meta = [vec![0; 4], boxed(b"pitm", &pitm), boxed(b"iprp", &iprp)].concat();
        [boxed(b"ftyp", b"heic\0\0\0\0mif1"), boxed(b"meta", &meta)].concat()
    }

    #[test]
    fn properties_are_applied_in_their_order() {
        use Orientation::*;
        type Case<'a> = (&'a [(&'a [u8; 4], u8)], Orientation);
        let cases: [Case<'_>; 12] = [
            (&[], Normal),
            (&[(b"irot", 0)], Normal),
            (&[(b"irot", 1)], Rotate270),
            (&[(b"irot", 2)], Rotate180),
            (&[(b"irot", 3)], Rotate90),
            (&[(b"imir", 0)], MirrorVertical),
            (&[(b"imir", 1)], MirrorHorizontal),
            (&[(b"irot", 3), (b"imir", 1)], Transpose),
            (&[(b"imir", 1), (b"irot", 3)], Transverse),
            (&[(b"irot", 3), (b"clap", 0), (b"imir", 0)], Transverse),
            (&[(b"irot", 1), (b"irot", 1), (b"irot", 3)], Rotate270),
            (&[(b"imir", 1), (b"imir", 0)], Rotate180),
        ];
        for (properties, expected) in cases {
            for (wide, long) in [(false, false), (true, false), (false, true), (true, true)] {
                let file = file(properties, wide, long);
                assert_eq!(orientation(&file), expected, "{properties:?} {wide} {long}");
            }
        }
    }

    #[test]
    fn damage_is_as_if_it_were_not_there() {
        let whole = file(&[(b"irot", 1), (b"imir", 0)], false, false);
        for cut in 0..whole.len() {
            orientation(&whole[..cut]);
        }
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                orientation(&damaged);
            }
        }
    }
}
