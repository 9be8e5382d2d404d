//! Decoders against a library that is made up: what it is asked, and what comes of its errors.

mod pool;

use super::{
    abi::*,
    decoder::Decoder,
    kind::{Kind, Refusal},
    library::Library,
};
use crate::device::video::VideoCodec;
use std::{
    env::{self, consts},
    ffi::c_ulong,
    path::Path,
    process::Command,
    sync::OnceLock,
};

/// What the made-up library does with a packet, by its first byte.
mod packet {
    pub(super) const SOUND: u8 = b's';
    pub(super) const LARGER: u8 = b'l';
    pub(super) const TOO_LARGE: u8 = b'L';
    pub(super) const OTHER_CHROMA: u8 = b'c';
    pub(super) const DEEPER: u8 = b'd';
    pub(super) const TWO_PICTURES: u8 = b'2';
    pub(super) const NO_PICTURE: u8 = b'0';
    pub(super) const DAMAGED: u8 = b'x';
    pub(super) const FAILS_TO_PARSE: u8 = b'p';
    pub(super) const FAILS_TO_DECODE: u8 = b'D';
    pub(super) const FAILS_TO_MAP: u8 = b'm';
    pub(super) const NO_AREA: u8 = b'a';
}

const KIND: Kind = Kind {
    codec: VideoCodec::Hevc,
    is_444: false,
    bits: 10,
    has_segments: false,
};

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let [before, after] = [consts::DLL_PREFIX, consts::DLL_SUFFIX];
        let name = format!("{before}fake_nvcuvid{after}");
        if env::var_os("IMAGECUDA_TEST_CROSS").is_some() {
            // There is no compiler where the tests run. Cargo has built it beside them.
            let tests = env::current_exe().unwrap();
            let examples = tests.parent().unwrap().with_file_name("examples");
            return Library::open(examples.join(name)).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join(name);
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("src/device/cuda/video/tests/libnvcuvid.rs");
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc)
            .args(["--edition", "2024", "--crate-type", "cdylib", "-o"])
            .args([&target, &source])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        Library::open(&target).unwrap()
    })
}

fn decoder() -> Decoder {
    Decoder::new(library(), KIND, [512, 512], [1024, 1024]).unwrap()
}

fn decode(decoder: &mut Decoder, packet: u8) -> Result<(), Refusal> {
    decoder.start(&[packet, 1, 2], 1)?;
    let outcome = decoder.finish(1, std::ptr::null_mut(), |frame| {
        // The made-up address has the surface and the configured size.
        assert_eq!(frame.address >> 48, 1);
        assert_eq!(frame.pitch, 2048);
        assert_eq!(frame.address >> 24 & 0xff_ffff, frame.rows as u64);
        Ok(())
    });
    decoder.unmap()?;
    outcome
}

#[test]
fn pictures_are_decoded_and_sizes_may_change() {
    let mut decoder = decoder();
    for _ in 0..3 {
        for (packet, coded) in [(packet::SOUND, [512, 496]), (packet::LARGER, [1008, 1024])] {
            let format = decoder.start(&[packet, 0], 2).unwrap();
            assert_eq!(format.coded, coded);
            assert_eq!(format.shown, [2, 0, coded[0] - 4, coded[1]]);
            assert_eq!((format.signal.matrix, format.signal.full_range), (9, true));
            let rows = decoder.finish(2, std::ptr::null_mut(), |frame| Ok(frame.rows));
            assert!(decoder.is_mapped());
            decoder.unmap().unwrap();
            assert!(!decoder.is_mapped());
            assert_eq!(rows, Ok(coded[1] as usize));
        }
    }
    assert!(!decoder.is_broken);
}

/// The library would give the frames in work the new size.
#[test]
fn sizes_do_not_change_while_frames_are_in_work() {
    let mut decoder = decoder();
    let rows = |decoder: &mut Decoder, surface| {
        let rows = decoder.finish(surface, std::ptr::null_mut(), |frame| Ok(frame.rows));
        decoder.unmap().unwrap();
        rows
    };
    decoder.start(&[packet::SOUND], 1).unwrap();
    decoder.start(&[packet::SOUND], 2).unwrap();
    for in_work in [2, 1] {
        let refusal = decoder.start(&[packet::LARGER], 0).unwrap_err();
        assert_eq!(refusal.to_string(), "the tiles have different coded sizes");
        assert_eq!(rows(&mut decoder, in_work), Ok(496));
    }
    assert!(!decoder.is_broken);
    decoder.start(&[packet::LARGER], 0).unwrap();
    assert_eq!(rows(&mut decoder, 0), Ok(1024));
    assert!(!decoder.is_broken);
}

#[test]
fn what_is_not_as_expected_is_refused_and_the_next_picture_is_right() {
    for (packet, expected) in [
        (packet::TOO_LARGE, "another size"),
        (packet::NO_AREA, "another size"),
        (packet::OTHER_CHROMA, "another kind"),
        (packet::DEEPER, "another kind"),
        (packet::NO_PICTURE, "not those of one picture"),
        (packet::DAMAGED, "status 8"),
        (
            packet::FAILS_TO_PARSE,
            "cuvidParseVideoData failed with code 1",
        ),
        (
            packet::FAILS_TO_DECODE,
            "cuvidDecodePicture failed with code 999",
        ),
    ] {
        let mut decoder = decoder();
        decode(&mut decoder, packet::SOUND).unwrap();
        let refusal = decode(&mut decoder, packet).unwrap_err().to_string();
        assert!(refusal.contains(expected), "{refusal}");
        assert!(!decoder.is_broken, "{refusal}");
        decode(&mut decoder, packet::SOUND).unwrap();
    }
}

/// Something of it may still be in work.
#[test]
fn a_decoder_that_failed_is_not_used_again() {
    for (packet, expected) in [
        (packet::TWO_PICTURES, "several pictures"),
        (
            packet::FAILS_TO_MAP,
            "cuvidMapVideoFrame64 failed with code 205",
        ),
    ] {
        let mut decoder = decoder();
        let refusal = decode(&mut decoder, packet).unwrap_err().to_string();
        assert!(refusal.contains(expected), "{refusal}");
        assert!(decoder.is_broken, "{refusal}");
    }
}

#[test]
fn a_decoder_that_cannot_be_made_says_why() {
    let made = |bits| {
        let kind = Kind { bits, ..KIND };
        Decoder::new(library(), kind, [512, 512], [1024, 1024]).unwrap_err()
    };
    assert_eq!(made(12), Refusal::NoMemory);
    let call = "cuvidCreateDecoder";
    assert_eq!(made(9), Refusal::Failed { call, code: 801 });
}

#[test]
fn a_library_that_lacks_functions_or_is_none_says_so() {
    let error = Library::open("/nowhere/libnvcuvid.so.1").unwrap_err();
    assert!(error.contains("libnvcuvid"), "{error}");
    let other = if cfg!(windows) {
        "kernel32.dll"
    } else {
        "libc.so.6"
    };
    let error = Library::open(other).unwrap_err();
    assert!(
        error.contains(other) && error.contains("cuvidGetDecoderCaps"),
        "{error}"
    );
}

#[test]
fn structures_are_as_long_as_the_made_up_library_has_them() {
    // Its own definitions are arrays of bytes, by NVIDIA's offsets.
    assert_eq!(std::mem::offset_of!(VideoFormat, chroma), 40);
    assert_eq!(std::mem::offset_of!(VideoFormat, signal), 56);
    assert_eq!(std::mem::offset_of!(ProcParams, stream), 56);
    let by_long = |of_8, of_4| {
        if size_of::<c_ulong>() == 8 {
            of_8
        } else {
            of_4
        }
    };
    assert_eq!(
        std::mem::offset_of!(CreateInfo, target_width),
        by_long(96, 60)
    );
    assert_eq!(std::mem::offset_of!(CreateInfo, surface), by_long(88, 52));
    assert_eq!(std::mem::offset_of!(ParserParams, user), 40);
    assert_eq!(std::mem::offset_of!(PicParams, surface), 8);
}
