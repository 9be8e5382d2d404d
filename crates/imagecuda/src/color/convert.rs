//! Converts an ICC profile to the numbers that a kernel takes, and checks the result against the
//! profile.

use super::{Channels, Conversion, icc::Model};
use imagecuda_kernels::{
    color::{CMYK_GRID, CURVE, GRID, srgb_encode},
    pixel::RgbaF32,
};

/// The sample values at which the result is checked. They are dense near 0, where most curves are
/// steep.
const RAMP: [u8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 96, 128, 192, 255];

impl Conversion {
    /// `None` if the kernel's result would differ too much from the profile.
    pub(super) fn from_model(model: &Model<'_>, channels: Channels) -> Option<Self> {
        let conversion = match (channels, model.shaper()) {
            (Channels::Gray, _) => Self::gray(model),
            (Channels::Rgb, Some((curves, matrix))) => {
                let [red, green, blue] = curves;
                let first = knots(|v| red.eval(v));
                // Most profiles have the same curve for all channels.
                let others =
                    [green, blue].map(|curve| (curve != red).then(|| knots(|v| curve.eval(v))));
                let [green, blue] = others.each_ref().map(|knots| knots.as_ref());
                let curves = [&first, green.unwrap_or(&first), blue.unwrap_or(&first)];
                let mut rows = [0.0; 9];
                rows.copy_from_slice(matrix.as_flattened());
                Self::shaper_of(rows, [0.0; 4], curves)
            }
            (Channels::Rgb, None) => Self::Table(table::<3>(model, channels, GRID)),
            (Channels::Cmyk, _) => Self::Cmyk(table::<4>(model, channels, CMYK_GRID)),
        };
        let is_finite = conversion.numbers().iter().all(|v| v.is_finite());
        (is_finite && conversion.agrees_with(model, channels)).then_some(conversion)
    }

    fn gray(model: &Model<'_>) -> Self {
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let at = |i: usize| i as f64 / (CURVE - 1) as f64;
        let colors: Vec<_> = (0..CURVE).map(|i| model.to_linear(&[at(i)])).collect();
        let curves = [0, 1, 2].map(|c| colors.iter().map(|color| color[c] as f32).collect());
        Self::shaper_of(identity, [0.0; 4], curves.each_ref())
    }

    /// Whether the conversion agrees with the profile on ramps of each channel, with the other
    /// channels at 0 and at 1, and on a ramp of all channels together.
    fn agrees_with(&self, model: &Model<'_>, channels: Channels) -> bool {
        let most = match self {
            Self::Shaper(_) => 0.25 / 255.0,
            // The kernel interpolates linearly between grid points; the profile's own grid may lie
            // elsewhere.
            Self::Table(_) | Self::Cmyk(_) => 16.0 / 255.0,
        };
        let count = channels.count();
        let agrees = |point: &[f32]| {
            let pixel = match *point {
                [r, g, b] => [r, g, b, 1.0],
                [c, m, y, k] => [c, m, y, k],
                _ => [point[0], point[0], point[0], 1.0],
            };
            let mut channels = [0.0; 4];
            for (channel, &v) in channels.iter_mut().zip(point) {
                *channel = f64::from(v);
            }
            let said = model.to_linear(&channels[..count]);
            let said = said.map(|v| srgb_encode(v.clamp(0.0, 1.0) as f32));
            let done = self.apply(RgbaF32(pixel)).0;
            said.iter()
                .zip(done)
                .all(|(said, done)| (said - done.clamp(0.0, 1.0)).abs() <= most)
        };
        // The last ramp is that of all channels together.
        (0..=count).all(|ramp| {
            RAMP.iter().all(|&v| {
                let v = f32::from(v) / 255.0;
                [0.0, 1.0].iter().all(|&others| {
                    let mut point = [others; 4];
                    match ramp == count {
                        true => point = [v; 4],
                        false => point[ramp] = v,
                    }
                    agrees(&point[..count])
                })
            })
        })
    }
}

/// Samples a curve to linear light at the positions that the kernels look up.
fn knots(curve: impl Fn(f64) -> f64) -> Vec<f32> {
    let at = |i: usize| i as f64 / (CURVE - 1) as f64;
    (0..CURVE).map(|i| curve(at(i)) as f32).collect()
}

/// The numbers of a table conversion: the matrix after the table, the curves before it, and the
/// colour at each of `side` points along each channel, with the last channel innermost.
fn table<const N: usize>(model: &Model<'_>, channels: Channels, side: usize) -> Vec<f32> {
    let (curves, model) = model.split(channels);
    let (matrix, is_of_roots) = model.table_space();
    let mut table: Vec<f32> = matrix.as_flattened().iter().map(|&v| v as f32).collect();
    table.push(f32::from(is_of_roots));
    // Every point of the profile's grid should be a point of this grid, with the same number of
    // cells between any two. So each cell of the profile becomes `each` cells, if `side` allows one
    // at least. Points that are left over at the end are not used.
    let own = |points: &Option<usize>| points.map(|points| points - 1);
    let most = |points: &Option<usize>| own(points).map_or(0, |own| (side - 1) / own);
    let each = curves.iter().map(|(_, points)| most(points)).min();
    let mut cells = [side - 1; N];
    for ((curve, points), cells) in curves.iter().zip(&mut cells) {
        if let (Some(own), Some(each @ 1..)) = (own(points), each) {
            *cells = own * each;
        }
        let scale = *cells as f64 / (side - 1) as f64;
        table.extend(knots(|v| curve.eval(v).clamp(0.0, 1.0) * scale));
    }
    for i in 0..side.pow(N as u32) {
        let (mut rest, mut point) = (i, [0.0; N]);
        for (v, cells) in point.iter_mut().zip(cells).rev() {
            *v = ((rest % side) as f64 / cells as f64).min(1.0);
            rest /= side;
        }
        table.extend(model.to_table(&point).map(|v| v as f32));
    }
    table
}
