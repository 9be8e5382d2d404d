//! A picture in the manner of a photograph, for the sample and for benchmarks: smooth sky,
//! soft edges, fine texture, a little sensor noise. The same everywhere and at every size.

/// An 8-bit RGB picture of this size, rows packed.
pub(crate) fn render(width: u32, height: u32) -> Vec<u8> {
    let (w, h) = (width.max(1) as f32, height.max(1) as f32);
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x as f32 / w, y as f32 / h);
            let grain = (hash(x, y, 9) - 0.5) * 0.02;
            let color = shade(u, v, w / h).map(|c| (c + grain).clamp(0.0, 1.0));
            rgb.extend(color.map(|c| (c * 255.0 + 0.5) as u8));
        }
    }
    rgb
}

type Rgb = [f32; 3];

/// The colour at `u`, `v`, each 0 to 1 from the top left.
fn shade(u: f32, v: f32, aspect: f32) -> Rgb {
    let x = u * aspect;
    let mut color = sky(x, v, aspect);
    // Ranges of hills, from far and pale to near and dark.
    for range in 0..5 {
        let r = range as f32;
        let ridge = 0.42 + 0.1 * r + (0.13 - 0.015 * r) * (noise(x * (2.0 + r), r, 4) - 0.5);
        let edge = ((v - ridge) * 900.0 / (1.0 + r)).clamp(0.0, 1.0);
        if edge > 0.0 {
            let haze = (1.0 - r / 5.0) * 0.75;
            let texture = noise(x * 60.0, v * 90.0 + r, 4);
            let grass = [
                0.10 + 0.18 * texture,
                0.16 + 0.26 * texture,
                0.06 + 0.08 * texture,
            ];
            let pale = [0.62, 0.70, 0.80];
            color = mix(color, mix(grass, pale, haze), edge);
        }
    }
    color
}

fn sky(x: f32, v: f32, aspect: f32) -> Rgb {
    let mut color = mix([0.20, 0.42, 0.78], [0.95, 0.80, 0.62], (v * 1.9).min(1.0));
    let (dx, dy) = (x - 0.7 * aspect, v - 0.27);
    let distance = (dx * dx + dy * dy).sqrt();
    color = mix(
        color,
        [1.0, 0.93, 0.72],
        (0.09 / (distance + 0.06) - 0.2).clamp(0.0, 1.0),
    );
    color = mix(
        color,
        [1.0, 0.99, 0.93],
        ((0.05 - distance) * 400.0).clamp(0.0, 1.0),
    );
    let cloud = noise(x * 3.0 + 7.0, v * 9.0, 5);
    mix(
        color,
        [0.98, 0.96, 0.95],
        ((cloud - 0.52) * 2.6).clamp(0.0, 0.8),
    )
}

fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [0, 1, 2].map(|c| a[c] + (b[c] - a[c]) * t)
}

/// Smooth noise of several octaves, 0 to 1.
fn noise(x: f32, y: f32, octaves: u32) -> f32 {
    let (mut sum, mut weight, mut scale) = (0.0, 0.5, 1.0);
    for octave in 0..octaves {
        sum += weight * smooth(x * scale, y * scale, octave);
        weight *= 0.5;
        scale *= 2.1;
    }
    sum / (1.0 - 0.5f32.powi(octaves as i32))
}

fn smooth(x: f32, y: f32, seed: u32) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (tx, ty) = (ease(x - x0), ease(y - y0));
    let at = |i: i32, j: i32| hash((x0 as i32 + i) as u32, (y0 as i32 + j) as u32, seed);
    let top = at(0, 0) + (at(1, 0) - at(0, 0)) * tx;
    let bottom = at(0, 1) + (at(1, 1) - at(0, 1)) * tx;
    top + (bottom - top) * ty
}

/// 0 to 1, without a pattern that an eye would see.
fn hash(x: u32, y: u32, seed: u32) -> f32 {
    let mut h =
        x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ seed.wrapping_mul(0xc2b2_ae3d);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    h ^= h >> 15;
    (h >> 8) as f32 / 16_777_216.0
}
