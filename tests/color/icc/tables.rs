//! Profiles with tables, against Little CMS.

use super::assert_right;
use crate::support::profiles::{
    COLOR_MATCH, Icc, Mab, PRO_PHOTO, SRGB, curv, grid, mft, para, sampled, xyz,
};
use imagecuda::Device;
use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        tables_of_rgb,
        tables_of_rgb_to_xyz,
        tables_of_gray,
        tables_of_inks,
        a_table_goes_before_a_matrix,
    ])
}

/// XYZ of linear light of these primaries.
pub(super) fn to_xyz(primaries: [[f64; 3]; 3], light: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|row| (0..3).map(|c| primaries[c][row] * light[c]).sum())
}

/// XYZ as Lab, both under D50.
fn to_lab([x, y, z]: [f64; 3]) -> [f64; 3] {
    let f = |t: f64| match t {
        t if t > 216.0 / 24389.0 => t.cbrt(),
        t => t * 841.0 / 108.0 + 16.0 / 116.0,
    };
    let [x, y, z] = [x / 0.9642, y, z / 0.8249].map(f);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Lab as numbers from 0.0 to 1.0: in a `lut16Type` 100 is 0xff00.
pub(super) fn encoded([l, a, b]: [f64; 3], is_lut16: bool) -> [f64; 3] {
    let scale = if is_lut16 { 65280.0 / 65535.0 } else { 1.0 };
    [l / 100.0, (a + 128.0) / 255.0, (b + 128.0) / 255.0].map(|v| v * scale)
}

pub(super) fn lab_table(primaries: [[f64; 3]; 3], gamma: f64, points: usize, is_wide: bool) -> Icc {
    let of = |v: &[f64]| {
        let light = [v[0], v[1], v[2]].map(|v| v.powf(gamma));
        encoded(to_lab(to_xyz(primaries, light)), is_wide)
    };
    let table = mft(is_wide, (3, points), |v| v, of, |v| v);
    Icc::new(b"RGB ", b"Lab ").with(b"A2B0", table)
}

fn tables_of_rgb(device: &Device) {
    for is_wide in [false, true] {
        for (primaries, gamma) in [
            (SRGB, 2.2),
            (COLOR_MATCH, 1.8),
            (PRO_PHOTO, 2.2),
            (SRGB, 1.0),
        ] {
            for points in [2, 9, 12, 17, 21, 33] {
                let mut profile = lab_table(primaries, gamma, points, is_wide);
                // Lab is encoded by the type, whatever the version.
                profile.version[0] = if points % 2 == 0 { 2 } else { 4 };
                assert_right(device, &profile, 0.5, (is_wide, gamma, points));
            }
        }
    }
    // More points than a kernel has.
    let profile = lab_table(PRO_PHOTO, 2.2, 40, true);
    assert_right(device, &profile, 2.5, "40 points");
    // Curves on both sides of the grid.
    let of = |v: &[f64]| {
        let light = [v[0], v[1], v[2]].map(|v| v.powi(3));
        encoded(to_lab(to_xyz(PRO_PHOTO, light)), true).map(|v| v.powf(1.25))
    };
    let table = mft(true, (3, 17), |v| v.powf(0.7), of, |v| v.powf(0.8));
    let profile = Icc::new(b"RGB ", b"Lab ").with(b"A2B0", table);
    assert_right(device, &profile, 3.0, "curves behind the grid");
    // A grid of Lab in a `mAB `, of as many points as its channels need.
    for is_wide in [false, true] {
        let mab = Mab {
            a: vec![para(0, &[0.7]); 3],
            points: vec![9, 17, 12],
            clut: grid(&[9, 17, 12], |v| {
                let light = [v[0], v[1], v[2]].map(|v| v.powi(3));
                encoded(to_lab(to_xyz(COLOR_MATCH, light)), false)
            }),
            is_wide,
            b: vec![curv(&[]), curv(&[0x100]), sampled(2, |v| v)],
            ..Mab::default()
        };
        let profile = Icc::new(b"RGB ", b"Lab ").with(b"A2B0", mab.bytes());
        assert_right(device, &profile, 0.5, ("mAB", is_wide));
    }
}

fn tables_of_rgb_to_xyz(device: &Device) {
    const MOST: f64 = 1.0 + 32767.0 / 32768.0;
    for (curve, gamma) in [(curv(&[0x1cd]), 1.8008), (para(0, &[2.2]), 2.2)] {
        let matrix = (0..9).map(|i| PRO_PHOTO[i % 3][i / 3] / MOST);
        let shaper = Mab {
            m: vec![curve.clone(); 3],
            matrix: matrix.clone().chain([0.0; 3]).collect(),
            b: vec![curv(&[]); 3],
            ..Mab::default()
        };
        let xyz = |light: [f64; 3]| to_xyz(PRO_PHOTO, light).map(|v| v / MOST);
        let whole = Mab {
            a: vec![curve; 3],
            points: vec![5; 3],
            clut: grid(&[5; 3], |v| [v[0], v[1], v[2]]),
            is_wide: true,
            m: vec![para(0, &[1.0]); 3],
            ..shaper.clone()
        };
        for (i, table) in [shaper.bytes(), whole.bytes()].into_iter().enumerate() {
            let profile = Icc::new(b"RGB ", b"XYZ ").with(b"A2B0", table);
            assert_right(device, &profile, 0.5, (i, gamma));
        }
        let of = |v: &[f64]| xyz([v[0], v[1], v[2]]);
        let table = mft(true, (3, 9), |v| v.powf(gamma), of, |v| v);
        // Only the colorimetric one.
        let profile = Icc::new(b"RGB ", b"XYZ ").with(b"A2B1", table);
        assert_right(device, &profile, 0.5, ("lut16", gamma));
    }
}

fn tables_of_gray(device: &Device) {
    for is_wide in [false, true] {
        let of = |v: &[f64]| encoded([v[0] * 100.0, 30.0 * v[0] * (1.0 - v[0]), 0.0], is_wide);
        let table = mft(is_wide, (1, 33), |v| v.powf(0.8), of, |v| v);
        let profile = Icc::new(b"GRAY", b"Lab ").with(b"A2B0", table);
        assert_right(device, &profile, 0.5, is_wide);
    }
}

/// The Lab colour of a mix of inks.
pub(super) fn printed(v: &[f64]) -> [f64; 3] {
    let [c, m, y, k] = [v[0], v[1], v[2], v[3]];
    let paper = [1.0 - 0.8 * c, 1.0 - 0.7 * m, 1.0 - 0.1 * y, 1.0 - 0.9 * k];
    [
        100.0 * paper.iter().product::<f64>(),
        (-35.0 * c + 70.0 * m - 5.0 * y) * (1.0 - k),
        (-45.0 * c - 5.0 * m + 85.0 * y) * (1.0 - k),
    ]
}

fn tables_of_inks(device: &Device) {
    for is_wide in [false, true] {
        for (points, gamma) in [(2, 1.0), (5, 1.0), (9, 0.6), (9, 1.3), (11, 1.0), (17, 1.0)] {
            let of = |v: &[f64]| encoded(printed(v), is_wide);
            let table = mft(is_wide, (4, points), |v| v.powf(gamma), of, |v| v);
            let profile = Icc::new(b"CMYK", b"Lab ").with(b"A2B0", table);
            assert_right(device, &profile, 0.5, (is_wide, points, gamma));
        }
        let mab = Mab {
            a: vec![para(0, &[0.8]); 4],
            points: vec![9, 7, 5, 9],
            clut: grid(&[9, 7, 5, 9], |v| encoded(printed(v), false)),
            is_wide,
            b: vec![curv(&[]); 3],
            ..Mab::default()
        };
        let profile = Icc::new(b"CMYK", b"Lab ").with(b"A2B0", mab.bytes());
        assert_right(device, &profile, 0.5, ("mAB", is_wide));
    }
}

fn a_table_goes_before_a_matrix(device: &Device) {
    let table = lab_table(COLOR_MATCH, 1.8, 17, true).tags.pop().unwrap().1;
    // The matrix is for other colours, and may be damaged: nobody looks.
    for matrix in [b"XYZ ", b"zyx "] {
        let mut red = xyz([0.2, 0.3, 0.4]);
        red[..4].copy_from_slice(matrix);
        let mut profile = Icc::rgb(PRO_PHOTO, &curv(&[0x100])).with(b"A2B0", table.clone());
        profile = profile.with(b"rXYZ", red);
        profile.pcs = *b"Lab ";
        assert_right(device, &profile, 0.5, matrix);
    }
}
