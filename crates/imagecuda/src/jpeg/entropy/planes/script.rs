//! The order of a progressive file's scans, and which of them depend on each other.

use crate::jpeg::file::File;

/// The numbers of a progressive file's scans, grouped by the coefficients that they add to, each
/// group in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    /// The DC scans.
    pub(super) dc: Vec<usize>,
    /// The AC scans of each component.
    pub(super) ac: [Vec<usize>; 4],
    /// For each component, the bit positions that refinements add, in ascending order.
    pub(super) refined: [Vec<u8>; 4],
}

impl Script {
    /// `None` unless each AC coefficient comes once with its high bits, and then bit by bit.
    pub(super) fn of(file: &File) -> Option<Self> {
        if !file.progressive || !file.is_usual() {
            return None;
        }
        let mut script = Self::default();
        // The bit position that each coefficient has reached.
        let mut left = [[None; 64]; 4];
        for (number, scan) in file.scans.iter().enumerate() {
            let (first, last) = scan.spectral;
            let (before, now) = scan.approximation;
            if first == 0 {
                // A DC scan may come in any order: it sets its own bit and leaves the others alone.
                script.dc.push(number);
                continue;
            }
            let [component] = &scan.components[..] else {
                return None;
            };
            let expected = (before > 0).then_some(before);
            for left in left
                .get_mut(component.index)?
                .get_mut(usize::from(first)..=usize::from(last))?
            {
                if *left != expected {
                    return None;
                }
                *left = Some(now);
            }
            script.ac[component.index].push(number);
            let refined = &mut script.refined[component.index];
            if let (1.., Err(place)) = (before, refined.binary_search(&now)) {
                refined.insert(place, now);
            }
        }
        Some(script)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::file::{ArithmeticTables, Scan, ScanComponent};
    use imagecuda_kernels::jpeg::picture::{Color, Picture};

    /// Component; first and last coefficient; bit positions before and now.
    type Header = (usize, (u8, u8), (u8, u8));

    fn file(scans: &[Header]) -> File {
        let scan = |&(index, spectral, approximation): &Header| Scan {
            components: vec![ScanComponent {
                index,
                dc: None,
                ac: None,
                arithmetic: ArithmeticTables::default(),
            }],
            spectral,
            approximation,
            restart_interval: 0,
            data: 0..0,
            restarts: Vec::new(),
            marks: Vec::new(),
        };
        File {
            picture: Picture::new(8, 8, &[(1, 1); 3], Color::Ycc).unwrap(),
            bits: 8,
            progressive: true,
            lossless: false,
            arithmetic: false,
            quantizers: [[1; 64]; 4],
            scans: scans.iter().map(scan).collect(),
            whole: true,
        }
    }

    #[test]
    fn scans_wait_for_those_of_the_same_coefficients() {
        let file = file(&[
            (0, (0, 0), (0, 1)),
            (2, (1, 63), (0, 1)),
            (0, (6, 63), (0, 2)),
            (0, (1, 5), (0, 2)),
            (0, (1, 63), (2, 1)),
            (0, (1, 20), (1, 0)),
            (0, (0, 0), (1, 0)),
        ]);
        let expected = Script {
            dc: vec![0, 6],
            ac: [vec![2, 3, 4, 5], vec![], vec![1], vec![]],
            refined: [vec![0, 1], vec![], vec![], vec![]],
        };
        assert_eq!(Script::of(&file), Some(expected));
    }

    #[test]
    fn what_is_not_in_order_has_no_script() {
        for scans in [
            // A coefficient with two first scans; a refinement before the first scan; a bit that is
            // left out; a bit that comes twice.
            &[(0, (1, 5), (0, 0)), (0, (5, 9), (0, 0))][..],
            &[(0, (1, 63), (1, 0))],
            &[(0, (1, 63), (0, 3)), (0, (1, 63), (2, 1))],
            &[
                (0, (1, 63), (0, 1)),
                (0, (1, 9), (1, 0)),
                (0, (9, 9), (1, 0)),
            ],
        ] {
            assert_eq!(Script::of(&file(scans)), None, "{scans:?}");
        }
        let mut sequential = file(&[(0, (0, 63), (0, 0))]);
        sequential.progressive = false;
        assert_eq!(Script::of(&sequential), None);
    }
}
