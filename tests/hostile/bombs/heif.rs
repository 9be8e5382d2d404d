//! HEIF: boxes in boxes, giants, grids, and items made of themselves.

use super::{Bomb, Fate, bomb};

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 8).to_be_bytes();
    [&length, &kind[..], body].concat()
}

/// A box that begins with a version and flags.
fn full(kind: &[u8; 4], version: u8, body: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[version, 0, 0, 0], body].concat())
}

fn two(number: usize) -> [u8; 2] {
    (number as u16).to_be_bytes()
}

/// An item: its type, its data, its size, and the items that it is made of.
struct Item {
    kind: &'static [u8; 4],
    data: Vec<u8>,
    size: [u32; 2],
    of: Vec<usize>,
}

fn grid(rows: usize, columns: usize, size: [u32; 2], of: Vec<usize>) -> Item {
    // Two numbers of 32 bits for the size.
    let size_bytes = size.map(u32::to_be_bytes).concat();
    let data = [
        &[0, 1, (rows - 1) as u8, (columns - 1) as u8][..],
        &size_bytes,
    ]
    .concat();
    Item {
        kind: b"grid",
        data,
        size,
        of,
    }
}

fn tile(size: [u32; 2]) -> Item {
    Item {
        kind: b"hvc1",
        data: vec![0, 0, 0, 2, 0x26, 1],
        size,
        of: Vec::new(),
    }
}

/// A file of items from number 1 on, the first of which is the picture.
fn file(items: &[Item], more: &[u8]) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", b"heic\0\0\0\0mif1heic");
    let hdlr = full(b"hdlr", 0, b"\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let pitm = full(b"pitm", 0, &two(1));
    let entry = |(index, item): (usize, &Item)| {
        full(
            b"infe",
            2,
            &[&two(index + 1)[..], &[0, 0], item.kind, &[0]].concat(),
        )
    };
    let entries: Vec<u8> = items.iter().enumerate().flat_map(entry).collect();
    let iinf = full(b"iinf", 0, &[&two(items.len())[..], &entries].concat());
    // The last of 23 bytes is how many lists of parameters there are.
    let mut properties = boxed(b"hvcC", &[&[1; 22][..], &[0]].concat());
    let mut associations = (items.len() as u32).to_be_bytes().to_vec();
    for (index, item) in items.iter().enumerate() {
        properties.extend(full(b"ispe", 0, &item.size.map(u32::to_be_bytes).concat()));
        associations.extend([&two(index + 1)[..], &[2, 1, (index + 2).min(127) as u8]].concat());
    }
    let properties = [boxed(b"ipco", &properties), full(b"ipma", 0, &associations)].concat();
    let iprp = boxed(b"iprp", &properties);
    let made = items
        .iter()
        .enumerate()
        .filter(|(_, item)| !item.of.is_empty());
    let reference = |(index, item): (usize, &Item)| {
        let of: Vec<u8> = item.of.iter().flat_map(|&id| two(id)).collect();
        boxed(
            b"dimg",
            &[&two(index + 1)[..], &two(item.of.len()), &of].concat(),
        )
    };
    let references: Vec<u8> = made.flat_map(reference).collect();
    let iref = full(b"iref", 0, &references);
    // Data are in a box of the same parent: places of 4 bytes, from its start.
    let mut data = Vec::new();
    let mut places = [&[0x44, 0][..], &two(items.len())].concat();
    for (index, item) in items.iter().enumerate() {
        let extent = [data.len(), item.data.len()].map(|number| (number as u32).to_be_bytes());
        places.extend(
            [
                &two(index + 1)[..],
                &[0, 1, 0, 0],
                &two(1),
                &extent.concat(),
            ]
            .concat(),
        );
        data.extend(&item.data);
    }
    let iloc = full(b"iloc", 1, &places);
    let idat = boxed(b"idat", &data);
    let meta = full(
        b"meta",
        0,
        &[&hdlr[..], &pitm, &iinf, &iprp, &iref, &iloc, &idat, more].concat(),
    );
    [ftyp, meta].concat()
}

/// A grid of that size, of 9² tiles of 16,384².
fn tiles(size: [u32; 2]) -> Vec<u8> {
    let tile = |_| tile([16_384; 2]);
    let grid = grid(9, 9, size, (2..83).collect());
    let items: Vec<Item> = std::iter::once(grid).chain((0..81).map(tile)).collect();
    file(&items, &[])
}

/// A box in a box, and so on.
fn nested(kind: &[u8; 4], depth: u32) -> Vec<u8> {
    (0..depth)
        .flat_map(|level| [&((depth - level) * 8).to_be_bytes()[..], kind].concat())
        .collect()
}

pub(super) fn all() -> Vec<Bomb> {
    let small = [64, 64];
    vec![
        bomb(
            "boxes in boxes",
            "100,000 of them",
            "heic",
            file(&[tile(small)], &nested(b"iprp", 100_000)),
            Fate::Refused,
        ),
        bomb(
            "boxes in boxes, unknown",
            "100,000 of them",
            "heic",
            file(&[tile(small)], &nested(b"abcd", 100_000)),
            Fate::Refused,
        ),
        bomb(
            "giant",
            "(2³¹)² pixels",
            "heic",
            file(&[tile([1 << 31; 2])], &[]),
            Fate::TooLarge,
        ),
        bomb(
            "a grid of a great many",
            "256² tiles of 16,384²",
            "heic",
            file(
                &[
                    grid(256, 256, [1 << 22; 2], vec![2; 65_535]),
                    tile([16_384; 2]),
                ],
                &[],
            ),
            Fate::TooLarge,
        ),
        bomb(
            "a giant grid",
            "9² tiles of 16,384²",
            "heic",
            tiles([9 << 14; 2]),
            Fate::TooLarge,
        ),
        bomb(
            "a grid of more than it says",
            "64² pixels of 9² tiles of 16,384²",
            "heic",
            tiles(small),
            Fate::Refused,
        ),
        bomb(
            "a grid that is larger than it says",
            "(2³¹)² pixels in 64²",
            "heic",
            {
                let mut grid = grid(1, 1, [1 << 31; 2], vec![2]);
                grid.size = small;
                file(&[grid, tile(small)], &[])
            },
            Fate::Refused,
        ),
        bomb(
            "a grid of itself",
            "endless",
            "heic",
            file(&[grid(1, 1, small, vec![1])], &[]),
            Fate::Refused,
        ),
        bomb(
            "grids of each other",
            "2 of 256 tiles each",
            "heic",
            file(
                &[
                    grid(16, 16, small, vec![2; 256]),
                    grid(16, 16, small, vec![1; 256]),
                ],
                &[],
            ),
            Fate::Refused,
        ),
        bomb(
            "grids of grids",
            "16⁸ tiles",
            "heic",
            {
                let mut items: Vec<_> = (2..10)
                    .map(|next| grid(4, 4, small, vec![next; 16]))
                    .collect();
                items.push(tile(small));
                file(&items, &[])
            },
            Fate::Refused,
        ),
        bomb(
            "items by their count",
            "2³² - 1, not there",
            "heic",
            file(
                &[tile(small)],
                &full(b"iloc", 2, &[0x44, 0, 0xff, 0xff, 0xff, 0xff]),
            ),
            Fate::Refused,
        ),
        bomb(
            "properties",
            "500,000 of them",
            "heic",
            file(
                &[tile(small)],
                &boxed(
                    b"iprp",
                    &boxed(b"ipco", &boxed(b"irot", &[0]).repeat(500_000)),
                ),
            ),
            Fate::Refused,
        ),
        bomb(
            "a box by its length",
            "2⁶³ bytes, not there",
            "heic",
            [
                boxed(b"ftyp", b"heic\0\0\0\0mif1"),
                b"\0\0\0\x01meta\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(),
            ]
            .concat(),
            Fate::Refused,
        ),
        bomb(
            "a profile by its length",
            "4 GB, not there",
            "heic",
            file(&[tile(small)], b"\xff\xff\xff\xffcolrprof"),
            Fate::Refused,
        ),
    ]
}
