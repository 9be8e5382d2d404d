//! Colours as the chromaticities of primaries and of white, as OpenEXR gives them.

use moxcms::{Matrix3d, XyY, adaption_matrix_d};

/// Linear light of some primaries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chromaticities {
    /// Red, green, blue and white, each x and y of CIE 1931.
    pub(crate) points: [[f64; 2]; 4],
}

/// Rec. 709's, with D65: sRGB's.
pub(crate) const REC_709: Chromaticities = Chromaticities {
    points: [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06], [0.3127, 0.3290]],
};

impl Chromaticities {
    /// To XYZ, with white at a luminance of 1. `None` if they are none.
    fn to_xyz(self) -> Option<Matrix3d> {
        let [red, green, blue, white] = self.points.map(|[x, y]| [x, y, 1.0 - x - y]);
        let columns = [red, green, blue];
        let at = |row: usize| columns.map(|primary| primary[row]);
        let primaries = [at(0), at(1), at(2)];
        let [a, b, c] = primaries;
        let determinant = a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
            + a[2] * (b[0] * c[1] - b[1] * c[0]);
        // NaN is none, too.
        let is_one = determinant.abs() > 1e-6 && white[1] > 1e-3;
        if !is_one {
            return None;
        }
        let inverse = Matrix3d { v: primaries }.inverse();
        let white = white.map(|v| v / self.points[3][1]);
        let scale = inverse
            .v
            .map(|row| row.iter().zip(white).map(|(m, w)| m * w).sum::<f64>());
        let v = primaries.map(|row| [0, 1, 2].map(|i| row[i] * scale[i]));
        v.as_flattened()
            .iter()
            .all(|v| v.is_finite())
            .then_some(Matrix3d { v })
    }

    /// What red, green and blue add to luminance.
    pub(crate) fn luminance(self) -> Option<[f64; 3]> {
        let [.., luminance, _] = self.to_xyz()?.v;
        let sum: f64 = luminance.iter().sum();
        Some(luminance.map(|weight| weight / sum))
    }

    /// The matrix, row by row, that makes sRGB's primaries of these, white adapted. `None` where they
    /// are sRGB's, or none.
    pub(crate) fn to_srgb(self) -> Option<[[f64; 3]; 3]> {
        let white = |[x, y]: [f64; 2]| XyY { x, y, yb: 1.0 }.to_xyz();
        let (from, to) = (self.points[3], REC_709.points[3]);
        let adapted = adaption_matrix_d(white(from), white(to)).mat_mul(self.to_xyz()?);
        let matrix = REC_709.to_xyz()?.inverse().mat_mul(adapted).v;
        let is_near = |(i, v): (usize, &f64)| (v - f64::from(u8::from(i % 4 == 0))).abs() < 2e-3;
        let is_identity = matrix.as_flattened().iter().enumerate().all(is_near);
        let is_finite = matrix.as_flattened().iter().all(|v| v.is_finite());
        (is_finite && !is_identity).then_some(matrix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_the_published_ones() {
        // IEC 61966-2-1.
        let weights = REC_709.luminance().unwrap();
        for (got, exact) in weights.into_iter().zip([0.2126, 0.7152, 0.0722]) {
            assert!((got - exact).abs() < 1e-4, "{weights:?}");
        }
        assert_eq!(REC_709.to_srgb(), None);
        // Display P3, whose white is sRGB's.
        let p3 = Chromaticities {
            points: [[0.68, 0.32], [0.265, 0.69], [0.15, 0.06], [0.3127, 0.3290]],
        };
        let exact = [
            1.224_940_2,
            -0.224_940_2,
            0.0,
            -0.042_056_9,
            1.042_056_9,
            0.0,
            -0.019_637_6,
            -0.078_636_1,
            1.098_273_7,
        ];
        let got = p3.to_srgb().unwrap();
        for (got, exact) in got.as_flattened().iter().zip(exact) {
            assert!((got - exact).abs() < 1e-5, "{got} for {exact}");
        }
    }

    #[test]
    fn white_stays_white_and_nonsense_is_none() {
        let xyz = Chromaticities {
            points: [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1.0 / 3.0, 1.0 / 3.0]],
        };
        for row in xyz.to_srgb().unwrap() {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{row:?}");
        }
        for points in [[[0.0; 2]; 4], [[f64::NAN; 2]; 4], [[0.3, 0.3]; 4]] {
            let none = Chromaticities { points };
            assert!(none.to_srgb().is_none() && none.luminance().is_none());
        }
    }
}
