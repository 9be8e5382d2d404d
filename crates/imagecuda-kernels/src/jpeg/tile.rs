//! Two rows of eight pixels at a time. Neighbours share what they are upsampled from, and two samples of 16 bits
//! are in each word.

use super::{
    picture::{Color, Component, Picture},
    pixel,
    upsample::{Samples, Upsampling},
};

/// Pixels of a row of a tile.
pub const TILE: u32 = 8;

/// The second byte of each half of a word, where a sample is that was blended with weights of 256 together.
const HALVES: u32 = 0x00ff_00ff;

/// The first row of the tiles of number `down`; no row of the picture, if `down` is 0. Where chroma has half the
/// resolution down, both rows of a tile are between the same two rows of samples.
#[inline(always)]
pub fn first_row(down: u32) -> u32 {
    (2 * down).wrapping_sub(1)
}

/// Tiles from the top of a picture to the bottom.
#[inline(always)]
pub fn tiles_down(height: u32) -> u32 {
    height / 2 + 1
}

/// The tile `across`, `down` of a picture, from its samples: calls `put` with a row of the tile, a half of that
/// row, and four pixels as those of [`pixel::pair`]. Those past the edges may be anything. The tile begins within
/// the picture.
#[inline(always)]
pub fn make(
    picture: &Picture,
    samples: impl Samples,
    (across, down): (u32, u32),
    mut put: impl FnMut(u32, u32, [u32; 4]),
) {
    let how = |component: usize| picture.component[component].upsampling;
    let is_common = picture.color() == Color::Ycc
        && how(0) == Upsampling::None as u32
        && how(1) == how(2)
        && how(1) != Upsampling::Down as u32
        && how(1) != Upsampling::Repeat as u32;
    if !is_common {
        let halves = (picture.width - across * TILE).div_ceil(TILE / 2).min(2);
        for number in 0..2 * halves {
            let (row, half) = (number % 2, number / 2);
            let y = first_row(down).wrapping_add(row);
            let first = across * (TILE / 2) + half * 2;
            let [a, b] = pixel::pair(picture, samples, first, y);
            let [c, d] = pixel::pair(picture, samples, first + 1, y);
            put(row, half, [a, b, c, d]);
        }
        return;
    }
    let tile = Tile {
        picture,
        samples,
        across,
        down,
    };
    let [_, blue, red, _] = &picture.component;
    let (upper, lower) = match Upsampling::from_number(how(1)) {
        Upsampling::None => (
            (tile.full(blue, 0), tile.full(red, 0)),
            (tile.full(blue, 1), tile.full(red, 1)),
        ),
        Upsampling::Across => (
            (tile.across(blue, 0), tile.across(red, 0)),
            (tile.across(blue, 1), tile.across(red, 1)),
        ),
        _ => {
            let ([b0, b1], [r0, r1]) = (tile.both(blue), tile.both(red));
            ((b0, r0), (b1, r1))
        }
    };
    tile.row(0, upper, &mut put);
    tile.row(1, lower, &mut put);
}

/// Four samples of a row at half resolution, and those beside them.
#[derive(Clone, Copy)]
struct Beside {
    /// The first and the third.
    even: u32,
    /// The second and the fourth.
    odd: u32,
    /// The one before them, and the one after them.
    ends: u32,
}

/// Chroma of eight pixels, in the second byte of each half: of the pixels 0 and 4, of 1 and 5, of 2 and 6, of 3
/// and 7.
#[derive(Clone, Copy)]
struct Chroma(u32, u32, u32, u32);

/// A tile of a picture of luma at full resolution, and of Cb and Cr at the same one.
#[derive(Clone, Copy)]
struct Tile<'a, S> {
    picture: &'a Picture,
    samples: S,
    across: u32,
    down: u32,
}

impl<S: Samples> Tile<'_, S> {
    /// The start of the row of samples for a row of the tile.
    #[inline(always)]
    fn line(self, component: &Component, row: u32) -> usize {
        let y = (2 * self.down + row).saturating_sub(1);
        start_of_row(component, y)
    }

    /// Chroma at full resolution.
    #[inline(always)]
    fn full(self, component: &Component, row: u32) -> Chroma {
        let at = self.line(component, row) + (self.across * TILE) as usize;
        let [first, second] = self.samples.eight(at);
        // The bytes of pixels 0 and 4 …
        let pair = |low: u32, high: u32| low << 8 & 0xff00 | high << 24;
        Chroma(
            pair(first, second),
            pair(first >> 8, second >> 8),
            pair(first >> 16, second >> 16),
            pair(first >> 24, second >> 24),
        )
    }

    /// Chroma at half the resolution across.
    #[inline(always)]
    fn across(self, component: &Component, row: u32) -> Chroma {
        let samples = self.beside(component, self.line(component, row));
        let scaled = Beside {
            even: samples.even * 64,
            odd: samples.odd * 64,
            ends: samples.ends * 64,
        };
        self.between(component, scaled, [0x40_0040, 0x80_0080])
    }

    /// Chroma of both rows, at half the resolution across and down.
    #[inline(always)]
    fn both(self, component: &Component) -> [Chroma; 2] {
        let above = start_of_row(component, self.down.saturating_sub(1));
        let below = start_of_row(component, self.down);
        let (above, below) = (self.beside(component, above), self.beside(component, below));
        let blend = |near: u32, far: u32| (near + far) * 16 + near * 32;
        let blends = |near: Beside, far: Beside| Beside {
            even: blend(near.even, far.even),
            odd: blend(near.odd, far.odd),
            ends: blend(near.ends, far.ends),
        };
        let rounding = [0x80_0080, 0x70_0070];
        [
            self.between(component, blends(above, below), rounding),
            self.between(component, blends(below, above), rounding),
        ]
    }

    /// The samples of a row that is at half resolution across.
    #[inline(always)]
    fn beside(self, component: &Component, row: usize) -> Beside {
        let column = self.across * (TILE / 2);
        let at = row + column as usize;
        let four = self.samples.four(at);
        // At the edges the first sample is also the one before it, and the last one the one after it.
        let before = at - usize::from(column > 0);
        let after = at + if column + 4 < component.width { 4 } else { 3 };
        let (before, after) = (self.samples.sample(before), self.samples.sample(after));
        Beside {
            even: four & HALVES,
            odd: four >> 8 & HALVES,
            ends: u32::from(before) | u32::from(after) << 16,
        }
    }

    /// Chroma three quarters of the way between samples. `rounding` is for even and for odd pixels.
    #[inline(always)]
    fn between(self, component: &Component, samples: Beside, rounding: [u32; 2]) -> Chroma {
        let Beside {
            mut even,
            mut odd,
            ends,
        } = samples;
        // The last sample of the row is also the one after it.
        let last = (component.width - 1).wrapping_sub(self.across * (TILE / 2));
        if last == 0 {
            odd = odd & 0xffff_0000 | even & 0xffff;
        }
        if last == 1 {
            even = even & 0xffff | odd << 16;
        }
        if last == 2 {
            odd = odd & 0xffff | even & 0xffff_0000;
        }
        let left = odd << 16 | ends & 0xffff;
        let right = even >> 16 | ends & 0xffff_0000;
        let (even_near, odd_near) = (even * 3, odd * 3);
        Chroma(
            even_near + left + rounding[0],
            even_near + odd + rounding[1],
            odd_near + even + rounding[0],
            odd_near + right + rounding[1],
        )
    }

    /// Makes a row of the tile.
    #[inline(always)]
    fn row(
        self,
        row: u32,
        (blue, red): (Chroma, Chroma),
        put: &mut impl FnMut(u32, u32, [u32; 4]),
    ) {
        let luma = &self.picture.component[0];
        let at = self.line(luma, row) + (self.across * TILE) as usize;
        let [first, second] = self.samples.eight(at);
        let low =
            |luma: u32, blue: u32, red: u32| rgb(luma & 0xff, blue >> 8 & 0xff, red >> 8 & 0xff);
        let high = |luma: u32, blue: u32, red: u32| rgb(luma & 0xff, blue >> 24, red >> 24);
        let half = [
            low(first, blue.0, red.0),
            low(first >> 8, blue.1, red.1),
            low(first >> 16, blue.2, red.2),
            low(first >> 24, blue.3, red.3),
        ];
        put(row, 0, half);
        let half = [
            high(second, blue.0, red.0),
            high(second >> 8, blue.1, red.1),
            high(second >> 16, blue.2, red.2),
            high(second >> 24, blue.3, red.3),
        ];
        put(row, 1, half);
    }
}

/// Where a row of samples begins; the last one, if there are not as many.
#[inline(always)]
fn start_of_row(component: &Component, y: u32) -> usize {
    component.start() + y.min(component.height - 1) as usize * component.stride()
}

/// A pixel of YCbCr: the same as [`ycc_to_rgb`](super::color::ycc_to_rgb), with 16 bits of fraction up to the end.
#[inline(always)]
#[expect(
    clippy::manual_clamp,
    reason = "`clamp` is twice as many instructions on a GPU"
)]
fn rgb(luma: u32, blue: u32, red: u32) -> u32 {
    const HALF: i32 = 1 << 15;
    let luma = (luma << 16) as i32;
    let (blue, red) = (blue as i32, red as i32);
    // Chroma is 128 less than its sample.
    let red_light = red * 91_881 + luma + (HALF - 128 * 91_881);
    let green_light = blue * -22_554 + (red * -46_802 + luma) + (HALF + 128 * (22_554 + 46_802));
    let blue_light = blue * 116_130 + luma + (HALF - 128 * 116_130);
    let byte = |light: i32| light.min(0xff_ffff).max(0) as u32;
    byte(red_light) >> 16 | byte(green_light) >> 8 & 0xff00 | byte(blue_light) & 0xff_0000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::color::ycc_to_rgb;
    use std::vec::Vec;

    #[test]
    fn colours_are_those_of_single_pixels() {
        for luma in (0..=255).chain([1, 127, 128, 254]).step_by(3).chain([255]) {
            for blue in 0..=255u8 {
                for red in 0..=255u8 {
                    let [r, g, b] = ycc_to_rgb([luma, blue, red]);
                    let expected = u32::from_le_bytes([r, g, b, 0]);
                    assert_eq!(rgb(luma.into(), blue.into(), red.into()), expected);
                }
            }
        }
    }

    /// Pictures of all small sizes are the same as pair by pair.
    #[test]
    fn tiles_are_the_pixels_of_pairs() {
        let one = (1, 1);
        let kinds: [(&[(u32, u32)], Color); 8] = [
            (&[one], Color::Gray),
            (&[one, one, one], Color::Ycc),
            (&[(2, 1), one, one], Color::Ycc),
            (&[(2, 2), one, one], Color::Ycc),
            (&[(1, 2), one, one], Color::Ycc),
            (&[(4, 1), one, one], Color::Ycc),
            (&[(2, 2), one, one], Color::Rgb),
            (&[(2, 2), one, one, (2, 2)], Color::Ycck),
        ];
        for (factors, color) in kinds {
            for (width, height) in (1..36).flat_map(|w| [1, 2, 3, 8, 17].map(|h| (w, h))) {
                let picture = Picture::new(width, height, factors, color).unwrap();
                let samples: Vec<u8> = (0..picture.blocks() as u32 * 64)
                    .map(|i| (i.wrapping_mul(0x9e37_79b1) >> 23) as u8)
                    .collect();
                let mut seen = 0;
                for (across, down) in (0..width.div_ceil(TILE))
                    .flat_map(|across| (0..tiles_down(height)).map(move |down| (across, down)))
                {
                    make(
                        &picture,
                        &samples[..],
                        (across, down),
                        |row, half, pixels| {
                            let y = first_row(down).wrapping_add(row);
                            for (x, found) in (across * TILE + half * 4..).zip(pixels) {
                                if x < width && y < height {
                                    let both = pixel::pair(&picture, &samples[..], x / 2, y);
                                    assert_eq!(found, both[x as usize % 2], "{picture:?} {x} {y}");
                                    seen += 1;
                                }
                            }
                        },
                    );
                }
                assert_eq!(seen, width * height);
            }
        }
    }
}
