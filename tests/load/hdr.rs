//! Radiance HDR: how scanlines lie, and what is sloppy around them.

use imagecuda::{Device, ErrorKind, Format, LoadOptions, inspect_bytes};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        scanlines_lie_in_eight_ways,
        headers_may_be_sloppy,
        xyz_becomes_rgb,
        runs_of_both_kinds_are_read,
    ])
}

/// IEC 61966-2-1.
fn srgb(v: f64) -> f64 {
    match v.abs() {
        a if a <= 0.003_130_8 => v * 12.92,
        a => (1.055 * a.powf(1.0 / 2.4) - 0.055).copysign(v),
    }
}

/// A pixel whose red is that of 64, green half of it.
fn pixel(red: u8) -> [u8; 4] {
    [red * 2, red, 3, 129]
}

fn file(header: &str, pixels: impl IntoIterator<Item = [u8; 4]>) -> Vec<u8> {
    let pixels: Vec<u8> = pixels.into_iter().flatten().collect();
    [header.as_bytes(), &pixels].concat()
}

fn load(device: &Device, file: &[u8]) -> (u32, u32, Vec<f32>) {
    let image = LoadOptions::new().decode(device, file).unwrap();
    (image.width(), image.height(), image.download().unwrap())
}

#[track_caller]
fn is(got: &[f32], [r, g, b, exponent]: [u8; 4]) {
    let unit = f64::from(i32::from(exponent) - 136).exp2();
    for (got, byte) in got.iter().zip([r, g, b]) {
        let exact = srgb(f64::from(byte) * unit);
        assert!((f64::from(*got) - exact).abs() < 1e-5, "{got} for {exact}");
    }
}

fn scanlines_lie_in_eight_ways(device: &Device) {
    let (width, height) = (5, 3);
    let at = |x: i32, y: i32| pixel((10 + 20 * y + x) as u8);
    for first in ["-Y", "+Y", "-X", "+X"] {
        for second in ["-Y", "+Y", "-X", "+X"] {
            if first[1..] == second[1..] {
                continue;
            }
            let size = |axis: &str| if axis.ends_with('X') { width } else { height };
            // Where the n-th is from the left, or from the top: Y counts from the bottom.
            let place = |axis: &str, n: i32| match axis {
                "+X" | "-Y" => n,
                _ => size(axis) - 1 - n,
            };
            let mut pixels = Vec::new();
            for i in 0..size(first) {
                for j in 0..size(second) {
                    let (a, b) = (place(first, i), place(second, j));
                    pixels.push(if first.ends_with('X') {
                        at(a, b)
                    } else {
                        at(b, a)
                    });
                }
            }
            let header = format!(
                "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n{first} {} {second} {}\n",
                size(first),
                size(second)
            );
            let bytes = file(&header, pixels.clone());
            let (w, h, got) = load(device, &bytes);
            assert_eq!((w, h), (width as u32, height as u32), "{header}");
            for (i, got) in got.chunks(4).enumerate() {
                is(got, at(i as i32 % width, i as i32 / width));
            }
            let stored = LoadOptions::new().apply_orientation(false);
            let stored = stored.decode(device, &bytes).unwrap();
            assert_eq!(stored.width(), size(second) as u32);
            is(&stored.download().unwrap(), pixels[0]);
        }
    }
}

fn headers_may_be_sloppy(device: &Device) {
    for header in [
        "#?RADIANCE\r\nFORMAT=32-bit_rle_rgbe\r\n\r\n-Y 1 +X 2\r\n",
        "#?RGBE\n# a comment\nEXPOSURE=4\nCOLORCORR=2 2 2\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 2\n",
        "#?AUTOPANO_SIFT\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 2\n",
        "#?RADIANCE\n\n-Y 1 +X 2\n",
        "#?RADIANCE\nFORMAT= 32-bit_rle_rgbe \n\n-Y   1  +X   2 \n",
    ] {
        let bytes = file(header, [pixel(7), pixel(9)]);
        assert_eq!(Format::sniff(&bytes), Some(Format::Hdr), "{header}");
        assert_eq!(inspect_bytes(&bytes).unwrap().width(), 2);
        let (_, _, got) = load(device, &bytes);
        is(&got, pixel(7));
        is(&got[4..], pixel(9));
    }
    for (header, why) in [
        ("#?RADIANCE\nFORMAT=ascii\n\n-Y 1 +X 2\n", "ascii"),
        (
            "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 -Y 2\n",
            "no end",
        ),
        (
            "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X -2\n",
            "no end",
        ),
        (
            "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 2\n",
            "cut short",
        ),
    ] {
        let bytes = file(header, [pixel(7), pixel(9)]);
        let error = LoadOptions::new().decode(device, &bytes).unwrap_err();
        let kinds = matches!(
            error.kind(),
            ErrorKind::Decode(_) | ErrorKind::Unsupported(_)
        );
        assert!(kinds && error.to_string().contains(why), "{error}");
    }
}

fn xyz_becomes_rgb(device: &Device) {
    // The white of D65 is white, and the primaries of sRGB are red, green and blue.
    for (xyz, rgb) in [
        ([0.950_47, 1.0, 1.088_83], [1.0, 1.0, 1.0]),
        ([0.412_4, 0.212_6, 0.019_3], [1.0, 0.0, 0.0]),
        ([0.357_6, 0.715_2, 0.119_2], [0.0, 1.0, 0.0]),
        ([0.180_5, 0.072_2, 0.950_5], [0.0, 0.0, 1.0]),
    ] {
        let [x, y, z] = xyz.map(|v: f64| (v * 128.0).round() as u8);
        let header = "#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 1 +X 1\n";
        let (_, _, got) = load(device, &file(header, [[x, y, z, 129]]));
        for (got, exact) in got.iter().zip(rgb) {
            // In light, as the steps of the file are coarse.
            let light = f64::from(imagecuda_kernels::color::srgb_decode(*got));
            assert!((light - exact).abs() < 0.03, "{got} for {exact}");
        }
    }
}

fn runs_of_both_kinds_are_read(device: &Device) {
    let header = "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 9\n";
    let mut bytes = header.as_bytes().to_vec();
    // Bytes: nine reds one by one, nine greens as a run, and so on.
    bytes.extend([2, 2, 0, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    bytes.extend([128 + 9, 50, 4, 1, 2, 3, 4, 128 + 5, 7, 128 + 9, 130]);
    // Pixels: one, eight more of it by two counts that make a number of two digits would be 8 + 0 * 256.
    bytes.extend([99, 98, 97, 128, 1, 1, 1, 8]);
    let (_, _, got) = load(device, &bytes);
    for x in 0..9_u8 {
        let third = if x < 4 { x + 1 } else { 7 };
        is(&got[usize::from(x) * 4..], [x + 1, 50, third, 130]);
        is(&got[36 + usize::from(x) * 4..], [99, 98, 97, 128]);
    }
    // A run of more than is left, and counts without an end.
    for wrong in [
        &[2, 2, 0, 9, 128 + 10, 1][..],
        &[5, 5, 5, 128, 1, 1, 1, 9],
        &[2, 2, 0, 8],
    ] {
        let file = [header.as_bytes(), wrong, &[0; 99]].concat();
        let error = LoadOptions::new().decode(device, &file).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    }
    let zeros = [header.as_bytes(), &[1, 1, 1, 0].repeat(10_000)].concat();
    assert!(LoadOptions::new().decode(device, &zeros).is_err());
}
