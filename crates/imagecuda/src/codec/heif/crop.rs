//! Handles pictures of which `clap` keeps a part. libheif crops luma and chroma before it converts them to
//! RGB, so chroma that pixels share moves if the crop starts between them. And libheif 1.23.1 limits the
//! coded picture by the size of that part. So libheif gets the file with a `clap` that keeps everything, and
//! its picture is cropped here: by its [`View`], or by its [`Crop`] if it is made of other pictures.

use super::{
    boxes::{number, properties},
    items::Items,
};
use imagecuda_kernels::{orient::Orientation, planes::View};

/// A part of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The crop of a `clap`, and the change that makes it keep everything.
pub(super) struct Crop {
    /// The part that is kept, in the oriented picture.
    pub(super) rect: Rect,
    /// The offsets of the property in the file, also of alpha's, and the bytes that replace it.
    pub(super) places: Vec<usize>,
    pub(super) whole: [u8; 32],
}

/// The crop of a file's picture.
pub(super) fn find(bytes: &[u8]) -> Option<Crop> {
    let mut size = None;
    let mut crop: Option<Crop> = None;
    let items = Items::new(bytes)?;
    for (kind, body) in items.properties(items.primary)? {
        match kind {
            b"ispe" => size = Some([number(body, 4, 4)? as u32, number(body, 8, 4)? as u32]),
            b"clap" if crop.is_none() => {
                let rect = rect(body, size?)?;
                let [width, height] = size?;
                let whole = [width, 1, height, 1, 0, 1, 0, 1].map(u32::to_be_bytes);
                let same = items
                    .all_properties()?
                    .filter(|&property| property == (b"clap", body));
                let place = |(_, body): (_, &[u8])| body.as_ptr().addr() - bytes.as_ptr().addr();
                crop = Some(Crop {
                    rect,
                    places: same.map(place).collect(),
                    whole: *whole.as_flattened().first_chunk()?,
                });
            }
            b"clap" => return None,
            b"irot" => {
                for _ in 0..body.first()? & 3 {
                    let [width, height] = size?;
                    size = Some([height, width]);
                    if let Some(Crop { rect, .. }) = &mut crop {
                        // A quarter turn counter-clockwise.
                        *rect = Rect {
                            x: rect.y,
                            y: rest(width, rect.x, rect.width)?,
                            width: rect.height,
                            height: rect.width,
                        };
                    }
                }
            }
            b"imir" => {
                let [width, height] = size?;
                if let Some(Crop { rect, .. }) = &mut crop {
                    match body.first()? & 1 {
                        0 => rect.y = rest(height, rect.y, rect.height)?,
                        _ => rect.x = rest(width, rect.x, rect.width)?,
                    }
                }
            }
            _ => {}
        }
    }
    crop
}

/// What is left of a side behind a part of it. `None` if the part is not in it: a damaged file may state a smaller
/// size after the part.
fn rest(side: u32, start: u32, length: u32) -> Option<u32> {
    side.checked_sub(start)?.checked_sub(length)
}

/// What is seen of the coded picture, and how it is turned. `None` if the properties are damaged or
/// do not fit each other.
pub(super) fn view(bytes: &[u8]) -> Option<View> {
    let mut view: Option<View> = None;
    for (kind, body) in properties(bytes)? {
        if kind == b"ispe" {
            let [width, height] = [number(body, 4, 4)? as u32, number(body, 8, 4)? as u32];
            let fits = |side| (1..1 << 30).contains(&side);
            view = (fits(width) && fits(height)).then(|| View::whole(width, height));
            continue;
        }
        view = match (kind, body) {
            (b"clap", _) => {
                let before = view?;
                let Rect {
                    x,
                    y,
                    width,
                    height,
                } = rect(body, before.size)?;
                Some(before.cropped([x, y], [width, height]))
            }
            // Quarters of a turn against the clock.
            (b"irot", [quarters, ..]) => Some(view?.oriented(match quarters & 3 {
                0 => Orientation::Normal,
                1 => Orientation::Rotate270,
                2 => Orientation::Rotate180,
                _ => Orientation::Rotate90,
            })),
            (b"imir", [axis, ..]) => Some(match axis & 1 {
                0 => view?.oriented(Orientation::MirrorVertical),
                _ => view?.mirrored(),
            }),
            _ => view,
        };
    }
    view
}

/// What a `clap` leaves of a picture of that size (ISO/IEC 14496-12, 12.1.4), rounded as libheif does.
fn rect(clap: &[u8], size: [u32; 2]) -> Option<Rect> {
    let side = |size: u32, at: usize, offset: usize| {
        let unsigned = |at: usize| Some(number(clap, at, 4)? as u32);
        let signed = |at: usize| Some(f64::from(unsigned(at)? as i32));
        let share = |number: f64, of: u32| (of > 0).then(|| number / f64::from(of));
        let length = share(f64::from(unsigned(at)?), unsigned(at + 4)?)?;
        let offset = share(signed(offset)?, unsigned(offset + 4)?)?;
        let round = |v: f64| (v + 0.5).floor();
        let first = round(offset + (f64::from(size) - length) / 2.0);
        let last = round(length - 1.0 + first).min(f64::from(size) - 1.0);
        let first = first.max(0.0);
        (last >= first).then_some((first as u32, (last - first) as u32 + 1))
    };
    let ((x, width), (y, height)) = (side(size[0], 0, 16)?, side(size[1], 8, 24)?);
    Some(Rect {
        x,
        y,
        width,
        height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clap(numbers: [i32; 8]) -> Vec<u8> {
        numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
    }

    #[test]
    fn a_clap_is_counted_from_the_middle() {
        // (width - left) / 2 + offset; halves are rounded up.
        for (numbers, expected) in [
            ([40, 1, 30, 1, 0, 1, 0, 1], [30, 35, 40, 30]),
            ([40, 1, 30, 1, -60, 2, -70, 2], [0, 0, 40, 30]),
            ([40, 1, 30, 1, 30, 1, 35, 1], [60, 70, 40, 30]),
            ([81, 2, 30, 1, 0, 1, 0, 1], [30, 35, 41, 30]),
            // A part that extends beyond the edge is clipped.
            ([40, 1, 30, 1, 50, 1, 35, 1], [80, 70, 20, 30]),
        ] {
            let [x, y, width, height] = expected;
            let expected = Rect {
                x,
                y,
                width,
                height,
            };
            assert_eq!(
                rect(&clap(numbers), [100, 100]),
                Some(expected),
                "{numbers:?}"
            );
        }
        for none in [[40, 0, 30, 1, 0, 1, 0, 1], [40, 1, 30, 1, 500, 1, 0, 1]] {
            assert_eq!(rect(&clap(none), [100, 100]), None, "{none:?}");
        }
        assert_eq!(rect(&[0; 31], [100, 100]), None);
    }

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32 + 8).to_be_bytes();
        [&length, &kind[..], body].concat()
    }

    /// A file whose primary item has these properties.
    fn file(properties: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
        let all = properties.iter().flat_map(|(kind, body)| boxed(kind, body));
        let ipco = boxed(b"ipco", &all.collect::<Vec<_>>());
        let count = properties.len() as u8;
        let mut ipma = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 7, count];
        ipma.extend(1..=count);
        let iprp = [ipco, boxed(b"ipma", &ipma)].concat();
        let meta = [
            vec![0; 4],
            boxed(b"pitm", &[0, 0, 0, 0, 0, 7]),
            boxed(b"iprp", &iprp),
        ];
        boxed(b"meta", &meta.concat())
    }

    #[test]
    fn a_part_of_a_picture_that_shrinks_is_none() {
        let ispe = |width: u32, height: u32| {
            let body = [0, width, height].map(u32::to_be_bytes);
            (b"ispe", body.as_flattened().to_vec())
        };
        let part = (b"clap", clap([40, 1, 30, 1, 60, 2, 70, 2]));
        for turn in [(b"irot", vec![1]), (b"imir", vec![0]), (b"imir", vec![1])] {
            let of = |last| find(&file(&[ispe(100, 100), part.clone(), last, turn.clone()]));
            assert!(of(ispe(100, 100)).is_some(), "{turn:?}");
            assert!(of(ispe(50, 50)).is_none(), "{turn:?}");
        }
    }

    /// The coded pixels in the places where they are seen.
    type Seen = Vec<Vec<[u32; 2]>>;

    fn turned(seen: &Seen) -> Seen {
        let width = seen[0].len();
        let column = |x: usize| seen.iter().map(|row| row[width - 1 - x]).collect();
        (0..width).map(column).collect()
    }

    #[test]
    fn properties_show_the_pixels_that_they_leave_one_after_the_other() {
        let ispe: Vec<u8> = [0_u32, 7, 5].iter().flat_map(|n| n.to_be_bytes()).collect();
        let mut seed = 1_u32;
        for _ in 0..500 {
            let mut seen: Seen = (0..5).map(|y| (0..7).map(|x| [x, y]).collect()).collect();
            let mut properties = vec![(b"pixi", vec![0; 8]), (b"ispe", ispe.clone())];
            for _ in 0..4 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let value = (seed >> 24) as u8;
                match seed >> 30 {
                    0 => {
                        properties.push((b"irot", vec![value & 3]));
                        (0..value & 3).for_each(|_| seen = turned(&seen));
                    }
                    1 => {
                        properties.push((b"imir", vec![value & 1]));
                        match value & 1 {
                            0 => seen.reverse(),
                            _ => seen.iter_mut().for_each(|row| row.reverse()),
                        }
                    }
                    _ if seen.len() > 2 && seen[0].len() > 2 => {
                        // All but the first column and the last row.
                        let [width, height] = [seen[0].len() as i32, seen.len() as i32];
                        properties
                            .push((b"clap", clap([width - 1, 1, height - 1, 1, 1, 2, -1, 2])));
                        seen.pop();
                        seen = seen.iter().map(|row| row[1..].to_vec()).collect();
                    }
                    _ => {}
                }
            }
            let view = view(&file(&properties)).unwrap();
            assert_eq!(view.size, [seen[0].len() as u32, seen.len() as u32]);
            for (y, row) in seen.iter().enumerate() {
                for (x, coded) in row.iter().enumerate() {
                    assert_eq!(view.coded(x as u32, y as u32), *coded, "{properties:?}");
                }
            }
        }
    }
}
