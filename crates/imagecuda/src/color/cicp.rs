//! Colours as code points of ITU-T H.273. PNG's cICP and HEIF's nclx contain them.

use imagecuda_kernels::color::{CURVE, srgb_decode};
use moxcms::{CicpColorPrimaries, ColorPrimaries, Matrix3d, XyY, adaption_matrix_d};

/// The code points of the primaries and of the transfer function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cicp {
    pub(crate) primaries: u8,
    pub(crate) transfer: u8,
}

impl Cicp {
    /// Whether this library supports both code points.
    pub(crate) fn is_known(self) -> bool {
        Transfer::new(self.transfer).is_some() && primaries_to_xyz(self.primaries).is_some()
    }
}

/// Diffuse white of PQ and HLG, in cd/m² (ITU-R BT.2408). It maps to 1.0.
const DIFFUSE_WHITE: f64 = 203.0;

/// The display for which BT.2100 renders HLG: its peak luminance in cd/m², and its system gamma,
/// the exponent that is applied to the luminance of scene light.
const HLG_PEAK: f64 = 1000.0;
const HLG_GAMMA: f64 = 1.2;

/// A transfer curve, HLG's rendering, and a matrix. Together they convert pixels to linear light
/// with sRGB's primaries.
pub(super) struct ToLinear {
    /// Row by row.
    pub(super) matrix: [f64; 9],
    /// The weights of red, green and blue in the luminance Y, and the exponent `e`: pixels are
    /// multiplied by Y to the power `e`. The exponent is 0 if there is no rendering.
    pub(super) rendering: [f64; 4],
    /// The curve, sampled. It applies to all three channels.
    pub(super) knots: Vec<f32>,
}

impl ToLinear {
    /// `None` if a code point is reserved or not supported.
    pub(super) fn new(cicp: Cicp) -> Option<Self> {
        let transfer = Transfer::new(cicp.transfer)?;
        let to_xyz = primaries_to_xyz(cicp.primaries)?;
        let from_xyz = primaries_to_xyz(BT_709)?.inverse();
        let matrix = from_xyz.mat_mul(to_xyz).v.as_flattened().to_vec();
        let mut matrix: [f64; 9] = matrix.try_into().ok()?;
        let mut rendering = [0.0; 4];
        if transfer == Transfer::Hlg {
            matrix = matrix.map(|v| v * HLG_PEAK / DIFFUSE_WHITE);
            let [r, g, b] = to_xyz.v[1];
            rendering = [r, g, b, HLG_GAMMA - 1.0];
        }
        let at = |i: usize| transfer.to_linear(i as f64 / (CURVE - 1) as f64) as f32;
        Some(Self {
            matrix,
            rendering,
            knots: (0..CURVE).map(at).collect(),
        })
    }
}

const BT_709: u8 = 1;
const UNSPECIFIED: u8 = 2;

/// The matrix from linear RGB to XYZ with white D65. Other white points are adapted to D65.
fn primaries_to_xyz(code: u8) -> Option<Matrix3d> {
    use CicpColorPrimaries::*;
    let primaries = match CicpColorPrimaries::try_from(code).ok()? {
        Unspecified => Bt709,
        other => other,
    };
    let d65 = white(0.3127, 0.3290);
    let other = match primaries {
        Bt470M | GenericFilm => Some(white(0.310, 0.316)),
        Smpte431 => Some(white(0.314, 0.351)),
        Xyz => return None, // no colours in any file
        _ => None,
    };
    let to_xyz = ColorPrimaries::try_from(primaries)
        .ok()?
        .transform_to_xyz_d(other.unwrap_or(d65));
    Some(match other {
        None => to_xyz,
        Some(other) => adaption_matrix_d(other.to_xyz(), d65.to_xyz()).mat_mul(to_xyz),
    })
}

fn white(x: f64, y: f64) -> XyY {
    XyY { x, y, yb: 1.0 }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Transfer {
    Srgb,
    Gamma(f64),
    Linear,
    Pq,
    Hlg,
}

impl Transfer {
    fn new(code: u8) -> Option<Self> {
        Some(match code {
            // The curves of television (1, 6, 7, 11, 12, 14, 15) describe cameras. Displays show
            // their signal about as they show sRGB, and still images with these code points are
            // usually sRGB. Viewers treat them as sRGB, and so does this library.
            1 | UNSPECIFIED | 6 | 7 | 11..=15 => Self::Srgb,
            4 => Self::Gamma(2.2),
            5 => Self::Gamma(2.8),
            8 => Self::Linear,
            16 => Self::Pq,
            18 => Self::Hlg,
            _ => return None,
        })
    }

    /// Linear light with diffuse white at 1.0. For HLG it is scene light with its peak at 1.0.
    fn to_linear(self, v: f64) -> f64 {
        match self {
            Self::Srgb => srgb_decode(v as f32).into(),
            Self::Gamma(gamma) => v.powf(gamma),
            Self::Linear => v,
            Self::Pq => pq(v) / DIFFUSE_WHITE,
            Self::Hlg => hlg(v),
        }
    }
}

/// SMPTE ST 2084 (PQ): the luminance in cd/m² of a signal.
fn pq(v: f64) -> f64 {
    const M1: f64 = 2610.0 / 16384.0;
    const M2: f64 = 2523.0 / 4096.0 * 128.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 4096.0 * 32.0;
    const C3: f64 = 2392.0 / 4096.0 * 32.0;
    let p = v.powf(1.0 / M2);
    10_000.0 * ((p - C1).max(0.0) / (C2 - C3 * p)).powf(1.0 / M1)
}

/// Hybrid log-gamma of ITU-R BT.2100: scene light from 0 to 1.
fn hlg(v: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    if v <= 0.5 {
        v * v / 3.0
    } else {
        (((v - C) / A).exp() + B) / 12.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_have_the_values_that_the_standards_print() {
        // BT.2408: diffuse white is 58 % of PQ's signal, and 75 % of HLG's.
        assert!((pq(0.5807) - 203.0).abs() < 0.5, "{}", pq(0.5807));
        assert!((pq(1.0) - 10_000.0).abs() < 1e-6 && pq(0.0) == 0.0);
        assert!(
            (pq(0.508_078_4) - 100.0).abs() < 0.01,
            "{}",
            pq(0.508_078_4)
        );
        assert!((hlg(0.75) - 0.265).abs() < 2e-4 && (hlg(1.0) - 1.0).abs() < 1e-6);
        assert!((hlg(0.5) - 1.0 / 12.0).abs() < 1e-9);
        let shown = HLG_PEAK * hlg(0.75).powf(HLG_GAMMA);
        assert!((shown - 203.0).abs() < 1.0, "{shown}");
    }

    /// The expected values are printed in BT.2087 and in the CSS specification.
    #[test]
    fn matrices_are_the_published_ones() {
        let bt2020 = [
            1.660_491, -0.587_641, -0.072_850, -0.124_550, 1.132_900, -0.008_349, -0.018_151,
            -0.100_579, 1.118_730,
        ];
        let p3 = [
            1.224_940, -0.224_940, 0.0, -0.042_057, 1.042_057, 0.0, -0.019_638, -0.078_636,
            1.098_274,
        ];
        for (primaries, published) in [(9, bt2020), (12, p3)] {
            let cicp = Cicp {
                primaries,
                transfer: 13,
            };
            let matrix = ToLinear::new(cicp).unwrap().matrix;
            for (ours, theirs) in matrix.into_iter().zip(published) {
                assert!((ours - theirs).abs() < 2e-6, "{primaries}: {matrix:?}");
            }
        }
    }

    #[test]
    fn white_stays_white_under_every_illuminant() {
        for primaries in [1, 2, 4, 5, 6, 7, 8, 9, 11, 12, 22] {
            let cicp = Cicp {
                primaries,
                transfer: 13,
            };
            let matrix = ToLinear::new(cicp).unwrap().matrix;
            for row in matrix.chunks(3) {
                let sum: f64 = row.iter().sum();
                assert!((sum - 1.0).abs() < 2e-5, "{primaries}: {matrix:?}");
            }
        }
    }

    #[test]
    fn reserved_code_points_are_none() {
        for (primaries, transfer) in [(0, 13), (3, 13), (10, 13), (99, 13), (1, 0), (1, 19)] {
            assert!(
                ToLinear::new(Cicp {
                    primaries,
                    transfer
                })
                .is_none(),
                "{primaries} {transfer}"
            );
        }
    }
}
