//! Files whose decoders never fall into step.

use super::Jpeg;
use crate::support::Noise;

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker], &length[..], data].concat()
}

/// A square picture, 4:2:0, of `restart` MCUs a segment, or one for all if 0. All symbols have 16
/// bits, so that decoders that begin at different ones of 22 never meet, and at a place there may be
/// more of them than there is room for.
pub fn crowded(side: u16, restart: u16) -> Jpeg {
    let mut noise = Noise::new(side.into());
    // The standard's counts of codes: of eight bits, that many.
    let codes = |count| {
        let mut counts = [0; 16];
        counts[7] = count;
        counts
    };
    let [height, width] = [side.to_be_bytes(); 2];
    let frame = [
        &[8][..],
        &height,
        &width,
        &[3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0],
    ]
    .concat();
    let mut bytes = vec![0xff, 0xd8];
    bytes.extend(segment(0xdb, &[&[0][..], &[1; 64]].concat()));
    bytes.extend(segment(0xc0, &frame));
    bytes.extend(segment(0xc4, &[&[0][..], &codes(1), &[8]].concat()));
    // Two zeros and a number, and the end of a block.
    bytes.extend(segment(
        0xc4,
        &[&[0x10][..], &codes(2), &[0x28, 0]].concat(),
    ));
    bytes.extend(segment(0xdd, &restart.to_be_bytes()));
    bytes.extend(segment(0xda, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]));
    let mcus = u32::from(side).div_ceil(16).pow(2);
    for mcu in 0..mcus {
        if mcu > 0 && restart > 0 && mcu % u32::from(restart) == 0 {
            bytes.extend([0xff, 0xd0 + ((mcu / u32::from(restart) - 1) % 8) as u8]);
        }
        for unit in 0..6 {
            // DC goes up and down, and stays what it may be. The last block of each MCU is one symbol
            // shorter, and ends with a code of its own.
            let is_up = (unit + if unit < 4 { 0 } else { mcu }) % 2 == 0;
            bytes.extend([0, if is_up { 0x80 } else { 0x7f }]);
            for _ in 0..if unit < 5 { 21 } else { 19 } {
                bytes.extend([0, 1 + ((noise.next() >> 32) % 254) as u8]);
            }
        }
        bytes.push(1);
    }
    bytes.extend([0xff, 0xd9]);
    Jpeg {
        bytes,
        what: format!("crowded, {side} pixels, restarts {restart}"),
    }
}
