//! Handles pictures of which `clap` keeps a part. libheif crops luma and chroma before it converts them to
//! RGB, so chroma that pixels share moves if the crop starts between them. And libheif 1.23.1 limits the
//! coded picture by the size of that part. So libheif gets the file with a `clap` that keeps everything, and
//! its picture is cropped here.

use super::boxes::{all_properties, number, properties};

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
    for (kind, body) in properties(bytes)? {
        match kind {
            b"ispe" => size = Some([number(body, 4, 4)? as u32, number(body, 8, 4)? as u32]),
            b"clap" if crop.is_none() => {
                let rect = rect(body, size?)?;
                let [width, height] = size?;
                let whole = [width, 1, height, 1, 0, 1, 0, 1].map(u32::to_be_bytes);
                let same = all_properties(bytes)?.filter(|&property| property == (b"clap", body));
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
                            y: width - rect.x - rect.width,
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
                        0 => rect.y = height - rect.y - rect.height,
                        _ => rect.x = width - rect.x - rect.width,
                    }
                }
            }
            _ => {}
        }
    }
    crop
}

/// The part that a `clap` keeps of a picture of that size (ISO/IEC 14496-12, 12.1.4), rounded as in
/// libheif.
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
}
