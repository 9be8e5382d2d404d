//! ICC profiles, byte by byte.

/// A profile to be: its header, and its tags in order.
#[derive(Clone)]
pub struct Icc {
    pub version: [u8; 4],
    pub class: [u8; 4],
    pub space: [u8; 4],
    pub pcs: [u8; 4],
    pub tags: Vec<([u8; 4], Vec<u8>)>,
}

/// Of sRGB, under D50.
pub const SRGB: [[f64; 3]; 3] = [
    [0.436_07, 0.222_49, 0.013_92],
    [0.385_15, 0.716_87, 0.097_08],
    [0.143_07, 0.060_61, 0.714_1],
];

/// Of ProPhoto RGB.
pub const PRO_PHOTO: [[f64; 3]; 3] = [
    [0.797_67, 0.288_04, 0.0],
    [0.135_19, 0.711_88, 0.0],
    [0.031_34, 0.000_09, 0.824_91],
];

/// Of ColorMatch RGB.
pub const COLOR_MATCH: [[f64; 3]; 3] = [
    [0.509_34, 0.274_88, 0.024_26],
    [0.320_90, 0.658_13, 0.108_77],
    [0.133_97, 0.066_99, 0.691_88],
];

impl Icc {
    pub fn new(space: &[u8; 4], pcs: &[u8; 4]) -> Self {
        Self {
            version: [4, 0x20, 0, 0],
            class: if space == b"CMYK" { *b"prtr" } else { *b"mntr" },
            space: *space,
            pcs: *pcs,
            tags: vec![(*b"wtpt", xyz([0.9642, 1.0, 0.8249]))],
        }
    }

    /// Of these primaries, red first, and this curve for all.
    pub fn rgb(primaries: [[f64; 3]; 3], curve: &[u8]) -> Self {
        let [red, green, blue] = primaries;
        Self::new(b"RGB ", b"XYZ ")
            .with(b"rXYZ", xyz(red))
            .with(b"gXYZ", xyz(green))
            .with(b"bXYZ", xyz(blue))
            .with(b"rTRC", curve.to_vec())
            .with(b"gTRC", curve.to_vec())
            .with(b"bTRC", curve.to_vec())
    }

    pub fn gray(pcs: &[u8; 4], curve: &[u8]) -> Self {
        Self::new(b"GRAY", pcs).with(b"kTRC", curve.to_vec())
    }

    /// With this tag, in place of one of its name if there is one.
    pub fn with(mut self, name: &[u8; 4], data: Vec<u8>) -> Self {
        match self.tags.iter_mut().find(|tag| tag.0 == *name) {
            Some(tag) => tag.1 = data,
            None => self.tags.push((*name, data)),
        }
        self
    }

    pub fn without(mut self, name: &[u8; 4]) -> Self {
        self.tags.retain(|tag| tag.0 != *name);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut profile = vec![0; 128];
        profile[8..12].copy_from_slice(&self.version);
        profile[12..16].copy_from_slice(&self.class);
        profile[16..20].copy_from_slice(&self.space);
        profile[20..24].copy_from_slice(&self.pcs);
        profile[24..36].copy_from_slice(&[7, 0xd0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
        profile[36..40].copy_from_slice(b"acsp");
        profile[68..80].copy_from_slice(&xyz([0.9642, 1.0, 0.8249])[8..]);
        profile.extend((self.tags.len() as u32).to_be_bytes());
        let mut at = 132 + 12 * self.tags.len();
        for (name, data) in &self.tags {
            profile.extend(name);
            profile.extend((at as u32).to_be_bytes());
            profile.extend((data.len() as u32).to_be_bytes());
            at += data.len().next_multiple_of(4);
        }
        for (_, data) in &self.tags {
            profile.extend(data);
            profile.resize(profile.len().next_multiple_of(4), 0);
        }
        let len = profile.len() as u32;
        profile[..4].copy_from_slice(&len.to_be_bytes());
        profile
    }
}

fn s15_fixed16(v: f64) -> [u8; 4] {
    ((v * 65536.0).round() as i32).to_be_bytes()
}

pub fn xyz(values: [f64; 3]) -> Vec<u8> {
    [&b"XYZ \0\0\0\0"[..], values.map(s15_fixed16).as_flattened()].concat()
}

/// A `curv` of these entries: none, one (a power, of 8.8 bits) or samples.
pub fn curv(entries: &[u16]) -> Vec<u8> {
    let mut data = b"curv\0\0\0\0".to_vec();
    data.extend((entries.len() as u32).to_be_bytes());
    data.extend(entries.iter().flat_map(|v| v.to_be_bytes()));
    data
}

/// A `curv` of so many samples of a function.
pub fn sampled(count: usize, of: impl Fn(f64) -> f64) -> Vec<u8> {
    let at = |i: usize| of(i as f64 / (count - 1) as f64) * 65535.0;
    let entries: Vec<u16> = (0..count).map(|i| at(i).round() as u16).collect();
    curv(&entries)
}

pub fn para(kind: u16, numbers: &[f64]) -> Vec<u8> {
    let mut data = b"para\0\0\0\0".to_vec();
    data.extend(kind.to_be_bytes());
    data.extend([0, 0]);
    data.extend(numbers.iter().flat_map(|&v| s15_fixed16(v)));
    data
}

/// What a table gives at the points of a grid, of which the last channel is innermost.
pub fn grid(points: &[usize], of: impl Fn(&[f64]) -> [f64; 3]) -> Vec<f64> {
    let mut values = Vec::new();
    for i in 0..points.iter().product() {
        let (mut rest, mut channels) = (i, vec![0.0; points.len()]);
        for (v, points) in channels.iter_mut().zip(points).rev() {
            *v = (rest % points) as f64 / (points - 1) as f64;
            rest /= points;
        }
        values.extend(of(&channels));
    }
    values
}

fn quantized(values: &[f64], is_wide: bool) -> Vec<u8> {
    let most = if is_wide { 65535.0 } else { 255.0 };
    let number = |v: f64| (v.clamp(0.0, 1.0) * most).round() as u16;
    values
        .iter()
        .flat_map(|&v| match is_wide {
            true => number(v).to_be_bytes().to_vec(),
            false => vec![number(v) as u8],
        })
        .collect()
}

const IDENTITY: [f64; 9] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];

/// A `mft1` or, if it `is_wide`, a `mft2`: a grid of so many points along each of its inputs, and
/// a curve before and one behind it for all channels.
pub fn mft(
    is_wide: bool,
    (inputs, points): (usize, usize),
    before: impl Fn(f64) -> f64,
    of: impl Fn(&[f64]) -> [f64; 3],
    behind: impl Fn(f64) -> f64,
) -> Vec<u8> {
    let mut data = if is_wide { *b"mft2" } else { *b"mft1" }.to_vec();
    data.extend([0, 0, 0, 0, inputs as u8, 3, points as u8, 0]);
    data.extend(IDENTITY.map(s15_fixed16).as_flattened());
    let (entries, entries_behind) = if is_wide { (300, 41) } else { (256, 256) };
    if is_wide {
        data.extend([1, 44, 0, 41]);
    }
    let curve = |count: usize, of: &dyn Fn(f64) -> f64| -> Vec<f64> {
        (0..count)
            .map(|i| of(i as f64 / (count - 1) as f64))
            .collect()
    };
    for _ in 0..inputs {
        data.extend(quantized(&curve(entries, &before), is_wide));
    }
    data.extend(quantized(&grid(&vec![points; inputs], of), is_wide));
    for _ in 0..3 {
        data.extend(quantized(&curve(entries_behind, &behind), is_wide));
    }
    data
}

/// The parts of a `mAB `; those that are empty are absent.
#[derive(Clone, Default)]
pub struct Mab {
    pub a: Vec<Vec<u8>>,
    pub points: Vec<usize>,
    pub clut: Vec<f64>,
    pub is_wide: bool,
    pub m: Vec<Vec<u8>>,
    /// Nine numbers row by row, and three that are added.
    pub matrix: Vec<f64>,
    pub b: Vec<Vec<u8>>,
}

impl Mab {
    pub fn bytes(&self) -> Vec<u8> {
        let inputs = if self.points.is_empty() {
            3
        } else {
            self.points.len()
        };
        let mut data = b"mAB \0\0\0\0".to_vec();
        data.extend([inputs as u8, 3, 0, 0]);
        data.extend([0; 20]);
        let curves = |curves: &[Vec<u8>]| -> Vec<u8> {
            let padded = curves.iter().map(|curve| {
                let mut curve = curve.clone();
                curve.resize(curve.len().next_multiple_of(4), 0);
                curve
            });
            padded.flatten().collect()
        };
        let mut clut = Vec::new();
        if !self.points.is_empty() {
            clut.extend(self.points.iter().map(|&points| points as u8));
            clut.resize(16, 0);
            clut.extend([if self.is_wide { 2 } else { 1 }, 0, 0, 0]);
            clut.extend(quantized(&self.clut, self.is_wide));
            clut.resize(clut.len().next_multiple_of(4), 0);
        }
        let matrix = self.matrix.iter().flat_map(|&v| s15_fixed16(v)).collect();
        let parts = [
            curves(&self.b),
            matrix,
            curves(&self.m),
            clut,
            curves(&self.a),
        ];
        for (i, part) in parts.into_iter().enumerate() {
            if !part.is_empty() {
                let at = data.len() as u32;
                data[12 + 4 * i..16 + 4 * i].copy_from_slice(&at.to_be_bytes());
                data.extend(part);
            }
        }
        data
    }
}
