//! Rows of pixels of planes. A few pixels at a time go through each step, so that a compiler vectorises the
//! steps. The numbers are those of [`host::planes`], to the bit, which makes the pictures of other models.

use imagecuda_kernels::{
    expand::Expand,
    host,
    pixel::{RgbaF32, clamp_unit},
    planes::{Picture, Plane, Range, alpha, model},
};

/// Pixels that are made at a time.
const FEW: usize = 64;

/// Writes pixels of row `y` of the view of `picture`, from column `x` on. `memory` holds all planes.
#[inline(always)]
pub(super) fn row<D: Expand>(picture: &Picture, memory: &[u8], x: u32, y: u32, dst: &mut [D]) {
    let is_made = match picture.sample_bytes {
        1 => write(picture, memory, [x, y], dst),
        _ => write(picture, memory.as_chunks::<2>().0, [x, y], dst),
    };
    if !is_made {
        host::planes(picture, memory, x, y, dst);
    }
}

/// A sample in the machine's order.
trait Sample: Copy {
    fn number(self) -> f32;
}

impl Sample for u8 {
    #[inline(always)]
    fn number(self) -> f32 {
        self.into()
    }
}

impl Sample for [u8; 2] {
    #[inline(always)]
    fn number(self) -> f32 {
        u16::from_ne_bytes(self).into()
    }
}

/// The samples of a plane for a row of pixels.
struct Line<'a, S> {
    /// From the sample on from which places are counted.
    samples: &'a [S],
    /// The place of the first pixel, in pixels.
    first: i32,
    /// From a pixel to the next one: 1, or -1 if the row runs the other way in the plane.
    way: i32,
    /// So many pixels share a sample, as a power of two.
    shared: u32,
    /// From a place to the next one: 1, or the plane's pitch if the row is a column of the plane.
    pitch: usize,
    range: Range,
}

impl<'a, S: Sample> Line<'a, S> {
    /// `None` if samples are missing, which are 0 then, or if they are not side by side.
    #[inline(always)]
    fn of(
        picture: &Picture,
        number: usize,
        samples: &'a [S],
        [x, y]: [u32; 2],
        width: usize,
    ) -> Option<Self> {
        let view = &picture.view;
        let plane @ Plane { across, down, .. } = picture.planes[number];
        if (plane.step, plane.shift) != (1, 0) || across > 1 || down > 1 {
            return None;
        }
        let [x, y] = view.coded(x, y);
        let pitch = plane.pitch as usize;
        let (first, way, shared, pitch, start) = match view.across {
            [way, 0] => (x, way, across, 1, (y >> down) as usize * pitch),
            [0, way] => (y, way, down, pitch, (x >> across) as usize),
            _ => return None,
        };
        let samples = samples.get(plane.start as usize + start..)?;
        let line = Self {
            samples,
            first: i32::try_from(first).ok()?,
            way,
            shared,
            pitch,
            range: picture.ranges[number],
        };
        let last = i32::try_from(width).ok()? - 1;
        let are_there = matches!(way, -1 | 1)
            && pitch > 0
            && [0, last].into_iter().all(|pixel| {
                let place = line.first + pixel * way;
                place >= 0 && line.place(pixel) < samples.len()
            });
        are_there.then_some(line)
    }

    /// Where the sample of a pixel of the row is.
    #[inline(always)]
    fn place(&self, pixel: i32) -> usize {
        ((self.first + pixel * self.way) >> self.shared) as usize * self.pitch
    }

    /// Writes the samples of the pixels from `pixel` on, by their range, as far as there are samples.
    #[inline(always)]
    fn write(&self, pixel: usize, out: &mut [f32; FEW]) {
        if self.shared == 0 {
            return self.write_each(pixel, out);
        }
        let mut halves = [0.0; FEW / 2 + 1];
        self.write_each(pixel, &mut halves);
        // Whether the first pixel is the second one of a pair, seen along the row.
        let is_second = (self.first + pixel as i32 * self.way) & 1 == i32::from(self.way > 0);
        if is_second {
            for (i, out) in out.iter_mut().enumerate() {
                *out = halves[i.div_ceil(2)];
            }
        } else {
            for (pair, half) in out.as_chunks_mut::<2>().0.iter_mut().zip(&halves) {
                *pair = [*half; 2];
            }
        }
    }

    /// Writes one sample after the other, from that of `pixel` on.
    #[inline(always)]
    fn write_each(&self, pixel: usize, out: &mut [f32]) {
        let place = self.place(pixel as i32);
        match (self.way, self.pitch) {
            (1, 1) => self.write_all(self.samples[place..].iter(), out),
            (1, pitch) => self.write_all(self.samples[place..].iter().step_by(pitch), out),
            (_, pitch) => {
                let back = self.samples[..=place].iter().rev();
                self.write_all(back.step_by(pitch), out);
            }
        }
    }

    #[inline(always)]
    fn write_all<'b>(&self, samples: impl Iterator<Item = &'b S>, out: &mut [f32])
    where
        S: 'b,
    {
        let Range { black, whole } = self.range;
        for (out, sample) in out.iter_mut().zip(samples) {
            *out = (sample.number() - black) / whole;
        }
    }
}

/// Writes pixels from a place on. False if they are not for this function.
#[inline(always)]
fn write<S: Sample, D: Expand>(
    picture: &Picture,
    samples: &[S],
    place: [u32; 2],
    dst: &mut [D],
) -> bool {
    let line = |number| Line::of(picture, number, samples, place, dst.len());
    let alpha = match picture.alpha {
        alpha::NONE => None,
        kind => match line(3) {
            Some(line) => Some((line, kind == alpha::PREMULTIPLIED)),
            None => return false,
        },
    };
    match (picture.model, line(0), line(1), line(2)) {
        (model::GRAY, Some(gray), ..) => {
            make([gray], alpha, dst, |[gray]| [clamp_unit(gray); 3]);
        }
        (model::RGB, Some(r), Some(g), Some(b)) => {
            make([r, g, b], alpha, dst, |rgb| rgb.map(clamp_unit));
        }
        (model::MATRIX, Some(luma), Some(blue), Some(red)) => {
            make([luma, blue, red], alpha, dst, |[luma, blue, red]| {
                picture
                    .matrix
                    .map(|[of_blue, of_red]| clamp_unit(luma + of_blue * blue + of_red * red))
            });
        }
        _ => return false,
    }
    true
}

/// Makes pixels of the samples of `lines` by `color`, and of alpha's, by which colours are divided if it says so.
#[inline(always)]
fn make<const N: usize, S: Sample, D: Expand>(
    lines: [Line<'_, S>; N],
    alpha: Option<(Line<'_, S>, bool)>,
    dst: &mut [D],
    color: impl Fn([f32; N]) -> [f32; 3],
) {
    let (mut shares, mut alphas) = ([[0.0; FEW]; N], [1.0; FEW]);
    for (number, dst) in dst.chunks_mut(FEW).enumerate() {
        for (line, shares) in lines.iter().zip(&mut shares) {
            line.write(number * FEW, shares);
        }
        let mut pixels = [RgbaF32([0.0; 4]); FEW];
        for (i, pixel) in pixels.iter_mut().enumerate() {
            let [r, g, b] = color(shares.each_ref().map(|shares| shares[i]));
            *pixel = RgbaF32([r, g, b, 1.0]);
        }
        if let Some((line, is_premultiplied)) = &alpha {
            line.write(number * FEW, &mut alphas);
            for (RgbaF32([r, g, b, a]), share) in pixels.iter_mut().zip(&alphas) {
                *a = clamp_unit(*share);
                if *is_premultiplied && *a > 0.0 {
                    [*r, *g, *b] = [*r, *g, *b].map(|c| clamp_unit(c / *a));
                }
            }
        }
        // By reference: an array that is taken apart goes through the stack, a pixel at a time.
        for (dst, pixel) in dst.iter_mut().zip(&pixels) {
            *dst = D::from_encoded(*pixel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagecuda_kernels::{orient::Orientation, pixel::Rgba8, planes::View};

    /// Numbers that look random, below an end.
    fn numbers(mut seed: u32) -> impl FnMut(u32) -> u32 {
        move |end| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % end
        }
    }

    /// A picture of kind `case`, and its memory: widths around the pixels at a time, crops at even and odd
    /// places, turned, of all kinds of samples.
    fn picture(case: usize, next: &mut impl FnMut(u32) -> u32) -> (Picture, Vec<u8>) {
        let (across, down) = [(0, 0), (1, 0), (1, 1)][case % 3];
        let sample_bytes = 1 + (case / 3 % 2) as u32;
        let [width, height] = [
            1 + next(200),
            1 + next(if case.is_multiple_of(2) { 5 } else { 90 }),
        ];
        let chroma = [(width + across) >> across, (height + down) >> down];
        let (luma, each) = (width * height, chroma[0] * chroma[1]);
        let plane = |start: u32, pitch, across, down| Plane {
            start: start.into(),
            pitch,
            step: 1,
            across,
            down,
            ..Plane::default()
        };
        let planes = [
            plane(3, width, 0, 0),
            plane(3 + luma, chroma[0], across, down),
            plane(3 + luma + each, chroma[0], across, down),
            plane(3 + luma + 2 * each, width, 0, 0),
        ];
        let [x, y] = [next(width), next(height)];
        let size = [1 + next(width - x), 1 + next(height - y)];
        let view = View::whole(width, height).cropped([x, y], size);
        use Orientation::*;
        let orientations = [
            Normal,
            Rotate90,
            MirrorHorizontal,
            Rotate270,
            Rotate180,
            Transpose,
            MirrorVertical,
            Transverse,
        ];
        let ranges = [(16.0, 219.0), (128.0, 224.0), (127.0, 255.0), (0.0, 255.0)];
        let picture = Picture {
            planes,
            ranges: ranges.map(|(black, whole)| Range { black, whole }),
            matrix: [[0.0, 1.402], [-0.344_136, -0.714_136], [1.772, 0.0]],
            sample_bytes,
            model: [model::MATRIX, model::MATRIX, model::RGB, model::GRAY][case / 6 % 4],
            alpha: [alpha::NONE, alpha::STRAIGHT, alpha::PREMULTIPLIED][case / 24 % 3],
            coded: [width, height],
            view: view.oriented(orientations[case / 2 % 8]),
            ..Picture::default()
        };
        let bytes = (3 + 2 * luma + 2 * each) * sample_bytes;
        let sample = |i| match (sample_bytes, i % 2) {
            // Of 9 bits.
            (2, 1) => next(2) as u8,
            _ => next(256) as u8,
        };
        (picture, (0..bytes).map(sample).collect())
    }

    #[test]
    fn rows_are_those_of_the_kernels_body() {
        let mut next = numbers(7);
        let mut fast = 0;
        for case in 0..1152 {
            let (picture, memory) = picture(case, &mut next);
            // Sometimes samples are missing, which are 0 then.
            let missing = match case % 7 {
                0 => memory.len() / 2,
                _ => 0,
            };
            let memory = &memory[..memory.len() - missing];
            for y in 0..picture.view.size[1] {
                fast += usize::from(is_fast(&picture, memory, y));
                compare::<RgbaF32>(&picture, memory, y);
                compare::<Rgba8>(&picture, memory, y);
            }
        }
        assert!(fast > 10_000, "{fast}");
    }

    /// Every row of a whole picture, however it is turned.
    #[test]
    fn whole_pictures_are_never_left_to_the_kernels_body() {
        let mut next = numbers(9);
        for case in 0..288 {
            let (picture, memory) = picture(case, &mut next);
            for y in 0..picture.view.size[1] {
                assert!(is_fast(&picture, &memory, y), "{picture:?}");
            }
        }
    }

    fn is_fast(picture: &Picture, memory: &[u8], y: u32) -> bool {
        let mut made = vec![RgbaF32([0.0; 4]); picture.view.size[0] as usize];
        match picture.sample_bytes {
            1 => write(picture, memory, [0, y], &mut made),
            _ => write(picture, memory.as_chunks::<2>().0, [0, y], &mut made),
        }
    }

    fn compare<D: Expand + PartialEq + std::fmt::Debug>(picture: &Picture, memory: &[u8], y: u32) {
        let width = picture.view.size[0];
        for x in [0, width / 3] {
            let length = (width - x) as usize;
            let [mut made, mut expected] = [(); 2].map(|()| vec![D::zeroed(); length]);
            row(picture, memory, x, y, &mut made);
            host::planes(picture, memory, x, y, &mut expected);
            assert!(made == expected, "{x}, {y}, {picture:?}");
        }
    }
}
