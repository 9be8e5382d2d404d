//! The numbers that kernels take for what an ICC profile says, and a check of them against it.

use super::{Channels, Conversion, icc::Model};
use imagecuda_kernels::{
    color::{CURVE, GRID, INK_GRID, srgb_encode},
    pixel::RgbaF32,
};

/// Where a profile's channels are checked: dense near 0, where most curves are steep.
const RAMP: [u8; 24] = [
    0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 51, 64, 80, 102, 128, 160, 192, 224, 255,
];

impl Conversion {
    /// `None` if kernels would not give what the profile says.
    pub(super) fn from_model(model: &Model<'_>, channels: Channels) -> Option<Self> {
        let conversion = match (channels, model.shaper()) {
            (Channels::Gray, _) => Self::gray(model),
            (Channels::Rgb, Some((curves, matrix))) => {
                let [red, green, blue] = curves;
                let first = knots(|v| red.eval(v));
                // Mostly they are all alike.
                let others =
                    [green, blue].map(|curve| (curve != red).then(|| knots(|v| curve.eval(v))));
                let [green, blue] = others.each_ref().map(|knots| knots.as_ref());
                let curves = [&first, green.unwrap_or(&first), blue.unwrap_or(&first)];
                let mut rows = [0.0; 9];
                rows.copy_from_slice(matrix.as_flattened());
                Self::shaper_of(rows, [0.0; 4], curves)
            }
            (Channels::Rgb, None) => Self::Table(table(model, [GRID; 3])),
            (Channels::Inks, _) => Self::Inks(table(model, [INK_GRID; 4])),
        };
        let is_finite = conversion.numbers().iter().all(|v| v.is_finite());
        (is_finite && conversion.agrees_with(model, channels)).then_some(conversion)
    }

    fn gray(model: &Model<'_>) -> Self {
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let curves = [0, 1, 2].map(|c| knots(|v| model.to_linear(&[v])[c]));
        Self::shaper_of(identity, [0.0; 4], curves.each_ref())
    }

    /// Whether this does to black, white, pure colours and ramps of each channel what the profile
    /// says itself.
    fn agrees_with(&self, model: &Model<'_>, channels: Channels) -> bool {
        let most = match self {
            Self::Shaper(_) => 0.25 / 255.0,
            // Between its points a table is straight.
            Self::Table(_) | Self::Inks(_) => 8.0 / 255.0,
        };
        let count = channels.count();
        // Which channels are at the ramp's value, and which are at 1.0.
        let masks = (0..1_u32 << count).flat_map(|ramp| [(ramp, 0), (ramp, !ramp)]);
        let ramps = masks.flat_map(|mask| RAMP.map(|v| (mask, f64::from(v) / 255.0)));
        let mut points = ramps.map(|((ramp, full), v)| {
            let value = |c: usize| match (ramp >> c & 1, full >> c & 1) {
                (1, _) => v,
                (_, on) => f64::from(on),
            };
            [value(0), value(1), value(2), value(3)]
        });
        points.all(|point| {
            let [r, g, b, k] = point.map(|v| v as f32);
            let pixel = match channels {
                Channels::Gray => RgbaF32([r, r, r, 1.0]),
                Channels::Rgb => RgbaF32([r, g, b, 1.0]),
                Channels::Inks => RgbaF32([r, g, b, k]),
            };
            let said = to_srgb(model, &point[..count]);
            let done = self.apply(pixel).0;
            let unit = |v: f32| v.clamp(0.0, 1.0);
            said.iter()
                .zip(done)
                .all(|(&said, done)| (unit(said) - unit(done)).abs() <= most)
        })
    }
}

/// A curve to linear light at the places where kernels look it up.
fn knots(curve: impl Fn(f64) -> f64) -> Vec<f32> {
    let at = |i: usize| i as f64 / (CURVE - 1) as f64;
    (0..CURVE).map(|i| curve(at(i)) as f32).collect()
}

/// sRGB at each point of a grid, the last channel innermost.
fn table<const N: usize>(model: &Model<'_>, grid: [usize; N]) -> Vec<f32> {
    let count = grid.iter().product();
    let mut table = Vec::with_capacity(count * 3);
    for i in 0..count {
        let (mut rest, mut point) = (i, [0.0; N]);
        for (v, points) in point.iter_mut().zip(grid).rev() {
            *v = (rest % points) as f64 / (points - 1) as f64;
            rest /= points;
        }
        table.extend(to_srgb(model, &point));
    }
    table
}

fn to_srgb(model: &Model<'_>, channels: &[f64]) -> [f32; 3] {
    model.to_linear(channels).map(|v| srgb_encode(v as f32))
}
