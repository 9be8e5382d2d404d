//! Pictures for files that are there already, and the errors of those that cannot be replaced.

use crate::support::pictures::picture;
use imagecuda::{Device, Error, ErrorKind, Format, Image};
use std::{io, path::Path};

pub(super) fn image(device: &Device, width: u32) -> Image {
    picture(device, width, 30).to_f32().unwrap()
}

pub(super) fn encoded(image: &Image) -> Vec<u8> {
    imagecuda::encode(image, Format::Bmp).unwrap()
}

#[track_caller]
pub(super) fn io_error(error: &Error, path: &Path, kind: io::ErrorKind, says: &str) {
    let ErrorKind::Io(io) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(io.kind(), kind, "{error}");
    assert_eq!(error.path(), Some(path));
    let text = error.to_string();
    assert!(
        text.contains(says) && !text.contains(".imagecuda-"),
        "{error}"
    );
}
