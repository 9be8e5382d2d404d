//! Files that are damaged, or ask for much.

use super::*;
use crate::ErrorKind;

fn decode_damaged(format: Format, bytes: &[u8]) -> Result<Vec<u8>> {
    let decoder = codec::open(format, bytes, &Limits::default(), true)?;
    codec::check(&decoder.header(), &Limits::default())?;
    let mut out = vec![0xa5; decoder.header().bytes()];
    decoder.read_into(&mut out)?;
    Ok(out)
}

#[test]
fn damage_is_an_error_or_other_pixels_and_never_a_panic() {
    let size = (40, 30);
    let data = picture(size.0, size.1, Layout::Rgba8);
    for format in FORMATS {
        let file = encode(
            format,
            size,
            Layout::Rgba8,
            &data,
            &SaveOptions::new().quality(60),
        )
        .unwrap();
        for keep in (0..file.len()).step_by(file.len() / 60 + 1) {
            let error = decode(format, &file[..keep]).expect_err("a part of a file");
            assert!(
                matches!(error.kind(), ErrorKind::Decode(_)),
                "{keep}: {error}"
            );
            assert!(!error.to_string().contains('\n'));
            drop(decode_damaged(format, &file[..keep]));
        }
        for at in 0..file.len().min(600) {
            let mut file = file.clone();
            file[at] ^= 0x55;
            drop(decode(format, &file));
            drop(decode_damaged(format, &file));
        }
        assert_eq!(
            decode_damaged(format, &file).unwrap(),
            decode(format, &file).unwrap().1
        );
    }
}

#[test]
fn limits_hold_for_libheif_too() {
    let size = (300, 200);
    let data = picture(size.0, size.1, Layout::Rgb8);
    for format in FORMATS {
        let file = encode(
            format,
            size,
            Layout::Rgb8,
            &data,
            &SaveOptions::new().quality(50),
        )
        .unwrap();
        let limits = Limits {
            pixels: 59_999,
            bytes: 1 << 20,
        };
        let opened = codec::open(format, &file, &limits, false);
        let checked = opened.and_then(|decoder| codec::check(&decoder.header(), &limits));
        let error = checked.unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::LimitExceeded { what: "pixels", .. }
            ),
            "{error}"
        );
        // A header that claims far more than it has.
        let mut bomb = file.clone();
        let ispe = bomb.windows(4).position(|w| w == b"ispe").unwrap() + 8;
        bomb[ispe..][..8].copy_from_slice(&[0, 0, 0x80, 0, 0, 0, 0x80, 0]);
        let error = decode(format, &bomb).unwrap_err();
        println!("{error}");
    }
}
