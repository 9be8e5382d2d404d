//! Every test of the library as its users see it, in one program: a dozen would each carry all
//! codecs.

mod support;

mod animation;
mod color;
mod composition;
mod convert;
mod corpus;
mod depth;
mod frames;
mod images;
mod io;
mod kernels;
mod options;
mod orientation;

use std::process::ExitCode;

fn main() -> ExitCode {
    let trials = [
        animation::trials(),
        color::trials(),
        composition::trials(),
        convert::trials(),
        corpus::trials(),
        depth::trials(),
        frames::trials(),
        images::trials(),
        io::trials(),
        kernels::trials(),
        options::trials(),
        orientation::trials(),
    ];
    support::run(trials.into_iter().flatten().collect())
}
