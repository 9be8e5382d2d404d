use crate::{
    Device, Error, ErrorKind, Format, Image, ImageU8, LoadOptions, encode, inspect, inspect_bytes,
};
use std::{io::Cursor, path::Path};

/// A picture whose codec panics in `place`: decoders do not look past a PNG's end.
fn torn_in(place: &str) -> Vec<u8> {
    let mut image = Image::new(&Device::cpu(), 7, 5).unwrap();
    image.upload(&[0.5; 7 * 5 * 4]).unwrap();
    let mut file = encode(&image, Format::Png).unwrap();
    file.extend(place.as_bytes());
    file
}

#[track_caller]
fn check(error: &Error, place: &str, path: Option<&Path>) {
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    assert!(
        error.to_string().contains(&format!("torn in {place}")),
        "{error}"
    );
    assert_eq!((error.format(), error.path()), (Some(Format::Png), path));
}

type Way = fn(&LoadOptions, &Device, &Path, &[u8]) -> Result<(), Error>;

const BY_PATH: [Way; 8] = [
    |options, device, path, _| options.load(device, path).map(drop),
    |options, device, path, _| options.load_u8(device, path).map(drop),
    |options, device, path, _| options.open(device, path).map(drop),
    |options, device, path, _| options.load_into(path, &mut Image::new(device, 9, 9)?),
    |options, device, path, _| {
        let (mut image, mut via) = (Image::new(device, 9, 9)?, ImageU8::new(device, 9, 9)?);
        options.load_into_via(path, &mut image, &mut via)
    },
    |options, device, path, _| options.load_u8_into(path, &mut ImageU8::new(device, 9, 9)?),
    |options, device, path, _| options.frames(device, path)?.open_next().map(drop),
    |_, _, path, _| inspect(path).map(drop),
];

const OF_BYTES: [Way; 7] = [
    |options, device, _, bytes| options.decode(device, bytes).map(drop),
    |options, device, _, bytes| options.decode_u8(device, bytes).map(drop),
    |options, device, _, bytes| options.open_bytes(device, bytes).map(drop),
    |options, device, _, bytes| options.decode_into(bytes, &mut Image::new(device, 9, 9)?),
    |options, device, _, bytes| options.decode_from(device, Cursor::new(bytes)).map(drop),
    |options, device, _, bytes| options.frames_bytes(device, bytes)?.open_next().map(drop),
    |_, _, _, bytes| inspect_bytes(bytes).map(drop),
];

#[test]
fn a_panic_is_an_error_whichever_way_a_file_is_read() {
    let (device, options) = (Device::cpu(), LoadOptions::new());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    for place in ["open", "metadata"] {
        let bytes = torn_in(place);
        std::fs::write(&path, &bytes).unwrap();
        for way in BY_PATH {
            let error = way(&options, &device, &path, &bytes).unwrap_err();
            check(&error, place, Some(&path));
        }
        for way in OF_BYTES {
            let error = way(&options, &device, &path, &bytes).unwrap_err();
            check(&error, place, None);
        }
    }
    // And all of it works on.
    let bytes = torn_in("");
    std::fs::write(&path, &bytes).unwrap();
    for way in BY_PATH.into_iter().chain(OF_BYTES) {
        way(&options, &device, &path, &bytes).unwrap();
    }
}

#[test]
fn frames_that_panic_are_counted_and_skipped_as_errors() {
    let (device, options) = (Device::cpu(), LoadOptions::new());
    let error = options.frames_bytes(&device, torn_in("count")).unwrap_err();
    check(&error, "count", None);
    let mut frames = options.frames_bytes(&device, torn_in("skip")).unwrap();
    check(&frames.skip_frames(1).unwrap_err(), "skip", None);
    // What it had in its hands is not used again.
    assert!(frames.open_next().unwrap().is_none());
}

#[test]
fn what_there_is_of_a_file_is_had_though_the_strict_decoder_panics() {
    let device = Device::cpu();
    let options = LoadOptions::new().allow_truncated(true);
    for place in ["open", "metadata"] {
        let decoded = options.open_bytes(&device, &torn_in(place)).unwrap();
        assert!(decoded.is_truncated());
        let samples = decoded.into_image_u8().unwrap().download().unwrap();
        assert_eq!(samples, [128; 7 * 5 * 4], "{place}");
    }
    // One whose frames cannot be opened is a file of one.
    let mut frames = options.frames_bytes(&device, torn_in("open")).unwrap();
    assert_eq!(frames.open_next().unwrap().unwrap().0.width(), 7);
    // The tolerant decoder panics too: what the strict one says stays the error.
    let mut file = torn_in("");
    file.truncate(50);
    file.extend(b"damaged");
    let error = options.open_bytes(&device, &file).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
    assert!(!error.to_string().contains("torn"), "{error}");
}
