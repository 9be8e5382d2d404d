//! OpenEXR's layers: which one is shown, and the others by their names.

use super::{blue, colors, green, load, red, shows};
use crate::support::exr::{Type, file, part};
use imagecuda::{Device, ErrorKind, LoadOptions};
use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        the_combined_layer_is_shown_and_others_by_their_name,
        a_part_is_a_layer,
        other_channels_are_shown_by_name_alone,
    ])
}

fn the_combined_layer_is_shown_and_others_by_their_name(device: &Device) {
    let first = ["ViewLayer.AO.B", "ViewLayer.AO.G", "ViewLayer.AO.R"];
    let combined = [
        "ViewLayer.Combined.B",
        "ViewLayer.Combined.G",
        "ViewLayer.Combined.R",
    ];
    let depth = ("ViewLayer.Depth.Z", Type::Float, 1, &red as _);
    let mut channels = colors(first, 1);
    channels.extend(colors(combined, 0));
    channels.push(depth);
    let blender = file(&[part(channels.clone())]);
    let plain = LoadOptions::new();
    let straight = |x, y| [red(x, y), green(x, y), blue(x, y), 1.0];
    let turned = |x, y| [blue(x, y), red(x, y), green(x, y), 1.0];
    shows(device, &plain, &blender, straight);
    let layer = |name: &str| LoadOptions::new().layer(name);
    shows(device, &layer("ViewLayer.Combined"), &blender, straight);
    shows(device, &layer("ViewLayer.AO"), &blender, turned);
    shows(device, &layer("ViewLayer.Depth.Z"), &blender, |x, y| {
        [red(x, y), red(x, y), red(x, y), 1.0]
    });
    let error = load(device, &layer("AO"), &blender).unwrap_err();
    assert!(
        error.contains("ViewLayer.AO, ViewLayer.Combined"),
        "{error}"
    );
    // The picture without a name goes before it; without either the first in the file counts.
    let mut unnamed = colors(["B", "G", "R"], 1);
    unnamed.extend(channels.split_off(3));
    shows(device, &plain, &file(&[part(unnamed)]), turned);
    shows(device, &plain, &file(&[part(colors(first, 2))]), |x, y| {
        [green(x, y), blue(x, y), red(x, y), 1.0]
    });
    // Frames, and what is told beforehand, are of that layer.
    let mut frames = layer("ViewLayer.Depth.Z")
        .frames_bytes(device, &*blender)
        .unwrap();
    assert_eq!(frames.next().unwrap().unwrap().image().width(), 6);
    let info = layer("ViewLayer.Depth.Z").inspect_bytes(&blender).unwrap();
    assert_eq!(info.channels(), 1);
    // No other format has layers.
    let error = layer("a").decode(device, b"P5 1 1 255\n\0").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error}");
}

fn a_part_is_a_layer(device: &Device) {
    let mut parts = [
        part(vec![("Z", Type::Float, 1, &red as _)]),
        part(colors(["B", "G", "R"], 0)),
        part(colors(["B", "G", "R"], 1)),
    ];
    parts[2].data = [1, 1, 3, 2];
    for (part, name) in parts.iter_mut().zip(["depth", "left", "right"]) {
        part.name = Some(name);
    }
    let parts = file(&parts);
    let straight = |x, y| [red(x, y), green(x, y), blue(x, y), 1.0];
    let inside = |x, y| match ((1..=3).contains(&x), (1..=2).contains(&y)) {
        (true, true) => [blue(x, y), red(x, y), green(x, y), 1.0],
        _ => [0.0, 0.0, 0.0, 1.0],
    };
    shows(device, &LoadOptions::new(), &parts, straight);
    shows(device, &LoadOptions::new().layer("left"), &parts, straight);
    shows(device, &LoadOptions::new().layer("right"), &parts, inside);
    for name in ["Z", "depth.Z"] {
        shows(device, &LoadOptions::new().layer(name), &parts, |x, y| {
            [red(x, y), red(x, y), red(x, y), 1.0]
        });
    }
}

fn other_channels_are_shown_by_name_alone(device: &Device) {
    for names in [
        &["R"][..],
        &["G", "R"],
        &["Z"],
        &["X", "Y", "Z"],
        &["n.X", "n.Y", "n.Z"],
    ] {
        let channels = names.iter().map(|&name| (name, Type::Half, 1, &red as _));
        let other = file(&[part(channels.collect())]);
        let error = load(device, &LoadOptions::new(), &other).unwrap_err();
        assert!(
            error.contains(&names.join(", ")) && error.contains("layer"),
            "{error}"
        );
        shows(
            device,
            &LoadOptions::new().layer(names[0]),
            &other,
            |x, y| [red(x, y), red(x, y), red(x, y), 1.0],
        );
    }
}
