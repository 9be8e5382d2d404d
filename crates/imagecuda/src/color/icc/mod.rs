//! Parses ICC profiles strictly and evaluates them directly. A damaged profile counts as none.
//!
//! The parser follows Little CMS, which most viewers use: it tolerates the same known mistakes of
//! programs, and prefers tags in the same order.

mod curve;
mod lut;

use self::{curve::Curve, lut::Lut};
use super::{Channels, Cicp};

/// A profile with a valid header and a valid tag directory.
#[derive(Debug)]
pub(super) struct Profile<'a> {
    icc: &'a [u8],
    pub(super) channels: Channels,
    is_lab: bool,
}

/// How a profile converts its channels.
#[derive(Clone, Debug)]
pub(super) enum Model<'a> {
    /// A curve to luminance, or to CIE lightness L*.
    Gray {
        curve: Curve<'a>,
        is_lightness: bool,
    },
    /// Curves to linear light, and a matrix whose columns are the XYZ of the primaries.
    Matrix {
        curves: [Curve<'a>; 3],
        to_xyz: Matrix,
    },
    /// A lookup table to XYZ or Lab.
    Lut { lut: Lut<'a>, is_lab: bool },
}

/// Row by row.
pub(super) type Matrix = [[f64; 3]; 3];

/// The white point of the connection space, as in ICC.1.
const D50: [f64; 3] = [0.9642, 1.0, 0.8249];

/// The matrix from XYZ of the connection space to linear light with sRGB's primaries. It is the
/// inverse of the primaries of ITU-R BT.709 with white (0.3127, 0.3290), adapted to D50 with the
/// Bradford method of ICC.1.
const FROM_XYZ: Matrix = [
    [3.134_186_364_237, -1.617_208_958_998, -0.490_694_064_006],
    [-0.978_748_504_191, 1.916_130_096_774, 0.033_433_399_16],
    [0.071_963_927_802, -0.228_993_873_453, 1.405_753_732_896],
];

impl<'a> Profile<'a> {
    /// Ignores the version. Some programs wrote 0, or 5 for version 4.
    pub(super) fn new(icc: &'a [u8]) -> Option<Self> {
        let channels = match icc.get(16..20)? {
            b"GRAY" => Channels::Gray,
            b"RGB " => Channels::Rgb,
            b"CMYK" => Channels::Cmyk,
            _ => return None,
        };
        let is_lab = match icc.get(20..24)? {
            b"Lab " => true,
            b"XYZ " => false,
            _ => return None,
        };
        // Old programs wrote zeros as the class. Other classes are not for pictures.
        let is_sound = matches!(
            &icc[12..16],
            b"scnr" | b"mntr" | b"prtr" | b"spac" | [0, 0, 0, 0]
        ) && icc.get(36..40)? == b"acsp";
        let directory = (u32_at(icc, 128)? as usize).checked_mul(12)?;
        (is_sound && directory <= icc.len() - 132).then_some(Self {
            icc,
            channels,
            is_lab,
        })
    }

    /// The content of a tag. `Ok(None)` if it is missing or lies beyond the end. `Err` if there are
    /// two.
    fn tag(&self, name: &[u8; 4]) -> Result<Option<&'a [u8]>, Damaged> {
        let count = u32_at(self.icc, 128).ok_or(Damaged)? as usize;
        let entries = self.icc[132..132 + 12 * count].chunks_exact(12);
        let mut places = entries
            .filter(|entry| entry[..4] == *name)
            .filter_map(|entry| {
                let at = u32_at(entry, 4)? as usize;
                let end = at.checked_add(u32_at(entry, 8)? as usize)?;
                (at != 0 && at < end && end <= self.icc.len()).then_some((at, end))
            });
        let first = places.next();
        match places.all(|other| Some(other) == first) {
            true => Ok(first.map(|(at, end)| &self.icc[at..end])),
            false => Err(Damaged),
        }
    }

    /// The code points of the `cicp` tag.
    pub(super) fn cicp(&self) -> Option<Cicp> {
        match *self.tag(b"cicp").ok()??.get(..10)? {
            [b'c', b'i', b'c', b'p', _, _, _, _, primaries, transfer] => Some(Cicp {
                primaries,
                transfer,
            }),
            _ => None,
        }
    }

    /// `None` if the profile is damaged.
    pub(super) fn model(&self) -> Option<Model<'a>> {
        let model = self.read().ok()?;
        model.is_plausible(self.channels).then_some(model)
    }

    fn read(&self) -> Result<Model<'a>, Damaged> {
        // A2B0 is the table for perceptual rendering. Most profiles with tables have it, usually
        // alone.
        let table = match self.tag(b"A2B0")? {
            None => self.tag(b"A2B1")?,
            first => first,
        };
        if let Some(table) = table {
            // If the table is damaged, the rest of the profile is not used in its place.
            let lut = Lut::new(table, self.channels.count()).ok_or(Damaged)?;
            return Ok(Model::Lut {
                lut,
                is_lab: self.is_lab,
            });
        }
        match self.channels {
            Channels::Gray => Ok(Model::Gray {
                curve: self.curve(b"kTRC")?,
                is_lightness: self.is_lab,
            }),
            Channels::Rgb => {
                let [red, green, blue] = [
                    self.colorant(b"rXYZ")?,
                    self.colorant(b"gXYZ")?,
                    self.colorant(b"bXYZ")?,
                ];
                Ok(Model::Matrix {
                    curves: [
                        self.curve(b"rTRC")?,
                        self.curve(b"gTRC")?,
                        self.curve(b"bTRC")?,
                    ],
                    to_xyz: [0, 1, 2].map(|row| [red[row], green[row], blue[row]]),
                })
            }
            Channels::Cmyk => Err(Damaged),
        }
    }

    fn curve(&self, name: &[u8; 4]) -> Result<Curve<'a>, Damaged> {
        let tag = self.tag(name)?.ok_or(Damaged)?;
        let (curve, _) = Curve::new(tag, 0).ok_or(Damaged)?;
        Ok(curve)
    }

    fn colorant(&self, name: &[u8; 4]) -> Result<[f64; 3], Damaged> {
        // The signature that the profile of Corbis has for `XYZ `.
        const CORBIS: &[u8] = b"\x17\xa5\x05\xb8";
        let tag = self.tag(name)?.ok_or(Damaged)?;
        match tag.get(..4) {
            Some(b"XYZ " | CORBIS) => {
                let number = |i: usize| s15_fixed16(tag, 8 + 4 * i).ok_or(Damaged);
                Ok([number(0)?, number(1)?, number(2)?])
            }
            _ => Err(Damaged),
        }
    }
}

#[derive(Debug)]
struct Damaged;

impl<'a> Model<'a> {
    /// The colour in XYZ of the connection space.
    fn to_xyz(&self, channels: &[f64]) -> [f64; 3] {
        match self {
            Self::Gray {
                curve,
                is_lightness,
            } => {
                let v = curve.eval(channels[0]);
                D50.map(|white| white * if *is_lightness { light(v * 100.0) } else { v })
            }
            Self::Matrix { curves, to_xyz } => {
                multiply(to_xyz, [0, 1, 2].map(|c| curves[c].eval(channels[c])))
            }
            Self::Lut { lut, is_lab: false } => {
                let encoded = lut.eval(channels);
                encoded.map(|v| v * (1.0 + 32767.0 / 32768.0))
            }
            Self::Lut { lut, is_lab: true } => {
                let [x, y, z] = roots(lut, channels).map(cube);
                [x * D50[0], y * D50[1], z * D50[2]]
            }
        }
    }

    /// The colour as the kernel's table stores it: the cube roots of CIE Lab if the profile's table
    /// is Lab, else XYZ.
    pub(super) fn to_table(&self, channels: &[f64]) -> [f64; 3] {
        match self {
            Self::Lut { lut, is_lab: true } => roots(lut, channels),
            _ => self.to_xyz(channels),
        }
    }

    /// What the kernel does after the lookup: a matrix, and whether it first cubes the cube roots.
    pub(super) fn table_space(&self) -> (Matrix, bool) {
        match self {
            Self::Lut { is_lab: true, .. } => {
                let matrix = FROM_XYZ.map(|[x, y, z]| [x * D50[0], y * D50[1], z * D50[2]]);
                (matrix, true)
            }
            _ => (FROM_XYZ, false),
        }
    }

    /// The colour in linear light with sRGB's primaries.
    pub(super) fn to_linear(&self, channels: &[f64]) -> [f64; 3] {
        let xyz = self.to_xyz(channels);
        match self {
            // All three channels are equal, so that rounding adds no tint.
            Self::Gray { .. } => [xyz[1]; 3],
            _ => multiply(&FROM_XYZ, xyz),
        }
    }

    /// The curves to linear light, and the matrix from there to linear light with sRGB's primaries.
    /// `None` if the profile has a table.
    pub(super) fn shaper(&self) -> Option<(&[Curve<'a>; 3], Matrix)> {
        let Self::Matrix { curves, to_xyz } = self else {
            return None;
        };
        let column = |c: usize| multiply(&FROM_XYZ, to_xyz.map(|row| row[c]));
        let [red, green, blue] = [0, 1, 2].map(column);
        Some((
            curves,
            [0, 1, 2].map(|row| [red[row], green[row], blue[row]]),
        ))
    }

    /// Splits off the first stage. Returns the first curve of each channel with the size of the
    /// grid that follows it, if one does, and the model without these curves.
    pub(super) fn split(&self, channels: Channels) -> (Vec<(Curve<'a>, Option<usize>)>, Self) {
        let mut behind = self.clone();
        let (curves, grid) = match &mut behind {
            Self::Lut { lut, .. } => lut.take_first_curves(),
            _ => Default::default(),
        };
        let of = |c: usize| {
            let curve = curves.get(c).copied().unwrap_or(Curve::Identity);
            (curve, grid.get(c).copied())
        };
        ((0..channels.count()).map(of).collect(), behind)
    }

    /// Whether the model can describe a picture: all channels at one end are roughly white, and
    /// each channel has an effect. Damaged profiles and zeros fail this test.
    fn is_plausible(&self, channels: Channels) -> bool {
        let count = channels.count();
        let ends = [0.0, 1.0].map(|v| self.to_xyz(&vec![v; count]));
        let is_white = |[x, y, z]: [f64; 3]| {
            let near = |ratio: f64, white: f64| (white / 2.0..white * 2.0).contains(&ratio);
            (0.25..4.0).contains(&y) && near(x / y, D50[0]) && near(z / y, D50[2])
        };
        let [start, end] = ends.map(|xyz| xyz[1]);
        let parts_are_sound = match self {
            Self::Matrix { curves, to_xyz } => {
                let changes = |curve: &Curve<'_>| (curve.eval(1.0) - curve.eval(0.0)).abs() > 0.01;
                curves.iter().all(changes) && determinant(to_xyz).abs() > 1e-4
            }
            _ => true,
        };
        ends.into_iter().any(is_white) && (start - end).abs() > 0.05 && parts_are_sound
    }
}

fn multiply(matrix: &Matrix, [x, y, z]: [f64; 3]) -> [f64; 3] {
    matrix.map(|[a, b, c]| a * x + b * y + c * z)
}

fn determinant([[a, b, c], [d, e, f], [g, h, i]]: &Matrix) -> f64 {
    a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
}

/// The cube roots of XYZ, from a table of Lab.
fn roots(lut: &Lut<'_>, channels: &[f64]) -> [f64; 3] {
    let scale = match lut.is_legacy_lab {
        true => 65535.0 / 65280.0,
        false => 1.0,
    };
    let [l, a, b] = lut.eval(channels).map(|v| v * scale);
    let (a, b) = (a * 255.0 - 128.0, b * 255.0 - 128.0);
    let y = (l * 100.0 + 16.0) / 116.0;
    [y + a / 500.0, y, y - b / 200.0]
}

/// Linear light from CIE lightness. L* 100 is 1.0.
fn light(lightness: f64) -> f64 {
    cube((lightness + 16.0) / 116.0)
}

/// The inverse of CIE's cube root, which is linear near 0.0.
fn cube(t: f64) -> f64 {
    if t > 24.0 / 116.0 {
        t * t * t
    } else {
        108.0 / 841.0 * (t - 16.0 / 116.0)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

fn s15_fixed16(bytes: &[u8], at: usize) -> Option<f64> {
    Some(f64::from(u32_at(bytes, at)? as i32) / 65536.0)
}
