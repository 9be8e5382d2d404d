//! Progressive files whose scans come in an order, or as often, as no encoder writes them.

use super::{
    made::{Jpeg, pick, progressive, up_to},
    scans::Scan,
};
use crate::support::Noise;

/// What is done to a script.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// A scan that begins coefficients comes a second time, later on.
    Twice,
    /// One is missing, with those that refine it.
    Missing,
    /// The scans come in any order, but each after those that it refines.
    Shuffled,
    /// All scans of DC coefficients come last.
    DcLast,
    /// A component has no DC coefficients.
    NoDc,
    /// A refinement of DC coefficients is left out, so that the next one skips a bit.
    Skipped,
    /// Each coefficient has scans of its own.
    Single,
}

const CHANGES: [Change; 7] = [
    Change::Twice,
    Change::Missing,
    Change::Shuffled,
    Change::DcLast,
    Change::NoDc,
    Change::Skipped,
    Change::Single,
];

/// The file of a seed, always the same.
pub fn unusual(seed: u64) -> Jpeg {
    let noise = &mut Noise::new(seed.wrapping_add(1));
    let mut frame = progressive(noise);
    let change = pick(noise, &CHANGES);
    frame.oddities.long_runs = up_to(noise, 2) == 1;
    let scans = &mut frame.scans;
    let any = up_to(noise, scans.len()) - 1;
    match change {
        Change::Twice => {
            let begins = |scan: &&Scan| scan.approximation[0] == 0;
            let again = scans[..=any].iter().rev().find(begins);
            let again = again.unwrap_or(&scans[0]).clone();
            let place = any + up_to(noise, scans.len() - any);
            scans.insert(place, again);
        }
        Change::Missing => {
            let missing = scans[any].clone();
            let mut number = 0;
            scans.retain(|scan| {
                number += 1;
                number == 1 || number <= any || !depends(scan, &missing)
            });
        }
        Change::Shuffled => *scans = shuffled(scans, noise),
        Change::DcLast => scans.sort_by_key(|scan| scan.band[0] == 0),
        Change::NoDc => {
            let component = scans[any].components[0];
            let is_its_dc = |scan: &Scan| scan.band[0] == 0 && scan.components.contains(&component);
            if scans.iter().any(|scan| !is_its_dc(scan)) {
                scans.retain(|scan| !is_its_dc(scan));
            }
        }
        Change::Skipped => {
            if let Some(place) = scans
                .iter()
                .position(|scan| scan.approximation[0] > 1 && scan.band[0] == 0)
            {
                scans.remove(place);
            }
        }
        Change::Single => {
            let alone = |scan: &Scan| {
                let [first, last] = scan.band;
                let scan = scan.clone();
                (first..=last).map(move |k| Scan {
                    band: [k, k],
                    ..scan.clone()
                })
            };
            *scans = scans.iter().flat_map(alone).collect();
        }
    }
    let what = format!("{change:?} of {:?}: {:?}", frame.size, frame.scans);
    let bytes = frame.write(noise);
    Jpeg { bytes, what }
}

/// Any order in which each scan comes after those before it that have some of its coefficients.
fn shuffled(scans: &[Scan], noise: &mut Noise) -> Vec<Scan> {
    let mut left: Vec<&Scan> = scans.iter().collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let free: Vec<usize> = (0..left.len())
            .filter(|&i| left[..i].iter().all(|early| !depends(left[i], early)))
            .collect();
        order.push(left.remove(pick(noise, &free)).clone());
    }
    order
}

/// Whether two scans have a coefficient in common.
fn depends(late: &Scan, early: &Scan) -> bool {
    let common = late.components.iter().any(|i| early.components.contains(i));
    common && late.band[0] <= early.band[1] && early.band[0] <= late.band[1]
}
