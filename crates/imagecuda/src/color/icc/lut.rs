//! Lookup tables of ICC profiles, from a device's channels to the connection space: `lut8Type`,
//! `lut16Type` and `lutAToBType`. They are evaluated in double precision.

use super::{
    curve::{Curve, Samples},
    s15_fixed16, u16_at, u32_at,
};

use std::mem::take;

const MOST_CHANNELS: usize = 4;

/// The stages of such a tag, in the order of the fields. A missing stage changes nothing.
#[derive(Clone, Debug)]
pub(in crate::color) struct Lut<'a> {
    inputs: usize,
    /// For three inputs only. `None` if it is the identity.
    first_matrix: Option<Matrix>,
    input_curves: Vec<Curve<'a>>,
    clut: Option<Clut<'a>>,
    middle_curves: Vec<Curve<'a>>,
    matrix: Option<Matrix>,
    output_curves: Vec<Curve<'a>>,
    /// Whether Lab is encoded as in version 2 of the format: L* 100 is 0xff00.
    pub(super) is_legacy_lab: bool,
}

/// Row by row; the fourth number of a row is added to it.
type Matrix = [[f64; 4]; 3];

const IDENTITY: Matrix = [
    [1.0, 0.0, 0.0, 0.0],
    [0.0, 1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 0.0],
];

impl<'a> Lut<'a> {
    /// Parses a `tag` with this number of inputs. `None` if it is damaged.
    pub(super) fn new(tag: &'a [u8], inputs: usize) -> Option<Self> {
        if tag.get(8..10)? != [inputs as u8, 3] {
            return None;
        }
        let lut = match tag.get(..4)? {
            b"mft1" => Self::lut8_or_16(tag, inputs, false),
            b"mft2" => Self::lut8_or_16(tag, inputs, true),
            b"mAB " => Self::a_to_b(tag, inputs),
            _ => None,
        }?;
        (lut.clut.is_some() || inputs == 3).then_some(lut)
    }

    fn lut8_or_16(tag: &'a [u8], inputs: usize, is_wide: bool) -> Option<Self> {
        let grid = usize::from(*tag.get(10)?);
        let mut matrix = [[0.0; 4]; 3];
        for i in 0..9 {
            matrix[i / 3][i % 3] = s15_fixed16(tag, 12 + 4 * i)?;
        }
        let (entries, out_entries, mut at) = match is_wide {
            true => (u16_at(tag, 48)?.into(), u16_at(tag, 50)?.into(), 52),
            false => (256, 256, 48),
        };
        let input_curves = curves(tag, &mut at, inputs, entries, is_wide)?;
        let clut = match grid {
            0 => None,
            _ => {
                let clut = Clut::new(tag, at, vec![grid; inputs], is_wide)?;
                at += clut.samples.size();
                Some(clut)
            }
        };
        Some(Self {
            inputs,
            first_matrix: (inputs == 3 && matrix != IDENTITY).then_some(matrix),
            input_curves,
            clut,
            middle_curves: Vec::new(),
            matrix: None,
            output_curves: curves(tag, &mut at, 3, out_entries, is_wide)?,
            is_legacy_lab: is_wide,
        })
    }

    fn a_to_b(tag: &'a [u8], inputs: usize) -> Option<Self> {
        // The offset of each part. Offset 0 means that the part is absent.
        let part = |i: usize| {
            let offset = u32_at(tag, 12 + 4 * i)? as usize;
            (offset < tag.len()).then_some((offset != 0).then_some(offset))
        };
        let curves = |i: usize, count: usize| match part(i)? {
            None => Some(Vec::new()),
            Some(mut at) => (0..count)
                .map(|_| {
                    let (curve, size) = Curve::new(tag, at)?;
                    at = (at + size).next_multiple_of(4);
                    Some(curve)
                })
                .collect(),
        };
        let matrix = match part(1)? {
            None => None,
            Some(at) => {
                let mut matrix = [[0.0; 4]; 3];
                for i in 0..9 {
                    matrix[i / 3][i % 3] = s15_fixed16(tag, at + 4 * i)?;
                }
                for (i, row) in matrix.iter_mut().enumerate() {
                    row[3] = s15_fixed16(tag, at + 36 + 4 * i)?;
                }
                Some(matrix)
            }
        };
        let clut = match part(3)? {
            None => None,
            Some(at) => {
                let grid = tag.get(at..at + inputs)?;
                let is_wide = match tag.get(at + 16)? {
                    1 => false,
                    2 => true,
                    _ => return None,
                };
                let grid = grid.iter().map(|&points| points.into()).collect();
                Some(Clut::new(tag, at + 20, grid, is_wide)?)
            }
        };
        Some(Self {
            inputs,
            first_matrix: None,
            input_curves: curves(4, inputs)?,
            clut,
            middle_curves: curves(2, 3)?,
            matrix,
            output_curves: curves(0, 3)?,
            is_legacy_lab: false,
        })
    }

    /// Removes the curves of the first stage and returns them, if they are the first stage. Also
    /// returns the size of the grid along each channel, if the grid follows directly.
    pub(super) fn take_first_curves(&mut self) -> (Vec<Curve<'a>>, Vec<usize>) {
        match (&self.first_matrix, &self.clut) {
            (Some(_), _) => Default::default(),
            (None, Some(clut)) => (take(&mut self.input_curves), clut.grid.clone()),
            (None, None) if self.input_curves.is_empty() => {
                (take(&mut self.middle_curves), Vec::new())
            }
            (None, None) => (take(&mut self.input_curves), Vec::new()),
        }
    }

    /// The encoded numbers in the connection space.
    pub(super) fn eval(&self, channels: &[f64]) -> [f64; 3] {
        let mut values = [0.0; MOST_CHANNELS];
        values[..self.inputs].copy_from_slice(channels);
        if let Some(matrix) = &self.first_matrix {
            let [a, b, c, _] = values;
            values[..3].copy_from_slice(&multiply(matrix, [a, b, c]));
        }
        apply(&self.input_curves, &mut values);
        let mut values = match &self.clut {
            Some(clut) => clut.eval(&values[..self.inputs]),
            None => [values[0], values[1], values[2]],
        };
        apply(&self.middle_curves, &mut values);
        if let Some(matrix) = &self.matrix {
            values = multiply(matrix, values);
        }
        apply(&self.output_curves, &mut values);
        values
    }
}

/// The sampled curves of a `lut8Type` or `lut16Type`. No entries means no curves.
fn curves<'a>(
    tag: &'a [u8],
    at: &mut usize,
    count: usize,
    entries: usize,
    is_wide: bool,
) -> Option<Vec<Curve<'a>>> {
    match entries {
        0 => Some(Vec::new()),
        1 => None,
        _ => (0..count)
            .map(|_| {
                let samples = Samples::new(tag, *at, entries, is_wide)?;
                *at += samples.size();
                Some(Curve::Sampled(samples))
            })
            .collect(),
    }
}

fn apply(curves: &[Curve<'_>], values: &mut [f64]) {
    for (curve, value) in curves.iter().zip(values) {
        *value = curve.eval(*value);
    }
}

fn multiply(matrix: &Matrix, [x, y, z]: [f64; 3]) -> [f64; 3] {
    matrix.map(|[a, b, c, plus]| a * x + b * y + c * z + plus)
}

/// The colours at the points of a grid. The last channel is innermost.
#[derive(Clone, Debug)]
struct Clut<'a> {
    grid: Vec<usize>,
    samples: Samples<'a>,
}

impl<'a> Clut<'a> {
    fn new(tag: &'a [u8], at: usize, grid: Vec<usize>, is_wide: bool) -> Option<Self> {
        if grid.iter().any(|&points| points < 2) {
            return None;
        }
        let count = grid
            .iter()
            .try_fold(3_usize, |n, &points| n.checked_mul(points))?;
        let samples = Samples::new(tag, at, count, is_wide)?;
        Some(Self { grid, samples })
    }

    /// Interpolates as Little CMS does: tetrahedrally in the last three channels, and linearly in a
    /// channel before them.
    fn eval(&self, channels: &[f64]) -> [f64; 3] {
        // For each channel, the fraction of the way to the next grid point, and the distance of
        // that point in the samples.
        let mut fractions = [(0.0, 0); MOST_CHANNELS];
        let (mut corner, mut side) = (0, 3);
        for (i, (&points, &v)) in self.grid.iter().zip(channels).enumerate().rev() {
            let x = v.clamp(0.0, 1.0) * (points - 1) as f64;
            let below = (x as usize).min(points - 2);
            fractions[i] = (x - below as f64, side);
            corner += below * side;
            side *= points;
        }
        let fractions = &mut fractions[..channels.len()];
        match fractions {
            [(t, side), rest @ ..] if rest.len() == 3 => {
                let low = self.simplex(corner, rest);
                let high = self.simplex(corner + *side, rest);
                [0, 1, 2].map(|c| low[c] + (high[c] - low[c]) * *t)
            }
            all => self.simplex(corner, all),
        }
    }

    /// Interpolates along the edges of a simplex from one corner of a cell to the opposite one, in
    /// the order of falling fractions.
    fn simplex(&self, corner: usize, fractions: &mut [(f64, usize)]) -> [f64; 3] {
        fractions.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let color = |at: usize| [0, 1, 2].map(|c| self.samples.at(at + c));
        let mut at = corner;
        let mut from = color(at);
        let mut sum = from;
        for &mut (t, side) in fractions {
            at += side;
            let to = color(at);
            for c in 0..3 {
                sum[c] += (to[c] - from[c]) * t;
            }
            from = to;
        }
        sum
    }
}
