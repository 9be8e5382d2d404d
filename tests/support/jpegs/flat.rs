//! Pictures of one colour.

use super::{
    made::Jpeg,
    scans::Scan,
    writer::{Codes, Component, Frame, Oddities},
};
use crate::support::Noise;

/// One colour all over, so that a decoder in the middle of the data never finds where it is.
pub fn flat(size: [usize; 2], start: u8) -> Jpeg {
    let noise = &mut Noise::new(1);
    Jpeg {
        bytes: flat_frame(size, start).write(noise),
        what: format!("flat gray of {size:?}"),
    }
}

fn flat_frame(size: [usize; 2], start: u8) -> Frame {
    let codes = if start == 0xc2 {
        Codes::Fitting
    } else {
        Codes::Standard
    };
    let mut frame = Frame {
        size,
        start,
        components: vec![Component {
            id: 1,
            factors: [1, 1],
            quantiser: 0,
            tables: [0, 0],
            blocks: Vec::new(),
        }],
        quantisers: vec![[1; 64]],
        scans: Vec::new(),
        codes,
        jfif: true,
        adobe: None,
        oddities: Oddities::default(),
    };
    let [across, down] = frame.mcus();
    frame.components[0].blocks = vec![[0; 64]; across * down];
    frame.scans = scans_of_all(&frame);
    frame
}

/// The same, progressive, with a coefficient of all blocks that a last scan has one more bit of. One symbol
/// tells of as many blocks as can be.
pub fn flat_and_refined(size: [usize; 2]) -> Jpeg {
    let noise = &mut Noise::new(1);
    let mut frame = flat_frame(size, 0xc2);
    frame.oddities.long_runs = true;
    for (number, block) in frame.components[0].blocks.iter_mut().enumerate() {
        block[7] = 2 + (number % 3 / 2) as i16;
    }
    let of_ac = |approximation| Scan {
        components: vec![0],
        band: [1, 63],
        approximation,
        restart: 0,
    };
    frame.scans = vec![frame.scans[0].clone(), of_ac([0, 1]), of_ac([1, 0])];
    Jpeg {
        bytes: frame.write(noise),
        what: format!("flat and refined gray of {size:?}"),
    }
}

fn scans_of_all(frame: &Frame) -> Vec<Scan> {
    let scan = |band| Scan {
        components: (0..frame.components.len()).collect(),
        band,
        approximation: [0, 0],
        restart: 0,
    };
    match frame.start {
        0xc2 => vec![scan([0, 0]), scan([1, 63])],
        _ => vec![scan([0, 63])],
    }
}
