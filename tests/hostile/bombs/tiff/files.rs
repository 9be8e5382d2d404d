//! TIFF files of given tags.

/// A tag of one value.
pub(crate) fn one(tag: u16, value: u32) -> (u16, u16, u32, u32) {
    (tag, 4, 1, value)
}

pub(crate) const HEAD: &[u8] = b"II\x2a\0\x08\0\0\0";

/// Where what is behind a directory of so many tags is.
pub(crate) fn behind(tags: usize) -> u32 {
    8 + 2 + tags as u32 * 12 + 4
}

pub(crate) fn directory(tags: &[(u16, u16, u32, u32)], next: u32) -> Vec<u8> {
    let mut out = (tags.len() as u16).to_le_bytes().to_vec();
    for &(tag, kind, count, value) in tags {
        out.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        out.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    out.extend(next.to_le_bytes());
    out
}

pub(crate) fn tags(width: u32, height: u32, compression: u32) -> Vec<(u16, u16, u32, u32)> {
    vec![
        one(256, width),
        one(257, height),
        one(258, 8),
        one(259, compression),
        one(262, 1),
        one(277, 1),
    ]
}

/// A gray picture of one strip.
pub(crate) fn strip(
    width: u32,
    height: u32,
    compression: u32,
    data: &[u8],
    more: &[(u16, u16, u32, u32)],
) -> Vec<u8> {
    let mut all = tags(width, height, compression);
    let at = behind(all.len() + 3 + more.len());
    all.extend([one(273, at), one(278, height), one(279, data.len() as u32)]);
    all.extend(more);
    all.sort();
    [HEAD, &directory(&all, 0), data].concat()
}

/// A picture of many strips or tiles, all of which are the same data.
pub(crate) fn pieces(
    width: u32,
    height: u32,
    tiles: Option<u32>,
    count: u32,
    compression: u32,
    data: &[u8],
) -> Vec<u8> {
    let mut all = tags(width, height, compression);
    let at = behind(all.len() + if tiles.is_some() { 4 } else { 3 });
    // Of one the lists are in the tags.
    let is_one = count == 1;
    let first = if is_one { at } else { at + 8 * count };
    let lists = [first, data.len() as u32];
    let [offsets, lengths] = if is_one { lists } else { [at, at + 4 * count] };
    match tiles {
        Some(side) => all.extend([
            one(322, side),
            one(323, side),
            (324, 4, count, offsets),
            (325, 4, count, lengths),
        ]),
        None => all.extend([
            (273, 4, count, offsets),
            one(278, height.div_ceil(count)),
            (279, 4, count, lengths),
        ]),
    }
    let times = if is_one { 0 } else { count as usize };
    let lists = lists.map(|value| value.to_le_bytes().repeat(times));
    [HEAD, &directory(&all, 0), &lists.concat(), data].concat()
}

/// Pages of one pixel, each of which leads to the next; the last to `last`.
pub(super) fn pages(count: u32, last: u32) -> Vec<u8> {
    let mut all = tags(1, 1, 1);
    all.extend([one(273, 0), one(278, 1), one(279, 1)]);
    let size = directory(&all, 0).len() as u32;
    let mut file = HEAD.to_vec();
    for page in 1..=count {
        file.extend(directory(
            &all,
            if page < count { 8 + page * size } else { last },
        ));
    }
    file
}
