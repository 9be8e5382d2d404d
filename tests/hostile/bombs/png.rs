//! PNG: giants, and what inflates.

use super::{Bomb, Fate, bomb, zeros};

/// A file of these chunks behind its header.
fn file(
    width: u32,
    height: u32,
    [depth, color, interlaced]: [u8; 3],
    chunks: &[(&[u8; 4], &[u8])],
) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[depth, color, 0, 0, interlaced],
    ]
    .concat();
    for (kind, data) in [(b"IHDR", &header[..])].iter().chain(chunks) {
        chunk(&mut file, kind, data);
    }
    chunk(&mut file, b"IEND", &[]);
    file
}

/// As that of the tests of animations, whose checksum takes its time.
fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    file.extend((data.len() as u32).to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(crc.sum().to_be_bytes());
}

/// A profile of so many zeros.
pub(super) fn inflating(count: usize) -> Vec<u8> {
    [b"a\0\0", &zeros(count)[..]].concat()
}

/// One of 64 × 64, with these chunks before its data.
pub(super) fn with(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let data = zeros(64 * 65);
    file(64, 64, [8, 0, 0], &[chunks, &[(b"IDAT", &data)]].concat())
}

pub(super) fn all() -> Vec<Bomb> {
    let small = Fate::Picture(64, 64);
    let gigabyte = zeros(1 << 30);
    let [text, profile, international] =
        [&b"a\0\0"[..], b"a\0\0", b"a\0\x01\0\0\0"].map(|head| [head, &gigabyte].concat());
    let most = i32::MAX as u32;
    let mut all = vec![
        bomb(
            "giant",
            "(2³¹ - 1)² pixels",
            "png",
            file(most, most, [8, 6, 0], &[(b"IDAT", &zeros(9))]),
            Fate::TooLarge,
        ),
        bomb(
            "giant of 16 bits, interlaced",
            "(2³¹ - 1) × 1 pixels",
            "png",
            file(most, 1, [16, 6, 1], &[(b"IDAT", &zeros(9))]),
            Fate::TooLarge,
        ),
        bomb(
            "cut short at the limit",
            "16,384² pixels",
            "png",
            file(16_384, 16_384, [8, 2, 0], &[(b"IDAT", &zeros(99))]),
            Fate::NoMemory,
        ),
        bomb(
            "all black",
            "2,048² pixels",
            "png",
            file(2048, 2048, [8, 2, 0], &[(b"IDAT", &zeros(2048 * 6145))]),
            Fate::Picture(2048, 2048),
        ),
        bomb(
            "pixels and more",
            "64² pixels, 1 GB inflated",
            "png",
            file(64, 64, [8, 0, 0], &[(b"IDAT", &gigabyte)]),
            Fate::Anything,
        ),
        bomb(
            "text",
            "1 GB inflated",
            "png",
            with(&[(b"zTXt", &text)]),
            small,
        ),
        bomb(
            "text that is there",
            "40 MB of it",
            "png",
            with(&[(
                b"tEXt",
                &[&b"Comment\0"[..], &vec![b'a'; 40_000_000]].concat(),
            )]),
            small,
        ),
        bomb(
            "international text",
            "1 GB inflated",
            "png",
            with(&[(b"iTXt", &international)]),
            small,
        ),
        bomb(
            "a profile",
            "1 GB inflated",
            "png",
            with(&[(b"iCCP", &profile)]),
            small,
        ),
        bomb(
            "a profile in front of wide rows",
            "1 GB inflated, and rows of 2³¹ - 1 pixels",
            "png",
            file(
                most,
                1,
                [8, 0, 0],
                &[(b"iCCP", &profile), (b"IDAT", &zeros(9))],
            ),
            Fate::TooLarge,
        ),
        bomb(
            "profiles",
            "2,000 of 15 MB inflated",
            "png",
            {
                let profile = inflating(15_000_000);
                with(&vec![(b"iCCP", &profile[..]); 2000])
            },
            Fate::Anything,
        ),
        bomb(
            "texts",
            "1,000,000 of them",
            "png",
            with(&vec![(b"tEXt", &b"a\0b"[..]); 1_000_000]),
            small,
        ),
        bomb(
            "inflating texts",
            "2,000 of 15 MB",
            "png",
            {
                let text = [b"a\0\0", &zeros(15_000_000)[..]].concat();
                with(&vec![(b"zTXt", &text[..]); 2000])
            },
            small,
        ),
        bomb(
            "unknown chunks",
            "1,000,000 of them",
            "png",
            with(&vec![(b"abCd", &b""[..]); 1_000_000]),
            small,
        ),
        bomb(
            "data in pieces",
            "1,000,000 empty chunks",
            "png",
            {
                let data = zeros(64 * 65);
                let mut chunks = vec![(b"IDAT", &b""[..]); 1_000_000];
                chunks.push((b"IDAT", &data));
                file(64, 64, [8, 0, 0], &chunks)
            },
            Fate::Anything,
        ),
        bomb(
            "EXIF",
            "200 of 100 kB",
            "png",
            with(&vec![(b"eXIf", &[0x49; 100_000][..]); 200]),
            small,
        ),
    ];
    let mut cut = with(&[(b"iCCP", b"a\0\0")]);
    cut[33..37].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
    all.push(bomb(
        "a profile by its length",
        "2 GB, not there",
        "png",
        cut,
        Fate::Refused,
    ));
    // A chunk that is there, as far as a file system can tell.
    let mut head = file(64, 64, [8, 0, 0], &[]);
    head.truncate(33);
    head.extend(1_000_000_000_u32.to_be_bytes());
    head.extend(b"iCCPa\0\0");
    for (name, fate) in [
        ("a profile in a hole", Fate::Refused),
        ("a profile in a hole, allowed", Fate::NoMemory),
    ] {
        let hole = bomb(name, "1 GB of chunk", "png", head.clone(), fate);
        all.push(Bomb {
            size: 1_000_000_100,
            ..hole
        });
    }
    all
}
