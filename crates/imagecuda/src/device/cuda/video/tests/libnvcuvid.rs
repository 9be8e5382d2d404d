//! A libnvcuvid without engines, for tests. The first byte of a packet says what happens. Structures
//! are bytes here, with numbers at the offsets that NVIDIA's headers give.

#![allow(non_snake_case)]
#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "every pointer is what the interface says"
)]

use std::ffi::{c_int, c_uint, c_ulong, c_ulonglong, c_void};

type Callback = extern "C" fn(*mut c_void, *mut u8) -> c_int;

struct Parser {
    user: *mut c_void,
    on_sequence: Callback,
    on_picture: Callback,
    on_display: Callback,
}

struct Decoder {
    rows: u32,
    /// What became of each surface.
    surfaces: [u8; 8],
    is_mapped: bool,
}

unsafe fn word(base: *const u8, at: usize) -> u32 {
    unsafe { base.add(at).cast::<u32>().read_unaligned() }
}

unsafe fn long(base: *const u8, at: usize) -> u64 {
    unsafe { base.add(at).cast::<u64>().read_unaligned() }
}

/// Where a field is, by the length of C's `long`: 8 bytes, or 4 on Windows.
const fn by_long(of_8: usize, of_4: usize) -> usize {
    if size_of::<c_ulong>() == 8 {
        of_8
    } else {
        of_4
    }
}

unsafe fn c_long(base: *const u8, of_8: usize, of_4: usize) -> u64 {
    match size_of::<c_ulong>() {
        8 => unsafe { long(base, of_8) },
        _ => unsafe { word(base, of_4) }.into(),
    }
}

unsafe fn put(base: *mut u8, at: usize, value: u32) {
    unsafe { base.add(at).cast::<u32>().write_unaligned(value) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidGetDecoderCaps(_: *mut u8) -> c_int {
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidCreateDecoder(out: *mut *mut Decoder, info: *const u8) -> c_int {
    let number = |of_8, of_4| unsafe { c_long(info, of_8, of_4) };
    let [height, surfaces] = [number(8, 4), number(16, 8)];
    let (codec, chroma) = unsafe { (word(info, by_long(24, 12)), word(info, by_long(28, 16))) };
    let [flags, bits, intra] = [number(32, 20), number(40, 24), number(48, 28)];
    let target = [number(96, 60), number(104, 64)];
    match bits {
        4 => return 2,
        1 => return 801,
        _ => {}
    }
    // P016 of 4:2:0 HEVC, all of the frame.
    let is_right = (codec, chroma, flags, intra) == (8, 1, 4, 1)
        && surfaces <= 8
        && target[1] == height
        && unsafe { word(info, by_long(88, 52)) } == 1;
    if !is_right {
        return 1;
    }
    let decoder = Decoder {
        rows: height as u32,
        surfaces: [0; 8],
        is_mapped: false,
    };
    unsafe { *out = Box::into_raw(Box::new(decoder)) };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidDestroyDecoder(decoder: *mut Decoder) -> c_int {
    let decoder = unsafe { Box::from_raw(decoder) };
    c_int::from(decoder.is_mapped)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidReconfigureDecoder(decoder: *mut Decoder, info: *const u8) -> c_int {
    unsafe { (*decoder).rows = word(info, 12) };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidDecodePicture(decoder: *mut Decoder, picture: *const u8) -> c_int {
    let (surface, kind) = unsafe { (word(picture, 8), word(picture, 24) as u8) };
    if kind == b'D' {
        return 999;
    }
    unsafe { (*decoder).surfaces[surface as usize] = kind };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidGetDecodeStatus(
    decoder: *mut Decoder,
    surface: c_int,
    status: *mut u8,
) -> c_int {
    let kind = unsafe { (*decoder).surfaces[surface as usize] };
    unsafe { put(status, 0, if kind == b'x' { 8 } else { 2 }) };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidMapVideoFrame64(
    decoder: *mut Decoder,
    surface: c_int,
    address: *mut c_ulonglong,
    pitch: *mut c_uint,
    _: *const u8,
) -> c_int {
    let decoder = unsafe { &mut *decoder };
    // One output surface: a second frame is refused.
    if decoder.is_mapped || decoder.surfaces[surface as usize] == b'm' {
        return 205;
    }
    decoder.is_mapped = true;
    unsafe {
        *address = (surface as u64) << 48 | u64::from(decoder.rows) << 24;
        *pitch = 2048;
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidUnmapVideoFrame64(decoder: *mut Decoder, _: c_ulonglong) -> c_int {
    let decoder = unsafe { &mut *decoder };
    decoder.is_mapped = false;
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidCreateVideoParser(out: *mut *mut Parser, params: *const u8) -> c_int {
    let callback = |at| unsafe { std::mem::transmute::<u64, Callback>(long(params, at)) };
    let parser = Parser {
        user: unsafe { long(params, 40) } as *mut c_void,
        on_sequence: callback(48),
        on_picture: callback(56),
        on_display: callback(64),
    };
    unsafe { *out = Box::into_raw(Box::new(parser)) };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidParseVideoData(parser: *mut Parser, packet: *const u8) -> c_int {
    let parser = unsafe { &*parser };
    let flags = unsafe { c_long(packet, 0, 0) };
    let data = unsafe { long(packet, by_long(16, 8)) } as *const u8;
    let kind = unsafe { *data };
    if flags != 8 || kind == b'p' {
        return 1;
    }
    if kind == b'0' {
        return 0;
    }
    let mut format = [0_u8; 72];
    let at = format.as_mut_ptr();
    let coded = match kind {
        b'l' => [1008, 1024],
        b'L' => [1040, 512],
        _ => [512, 496],
    };
    let shown = match kind {
        b'a' => [8, 0, 8, 496],
        _ => [2, 0, coded[0] - 4, coded[1]],
    };
    let bits = if kind == b'd' { 4 } else { 2 };
    unsafe {
        put(at, 0, 8);
        put(at, 16, coded[0]);
        put(at, 20, coded[1]);
        (0..4).for_each(|i| put(at, 24 + 4 * i, shown[i]));
        put(at, 40, if kind == b'c' { 3 } else { 1 });
    }
    for (place, byte) in [(13, bits), (14, bits), (56, 8), (59, 9)] {
        unsafe { *at.add(place) = byte };
    }
    if (parser.on_sequence)(parser.user, at) != 1 {
        return 1;
    }
    for _ in 0..if kind == b'2' { 2 } else { 1 } {
        let mut picture = [0_u8; 4280];
        let at = picture.as_mut_ptr();
        unsafe {
            put(at, 8, 7);
            put(at, 24, kind.into());
        }
        if (parser.on_picture)(parser.user, at) != 1 {
            return 1;
        }
        (parser.on_display)(parser.user, at);
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuvidDestroyVideoParser(parser: *mut Parser) -> c_int {
    drop(unsafe { Box::from_raw(parser) });
    0
}
