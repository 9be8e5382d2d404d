//! Every test of the library as its users see it, in one program: a dozen would each carry all
//! codecs.
#![deny(unsafe_code)]

mod support;

mod animation;
mod batch;
#[cfg(target_os = "linux")]
mod bombs;
mod buffers;
mod channels;
mod code_points;
mod color;
mod composition;
mod convert;
mod corpus;
mod damage;
mod depth;
#[cfg(feature = "dlpack")]
#[allow(unsafe_code, reason = "tensors as C has them")]
mod dlpack;
mod examples;
mod failures;
mod faults;
mod frames;
mod fuzz;
mod icc;
mod images;
mod inks;
mod interop;
mod jpeg;
mod jpeg_encode;
mod kernels;
mod metadata;
mod options;
mod orientation;
mod pipeline;
mod pixels;
mod round_trips;
#[cfg(feature = "tracing")]
mod spans;
mod targets;
mod tiff_damage;
mod truncated;

use std::process::ExitCode;

fn main() -> ExitCode {
    // A test may have started this program for something else.
    #[cfg(target_os = "linux")]
    if let Some(code) = bombs::child() {
        return code;
    }
    #[cfg(feature = "cuda")]
    if let Some(code) = faults::driver::child() {
        return code;
    }
    let trials = [
        animation::trials(),
        batch::trials(),
        #[cfg(target_os = "linux")]
        bombs::trials(),
        buffers::trials(),
        channels::trials(),
        failures::trials(),
        faults::trials(),
        round_trips::trials(),
        #[cfg(feature = "tracing")]
        spans::trials(),
        targets::trials(),
        code_points::trials(),
        tiff_damage::trials(),
        truncated::trials(),
        color::trials(),
        composition::trials(),
        convert::trials(),
        corpus::trials(),
        damage::trials(),
        depth::trials(),
        #[cfg(feature = "dlpack")]
        dlpack::trials(),
        examples::trials(),
        frames::trials(),
        fuzz::trials(),
        icc::trials(),
        images::trials(),
        inks::trials(),
        interop::trials(),
        jpeg::trials(),
        jpeg_encode::trials(),
        kernels::trials(),
        metadata::trials(),
        options::trials(),
        orientation::trials(),
        pipeline::trials(),
        pixels::trials(),
    ];
    support::run(trials.into_iter().flatten().collect())
}
