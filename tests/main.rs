//! Every test of the library as its users see it, in one program: a dozen would each carry all
//! codecs.

mod support;

mod animation;
mod buffers;
mod color;
mod composition;
mod convert;
mod corpus;
mod depth;
mod failures;
mod frames;
mod images;
mod kernels;
mod metadata;
mod options;
mod orientation;
mod round_trips;
mod targets;

use std::process::ExitCode;

fn main() -> ExitCode {
    let trials = [
        animation::trials(),
        buffers::trials(),
        failures::trials(),
        round_trips::trials(),
        targets::trials(),
        color::trials(),
        composition::trials(),
        convert::trials(),
        corpus::trials(),
        depth::trials(),
        frames::trials(),
        images::trials(),
        kernels::trials(),
        metadata::trials(),
        options::trials(),
        orientation::trials(),
    ];
    support::run(trials.into_iter().flatten().collect())
}
