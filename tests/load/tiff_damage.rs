//! TIFF files that lack strips, or parts of them.

use crate::support::{Noise, animations, cuts::tolerant, same};
use imagecuda::{Device, Format, LoadOptions};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        strips_are_there_until_the_cut,
        a_damaged_strip_is_a_hole,
    ])
}

const WIDTH: usize = 20;
const HEIGHT: usize = 30;
const STRIP: usize = 7;

/// How the pixels are in the file.
#[derive(Clone, Copy, Debug)]
struct Kind {
    photometric: u16,
    samples: usize,
    bits: u16,
    compression: u16,
    predicted: bool,
    planar: bool,
}

const PLAIN: Kind = Kind {
    photometric: 2,
    samples: 3,
    bits: 8,
    compression: 1,
    predicted: false,
    planar: false,
};

const KINDS: [Kind; 8] = [
    PLAIN,
    Kind {
        compression: 8,
        ..PLAIN
    },
    Kind {
        compression: 32_773,
        ..PLAIN
    },
    Kind {
        compression: 8,
        bits: 16,
        predicted: true,
        ..PLAIN
    },
    // Those that are not the samples of a layout of ours: white as 0, CMYK, bits, planes.
    Kind {
        photometric: 0,
        samples: 1,
        compression: 8,
        ..PLAIN
    },
    Kind {
        photometric: 5,
        samples: 4,
        ..PLAIN
    },
    Kind {
        photometric: 1,
        samples: 1,
        bits: 1,
        ..PLAIN
    },
    Kind {
        planar: true,
        ..PLAIN
    },
];

/// A file with its directory in front, as a cut would else take that. Its strips' places follow.
fn file(kind: Kind) -> (Vec<u8>, Vec<usize>) {
    let Kind { samples, bits, .. } = kind;
    let mut noise = Noise::new(9);
    let (planes, together) = match kind.planar {
        true => (samples, 1),
        false => (1, samples),
    };
    let row = (WIDTH * together * usize::from(bits)).div_ceil(8);
    let mut strips = Vec::new();
    for _ in 0..planes {
        for y in (0..HEIGHT).step_by(STRIP) {
            let rows = STRIP.min(HEIGHT - y);
            // No sample is what is put where there is none.
            let mut data = noise.bytes(row * rows);
            data.iter_mut().for_each(|v| *v = (*v / 2) | 1);
            if kind.predicted {
                for row in data.chunks_mut(row) {
                    // Small differences, so that there is no overflow.
                    row.as_chunks_mut::<2>().0.iter_mut().for_each(|v| v[1] = 1);
                }
            }
            strips.push(match kind.compression {
                8 => animations::zlib(&data),
                32_773 => data
                    .chunks(100)
                    .flat_map(|run| [&[run.len() as u8 - 1], run].concat())
                    .collect(),
                _ => data,
            });
        }
    }
    let tags: Vec<(u16, u16, Vec<u32>)> = vec![
        (256, 3, vec![WIDTH as u32]),
        (257, 3, vec![HEIGHT as u32]),
        (258, 3, vec![bits.into(); samples]),
        (259, 3, vec![kind.compression.into()]),
        (262, 3, vec![kind.photometric.into()]),
        (273, 4, vec![0; strips.len()]),
        (277, 3, vec![samples as u32]),
        (278, 3, vec![STRIP as u32]),
        (
            279,
            4,
            strips.iter().map(|strip| strip.len() as u32).collect(),
        ),
        (284, 3, vec![if kind.planar { 2 } else { 1 }]),
        (317, 3, vec![if kind.predicted { 2 } else { 1 }]),
    ];
    let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
    file.extend((tags.len() as u16).to_le_bytes());
    let values_at = file.len() + tags.len() * 12 + 4;
    let mut values = Vec::new();
    let mut offsets_at = 0;
    for (tag, kind, numbers) in &tags {
        let bytes: Vec<u8> = match kind {
            3 => numbers
                .iter()
                .flat_map(|&v| (v as u16).to_le_bytes())
                .collect(),
            _ => numbers.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend((numbers.len() as u32).to_le_bytes());
        let at = values_at + values.len();
        if *tag == 273 {
            offsets_at = at;
        }
        if bytes.len() > 4 {
            file.extend((at as u32).to_le_bytes());
            values.extend(bytes);
        } else {
            file.extend(bytes.iter().copied().chain([0; 4]).take(4));
        }
    }
    file.extend([0; 4]);
    file.extend(values);
    let mut places = Vec::new();
    for (index, strip) in strips.iter().enumerate() {
        let at = file.len() as u32;
        file[offsets_at + index * 4..][..4].copy_from_slice(&at.to_le_bytes());
        places.push(file.len());
        file.extend(strip);
    }
    (file, places)
}

fn strips_are_there_until_the_cut(device: &Device) {
    for kind in KINDS {
        let (file, places) = file(kind);
        let whole = LoadOptions::new().decode_u8(device, &file).unwrap();
        let whole = whole.download().unwrap();
        let mut before = 0;
        let mut had = false;
        for keep in places[0]..file.len() {
            let cut = &file[..keep];
            let strict = LoadOptions::new().decode(device, cut);
            let found = tolerant().open_bytes(device, cut);
            let found = match (strict, found) {
                (Ok(_), found) => {
                    let found = found.unwrap().into_image_u8().unwrap();
                    same(&found.download().unwrap(), &whole, kind);
                    continue;
                }
                (Err(_), Err(_)) => {
                    assert!(!had, "{kind:?} of {keep}");
                    continue;
                }
                (Err(_), Ok(found)) => found,
            };
            had = true;
            assert!(found.is_truncated());
            let found = found.into_image_u8().unwrap().download().unwrap();
            let row = WIDTH * 4;
            let rows = || found.chunks(row).zip(whole.chunks(row));
            let good = rows().take_while(|(a, b)| a == b).count();
            assert!(
                good >= before,
                "{kind:?} of {keep}: {good} rows after {before}"
            );
            before = good;
            let black = [0, 0, 0, 255].repeat(WIDTH);
            assert!(
                rows().skip(good).all(|(a, _)| a == black),
                "{kind:?} of {keep}"
            );
            if !kind.planar {
                let expected = HEIGHT * (keep - places[0]) / (file.len() - places[0]);
                assert!(good + 2 >= expected, "{kind:?} of {keep}: {good} rows");
            }
        }
        assert!(before + 2 >= HEIGHT, "{kind:?}: {before}");
    }
}

fn a_damaged_strip_is_a_hole(device: &Device) {
    let kind = Kind {
        compression: 8,
        ..PLAIN
    };
    let (mut file, places) = file(kind);
    let whole = LoadOptions::new().decode_u8(device, &file).unwrap();
    let mut expected = whole.download().unwrap();
    file[places[1]] ^= 0xff;
    assert!(LoadOptions::new().decode(device, &file).is_err());
    let hole = &mut expected[STRIP * WIDTH * 4..2 * STRIP * WIDTH * 4];
    hole.copy_from_slice(&[0, 0, 0, 255].repeat(STRIP * WIDTH));
    let found = tolerant().format(Format::Tiff).decode_u8(device, &file);
    same(&found.unwrap().download().unwrap(), &expected, kind);
}
