//! Files made from seeds: all kinds of frames and scans, with any content.

use super::{
    content::{self, Content},
    scans::Scan,
    writer::{Codes, Component, Frame, Oddities},
};
use crate::support::Noise;

/// A file, and what it is, for messages.
pub struct Jpeg {
    pub bytes: Vec<u8>,
    pub what: String,
}

/// What the components are, and how a file says so.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Colors {
    Gray,
    /// By JFIF's segment.
    Jfif,
    /// By Adobe's, with this transform: 0 says RGB or CMYK, all others YCbCr or YCCK.
    Adobe(u8, usize),
    /// By the components' names, or not at all.
    Named([u8; 3]),
    Inks,
}

impl Colors {
    fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Jfif | Self::Named(_) => 3,
            Self::Adobe(_, count) => count,
            Self::Inks => 4,
        }
    }
}

pub(super) fn pick<T: Copy>(noise: &mut Noise, among: &[T]) -> T {
    among[(noise.next() >> 20) as usize % among.len()]
}

pub(super) fn up_to(noise: &mut Noise, limit: usize) -> usize {
    1 + (noise.next() >> 20) as usize % limit
}

fn one_in(noise: &mut Noise, n: u64) -> bool {
    (noise.next() >> 20).is_multiple_of(n)
}

/// The file of a seed, always the same.
pub fn random(seed: u64) -> Jpeg {
    made(&mut Noise::new(seed.wrapping_add(1)), false).1
}

/// The same of a soft and fine picture, in which zeros for what is missing make nothing illegal.
pub fn soft(seed: u64) -> Jpeg {
    made(&mut Noise::new(seed.wrapping_add(1)), true).1
}

/// Twice the same picture: its coefficients in one progressive file and in a sequential one.
pub fn pair(seed: u64) -> [Vec<u8>; 2] {
    let noise = &mut Noise::new(seed.wrapping_add(1));
    let (mut frame, _) = made(noise, false);
    frame.codes = Codes::Fitting;
    [0xc2, 0xc1].map(|start| {
        frame.start = start;
        frame.scans = scans(&frame, noise);
        frame.write(noise)
    })
}

/// A progressive file like that, not yet written.
pub(super) fn progressive(noise: &mut Noise) -> Frame {
    let (mut frame, _) = made(noise, true);
    frame.start = 0xc2;
    if frame.codes != Codes::Deep {
        frame.codes = Codes::Fitting;
    }
    frame.scans = scans(&frame, noise);
    frame
}

fn made(noise: &mut Noise, soft: bool) -> (Frame, Jpeg) {
    for _ in 0..9 {
        noise.next(); // the first ones of close seeds are close
    }
    let size = size(noise);
    let colors = match up_to(noise, 16) {
        1..=3 => Colors::Gray,
        4..=8 => Colors::Jfif,
        9 => Colors::Adobe(0, 3),
        10 => Colors::Adobe(1, 3),
        11 => Colors::Adobe(0, 4),
        12 => Colors::Adobe(2, 4),
        13 => Colors::Adobe(1, 4),
        14 => Colors::Inks,
        _ => Colors::Named(pick(noise, &[[1, 2, 3], *b"RGB", [0, 1, 2], [7, 9, 200]])),
    };
    // SOF0 has two tables of a kind and 8 bits a quantiser.
    let start = pick(noise, &[0xc0, 0xc0, 0xc0, 0xc1, 0xc2]);
    let codes = match (start, up_to(noise, 20)) {
        (_, 1..=4) => Codes::Deep,
        (0xc2, _) | (_, 5..=12) => Codes::Fitting,
        (_, 13) => Codes::Implied,
        _ => Codes::Standard,
    };
    let content = pick(
        noise,
        &[
            Content::Flat,
            Content::Gradient,
            Content::Noise,
            Content::Photo,
            Content::Photo,
            Content::Coefficients,
            Content::Coefficients,
        ],
    );
    let quality = match up_to(noise, 4) {
        1 => pick(noise, &[1, 10, 90, 100]),
        _ => up_to(noise, 100) as u32,
    };
    let (content, quality) = match (soft, content) {
        (true, Content::Flat | Content::Gradient) => (content, 100),
        (true, _) => (Content::Photo, 100),
        _ => (content, quality),
    };
    let mut quantisers: Vec<[u16; 64]> = (0..up_to(noise, 4))
        .map(|_| content::quantiser(quality, noise))
        .collect();
    if start == 0xc0 {
        for q in quantisers.as_flattened_mut() {
            *q = (*q).min(255);
        }
    }
    let mut frame = Frame {
        size,
        start,
        components: Vec::new(),
        quantisers,
        scans: Vec::new(),
        codes,
        jfif: colors == Colors::Jfif || colors == Colors::Gray && one_in(noise, 2),
        adobe: match colors {
            Colors::Adobe(transform, _) => Some(transform),
            _ => None,
        },
        oddities: Oddities {
            filled: one_in(noise, 9),
            wide: start != 0xc0 && one_in(noise, 4),
            apart: one_in(noise, 2),
            tail: one_in(noise, 15),
            endless: one_in(noise, 15),
            long_runs: false,
        },
    };
    fill(&mut frame, colors, content, noise);
    frame.scans = scans(&frame, noise);
    let factors: Vec<_> = frame.components.iter().map(|c| c.factors).collect();
    let what = format!(
        "SOF{} of {size:?}, {colors:?} {factors:?}, quality {quality}, {content:?}, {codes:?}, \
         {:?}, scans {:?}",
        start - 0xc0,
        frame.oddities,
        frame.scans,
    );
    let bytes = frame.write(noise);
    (frame, Jpeg { bytes, what })
}

/// One pixel to some hundreds, odd more often than not; or long and thin.
fn size(noise: &mut Noise) -> [usize; 2] {
    let most = match up_to(noise, 64) {
        1 => {
            let thin = [[1, 2000], [2000, 3], [65_500, 1], [3, 65_500], [9, 4001]];
            return pick(noise, &thin);
        }
        2..=8 => 300,
        9..=40 => 100,
        _ => 24,
    };
    [0, 1].map(|_| {
        let n = up_to(noise, most);
        if one_in(noise, 2) { n | 1 } else { n }
    })
}

fn fill(frame: &mut Frame, colors: Colors, content: Content, noise: &mut Noise) {
    let most = match up_to(noise, 4) {
        1 => [1, 1],
        2 => [2, 2],
        3 => [2, 1],
        _ => [up_to(noise, 4), up_to(noise, 4)],
    };
    let usual = one_in(noise, 2);
    // Two tables of a kind but for SOF1 and SOF2, and as many as the standard has.
    let few = frame.start == 0xc0 || matches!(frame.codes, Codes::Standard | Codes::Implied);
    for i in 0..colors.count() {
        let id = match colors {
            Colors::Named(names) => names[i],
            _ => i as u8 + 1,
        };
        // Only divisors of the largest: libjpeg refuses fractions.
        let mut factor = |most: usize| {
            let divisors: Vec<_> = (1..=most).filter(|n| most.is_multiple_of(*n)).collect();
            pick(noise, &divisors)
        };
        let factors = match (i, usual) {
            (0 | 3, true) => most,
            (_, true) => [1, 1],
            _ => most.map(&mut factor),
        };
        let tables = [0, 1].map(|_| (up_to(noise, if few { 2 } else { 4 }) - 1) as u8);
        frame.components.push(Component {
            id,
            factors,
            quantiser: (up_to(noise, frame.quantisers.len()) - 1) as u8,
            tables,
            blocks: Vec::new(),
        });
    }
    let mcus = frame.mcus();
    for component in &mut frame.components {
        let size = [0, 1].map(|k| mcus[k] * component.factors[k]);
        let quantiser = &frame.quantisers[usize::from(component.quantiser)];
        component.blocks = content::blocks(content, size, quantiser, noise);
    }
}

/// Whether these components may share a scan, of at most ten blocks an MCU.
fn fit(frame: &Frame, components: &[usize]) -> bool {
    let factors = components.iter().map(|&i| frame.components[i].factors);
    components.len() == 1 || factors.map(|[h, v]| h * v).sum::<usize>() <= 10
}

/// The components in groups that may share a scan.
fn groups(frame: &Frame, noise: &mut Noise) -> Vec<Vec<usize>> {
    let count = frame.components.len();
    let all: Vec<usize> = (0..count).collect();
    if fit(frame, &all) && !one_in(noise, 3) {
        return vec![all];
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let together = one_in(noise, 2);
    for i in 0..count {
        match groups.last_mut() {
            Some(last) if together && fit(frame, &[&last[..], &[i]].concat()) => last.push(i),
            _ => groups.push(vec![i]),
        }
    }
    if one_in(noise, 2) {
        groups.reverse();
    }
    groups
}

fn scans(frame: &Frame, noise: &mut Noise) -> Vec<Scan> {
    let mut scans = Vec::new();
    let mut restart = match up_to(noise, 3) {
        1 => up_to(noise, 64) as u16,
        2 => up_to(noise, 4) as u16,
        _ => 0,
    };
    let mut add = |noise: &mut Noise, components: Vec<usize>, band, approximation| {
        if one_in(noise, 9) {
            restart = up_to(noise, 65) as u16 - 1;
        }
        scans.push(Scan {
            components,
            band,
            approximation,
            restart,
        });
    };
    if frame.start != 0xc2 {
        for group in groups(frame, noise) {
            add(noise, group, [0, 63], [0, 0]);
        }
        return scans;
    }
    // For each coefficient of each component the bits that are yet to come, if it is there at all.
    let mut left = vec![[None; 64]; frame.components.len()];
    let coarse = up_to(noise, 4) as u8 - 1;
    for group in groups(frame, noise) {
        for &i in &group {
            left[i][0] = Some(coarse);
        }
        add(noise, group, [0, 0], [0, coarse]);
    }
    let most = pick(noise, &[1, 3, 5]);
    let whole = one_in(noise, 2);
    let is_open = |left: &Option<u8>| *left != Some(0);
    loop {
        let open: Vec<usize> = (0..left.len())
            .filter(|&i| left[i].iter().any(is_open))
            .collect();
        if open.is_empty() {
            return scans;
        }
        let i = pick(noise, &open);
        let first = left[i].iter().position(is_open).unwrap_or(0);
        if first == 0 {
            // With all that lack the same bit, or alone.
            let low = left[i][0].unwrap_or(1) - 1;
            let same = groups(frame, noise);
            let same = same.into_iter().find(|group| {
                group.contains(&i) && group.iter().all(|&k| left[k][0] == left[i][0])
            });
            let group = same.unwrap_or(vec![i]);
            for &k in &group {
                left[k][0] = Some(low);
            }
            add(noise, group, [0, 0], [low + 1, low]);
            continue;
        }
        // A band of those that are as far, which is cut again each time.
        let first = match one_in(noise, 3) {
            true => (first..64)
                .rev()
                .find(|&k| is_open(&left[i][k]))
                .unwrap_or(first),
            false => first,
        };
        let now = left[i][first];
        let alike = left[i][first..].iter().take_while(|&&l| l == now).count();
        let len = if whole || one_in(noise, 2) {
            alike
        } else {
            up_to(noise, alike)
        };
        let last = first + len - 1;
        let approximation = match now {
            None => [0, up_to(noise, most) as u8 - 1],
            Some(high) => [high, high - 1],
        };
        left[i][first..=last].fill(Some(approximation[1]));
        add(noise, vec![i], [first, last], approximation);
    }
}
