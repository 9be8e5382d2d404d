//! Tests of the whole codec: a file that is written is read again.

#[cfg(feature = "cuda")]
mod dense;
mod kinds;
pub(crate) mod made;
#[cfg(feature = "cuda")]
mod means;
mod truncation;
mod variants;

use super::encode::write;
use crate::{ErrorKind, Result, SaveOptions, picture::Pixels};
use imagecuda_kernels::layout::Layout;
use std::io::Cursor;

/// A noisy picture, so that every row of it takes many bytes.
fn file(quality: u8) -> (Vec<u8>, Vec<u8>) {
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
    let data: Vec<u8> = (0..50 * 37 * 3).map(noise).collect();
    let pixels = Pixels {
        width: 50,
        height: 37,
        layout: Layout::Rgb8,
        data: &data,
    };
    let mut out = Cursor::new(Vec::new());
    let options = SaveOptions::new().quality(quality);
    write(pixels, &options, &mut out).unwrap();
    (out.into_inner(), data)
}

fn load(bytes: &[u8]) -> Result<Vec<u8>> {
    truncation::load(bytes, false)
}

#[test]
fn chroma_is_reduced_below_quality_90() {
    for (quality, factors) in [(100, 0x11), (90, 0x11), (89, 0x22), (1, 0x22)] {
        let (bytes, _) = file(quality);
        let frame = bytes
            .windows(2)
            .position(|two| two == [0xff, 0xc0])
            .unwrap();
        assert_eq!(bytes[frame + 11], factors, "{quality}");
    }
}

#[test]
fn quality_100_is_close() {
    let (bytes, data) = file(100);
    let out = load(&bytes).unwrap();
    let far = out
        .iter()
        .zip(&data)
        .filter(|(a, b)| a.abs_diff(**b) > 6)
        .count();
    assert_eq!(far, 0);
}

#[test]
fn only_the_end_marker_may_be_missing() {
    for quality in [100, 50] {
        let (bytes, _) = file(quality);
        let whole = load(&bytes).unwrap();
        let end = bytes.len() - 2;
        assert_eq!(bytes[end..], [0xff, 0xd9]);
        assert!(load(&bytes[..end]).unwrap() == whole);
        assert!(load(&[&bytes[..], b"trailer\xff\xd9"].concat()).unwrap() == whole);
        for missing in [2, 5, 20, 1000] {
            let cut = &bytes[..end - missing];
            let error = load(cut).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
            // A marker after the cut does not make the file whole.
            assert!(load(&[cut, &[0xff, 0xd9]].concat()).is_err(), "{missing}");
        }
    }
}
