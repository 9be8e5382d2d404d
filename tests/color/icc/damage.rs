//! Profiles that are damaged, or that cannot be meant: the numbers stay as they are.

use super::{
    channels, samples,
    tables::{encoded, lab_table, printed, to_xyz},
};
use crate::{
    color::cmyk::tiff,
    color::conversion::png,
    support::{
        bits,
        profiles::{Icc, Mab, PRO_PHOTO, SRGB, curv, mft, para, sampled, xyz},
        same,
    },
};
use image::ExtendedColorType;
use imagecuda::{Device, LoadOptions};
use libtest_mimic::Trial;
use tiff::encoder::colortype;

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        damaged_headers,
        damaged_primaries,
        damaged_curves,
        damaged_tables,
        what_is_cut_short_or_changed_is_right_or_ignored,
        a_profile_that_is_ignored_is_not_carried_on,
    ])
}

fn load(device: &Device, profile: Option<&[u8]>, channels: usize) -> Vec<f32> {
    let samples = samples(channels);
    let file = match (channels, profile) {
        (1, Some(profile)) => png(&samples, 16, ExtendedColorType::L8, profile),
        (3, Some(profile)) => png(&samples, 16, ExtendedColorType::Rgb8, profile),
        _ => tiff::<colortype::CMYK8>(&samples, 16, profile),
    };
    let image = LoadOptions::new().decode(device, &file).unwrap();
    image.download().unwrap()
}

/// What the numbers are without a profile.
fn plain(device: &Device, channels: usize) -> Vec<f32> {
    let unit = |v: u8| f32::from(v) / 255.0;
    let samples = samples(channels);
    match channels {
        1 => samples
            .iter()
            .flat_map(|&v| [unit(v), unit(v), unit(v), 1.0])
            .collect(),
        3 => {
            let pixels = samples.chunks(3);
            pixels
                .flat_map(|p| [unit(p[0]), unit(p[1]), unit(p[2]), 1.0])
                .collect()
        }
        _ => load(device, None, channels),
    }
}

#[track_caller]
fn assert_ignored(device: &Device, icc: &Icc, what: impl std::fmt::Debug) {
    assert_bytes_ignored(device, &icc.bytes(), channels(icc), what);
}

#[track_caller]
fn assert_bytes_ignored(
    device: &Device,
    profile: &[u8],
    channels: usize,
    what: impl std::fmt::Debug,
) {
    let got = load(device, Some(profile), channels);
    same(&bits(&got), &bits(&plain(device, channels)), what);
}

fn damaged_headers(device: &Device) {
    let whole = Icc::rgb(PRO_PHOTO, &curv(&[0x1cd]));
    let bytes = whole.bytes();
    let edits: [(&str, usize, &[u8]); 12] = [
        ("no signature", 36, b"axsp"),
        ("a class of no use", 12, b"link"),
        ("another class of no use", 12, b"abst"),
        ("no class", 12, b"xxxx"),
        ("gray", 16, b"GRAY"),
        ("CMYK", 16, b"CMYK"),
        ("Lab as its channels", 16, b"Lab "),
        ("no channels", 16, b"xxxx"),
        ("RGB as its connection space", 20, b"RGB "),
        ("no connection space", 20, b"xxxx"),
        ("no tags", 128, &[0, 0, 0, 0]),
        ("too many tags", 128, &[0xff, 0xff, 0xff, 0xff]),
    ];
    for (what, at, edit) in edits {
        let mut profile = bytes.clone();
        profile[at..at + edit.len()].copy_from_slice(edit);
        assert_bytes_ignored(device, &profile, 3, what);
    }
    for len in [0, 1, 16, 36, 127, 128, 131, 132, 133, 200] {
        assert_bytes_ignored(device, &bytes[..len], 3, len);
    }
    // Each of the tags that count, past the end, nowhere, of no size, or there twice.
    for i in 1..7 {
        let entry = 132 + 12 * i;
        let name: [u8; 4] = bytes[entry..entry + 4].try_into().unwrap();
        for (at, edit) in [
            (4, u32::MAX),
            (4, bytes.len() as u32 - 2),
            (4, 0),
            (8, 0),
            (8, u32::MAX),
        ] {
            let mut profile = bytes.clone();
            profile[entry + at..entry + at + 4].copy_from_slice(&edit.to_be_bytes());
            assert_bytes_ignored(device, &profile, 3, (name, at, edit));
        }
        let mut twice = whole.clone();
        twice.tags.push((name, vec![0; 20]));
        assert_ignored(device, &twice, ("twice", name));
    }
}

fn damaged_primaries(device: &Device) {
    let [red, green, blue] = PRO_PHOTO;
    let whole = Icc::rgb(PRO_PHOTO, &curv(&[0x1cd]));
    for (name, primary) in [(b"rXYZ", red), (b"gXYZ", green), (b"bXYZ", blue)] {
        let cases = [
            ("zeros", xyz([0.0; 3])),
            ("negative", xyz(primary.map(|v| -v))),
            ("as another", xyz(if primary == red { green } else { red })),
            ("huge", xyz([32767.0; 3])),
            ("another type", [b"text", &xyz(primary)[4..]].concat()),
            ("cut short", xyz(primary)[..12].to_vec()),
        ];
        for (what, data) in cases {
            // Whatever follows must not be taken for what is cut off.
            let mut profile = whole.clone().without(name);
            profile.tags.push((*name, data));
            assert_ignored(device, &profile, (name, what));
        }
        assert_ignored(device, &whole.clone().without(name), (name, "none"));
    }
    let zeros = Icc::rgb([[0.0; 3]; 3], &curv(&[0x233]));
    assert_ignored(device, &zeros, "all zeros");
}

fn damaged_curves(device: &Device) {
    let bad = [
        ("gamma of 0", curv(&[0])),
        ("all zeros", curv(&[0; 64])),
        ("all ones", curv(&[0xffff; 64])),
        ("no number", curv(&[1])[..12].to_vec()),
        ("more than there is", {
            let mut curve = sampled(16, |v| v);
            curve[8..12].copy_from_slice(&0x4000_0000_u32.to_be_bytes());
            curve
        }),
        ("a number for each and more", {
            let mut curve = sampled(16, |v| v);
            curve[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
            curve
        }),
        ("another type", [b"text", &curv(&[0x1cd])[4..]].concat()),
        ("no such function", para(5, &[1.0; 7])),
        ("no such function either", para(0xffff, &[1.0; 7])),
        ("division by 0", para(1, &[2.2, 0.0, 0.1])),
        ("another", para(2, &[2.2, 0.0, 0.1, 0.0])),
        ("gamma below 0", para(0, &[-1.0])),
        ("infinite", para(3, &[32767.0, 32767.0, 0.0, 1.0, 0.5])),
        (
            "nothing left",
            para(4, &[2.2, -1.0, -1.0, 0.0, 0.0, 0.0, 0.0]),
        ),
        ("cut short", para(4, &[2.2, 1.0])),
    ];
    for (what, curve) in bad {
        for name in [b"rTRC", b"gTRC", b"bTRC"] {
            let mut profile = Icc::rgb(PRO_PHOTO, &curv(&[0x1cd])).without(name);
            profile.tags.push((*name, curve.clone()));
            assert_ignored(device, &profile, (name, what));
        }
        for pcs in [b"XYZ ", b"Lab "] {
            assert_ignored(device, &Icc::gray(pcs, &curve), (pcs, what));
        }
    }
    for name in [b"rTRC", b"gTRC", b"bTRC"] {
        let profile = Icc::rgb(PRO_PHOTO, &curv(&[0x1cd])).without(name);
        assert_ignored(device, &profile, name);
    }
    assert_ignored(device, &Icc::new(b"GRAY", b"XYZ "), "no curve");
}

fn damaged_tables(device: &Device) {
    let table = |icc: &Icc| icc.tags.last().unwrap().1.clone();
    let rgb = table(&lab_table(PRO_PHOTO, 1.8, 9, true));
    let inks = mft(false, (4, 5), |v| v, |v| encoded(printed(v), false), |v| v);
    let mab = Mab {
        a: vec![para(0, &[1.8]); 3],
        points: vec![2; 3],
        clut: vec![0.5; 24],
        b: vec![curv(&[]); 3],
        ..Mab::default()
    };
    let edited = |table: &[u8], at: usize, edit: &[u8]| {
        let mut table = table.to_vec();
        table[at..at + edit.len()].copy_from_slice(edit);
        table
    };
    // Behind it, a matrix that says the same and is sound: it is not looked at.
    let matrix = Icc {
        pcs: *b"Lab ",
        ..Icc::rgb(PRO_PHOTO, &curv(&[0x1cd]))
    };
    for (what, table) in [
        ("another type", edited(&rgb, 0, b"mpet")),
        ("the other way", edited(&rgb, 0, b"mBA ")),
        ("of two inputs", edited(&rgb, 8, &[2])),
        ("of four inputs", edited(&rgb, 8, &[4])),
        ("to four outputs", edited(&rgb, 9, &[4])),
        ("one point", edited(&rgb, 10, &[1])),
        ("too many points", edited(&rgb, 10, &[255])),
        ("one entry", edited(&rgb, 48, &[0, 1])),
        ("too many entries", edited(&rgb, 50, &[0xff, 0xff])),
        ("cut short", rgb[..rgb.len() / 2].to_vec()),
        ("its start alone", rgb[..20].to_vec()),
        ("one gray for all", mab.bytes()),
        (
            "no such precision",
            edited(&mab.bytes(), 32 + 36 + 16, &[3]),
        ),
        (
            "curves nowhere",
            edited(&mab.bytes(), 12, &u32::MAX.to_be_bytes()),
        ),
        (
            "a grid nowhere",
            edited(&mab.bytes(), 24, &0x7fff_ffff_u32.to_be_bytes()),
        ),
        ("all zeros", vec![0; 4000]),
    ] {
        let alone = Icc::new(b"RGB ", b"Lab ").with(b"A2B0", table.clone());
        assert_ignored(device, &alone, what);
        let both = matrix.clone().with(b"A2B0", table);
        assert_ignored(device, &both, (what, "with a matrix"));
    }
    let swapped = Icc::new(b"RGB ", b"XYZ ").with(b"A2B0", rgb);
    assert_ignored(device, &swapped, "Lab as XYZ");
    let of = |v: &[f64]| to_xyz(SRGB, [v[0], v[1], v[2]]).map(|v| v / 2.0);
    let swapped = Icc::new(b"RGB ", b"Lab ").with(b"A2B0", mft(true, (3, 9), |v| v, of, |v| v));
    assert_ignored(device, &swapped, "XYZ as Lab");
    for (what, table) in [
        ("of three inputs", edited(&inks, 8, &[3])),
        ("no grid", edited(&inks, 10, &[0])),
        ("cut short", inks[..inks.len() / 2].to_vec()),
        ("all zeros", edited(&inks, 48, &vec![0; inks.len() - 48])),
    ] {
        let profile = Icc::new(b"CMYK", b"Lab ").with(b"A2B0", table);
        assert_ignored(device, &profile, what);
    }
    assert_ignored(device, &Icc::new(b"CMYK", b"Lab "), "no table");
}

/// Where a byte is changed, either the profile is ignored, or the colours are Little CMS's.
fn what_is_cut_short_or_changed_is_right_or_ignored(device: &Device) {
    let profiles = [
        Icc::rgb(PRO_PHOTO, &curv(&[0x1cd])),
        Icc::rgb(SRGB, &para(3, &super::SRGB_CURVE)),
        Icc::gray(b"XYZ ", &sampled(9, |v| v * v)),
    ];
    for icc in profiles {
        let (whole, channels) = (icc.bytes(), channels(&icc));
        let numbers = samples(channels);
        let plain = plain(device, channels);
        let pixels: Vec<f32> = numbers.iter().map(|&v| f32::from(v) / 255.0).collect();
        // Behind the size and the version, of which Little CMS takes few.
        for at in (12..whole.len()).step_by(3) {
            for edit in [0, 0x80, 0xff] {
                let mut profile = whole.clone();
                profile[at] ^= edit;
                if edit == 0 {
                    profile.truncate(at);
                }
                let got = load(device, Some(&profile), channels);
                if got == plain {
                    continue;
                }
                let right = super::little_cms(&profile, &pixels, channels);
                let right = right.unwrap_or_else(|| panic!("{at} {edit}: not ignored"));
                for (got, right) in got.chunks(4).zip(right) {
                    for (got, right) in got.iter().zip(right) {
                        let off = (got.clamp(0.0, 1.0) - right.clamp(0.0, 1.0)).abs();
                        assert!(off < 0.004, "{at} {edit}: {got} for {right}");
                    }
                }
            }
        }
    }
}

/// Neither one that is for other channels: what is saved then has no wrong colours.
fn a_profile_that_is_ignored_is_not_carried_on(device: &Device) {
    let sound = Icc::rgb(PRO_PHOTO, &curv(&[0x1cd]));
    let samples = samples(3);
    let carried = |profile: &Icc| {
        let file = png(&samples, 16, ExtendedColorType::Rgb8, &profile.bytes());
        let decoded = LoadOptions::new().open_bytes(device, &file).unwrap();
        decoded.metadata().icc_profile().is_some()
    };
    let srgb = Icc::rgb(SRGB, &para(3, &super::SRGB_CURVE));
    assert!(carried(&srgb));
    assert!(!carried(&sound));
    assert!(!carried(&sound.without(b"rXYZ")));
}
