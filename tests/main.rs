//! Every test of the library as its users see it, in one program: a dozen would each carry all
//! codecs.

mod support;

mod animation;
mod batch;
mod buffers;
mod code_points;
mod color;
mod composition;
mod convert;
mod corpus;
mod depth;
mod examples;
mod failures;
mod frames;
mod images;
mod inks;
mod kernels;
mod options;
mod orientation;
mod round_trips;
mod targets;

use std::process::ExitCode;

fn main() -> ExitCode {
    let trials = [
        animation::trials(),
        batch::trials(),
        buffers::trials(),
        failures::trials(),
        round_trips::trials(),
        targets::trials(),
        code_points::trials(),
        color::trials(),
        composition::trials(),
        convert::trials(),
        corpus::trials(),
        depth::trials(),
        examples::trials(),
        frames::trials(),
        images::trials(),
        inks::trials(),
        kernels::trials(),
        options::trials(),
        orientation::trials(),
    ];
    support::run(trials.into_iter().flatten().collect())
}
