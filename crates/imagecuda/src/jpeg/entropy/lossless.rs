//! Decodes the samples of lossless scans, as Annex H of the standard describes.

use super::{
    bits::Bits,
    scanner::{Intervals, Source, nonsense},
    table::{Code, Table},
};
use crate::{
    Error, Result,
    error::cut_short,
    jpeg::{
        file::{File, Scan},
        samples::Planes,
    },
};

/// Decodes all samples. With `damaged`, samples without data become gray.
pub(in crate::jpeg) fn lossless(
    file: &File,
    bytes: &[u8],
    damaged: bool,
    planes: &mut Planes,
) -> Result<()> {
    let mut found = false;
    for scan in &file.scans {
        found |= one_scan(file, scan, bytes, damaged, planes)?;
    }
    match found {
        true => Ok(()),
        false => Err(Error::nothing_decoded()),
    }
}

/// A component of a scan.
struct Part {
    /// The component's number in the picture.
    index: usize,
    table: Table,
    /// The component's samples in an MCU.
    across: usize,
    down: usize,
    /// The size without the samples that only fill MCUs.
    width: usize,
    height: usize,
    /// The differences of a row of MCUs, including those that only fill MCUs.
    differences: Vec<i32>,
    /// Whether the next row is the first of a scan or of a restart interval.
    is_first: bool,
}

/// Decodes a scan. Returns whether it had any data.
fn one_scan(
    file: &File,
    scan: &Scan,
    bytes: &[u8],
    damaged: bool,
    planes: &mut Planes,
) -> Result<bool> {
    let picture = &file.picture;
    let alone = scan.components.len() == 1;
    let (mcus_x, mcus_y) = file.lossless_mcus(scan);
    let part = |component: &super::ScanComponent| {
        let part = &picture.component[component.index];
        let (across, down) = match alone {
            true => (1, 1),
            false => (part.h as usize, part.v as usize),
        };
        Some(Part {
            index: component.index,
            table: Table::new(component.dc.as_deref()?),
            across,
            down,
            width: part.width as usize,
            height: part.height as usize,
            differences: vec![0; mcus_x * across * down],
            is_first: true,
        })
    };
    let parts: Option<Vec<_>> = scan.components.iter().map(part).collect();
    let mut parts = parts.ok_or_else(super::no_table)?;
    let rows_of_interval = match scan.restart_interval as usize {
        0 => mcus_y,
        interval => interval / mcus_x,
    };
    let mut intervals = Intervals::new(scan, bytes, damaged);
    let mut found = false;
    let (mut bits, mut empty) = (Bits::default(), false);
    for row in 0..mcus_y {
        if row % rows_of_interval == 0 {
            let next = intervals.next()?;
            empty = next.is_none();
            bits = next.map(Bits::new).unwrap_or_default();
            parts.iter_mut().for_each(|part| part.is_first = true);
        }
        if empty {
            for part in &mut parts {
                part.differences.fill(0);
                part.is_first = true;
            }
        } else {
            read_row(&mut bits, &mut parts, mcus_x);
            if bits.nonsense && !damaged {
                return Err(nonsense());
            }
            empty = bits.is_exhausted();
            if empty && !damaged {
                return Err(cut_short());
            }
            found |= !empty;
        }
        for part in &mut parts {
            restore(file, scan, part, row, planes);
        }
    }
    Ok(found)
}

/// Reads the differences of a row of MCUs.
fn read_row(bits: &mut Bits<'_>, parts: &mut [Part], mcus_x: usize) {
    for mcu in 0..mcus_x {
        for part in &mut *parts {
            let row = mcus_x * part.across;
            for y in 0..part.down {
                let start = y * row + mcu * part.across;
                for difference in &mut part.differences[start..start + part.across] {
                    bits.fill();
                    *difference = match part.table.read(bits) {
                        Code::Value(value, 0) => value.into(),
                        Code::Symbol(16) => 1 << 15,
                        Code::Symbol(size) => bits.value(u32::from(size & 15)),
                        Code::Value(..) => 0, // no size is that large
                    };
                }
            }
        }
    }
}

/// Computes samples from the differences of a row of MCUs.
fn restore(file: &File, scan: &Scan, part: &mut Part, row: usize, planes: &mut Planes) {
    let transform = u32::from(scan.approximation.1 & 15);
    let start = 1 << (u32::from(file.bits) - 1 - transform);
    let length = part.differences.len() / part.down;
    let rows = (row * part.down..part.height).zip(part.differences.chunks_exact(length));
    for (y, differences) in rows {
        let (above, here) = planes.rows(part.index, y);
        let above = if part.is_first { None } else { above };
        let differences = &differences[..part.width];
        match above {
            Some(above) => undo(scan.spectral.0, differences, above, here, transform),
            None => undo_first(start, differences, here, transform),
        }
        part.is_first = false;
    }
}

/// The first row of a scan or of a restart interval.
fn undo_first(start: i32, differences: &[i32], here: &mut [u16], transform: u32) {
    let mut left = start;
    for (here, difference) in here.iter_mut().zip(differences) {
        left = (left + difference) & 0xffff;
        *here = (left as u16) << transform;
    }
}

/// Any other row.
fn undo(predictor: u8, differences: &[i32], above: &[u16], here: &mut [u16], transform: u32) {
    match predictor {
        1 => undo_by(|a, _, _| a, differences, above, here, transform),
        2 => undo_by(|_, b, _| b, differences, above, here, transform),
        3 => undo_by(|_, _, c| c, differences, above, here, transform),
        4 => undo_by(|a, b, c| a + b - c, differences, above, here, transform),
        5 => undo_by(
            |a, b, c| a + ((b - c) >> 1),
            differences,
            above,
            here,
            transform,
        ),
        6 => undo_by(
            |a, b, c| b + ((a - c) >> 1),
            differences,
            above,
            here,
            transform,
        ),
        _ => undo_by(|a, b, _| (a + b) >> 1, differences, above, here, transform),
    }
}

/// `predict` gets the samples on the left, above, and above on the left.
#[inline(always)]
fn undo_by(
    predict: impl Fn(i32, i32, i32) -> i32,
    differences: &[i32],
    above: &[u16],
    here: &mut [u16],
    transform: u32,
) {
    let mut before: Option<(i32, i32)> = None;
    for ((here, difference), &above) in here.iter_mut().zip(differences).zip(above) {
        let above = i32::from(above) >> transform;
        let predicted = match before {
            Some((left, corner)) => predict(left, above, corner),
            None => above,
        };
        let value = (predicted + difference) & 0xffff;
        before = Some((value, above));
        *here = (value as u16) << transform;
    }
}
