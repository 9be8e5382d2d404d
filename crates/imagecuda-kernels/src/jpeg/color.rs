//! Samples of a pixel to RGB or CMYK, in libjpeg's integers.

use super::picture::Color;

/// YCbCr to RGB.
#[inline(always)]
pub fn ycc_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    // 16 bits of fraction.
    const HALF: i32 = 1 << 15;
    let y = i32::from(y);
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    let byte = |v: i32| v.clamp(0, 255) as u8;
    // The fractions of 1.402, 0.34414, 0.71414 and 1.772: without the whole numbers the factors fit
    // 16 bits, which vector instructions multiply faster.
    let red = cr + ((26_345 * cr + HALF) >> 16);
    let green = ((18_734 * cr - 22_554 * cb + HALF) >> 16) - cr;
    let blue = 2 * cb + ((-14_942 * cb + HALF) >> 16);
    [byte(y + red), byte(y + green), byte(y + blue)]
}

/// Four samples to CMYK, where 255 is full ink. Adobe's files hold inverted CMYK. With a transform
/// they hold YCCK: cyan, magenta and yellow coded as if they were RGB in YCbCr.
#[inline(always)]
pub fn to_cmyk([c, m, y, k]: [u8; 4], color: Color) -> [u8; 4] {
    match color {
        Color::InvertedCmyk => [!c, !m, !y, !k],
        Color::Ycck => {
            let [c, m, y] = ycc_to_rgb([c, m, y]);
            [c, m, y, !k]
        }
        _ => [c, m, y, k],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_jfifs_conversion_rounded() {
        for y in (0..=255).step_by(5) {
            for cb in 0..=255 {
                for cr in 0..=255 {
                    let (l, b, r) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
                    let exact = [
                        l + 1.402 * r,
                        l - 0.344_136_286 * b - 0.714_136_286 * r,
                        l + 1.772 * b,
                    ];
                    let (b, r) = (i32::from(cb) - 128, i32::from(cr) - 128);
                    let half = 32_768;
                    let libjpegs = [
                        l as i32 + ((91_881 * r + half) >> 16),
                        l as i32 + ((-22_554 * b - 46_802 * r + half) >> 16),
                        l as i32 + ((116_130 * b + half) >> 16),
                    ];
                    let libjpegs = libjpegs.map(|v| v.clamp(0, 255) as u8);
                    assert_eq!(ycc_to_rgb([y, cb, cr]), libjpegs);
                    for (ours, exact) in ycc_to_rgb([y, cb, cr]).into_iter().zip(exact) {
                        let exact = exact.clamp(0.0, 255.0);
                        assert!((f64::from(ours) - exact).abs() < 0.51, "{y} {cb} {cr}");
                    }
                }
            }
        }
        assert_eq!(ycc_to_rgb([77, 128, 128]), [77; 3]);
    }

    #[test]
    fn every_transform_gives_cmyk() {
        let [cmyk, inverted, ycck] = [Color::Cmyk, Color::InvertedCmyk, Color::Ycck];
        assert_eq!(to_cmyk([0, 255, 155, 7], cmyk), [0, 255, 155, 7]);
        assert_eq!(to_cmyk([255, 0, 100, 248], inverted), [0, 255, 155, 7]);
        assert_eq!(to_cmyk([55, 128, 128, 255], ycck), [55, 55, 55, 0]);
        assert_eq!(to_cmyk([76, 85, 255, 0], ycck), [254, 0, 0, 255]);
    }
}
