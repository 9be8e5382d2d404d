//! Converts CIE L*a*b* to sRGB.

/// How L*, a* and b* are stored, and the white that they are relative to.
#[derive(Debug, PartialEq)]
pub(super) struct Lab {
    encoding: LabEncoding,
    /// The largest sample.
    top: f64,
    /// A matrix from XYZ relative to the file's white, each component 1.0 for white, to linear
    /// sRGB.
    to_rgb: [[f64; 3]; 3],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LabEncoding {
    /// L* scaled to 0..100; a* and b* signed.
    Cie,
    /// As in ICC profiles: a* and b* have an offset of half the range, and in 16 bits 0xff00 is
    /// 100.
    Icc,
}

/// CIE illuminants D50 (ICC's connection space) and D65 (sRGB), with Y = 1.
const D50: [f64; 3] = [0.9642, 1.0, 0.8249];
const D65: [f64; 3] = [0.950_456, 1.0, 1.089_058];

/// Bradford's matrix to cone responses.
const BRADFORD: [[f64; 3]; 3] = [
    [0.8951, 0.2664, -0.1614],
    [-0.7502, 1.7135, 0.0367],
    [0.0389, -0.0685, 1.0296],
];

/// The inverse of Bradford's matrix.
const FROM_BRADFORD: [[f64; 3]; 3] = [
    [0.986_993, -0.147_054, 0.159_963],
    [0.432_305, 0.518_360, 0.049_291],
    [-0.008_529, 0.040_043, 0.968_487],
];

/// From XYZ to linear sRGB, by IEC 61966-2-1.
const XYZ_TO_RGB: [[f64; 3]; 3] = [
    [3.240_625, -1.537_208, -0.498_629],
    [-0.968_931, 1.875_756, 0.041_518],
    [0.055_710, -0.204_021, 1.056_996],
];

impl Lab {
    /// For 8-bit or 16-bit samples. `white` is the file's white point, x and y.
    pub(super) fn new(encoding: LabEncoding, top: f64, white: Option<[f64; 2]>) -> Self {
        let white = match white {
            Some([x, y]) if x > 0.0 && y > 0.0 && x + y <= 1.0 => [x / y, 1.0, (1.0 - x - y) / y],
            _ => D50,
        };
        let cones = |white| apply(&BRADFORD, white);
        let (from, to) = (cones(white), cones(D65));
        // A relative value of 1 stands for the file's white.
        let column = |i: usize| {
            let mut xyz = [0.0; 3];
            xyz[i] = white[i];
            let response = cones(xyz);
            let adapted = [0, 1, 2].map(|i| response[i] * to[i] / from[i]);
            apply(&XYZ_TO_RGB, apply(&FROM_BRADFORD, adapted))
        };
        let columns = [0, 1, 2].map(column);
        Self {
            encoding,
            top,
            to_rgb: [0, 1, 2].map(|row| columns.map(|column| column[row])),
        }
    }

    /// The sRGB colour of samples from 0 to 1.
    pub(super) fn color(&self, samples: [f64; 3]) -> [f64; 3] {
        self.color_of_premultiplied(samples, 1.0)
    }

    /// The same of samples that were multiplied by `alpha`. A signed one stays signed.
    pub(super) fn color_of_premultiplied(&self, samples: [f64; 3], alpha: f64) -> [f64; 3] {
        let [l, a, b] = samples.map(|sample| sample * self.top);
        let signed = |v: f64| match self.encoding {
            LabEncoding::Cie if v > self.top / 2.0 => v - self.top - 1.0,
            _ => v,
        };
        let [l, a, b] = [l, signed(a), signed(b)].map(|v| v / alpha);
        // In 16 bits, a* and b* have eight fraction bits.
        let unit = (self.top + 1.0) / 256.0;
        let (l, a, b) = match self.encoding {
            LabEncoding::Cie => (100.0 * l / self.top, a / unit, b / unit),
            LabEncoding::Icc => (
                100.0 * l / (255.0 * unit),
                a / unit - 128.0,
                b / unit - 128.0,
            ),
        };
        let y = (l + 16.0) / 116.0;
        let linear = |t: f64| match t > 6.0 / 29.0 {
            true => t * t * t,
            false => 3.0 * (6.0_f64 / 29.0).powi(2) * (t - 4.0 / 29.0),
        };
        let xyz = [y + a / 500.0, y, y - b / 200.0].map(linear);
        apply(&self.to_rgb, xyz).map(encoded)
    }
}

fn apply(matrix: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

/// Applies the curve of sRGB.
fn encoded(linear: f64) -> f64 {
    match linear {
        ..=0.003_130_8 => 12.92 * linear,
        _ => 1.055 * linear.powf(1.0 / 2.4) - 0.055,
    }
}
