use super::*;
use crate::ErrorKind;
use imagecuda_kernels::jpeg::picture::Color;

/// The headers of a file of 5x3 pixels. Each component is `(identifier, factors)`.
fn head(sof: u8, bits: u8, components: &[(u8, u8)]) -> Vec<u8> {
    let mut file = b"\xff\xd8\xff\xdb\0\x43\0".to_vec();
    file.extend([200; 64]);
    let count = components.len() as u8;
    file.extend([0xff, 0xff, sof, 0, 8 + 3 * count, bits, 0, 3, 0, 5, count]);
    for &(id, factors) in components {
        file.extend([id, factors, 0]);
    }
    file
}

fn scan(components: &[u8], spectral: (u8, u8), bits: u8) -> Vec<u8> {
    let count = components.len() as u8;
    let mut scan = vec![0xff, 0xda, 0, 6 + 2 * count, count];
    scan.extend(components.iter().flat_map(|&id| [id, 0]));
    scan.extend([spectral.0, spectral.1, bits]);
    scan.extend([1, 2, 0xff, 0, 3, 0xff, 0xd0, 4]);
    scan
}

fn gray(sof: u8, bits: u8) -> Vec<u8> {
    let last = if sof == 0xc2 { 0 } else { 63 };
    let scan = scan(&[1], (0, last), 0);
    [head(sof, bits, &[(1, 0x11)]), scan].concat()
}

const END: [u8; 2] = [0xff, 0xd9];

fn decode_error(bytes: &[u8]) -> String {
    let error = parse(bytes, false).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    error.to_string()
}

#[test]
fn finds_scans_and_restarts() {
    let mut bytes = gray(0xc0, 8);
    let end = bytes.len();
    for ended in [false, true] {
        let file = parse(&bytes, false).unwrap();
        assert!(file.whole && !file.progressive);
        assert_eq!((file.picture.width, file.picture.height), (5, 3));
        assert_eq!(file.quantizers[0], [200; 64]);
        let [scan] = &file.scans[..] else {
            panic!("{} scans", file.scans.len());
        };
        assert_eq!(scan.data, end - 8..end, "{ended}");
        assert_eq!(scan.restarts, [end - 3]);
        // The file has no tables, so the standard's are used.
        assert!(scan.components[0].dc.is_some() && scan.components[0].ac.is_some());
        // Data after the end marker do not belong to the picture.
        bytes.extend([0xff, 0xd9, 7, 7, 0xff, 0xd9]);
    }
}

#[test]
fn markers_are_found_wherever_they_are() {
    for before in 0..200 {
        let mut bytes: Vec<u8> = (0..before).map(|i| [0xff, 0, 9][i % 3]).collect();
        bytes.resize(bytes.len() + 2, 0);
        let place = bytes.len();
        bytes.extend([0xff, 0xff, 0xd1, 1, 0xff, 0xff, 0, 5, 0xff, 0xc4]);
        bytes.resize(bytes.len() + 70, 0xff);
        let found = EntropySegment::find(&bytes, 0, 9, None).unwrap();
        assert_eq!((found.end, found.restarts), (place + 8, vec![place + 1]));
        let found = EntropySegment::find(&bytes[..place], 0, 9, None).unwrap();
        assert_eq!((found.end, found.restarts), (place, vec![]));
    }
}

#[test]
fn colors_are_libjpegs() {
    let rgb = [(b'R', 0x11), (b'G', 0x11), (b'B', 0x11)];
    let ycc = [(1, 0x22), (2, 0x11), (3, 0x11)];
    let four = [(1, 0x11), (2, 0x11), (3, 0x11), (4, 0x11)];
    let adobe = |transform: u8| {
        let mut segment = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0".to_vec();
        segment.push(transform);
        segment
    };
    let jfif = b"\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
    for (components, segments, expected) in [
        (&rgb[..], vec![], Color::Rgb),
        (&rgb, jfif.clone(), Color::Ycc),
        (&rgb, adobe(1), Color::Ycc),
        (&ycc, vec![], Color::Ycc),
        (&ycc, adobe(0), Color::Rgb),
        (&ycc, adobe(2), Color::Ycc),
        (&ycc, [adobe(0), jfif].concat(), Color::Ycc),
        (&four, vec![], Color::InvertedCmyk),
        (&four, adobe(0), Color::InvertedCmyk),
        (&four, adobe(1), Color::Ycck),
        (&four, adobe(2), Color::Ycck),
        (&four, adobe(7), Color::Ycck),
        (&ycc[..1], vec![], Color::Gray),
    ] {
        let ids: Vec<u8> = components.iter().map(|c| c.0).collect();
        let head = head(0xc0, 8, components);
        let bytes = [&head[..2], &segments, &head[2..], &scan(&ids, (0, 63), 0)].concat();
        let file = parse(&bytes, false).unwrap();
        assert_eq!(file.picture.color, expected as u32, "{components:?}");
    }
}

#[test]
fn a_component_without_a_scan_is_missing() {
    let three = [(1, 0x22), (2, 0x11), (3, 0x11)];
    let file = |ids: [u8; 3]| {
        let scans = ids.map(|id| scan(&[id], (0, 63), 0)).concat();
        [head(0xc0, 8, &three), scans].concat()
    };
    // The segments may come in any order.
    assert_eq!(parse(&file([3, 1, 2]), false).unwrap().scans.len(), 3);
    decode_error(&file([1, 2, 2]));
    decode_error(&file([1, 2, 4]));
    let two = [head(0xc0, 8, &three), scan(&[1, 2], (0, 63), 0)].concat();
    decode_error(&two);
    assert!(!parse(&two, true).unwrap().whole);
}

#[test]
fn identifiers_may_be_there_twice() {
    let same = [(1, 0x11), (1, 0x11), (1, 0x11)];
    let bytes = [head(0xc0, 8, &same), scan(&[1; 3], (0, 63), 0)].concat();
    let file = parse(&bytes, false).unwrap();
    let found: Vec<_> = file.scans[0].components.iter().map(|c| c.index).collect();
    assert_eq!(found, [0, 1, 2]);
}

#[test]
fn a_progressive_file_has_an_end_or_all_of_its_scans() {
    let mut bytes = gray(0xc2, 8);
    decode_error(&bytes);
    assert!(parse(&[&bytes[..], &END].concat(), false).unwrap().whole);
    bytes.extend(scan(&[1], (1, 63), 1));
    decode_error(&bytes);
    bytes.extend(scan(&[1], (1, 63), 0x10));
    assert!(parse(&bytes, false).unwrap().whole);
    for (spectral, bits) in [
        ((1, 64), 0),
        ((5, 4), 0),
        ((0, 1), 0),
        ((1, 63), 14),
        ((1, 63), 0x31),
    ] {
        let bad = [gray(0xc2, 8), scan(&[1], spectral, bits)].concat();
        decode_error(&bad);
    }
}

#[test]
fn quantizers_are_those_of_the_first_scan() {
    let three = [(1, 0x11), (2, 0x11), (3, 0x11)];
    let mut table = b"\xff\xdb\0\x83\x10".to_vec();
    table.extend((0..64).flat_map(|i: u16| (1000 + i).to_be_bytes()));
    let bytes = [
        head(0xc2, 8, &three),
        scan(&[1], (0, 0), 0),
        table,
        scan(&[2, 3], (0, 0), 0),
        scan(&[1], (1, 63), 0),
        END.to_vec(),
    ];
    let file = parse(&bytes.concat(), false).unwrap();
    assert_eq!(file.quantizers[0], [200; 64]);
    assert_eq!(file.quantizers[1][..3], [1000, 1001, 1005]);
    assert_eq!(file.quantizers[2][8..10], [1002, 1004]);
}

#[test]
fn names_what_is_unsupported() {
    for (bytes, what) in [
        (gray(0xc1, 10), "10-bit"),
        (gray(0xc3, 17), "17-bit lossless"),
        (gray(0xc3, 1), "1-bit lossless"),
        (gray(0xc5, 8), "hierarchical"),
        (gray(0xcb, 8), "arithmetic-coded lossless"),
        (gray(0xcd, 8), "arithmetic-coded hierarchical"),
        (
            [head(0xc0, 8, &[(1, 0x11); 2]), scan(&[1], (0, 63), 0)].concat(),
            "2 components",
        ),
    ] {
        let error = parse(&bytes, false).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Unsupported(text) if text.contains(what)),
            "{error}"
        );
    }
}

#[test]
fn every_cut_before_the_scan_is_an_error() {
    let file = gray(0xc0, 8);
    let scan = file.len() - 8;
    for keep in 0..scan {
        assert!(parse(&file[..keep], false).is_err(), "{keep}");
        assert!(parse(&file[..keep], true).is_err(), "{keep}");
    }
    assert!(parse(&file[..scan], false).is_ok());
}

#[test]
fn damage_behind_the_first_scan_ends_the_file() {
    let mut cut = gray(0xc2, 8);
    let end = cut.len();
    // A segment that is cut off.
    cut.extend([0xff, 0xc4, 0, 20, 1]);
    let file = parse(&cut, true).unwrap();
    assert!(file.scans[0].data.end == end && !file.whole);
    cut.truncate(end);
    // A second frame header.
    cut.extend([0xff, 0xc2, 0, 11, 8, 0, 3, 0, 5, 1, 1, 0x11, 0]);
    assert!(parse(&cut, false).is_err());
    let file = parse(&cut, true).unwrap();
    assert!(file.scans.len() == 1 && !file.whole);
}

#[test]
fn codes_must_fit() {
    let table = |counts: [u8; 3], symbols: &[u8]| {
        let mut bytes = vec![0xff, 0xc4, 0, 19 + symbols.len() as u8, 0];
        bytes.extend(counts);
        bytes.extend([0; 13]);
        bytes.extend(symbols);
        [&bytes, &gray(0xc0, 8)[2..]].concat()
    };
    let load = |bytes: Vec<u8>| parse(&[&b"\xff\xd8"[..], &bytes].concat(), false);
    assert!(load(table([2, 0, 0], &[1, 2])).is_ok());
    assert!(load(table([3, 0, 0], &[1, 2, 3])).is_err());
    assert!(load(table([1, 1, 3], &[1, 2, 3, 4, 5])).is_err());
    assert!(load(table([1, 0, 0], &[16])).is_err());
    assert!(load(table([3, 0, 0], &[1, 2])).is_err());
}
