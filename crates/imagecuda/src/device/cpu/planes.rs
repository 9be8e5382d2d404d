//! Rows of pixels by the matrix, for planes of 8 bits that are neither turned nor have alpha: photographs. A few
//! pixels at a time go through each step, so that a compiler vectorises the steps. The numbers are those of
//! [`host::planes`], to the bit.

use imagecuda_kernels::{
    expand::Expand,
    host,
    pixel::{RgbaF32, clamp_unit},
    planes::{Picture, Plane, Range, alpha, model},
};

/// Pixels that are made at a time.
const FEW: usize = 64;

/// Writes row `y` of the view of `picture`. `memory` holds all planes.
#[inline(always)]
pub(super) fn row<D: Expand>(picture: &Picture, memory: &[u8], y: u32, dst: &mut [D]) {
    match Row::of(picture, memory, y, dst.len()) {
        Some(row) => row.write(picture, dst),
        None => host::planes(picture, memory, 0, y, dst),
    }
}

/// The samples of a row.
struct Row<'a> {
    luma: &'a [u8],
    chroma: [&'a [u8]; 2],
    /// Whether two pixels share their chroma.
    is_shared: bool,
    /// Whether the first pixel is the second one of such a pair.
    is_odd: bool,
}

impl<'a> Row<'a> {
    /// `None` for other kinds of pictures, and if samples are missing.
    #[inline(always)]
    fn of(picture: &Picture, memory: &'a [u8], y: u32, width: usize) -> Option<Self> {
        let [luma, blue, red, _] = &picture.planes;
        let view = &picture.view;
        let kind = (picture.model, picture.alpha, picture.sample_bytes);
        let is_plain = |plane: &Plane| plane.step == 1 && plane.shift == 0;
        let is_it = kind == (model::MATRIX, alpha::NONE, 1)
            && (view.across, view.down) == ([1, 0], [0, 1])
            && [luma, blue, red].into_iter().all(is_plain)
            && luma.across == 0
            && blue.across == red.across
            && blue.across < 2
            && width > 0;
        if !is_it {
            return None;
        }
        let [x, y] = view.coded(0, y);
        let samples = |plane: &Plane| {
            let last = (x as usize + width - 1) >> plane.across;
            let first = (x >> plane.across) as usize;
            let row = plane.start as usize + (y >> plane.down) as usize * plane.pitch as usize;
            memory.get(row + first..=row + last)
        };
        Some(Self {
            luma: samples(luma)?,
            chroma: [samples(blue)?, samples(red)?],
            is_shared: blue.across == 1,
            is_odd: blue.across == 1 && x % 2 == 1,
        })
    }

    #[inline(always)]
    fn write<D: Expand>(&self, picture: &Picture, dst: &mut [D]) {
        let odd = usize::from(self.is_odd);
        let mut luma = [0.0; FEW];
        // One more pair, of which one pixel is of use, where the first pixel is the second of its pair.
        let mut chroma = [[0.0; FEW + 2]; 2];
        for (number, dst) in dst.chunks_mut(FEW).enumerate() {
            let first = number * FEW;
            shares(picture.ranges[0], &self.luma[first..], &mut luma);
            for (plane, shares_of) in chroma.iter_mut().enumerate() {
                let (range, samples) = (picture.ranges[1 + plane], self.chroma[plane]);
                if self.is_shared {
                    let mut halves = [0.0; FEW / 2 + 1];
                    shares(range, &samples[first / 2..], &mut halves);
                    for (pair, half) in shares_of.as_chunks_mut::<2>().0.iter_mut().zip(halves) {
                        *pair = [half; 2];
                    }
                } else {
                    shares(range, &samples[first..], shares_of);
                }
            }
            let mut pixels = [RgbaF32([0.0; 4]); FEW];
            let [blue, red] = chroma.each_ref().map(|shares| &shares[odd..odd + FEW]);
            for (i, pixel) in pixels.iter_mut().enumerate() {
                let [r, g, b] = picture.matrix.map(|[of_blue, of_red]| {
                    clamp_unit(luma[i] + of_blue * blue[i] + of_red * red[i])
                });
                *pixel = RgbaF32([r, g, b, 1.0]);
            }
            for (dst, pixel) in dst.iter_mut().zip(pixels) {
                *dst = D::from_encoded(pixel);
            }
        }
    }
}

/// Samples by their range, as many as there are and as `out` has room for.
#[inline(always)]
fn shares(Range { black, whole }: Range, samples: &[u8], out: &mut [f32]) {
    for (out, &sample) in out.iter_mut().zip(samples) {
        *out = (f32::from(sample) - black) / whole;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagecuda_kernels::{pixel::Rgba8, planes::View};

    /// Widths around the pixels at a time, crops at even and odd places, whole and shared chroma.
    #[test]
    fn rows_are_those_of_the_kernels_body() {
        let mut seed = 7_u32;
        let mut next = |end: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % end
        };
        let mut fast = 0;
        for case in 0..400 {
            let (across, down) = [(0, 0), (1, 0), (1, 1)][case % 3];
            let [width, height] = [1 + next(200), 1 + next(5)];
            let chroma = [(width + across) >> across, (height + down) >> down];
            let luma = width * height;
            let plane = |start: u32, pitch, across, down| Plane {
                start: start.into(),
                pitch,
                step: 1,
                across,
                down,
                ..Plane::default()
            };
            let each = chroma[0] * chroma[1];
            let planes = [
                plane(3, width, 0, 0),
                plane(3 + luma, chroma[0], across, down),
                plane(3 + luma + each, chroma[0], across, down),
                Plane::default(),
            ];
            let [x, y] = [next(width), next(height)];
            let size = [1 + next(width - x), 1 + next(height - y)];
            let mut view = View::whole(width, height).cropped([x, y], size);
            if case % 10 == 9 {
                view = view.mirrored();
            }
            let picture = Picture {
                planes,
                ranges: [(16.0, 219.0), (128.0, 224.0), (127.0, 255.0), (0.0, 255.0)]
                    .map(|(black, whole)| Range { black, whole }),
                matrix: [[0.0, 1.402], [-0.344_136, -0.714_136], [1.772, 0.0]],
                sample_bytes: 1,
                model: model::MATRIX,
                coded: [width, height],
                view,
                ..Picture::default()
            };
            let memory: Vec<u8> = (0..3 + luma + 2 * each).map(|_| next(256) as u8).collect();
            // Sometimes a sample is missing, which is 0 then.
            let memory = &memory[..memory.len() - usize::from(case % 7 == 0)];
            for y in 0..size[1] {
                fast += usize::from(Row::of(&picture, memory, y, size[0] as usize).is_some());
                compare::<RgbaF32>(&picture, memory, y);
                compare::<Rgba8>(&picture, memory, y);
            }
        }
        assert!(fast > 300, "{fast}");
    }

    fn compare<D: Expand + PartialEq + std::fmt::Debug>(picture: &Picture, memory: &[u8], y: u32) {
        let width = picture.view.size[0] as usize;
        let [mut made, mut expected] = [(); 2].map(|()| vec![D::zeroed(); width]);
        row(picture, memory, y, &mut made);
        host::planes(picture, memory, 0, y, &mut expected);
        assert_eq!(made, expected, "{picture:?}");
    }
}
