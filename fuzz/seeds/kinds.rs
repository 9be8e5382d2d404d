//! Kinds of files that the library reads and does not write, of formats in which there are many.

use super::support::exr::{Channel, Type, attribute, file, part};

/// OpenEXR: gray, layers, parts, luminance and chroma, windows, primaries, and all compressions.
pub(crate) fn exrs() -> Vec<Vec<u8>> {
    let red = |x: i32, y: i32| f64::from(x * 3 + y) / 16.0;
    let blue = |x: i32, y: i32| f64::from(y) - f64::from(x) / 4.0;
    let count = |x: i32, y: i32| f64::from(x * y * 1_000_000);
    let alike = |names: &[&'static str], kind: Type, sampling: i32| -> Vec<Channel<'_>> {
        let channel = |(i, name): (usize, &&'static str)| -> Channel<'_> {
            let sample: &dyn Fn(i32, i32) -> f64 = match (kind, i % 2) {
                (Type::Uint, _) => &count,
                (_, 0) => &red,
                _ => &blue,
            };
            (name, kind, if *name == "Y" { 1 } else { sampling }, sample)
        };
        names.iter().enumerate().map(channel).collect()
    };
    let mut files = Vec::new();
    for names in [
        &["Y"][..],
        &["A", "Y"],
        &["B", "G", "R"],
        &["A", "B", "G", "R", "Z"],
        &["blue", "green", "red"],
        &[
            "ViewLayer.Combined.A",
            "ViewLayer.Combined.B",
            "ViewLayer.Combined.G",
            "ViewLayer.Combined.R",
        ],
        &["Z"],
        &["diffuse.B", "diffuse.G", "diffuse.R", "spec.Y"],
    ] {
        for kind in [Type::Uint, Type::Half, Type::Float] {
            files.push(file(&[part(alike(names, kind, 1))]));
        }
    }
    let mut chroma = part(alike(&["BY", "RY", "Y"], Type::Half, 2));
    (chroma.data, chroma.display) = ([0, 0, 7, 5], [0, 0, 7, 5]);
    files.push(file(&[chroma]));
    let mut window = part(alike(&["B", "G", "R"], Type::Half, 1));
    (window.data, window.display) = ([-2, 1, 4, 9], [0, 0, 6, 5]);
    let points = [0.68_f32, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329];
    let points = points.map(f32::to_le_bytes).concat();
    window.more = attribute("chromaticities", "chromaticities", &points);
    files.push(file(&[window]));
    let mut parts = [
        part(alike(&["Z"], Type::Float, 1)),
        part(alike(&["B", "G", "R"], Type::Half, 1)),
    ];
    (parts[0].name, parts[1].name) = (Some("depth"), Some("colour"));
    files.push(file(&parts));
    // Of other compressions the blocks are noise, but where they are and how many is right.
    let plain = files[7].clone();
    let name = b"compression\0compression\0";
    let at = plain.windows(name.len()).position(|found| found == name);
    // Not of B44: with overflow checks the crate panics at some damaged blocks. The library catches that, and
    // makes an error of it, but a fuzz target stops.
    for compression in (1..14).filter(|number| !matches!(number, 6 | 7)) {
        let mut coded = plain.clone();
        coded[at.expect("an attribute") + name.len() + 4] = compression;
        files.push(coded);
    }
    files
}

/// GIFs that are sloppy: screens, palettes, extensions.
pub(crate) fn gifs() -> Vec<Vec<u8>> {
    let image = b"\x2c\0\0\0\0\x03\0\x02\0\0\x02\x04\x0c\x63\x1a\x28\0";
    let mut files = Vec::new();
    for screen in [[0_u8, 0], [1, 1], [3, 2], [9, 9]] {
        for palette in [false, true] {
            for before in [
                &b""[..],
                b"\x21\xf9\x04\x01\x0a\0\x03\0",
                b"\x21\xf9\x07\x01\x0a\0\x03\x09\x09\x09\0",
                b"\x21\xf9\0",
                b"\x21\x99\x03abc\0\x21\xfe\0",
                b"\0\0\0\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0",
            ] {
                let mut file = b"GIF89a".to_vec();
                file.extend([screen[0], 0, screen[1], 0, u8::from(palette) * 0x81, 0, 0]);
                file.extend(
                    &[0, 9, 99, 255, 0, 0, 7, 255, 0, 0, 0, 255][..if palette { 12 } else { 0 }],
                );
                for _ in 0..2 {
                    file.extend(before);
                    file.extend(image);
                }
                file.extend([0, 0x3b]);
                files.push(file);
            }
        }
    }
    files
}

/// Bitmaps with headers of all sizes, runs, masks and files in them; and icons of such ones, with masks.
pub(crate) fn bitmaps(png: &[u8], jpeg: &[u8]) -> Vec<Vec<u8>> {
    let noise: Vec<u8> = (0..120_u32).map(|i| (i * i / 5) as u8).collect();
    let runs = b"\x03\x07\0\x03\x01\x02\x03\0\0\0\x02\x01\0\x02\x01\0\x01\x05\0\x01";
    let mut files = Vec::new();
    for (size, height, bits, compression) in [
        (12, 4, 8, 0),
        (16, 4, 4, 0),
        (20, 4, 1, 0),
        (40, -4, 8, 1),
        (64, 4, 4, 2),
        (64, 4, 24, 4),
        (40, 4, 32, 6),
        (52, 4, 24, 3),
        (124, -4, 16, 3),
        (40, 4, 0, 5),
        (40, 4, 0, 4),
    ] {
        let mut bitmap = (size as u32).to_le_bytes().to_vec();
        if size == 12 {
            bitmap.extend([5_u16, 4, 1, bits].map(u16::to_le_bytes).concat());
        } else {
            bitmap.extend([5_i32, height].map(i32::to_le_bytes).concat());
            bitmap.extend([1_u16, bits].map(u16::to_le_bytes).concat());
            bitmap.extend(
                [compression as u32, 0, 0, 0, 8, 0]
                    .map(u32::to_le_bytes)
                    .concat(),
            );
            let masks = [0xff_0000_u32, 0xff00, 0xff, 0xff00_0000];
            bitmap.truncate(size);
            if size != 64 && matches!(compression, 3 | 6) {
                bitmap.extend(masks.map(u32::to_le_bytes).concat());
            }
            bitmap.resize(bitmap.len().max(size), 0);
        }
        if bits <= 8 && compression < 4 {
            bitmap.extend((0..4 << bits.min(5)).map(|i| (i * 11) as u8));
        }
        bitmap.extend(match compression {
            1 | 2 => &runs[..],
            4 if size == 40 => jpeg,
            5 => png,
            _ => &noise,
        });
        for offset in [0, 14 + bitmap.len() as u32 - 80] {
            let size = (14 + bitmap.len() as u32).to_le_bytes();
            files.push([&b"BM"[..], &size, &[0; 4], &offset.to_le_bytes(), &bitmap].concat());
        }
        for (kind, listed) in [(1, 8), (2, 4)] {
            let length = (bitmap.len() as u32).to_le_bytes();
            let list = [0, 0, kind, 0, 1, 0, 5, listed, 0, 0, 1, 0, 32, 0];
            files.push([&list[..], &length, &22_u32.to_le_bytes(), &bitmap].concat());
        }
    }
    let list = [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 32, 0];
    let length = (png.len() as u32).to_le_bytes();
    files.push([&list[..], &length, &22_u32.to_le_bytes(), png].concat());
    files
}

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as u32 + 8).to_be_bytes(), &kind[..], &body].concat()
}

/// What is within the first box of that kind, wherever it is.
fn found<'a>(file: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let at = file.windows(4).position(|four| four == kind)?;
    let length = u32::from_be_bytes(*file[at.checked_sub(4)?..].first_chunk()?) as usize;
    file.get(at + 4..at + length.checked_sub(4)?)
}

/// From a HEIF or AVIF: one without a primary item, one whose `meta` box reaches to the end, and a sequence
/// whose frame it is.
pub(crate) fn heifs(still: &[u8]) -> Option<Vec<Vec<u8>>> {
    let place = |kind: &[u8; 4]| still.windows(4).position(|four| four == kind);
    let mut unnamed = still.to_vec();
    unnamed[place(b"pitm")?..][..4].copy_from_slice(b"skip");
    let mut open = still.to_vec();
    open[place(b"meta")?..][..4].copy_from_slice(b"free");
    open.extend([&[0; 4], &b"meta"[..], found(still, b"meta")?].concat());

    let (entry, kind) = match found(still, b"av1C") {
        Some(_) => (b"av01", b"av1C"),
        None => (b"hvc1", b"hvcC"),
    };
    let four = u32::to_be_bytes;
    let data = found(still, b"mdat")?;
    let mut sequence = boxed(b"ftyp", &[b"avis", &[0; 4], b"msf1"]);
    let place = four(sequence.len() as u32 + 8);
    sequence.extend(boxed(b"mdat", &[data]));
    let properties = boxed(kind, &[found(still, kind)?]);
    let entry = boxed(entry, &[&[0; 24], &[0, 23, 0, 17], &[0; 50], &properties]);
    let length = four(data.len() as u32);
    let samples = boxed(
        b"stbl",
        &[
            &boxed(b"stsd", &[&[0; 4], &four(1), &entry]),
            &boxed(b"stsz", &[&[0; 4], &length, &four(1)]),
            &boxed(b"stco", &[&[0; 4], &four(1), &place]),
        ],
    );
    let handler = boxed(b"hdlr", &[&[0; 8], b"pict", &[0; 13]]);
    let media = boxed(b"mdia", &[&handler, &boxed(b"minf", &[&samples])]);
    let header = boxed(b"tkhd", &[&[0; 12], &four(1), &[0; 68]]);
    sequence.extend(boxed(b"moov", &[&boxed(b"trak", &[&header, &media])]));
    Some(vec![unnamed, open, sequence])
}
