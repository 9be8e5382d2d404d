//! Lossy WebP's planes to RGB, in libwebp's integers.

use super::{Picture, Samples};

/// The colour of a coded pixel.
#[inline(always)]
pub fn rgb(picture: &Picture, samples: &impl Samples, at: [u32; 2]) -> [u8; 3] {
    let luma = picture.sample_at(samples, 0, at);
    let [near, far] = neighbours(picture.coded, at);
    let chroma = |number| {
        let sample = |x: u32, y: u32| picture.sample_at(samples, number, [x, y]);
        let across = sample(far[0], near[1]);
        let down = sample(near[0], far[1]);
        upsampled(
            sample(near[0], near[1]),
            across,
            down,
            sample(far[0], far[1]),
        )
    };
    convert(luma, chroma(1), chroma(2))
}

/// The column and the row of the chroma sample that is nearest to a pixel, and of the next nearest.
/// At an edge both are the same.
#[inline(always)]
fn neighbours(coded: [u32; 2], at: [u32; 2]) -> [[u32; 2]; 2] {
    let near = at.map(|side| side >> 1);
    let far = |i: usize| match at[i] & 1 {
        0 => near[i].saturating_sub(1),
        _ => (near[i] + 1).min((coded[i] - 1) >> 1),
    };
    [near, [far(0), far(1)]]
}

/// The chroma of a pixel: nine sixteenths of the nearest sample, three of the next ones `across` and
/// `down`, one of the farthest. The sum is halved four times, and each time loses its half.
#[inline(always)]
fn upsampled(near: u32, across: u32, down: u32, farthest: u32) -> u32 {
    let sides = across + down;
    let sum = near + sides + farthest + 8;
    (((sum + 2 * sides) >> 3) + near) >> 1
}

/// BT.601 in limited range, with 14 bits of fraction, of which 8 are dropped at once.
#[inline(always)]
fn convert(y: u32, u: u32, v: u32) -> [u8; 3] {
    let part = |sample: u32, factor: u32| ((sample * factor) >> 8) as i32;
    let byte = |c: i32| (c >> 6).clamp(0, 255) as u8;
    let luma = part(y, 19_077);
    [
        byte(luma + part(v, 26_149) - 14_234),
        byte(luma - part(u, 6419) - part(v, 13_320) + 8708),
        byte(luma + part(u, 33_050) - 17_685),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BT.601 (ITU-R BT.601-7, 2.5) in floats: 219 steps of luma and 224 of chroma.
    fn exact(y: u32, u: u32, v: u32) -> [f64; 3] {
        let y = (f64::from(y) - 16.0) * 255.0 / 219.0;
        let [u, v] = [u, v].map(|c| (f64::from(c) - 128.0) * 255.0 / 112.0);
        [
            y + 0.701 * v,
            y - 0.886 * 0.114 / 0.587 * u - 0.701 * 0.299 / 0.587 * v,
            y + 0.886 * u,
        ]
    }

    #[test]
    fn colours_are_those_of_bt_601() {
        for y in 0..=255 {
            for u in (0..=255).step_by(3) {
                for v in (0..=255).step_by(3) {
                    let exact = exact(y, u, v).map(|c| c.clamp(0.0, 255.0));
                    for (made, exact) in convert(y, u, v).into_iter().zip(exact) {
                        let far = (f64::from(made) - exact).abs();
                        assert!(far < 1.05, "{y} {u} {v}: {made}, {exact}");
                    }
                }
            }
        }
        assert_eq!(convert(16, 128, 128), [0; 3]);
        assert_eq!(convert(235, 128, 128), [255; 3]);
    }

    #[test]
    fn upsampling_is_a_weighted_mean() {
        for near in (0..=255).step_by(5) {
            for across in (0..=255).step_by(5) {
                for down in (0..=255).step_by(15) {
                    for farthest in (0..=255).step_by(17) {
                        let mean = (9 * near + 3 * (across + down) + farthest) as f64 / 16.0;
                        let made = f64::from(upsampled(near, across, down, farthest));
                        assert!((made - mean).abs() < 1.0, "{made}, {mean}");
                    }
                }
            }
        }
    }

    #[test]
    fn neighbours_stay_within_the_picture() {
        let size = [5, 4];
        let of = |x, y| neighbours(size, [x, y]);
        assert_eq!(of(0, 0), [[0, 0], [0, 0]]);
        assert_eq!(of(1, 1), [[0, 0], [1, 1]]);
        assert_eq!(of(2, 2), [[1, 1], [0, 0]]);
        assert_eq!(of(3, 3), [[1, 1], [2, 1]]);
        assert_eq!(of(4, 3), [[2, 1], [1, 1]]);
    }
}
