//! Files that are damaged, or ask for much.

use super::{
    regular::{boxed, with_meta},
    *,
};
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

/// A picture whose alpha is derived from it would have libheif wait for itself.
#[test]
fn a_picture_that_is_made_of_itself_is_an_error() {
    let size = (40, 30);
    let data = picture(size.0, size.1, Layout::Rgba8);
    for format in FORMATS {
        let options = SaveOptions::new().quality(60);
        let file = encode(format, size, Layout::Rgba8, &data, &options).unwrap();
        let items = Items::new(&file).unwrap();
        let picture = items.primary as u16;
        let is_alpha = |id: &u64| items.references(b"auxl", *id) == [items.primary];
        let mut ids = items.all().unwrap().map(|(id, _)| id);
        let alpha = ids.find(is_alpha).unwrap() as u16;
        let made_of = |reference: [u16; 2]| {
            with_meta(&file, |kind, body| match kind {
                b"iref" => {
                    let [from, to] = reference.map(u16::to_be_bytes);
                    boxed(kind, &[body, &boxed(b"dimg", &[&from, &[0, 1], &to])])
                }
                _ => boxed(kind, &[body]),
            })
        };
        let of = |reference| Items::new(&made_of(reference)).unwrap().is_made_of_itself();
        assert!(!items.is_made_of_itself(), "{format}");
        // libheif itself sees the second, and the third is only one thing twice.
        assert!(of([alpha, picture]), "{format}");
        assert!(!of([picture, picture]), "{format}");
        assert!(!of([picture, alpha]), "{format}");
        for decoded in [
            decode(format, &made_of([alpha, picture])).map(|(_, pixels)| pixels),
            decode_damaged(format, &made_of([alpha, picture])),
        ] {
            let error = decoded.unwrap_err();
            assert!(error.to_string().contains("made of itself"), "{error}");
        }
    }
}
