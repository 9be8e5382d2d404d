//! The structures and numbers of libnvcuvid's interface, by NVIDIA's public documentation. They are
//! those of 64-bit systems. A `long` of C has 4 bytes on Windows, and 8 elsewhere.

use std::ffi::{c_int, c_short, c_uint, c_ulong, c_ulonglong, c_void};

/// A structure for which zeros are a value: it has numbers and pointers.
///
/// # Safety
///
/// All fields are numbers, raw pointers or optional functions.
pub(super) unsafe trait Zero: Sized {
    fn zero() -> Self {
        // SAFETY: what this trait promises.
        unsafe { std::mem::zeroed() }
    }
}

pub(super) mod codec {
    pub(in super::super) const HEVC: i32 = 8;
    pub(in super::super) const VP8: i32 = 9;
    pub(in super::super) const AV1: i32 = 11;
}

pub(super) mod chroma {
    pub(in super::super) const YUV420: i32 = 1;
    pub(in super::super) const YUV444: i32 = 3;
}

pub(super) mod surface {
    pub(in super::super) const NV12: i32 = 0;
    pub(in super::super) const P016: i32 = 1;
    pub(in super::super) const YUV444: i32 = 2;
    pub(in super::super) const YUV444_16: i32 = 3;
}

/// Use the engines, not kernels.
pub(super) const PREFER_CUVID: c_ulong = 4;
/// A packet is one whole picture.
pub(super) const END_OF_PICTURE: c_ulong = 8;
/// The status of a picture that was decoded without an error.
pub(super) const STATUS_SUCCESS: c_int = 2;

#[repr(C)]
pub(super) struct DecoderCaps {
    pub(super) codec: c_int,
    pub(super) chroma: c_int,
    pub(super) bits_minus_8: c_uint,
    reserved: [c_uint; 3],
    pub(super) is_supported: u8,
    pub(super) engines: u8,
    pub(super) surfaces: u16,
    pub(super) most_width: c_uint,
    pub(super) most_height: c_uint,
    pub(super) most_macroblocks: c_uint,
    pub(super) least_width: u16,
    pub(super) least_height: u16,
    histogram: [u8; 4],
    reserved_too: [c_uint; 10],
}

#[repr(C)]
pub(super) struct CreateInfo {
    pub(super) width: c_ulong,
    pub(super) height: c_ulong,
    pub(super) decode_surfaces: c_ulong,
    pub(super) codec: c_int,
    pub(super) chroma: c_int,
    pub(super) flags: c_ulong,
    pub(super) bits_minus_8: c_ulong,
    pub(super) intra_only: c_ulong,
    pub(super) most_width: c_ulong,
    pub(super) most_height: c_ulong,
    reserved: c_ulong,
    /// Left, top, right, bottom.
    pub(super) display_area: [c_short; 4],
    pub(super) surface: c_int,
    pub(super) deinterlace: c_int,
    pub(super) target_width: c_ulong,
    pub(super) target_height: c_ulong,
    pub(super) output_surfaces: c_ulong,
    lock: *mut c_void,
    target_area: [c_short; 4],
    histogram: c_ulong,
    reserved_too: [c_ulong; 4],
}

#[repr(C)]
pub(super) struct ReconfigureInfo {
    pub(super) width: c_uint,
    pub(super) height: c_uint,
    pub(super) target_width: c_uint,
    pub(super) target_height: c_uint,
    pub(super) decode_surfaces: c_uint,
    reserved: [c_uint; 12],
    pub(super) display_area: [c_short; 4],
    target_area: [c_short; 4],
    reserved_too: [c_uint; 11],
}

#[repr(C)]
pub(super) struct ProcParams {
    pub(super) progressive_frame: c_int,
    second_field: c_int,
    pub(super) top_field_first: c_int,
    unpaired_field: c_int,
    reserved: [c_uint; 2],
    raw_input: c_ulonglong,
    raw_input_pitch: c_uint,
    raw_input_format: c_uint,
    raw_output: c_ulonglong,
    raw_output_pitch: c_uint,
    reserved_one: c_uint,
    pub(super) stream: *mut c_void,
    reserved_many: [c_uint; 46],
    histogram: *mut c_ulonglong,
    reserved_pointer: *mut c_void,
}

#[repr(C)]
pub(super) struct DecodeStatus {
    pub(super) status: c_int,
    reserved: [c_uint; 31],
    reserved_pointers: [*mut c_void; 8],
}

/// The beginning of what the parser says about a sequence of pictures.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct VideoFormat {
    pub(super) codec: c_int,
    pub(super) frame_rate: [c_uint; 2],
    pub(super) is_progressive: u8,
    pub(super) luma_bits_minus_8: u8,
    pub(super) chroma_bits_minus_8: u8,
    pub(super) least_surfaces: u8,
    pub(super) coded_width: c_uint,
    pub(super) coded_height: c_uint,
    /// Left, top, right, bottom.
    pub(super) display_area: [c_int; 4],
    pub(super) chroma: c_int,
    pub(super) bitrate: c_uint,
    pub(super) aspect_ratio: [c_int; 2],
    /// The bit 8 says that the range is full.
    pub(super) signal: u8,
    pub(super) primaries: u8,
    pub(super) transfer: u8,
    pub(super) matrix: u8,
}

/// The beginning of what the parser says about a picture.
#[repr(C)]
pub(super) struct PicParams {
    pub(super) width_in_macroblocks: c_int,
    pub(super) height_in_macroblocks: c_int,
    pub(super) surface: c_int,
}

pub(super) type OnSequence = extern "C" fn(*mut c_void, *mut VideoFormat) -> c_int;
pub(super) type OnPicture = extern "C" fn(*mut c_void, *mut PicParams) -> c_int;
pub(super) type OnDisplay = extern "C" fn(*mut c_void, *mut c_void) -> c_int;

#[repr(C)]
pub(super) struct ParserParams {
    pub(super) codec: c_int,
    pub(super) most_surfaces: c_uint,
    clock_rate: c_uint,
    pub(super) error_threshold: c_uint,
    pub(super) display_delay: c_uint,
    annex_b: c_uint,
    reserved: [c_uint; 4],
    pub(super) user: *mut c_void,
    pub(super) on_sequence: Option<OnSequence>,
    pub(super) on_picture: Option<OnPicture>,
    pub(super) on_display: Option<OnDisplay>,
    on_operating_point: *mut c_void,
    reserved_pointers: [*mut c_void; 6],
    extended: *mut c_void,
}

#[repr(C)]
pub(super) struct Packet {
    pub(super) flags: c_ulong,
    pub(super) size: c_ulong,
    pub(super) data: *const u8,
    timestamp: i64,
}

// SAFETY: each has numbers, raw pointers and optional functions.
unsafe impl Zero for DecoderCaps {}
// SAFETY: as above.
unsafe impl Zero for CreateInfo {}
// SAFETY: as above.
unsafe impl Zero for ReconfigureInfo {}
// SAFETY: as above.
unsafe impl Zero for ProcParams {}
// SAFETY: as above.
unsafe impl Zero for DecodeStatus {}
// SAFETY: as above.
unsafe impl Zero for ParserParams {}
// SAFETY: as above.
unsafe impl Zero for Packet {}

// The sizes that a C compiler gives the structures.
const _: () = {
    let long = size_of::<c_ulong>();
    assert!(size_of::<DecoderCaps>() == 88);
    assert!(size_of::<CreateInfo>() == if long == 4 { 112 } else { 176 });
    assert!(size_of::<ReconfigureInfo>() == 128);
    assert!(size_of::<ProcParams>() == 264);
    assert!(size_of::<DecodeStatus>() == 192);
    assert!(size_of::<ParserParams>() == 136);
    assert!(size_of::<Packet>() == if long == 4 { 24 } else { 32 });
};
