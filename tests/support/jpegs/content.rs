//! What is to be seen: planes of samples and their coefficients, or coefficients out of thin air.
//!
//! All are legal: what they give before it is clamped fits 10 bits, past which libjpeg's own
//! varieties differ.

use crate::support::Noise;
use std::sync::LazyLock;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Content {
    Flat,
    Gradient,
    Noise,
    /// Shapes, waves and grain.
    Photo,
    /// Random coefficients, of each block a kind of its own.
    Coefficients,
}

/// Zigzag order.
pub const ZIGZAG: [usize; 64] = {
    let mut order = [0; 64];
    let (mut x, mut y, mut k) = (0, 0, 0);
    while k < 64 {
        order[k] = y * 8 + x;
        k += 1;
        let up = (x + y) % 2 == 0;
        if up && x == 7 || !up && y < 7 && x == 0 {
            y += 1;
        } else if !up && y == 7 || up && y == 0 {
            x += 1;
        } else if up {
            x += 1;
            y -= 1;
        } else {
            x -= 1;
            y += 1;
        }
    }
    order
};

/// A DCT's rows.
static COSINES: LazyLock<[[f32; 8]; 8]> = LazyLock::new(|| {
    let mut rows = [[0.0; 8]; 8];
    for (u, row) in rows.iter_mut().enumerate() {
        for (x, value) in row.iter_mut().enumerate() {
            let scale = if u == 0 { 0.125_f64.sqrt() } else { 0.5 };
            let angle = std::f64::consts::PI / 16.0 * ((2 * x + 1) * u) as f64;
            *value = (scale * angle.cos()) as f32;
        }
    }
    rows
});

/// A·B·Aᵀ or, the other way, Aᵀ·B·A.
fn transform(block: &[f32; 64], inverse: bool) -> [f32; 64] {
    let c = |u: usize, x: usize| match inverse {
        false => COSINES[u][x],
        true => COSINES[x][u],
    };
    let (mut half, mut out) = ([0.0; 64], [0.0; 64]);
    for i in 0..64 {
        half[i] = (0..8).map(|k| c(i / 8, k) * block[k * 8 + i % 8]).sum();
    }
    for i in 0..64 {
        out[i] = (0..8).map(|k| half[i / 8 * 8 + k] * c(i % 8, k)).sum();
    }
    out
}

/// A quantiser like the standard's, in zigzag order: finer for low frequencies, scaled by quality
/// as libjpeg does, so past 255 at times.
pub fn quantiser(quality: u32, noise: &mut Noise) -> [u16; 64] {
    let scale = match quality {
        ..50 => 5000 / quality,
        _ => 200 - quality * 2,
    };
    let mut out = [0; 64];
    for (k, q) in out.iter_mut().enumerate() {
        let (u, v) = (ZIGZAG[k] % 8, ZIGZAG[k] / 8);
        let base = 10 + 6 * (u + v) as u32 + noise.next() as u32 % 16;
        *q = ((base * scale + 50) / 100).max(1) as u16;
    }
    out
}

/// The blocks of a component of `size` blocks.
pub fn blocks(
    content: Content,
    size: [usize; 2],
    quantiser: &[u16; 64],
    noise: &mut Noise,
) -> Vec<[i16; 64]> {
    let count = size[0] * size[1];
    if content == Content::Coefficients {
        return (0..count).map(|_| random_block(quantiser, noise)).collect();
    }
    let [width, height] = size.map(|n| n * 8);
    let plane = plane(content, [width, height], noise);
    let mut blocks = Vec::with_capacity(count);
    for i in 0..count {
        let (x, y) = (i % size[0] * 8, i / size[0] * 8);
        let mut samples = [0.0; 64];
        for (k, sample) in samples.iter_mut().enumerate() {
            *sample = f32::from(plane[(y + k / 8) * width + x + k % 8]) - 128.0;
        }
        let exact = transform(&samples, false);
        let mut block = [0; 64];
        for k in 0..64 {
            let value = (exact[ZIGZAG[k]] / f32::from(quantiser[k])).round() as i16;
            block[k] = value.clamp(-1023, 1023);
        }
        blocks.push(legal(block, quantiser));
    }
    blocks
}

/// Takes from the coefficients until they are legal.
fn legal(mut block: [i16; 64], quantiser: &[u16; 64]) -> [i16; 64] {
    loop {
        let mut exact = [0.0; 64];
        let mut small = true;
        for k in 0..64 {
            exact[ZIGZAG[k]] = f32::from(block[k]) * f32::from(quantiser[k]);
            small &= exact[ZIGZAG[k]].abs() <= 2000.0;
        }
        let samples = transform(&exact, true);
        if small && samples.iter().all(|s| s.abs() < 480.0) {
            return block;
        }
        for (coefficient, &q) in block.iter_mut().zip(quantiser) {
            *coefficient /= 2;
            if q > 2000 {
                *coefficient = 0;
            }
        }
    }
}

fn random_block(quantiser: &[u16; 64], noise: &mut Noise) -> [i16; 64] {
    let mut block = [0; 64];
    let mut within = |limit: i64, q: u16| {
        let limit = (limit / i64::from(q)).min(1023);
        (noise.next() as i64 % (limit + 1)) as i16
    };
    block[0] = within(1000, quantiser[0]);
    let kind = within(7, 1).abs();
    let (first, last) = match kind {
        0 => return block,
        1 => (63, 63),
        2 => (1, 63),
        3 => (40, 60),
        _ => (1, 1 + within(62, 1).unsigned_abs() as usize),
    };
    // Of all, of every third, or of one in twenty.
    let among = [1, 3, 20][within(2, 1).unsigned_abs() as usize];
    for k in first..=last {
        if kind == 1 || within(among - 1, 1) == 0 {
            let most = if among == 1 { 12 } else { 1023 };
            let size = within(10, 1).unsigned_abs();
            block[k] = within(1 << size, quantiser[k]).clamp(-most, most);
        }
    }
    legal(block, quantiser)
}

fn plane(content: Content, [width, height]: [usize; 2], noise: &mut Noise) -> Vec<u8> {
    let mut number = |limit: usize| noise.next() as usize % limit;
    match content {
        Content::Flat => vec![number(256) as u8; width * height],
        Content::Noise | Content::Coefficients => noise.bytes(width * height),
        Content::Gradient => {
            let (a, b, start) = (number(9) as isize - 4, number(9) as isize - 4, number(256));
            let value = |i: usize| a * (i % width) as isize + b * (i / width) as isize;
            let wide = |i: usize| (value(i) / 2 + start as isize).clamp(0, 255) as u8;
            (0..width * height).map(wide).collect()
        }
        Content::Photo => {
            let mut discs = Vec::new();
            for _ in 0..6 {
                let radius = 1 + number(width.max(height)) / 2;
                discs.push((number(width), number(height), radius, number(256)));
            }
            let (wave, grain) = (3 + number(40), 1 + number(40) as u64);
            let mut out = Vec::with_capacity(width * height);
            for i in 0..width * height {
                let (x, y) = (i % width, i / width);
                let within = |&&(cx, cy, r, _): &&(usize, usize, usize, usize)| {
                    x.abs_diff(cx).pow(2) + y.abs_diff(cy).pow(2) <= r * r
                };
                let base = discs.iter().find(within).map_or(128, |disc| disc.3);
                let soft = ((x + 2 * y) as f32 / wave as f32).sin() * 25.0;
                let grain = (noise.next() >> 33) % grain;
                out.push((base as f32 * 0.8 + soft + grain as f32) as u8);
            }
            out
        }
    }
}
