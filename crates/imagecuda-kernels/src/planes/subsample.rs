//! RGB to the planes of a lossy WebP, in libwebp's integers: BT.601 in limited range, and chroma of the mean
//! of four pixels, in light that is nearly linear.

use crate::{
    pack::{self, Background},
    pixel::{Rgba8, RgbaF32},
};

/// The planes in memory: a word that is not 0 if a pixel is translucent, then luma, both chromas and alpha,
/// without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebpPlanes {
    /// Width and height in pixels.
    pub size: [u32; 2],
}

/// The bytes before the planes.
pub const HEAD: usize = 64;

impl WebpPlanes {
    /// The width and the height of chroma.
    pub fn chroma(self) -> [u32; 2] {
        self.size.map(|side| side.div_ceil(2))
    }

    /// Where luma, both chromas and alpha begin, and where the memory ends.
    pub fn places(self) -> [usize; 5] {
        let samples = |[width, height]: [u32; 2]| width as usize * height as usize;
        let (luma, chroma) = (samples(self.size), samples(self.chroma()));
        let blue = HEAD + luma;
        let alpha = blue + 2 * chroma;
        [HEAD, blue, blue + chroma, alpha, alpha + luma]
    }

    /// Writes the samples of the pixels that share chroma sample `x`, `y`, by `put`, which takes places in
    /// bytes. `pixel` gives the pixels. Returns whether one is translucent.
    #[inline(always)]
    pub fn block(
        self,
        [x, y]: [u32; 2],
        pixel: impl Fn(u32, u32) -> Rgba8,
        mut put: impl FnMut(usize, u8),
    ) -> bool {
        let [width, height] = self.size;
        let [luma, blue, red, alpha, _] = self.places();
        // At odd edges the last column and row count twice.
        let xs = [2 * x, (2 * x + 1).min(width - 1)];
        let ys = [2 * y, (2 * y + 1).min(height - 1)];
        let four = [
            pixel(xs[0], ys[0]).0,
            pixel(xs[1], ys[0]).0,
            pixel(xs[0], ys[1]).0,
            pixel(xs[1], ys[1]).0,
        ];
        for (number, pixel) in four.into_iter().enumerate() {
            let (x, y) = (xs[number & 1], ys[number >> 1]);
            let place = y as usize * width as usize + x as usize;
            put(luma + place, self::luma(pixel));
            put(alpha + place, pixel[3]);
        }
        let place = y as usize * self.chroma()[0] as usize + x as usize;
        let [u, v] = chroma(four);
        put(blue + place, u);
        put(red + place, v);
        four.iter().any(|pixel| pixel[3] != 255)
    }
}

/// The bytes of a pixel with its alpha.
#[inline(always)]
pub fn straight(pixel: RgbaF32) -> Rgba8 {
    Rgba8::from(pixel)
}

/// The bytes of a pixel on a background.
#[inline(always)]
pub fn flattened(pixel: RgbaF32, background: Background) -> Rgba8 {
    let [r, g, b] = pack::rgb8(pixel, background).0;
    Rgba8([r, g, b, 255])
}

#[inline(always)]
fn luma([r, g, b, _]: [u8; 4]) -> u8 {
    let [r, g, b] = [r, g, b].map(u32::from);
    ((16_839 * r + 33_059 * g + 6_420 * b + (1 << 15) + (16 << 16)) >> 16) as u8
}

/// Both chromas of four pixels.
#[inline(always)]
fn chroma(four: [[u8; 4]; 4]) -> [u8; 2] {
    let sum_of = |weight: fn(u32) -> u32, c: usize| {
        four.iter()
            .map(|pixel| weight(u32::from(pixel[3])) * u32::from(LINEAR[pixel[c] as usize]))
            .sum::<u32>()
    };
    let coverage: u32 = four.iter().map(|pixel| u32::from(pixel[3])).sum();
    // Pixels count by their alpha. If all have the same end of its range, it does not matter.
    let mean = |c: usize| {
        let sum = match coverage {
            0 | 1020 => sum_of(|_| 1, c),
            _ => (sum_of(|alpha| alpha, c) * ((1 << 19) / coverage)) >> 17,
        };
        encoded(sum)
    };
    let [r, g, b] = [mean(0), mean(1), mean(2)];
    let chroma = |sum: i32| ((sum + (1 << 17) + (128 << 18)) >> 18).clamp(0, 255) as u8;
    [
        chroma(28_800 * b - 9_719 * r - 19_081 * g),
        chroma(28_800 * r - 24_116 * g - 4_684 * b),
    ]
}

/// A sum of four linear values, encoded again, in quarters.
#[inline(always)]
fn encoded(sum: u32) -> i32 {
    let (step, part) = ((sum >> 9) as usize, (sum & 511) as i32);
    let [below, above] = [ENCODED[step], ENCODED[step + 1]].map(i32::from);
    (above * part + below * (512 - part) + 64) >> 7
}

/// 4095 times the power of 0.8 of each byte.
static LINEAR: [u16; 256] = [
    0, 49, 85, 117, 147, 176, 204, 231, 257, 282, 307, 331, 355, 379, 402, 425, 447, 469, 491, 513,
    534, 556, 577, 598, 618, 639, 659, 679, 699, 719, 739, 759, 778, 798, 817, 836, 855, 874, 893,
    912, 930, 949, 967, 986, 1004, 1022, 1040, 1059, 1077, 1094, 1112, 1130, 1148, 1165, 1183,
    1200, 1218, 1235, 1252, 1270, 1287, 1304, 1321, 1338, 1355, 1372, 1389, 1406, 1422, 1439, 1456,
    1472, 1489, 1505, 1522, 1538, 1555, 1571, 1587, 1604, 1620, 1636, 1652, 1668, 1684, 1700, 1716,
    1732, 1748, 1764, 1780, 1796, 1812, 1827, 1843, 1859, 1874, 1890, 1905, 1921, 1937, 1952, 1967,
    1983, 1998, 2014, 2029, 2044, 2059, 2075, 2090, 2105, 2120, 2135, 2151, 2166, 2181, 2196, 2211,
    2226, 2241, 2256, 2270, 2285, 2300, 2315, 2330, 2345, 2359, 2374, 2389, 2403, 2418, 2433, 2447,
    2462, 2477, 2491, 2506, 2520, 2535, 2549, 2564, 2578, 2592, 2607, 2621, 2636, 2650, 2664, 2679,
    2693, 2707, 2721, 2736, 2750, 2764, 2778, 2792, 2806, 2820, 2835, 2849, 2863, 2877, 2891, 2905,
    2919, 2933, 2947, 2961, 2975, 2988, 3002, 3016, 3030, 3044, 3058, 3072, 3085, 3099, 3113, 3127,
    3140, 3154, 3168, 3182, 3195, 3209, 3222, 3236, 3250, 3263, 3277, 3291, 3304, 3318, 3331, 3345,
    3358, 3372, 3385, 3399, 3412, 3426, 3439, 3452, 3466, 3479, 3493, 3506, 3519, 3533, 3546, 3559,
    3573, 3586, 3599, 3612, 3626, 3639, 3652, 3665, 3678, 3692, 3705, 3718, 3731, 3744, 3757, 3771,
    3784, 3797, 3810, 3823, 3836, 3849, 3862, 3875, 3888, 3901, 3914, 3927, 3940, 3953, 3966, 3979,
    3992, 4005, 4018, 4031, 4044, 4056, 4069, 4082, 4095,
];

/// The bytes of each 128th of 4095 linear values.
static ENCODED: [u8; 33] = [
    0, 3, 8, 13, 19, 25, 31, 38, 45, 52, 60, 67, 75, 83, 91, 99, 107, 116, 124, 133, 142, 151, 160,
    169, 178, 187, 197, 206, 216, 226, 235, 245, 255,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_powers() {
        for (byte, &linear) in LINEAR.iter().enumerate() {
            let exact = (byte as f64 / 255.0).powf(0.8) * 4095.0;
            assert_eq!(linear, (exact + 0.5) as u16, "{byte}");
        }
        for (step, &byte) in ENCODED.iter().enumerate() {
            // The last step is one past the whole.
            let exact = (step as f64 * 128.0 / 4095.0).powf(1.25) * 255.0;
            assert_eq!(byte, (exact + 0.5) as u8, "{step}");
        }
    }

    #[test]
    fn flat_colours_are_those_of_bt_601() {
        for r in (0..=255).step_by(5) {
            for g in (0..=255).step_by(15) {
                for b in (0..=255).step_by(17) {
                    let pixel = [r, g, b, 255].map(|c| c as u8);
                    let [r, g, b] = [r, g, b].map(f64::from);
                    let y = 0.299 * r + 0.587 * g + 0.114 * b;
                    let exact = [
                        16.0 + y * 219.0 / 255.0,
                        128.0 + (b - y) / 1.772 * 224.0 / 255.0,
                        128.0 + (r - y) / 1.402 * 224.0 / 255.0,
                    ];
                    let [u, v] = chroma([pixel; 4]);
                    for (made, exact) in [luma(pixel), u, v].into_iter().zip(exact) {
                        assert!(
                            (f64::from(made) - exact).abs() < 1.6,
                            "{pixel:?}: {made}, {exact}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn each_sample_is_written_once_or_with_the_same_value() {
        for size in [[1, 1], [2, 3], [5, 4], [7, 7]] {
            let planes = WebpPlanes { size };
            let end = planes.places()[4];
            let mut out = std::vec![None; end];
            let pixel = |x: u32, y: u32| Rgba8([(x * 40) as u8, (y * 50) as u8, 7, 255]);
            let [width, height] = planes.chroma();
            for y in 0..height {
                for x in 0..width {
                    let is_translucent = planes.block([x, y], pixel, |place, sample| {
                        assert!(out[place].is_none_or(|before| before == sample));
                        out[place] = Some(sample);
                    });
                    assert!(!is_translucent);
                }
            }
            assert!(out[HEAD..].iter().all(Option::is_some), "{size:?}");
        }
    }

    #[test]
    fn a_translucent_pixel_counts_less() {
        let four = |alpha| {
            [
                [200, 0, 0, 255],
                [0, 0, 200, alpha],
                [200, 0, 0, 255],
                [0, 0, 200, alpha],
            ]
        };
        let [u, v] = chroma(four(255));
        let [less_blue, more_red] = chroma(four(10));
        assert!(less_blue < u && more_red > v);
        assert_eq!(chroma(four(0)), chroma([[200, 0, 0, 255]; 4]));
    }
}
