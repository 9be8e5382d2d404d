//! How strips make a smaller picture: see [`imagecuda_kernels::resample::StripJob`].

use super::{Step, Taps};
use crate::memory;
use imagecuda_kernels::resample::{RUN, STRIP_SUMS, STRIP_THREADS, strip_rows, strip_words};
use std::sync::Arc;

/// The weights of an axis, row by row of the source.
#[derive(Debug)]
pub(crate) struct ByRow {
    /// The words: see [`strip_rows`].
    pub(crate) words: Arc<Vec<u32>>,
    /// One of [`STRIP_SUMS`]: at least the positions that any row counts for.
    pub(crate) sums: u32,
}

/// The weights of an axis, those of a position one after the other.
#[derive(Debug)]
pub(crate) struct ByColumn {
    pub(crate) words: Arc<Vec<u32>>,
    /// Words of a position: a multiple of 4.
    pub(crate) each: u32,
}

impl Taps {
    /// The weights row by row of the source. `None` where a row counts for more positions than any strip
    /// sums at once: where a picture becomes larger.
    pub(crate) fn by_row(&self) -> Option<&ByRow> {
        self.by_row.get_or_init(|| self.make_by_row()).as_ref()
    }

    fn make_by_row(&self) -> Option<ByRow> {
        let (weights, positions) = (self.weights(), self.positions);
        // Each position ends at a row of its own.
        let (mut ends, mut end) = (Vec::with_capacity(positions), 0);
        for position in 0..positions {
            let (start, count) = weights.window(position);
            end = (start + count).max(end + 1);
            ends.push(end);
        }
        // The first position that does not end before the first row of each.
        let unfinished = |position: usize| {
            let (start, _) = weights.window(position);
            ends[..position].partition_point(|&end| end <= start)
        };
        let most = (0..positions).map(|position| position + 1 - unfinished(position));
        let most = most.max()? as u32;
        let sums = STRIP_SUMS.into_iter().find(|&sums| most <= sums)?;
        let (first, each) = (strip_rows(positions as u32), strip_words(sums));
        let mut words: Vec<u32> = memory::zeroed(first as usize + (end * each) as usize).ok()?;
        words[..positions].copy_from_slice(&ends);
        for position in 0..positions {
            let (start, count) = weights.window(position);
            for k in 0..count {
                let at = first + (start + k) * each + position as u32 % sums;
                words[at as usize] = weights.weight(position, k).to_bits();
            }
        }
        let words = Arc::new(words);
        Some(ByRow { words, sums })
    }

    /// The weights position by position.
    fn by_column(&self) -> Option<&ByColumn> {
        self.by_column
            .get_or_init(|| self.make_by_column())
            .as_ref()
    }

    fn make_by_column(&self) -> Option<ByColumn> {
        // An odd number of quads: those of neighbours are in different banks.
        let (weights, each) = (self.weights(), (self.most.div_ceil(4) | 1) * 4);
        let mut words: Vec<u32> = memory::zeroed(self.positions * each as usize).ok()?;
        for (position, own) in words.chunks_exact_mut(each as usize).enumerate() {
            for (k, word) in (0..weights.window(position).1).zip(own) {
                *word = weights.weight(position, k).to_bits();
            }
        }
        let words = Arc::new(words);
        Some(ByColumn { words, each })
    }

    /// How many columns of the result a strip has, if it uses most of those of the source that it loads.
    fn strip_columns(&self) -> Option<u32> {
        *self.strip_columns.get_or_init(|| self.find_strip_columns())
    }

    fn find_strip_columns(&self) -> Option<u32> {
        let positions = self.positions as u32;
        let source = self.range.1 - self.range.0;
        let fits = |columns: u32| columns > 0 && self.span(columns as usize) <= STRIP_THREADS;
        // Without those that two strips share.
        let ratio = f64::from(source) / f64::from(positions);
        let guess = (f64::from(STRIP_THREADS) / ratio) as u32;
        let most = (1..=guess.min(positions)).rev().find(|&n| fits(n))?;
        // Strips of the same width.
        let even = positions.div_ceil(positions.div_ceil(most));
        let columns = if fits(even) { even } else { most };
        let own = f64::from(columns) * ratio;
        let is_enough = own >= LEAST_OWN * f64::from(self.span(columns as usize));
        (is_enough || columns == positions).then_some(columns)
    }
}

/// The least share of the columns that a strip loads which no other strip loads.
const LEAST_OWN: f64 = 0.7;

/// How strips make a picture by two passes.
pub(crate) struct Strips<'a> {
    pub(crate) by_row: &'a ByRow,
    pub(crate) by_column: &'a ByColumn,
    /// Columns of the result in a strip.
    pub(crate) columns: u32,
}

impl<'a> Strips<'a> {
    /// `None` where strips cannot make it, or other kernels are faster.
    pub(crate) fn of(first: &'a Step, last: &'a Step) -> Option<Self> {
        // Sums in one run, in this order of the axes.
        if !first.pass.is_vertical() || first.taps.most.max(last.taps.most) > RUN {
            return None;
        }
        Some(Self {
            columns: last.taps.strip_columns()?,
            by_row: first.taps.by_row()?,
            by_column: last.taps.by_column()?,
        })
    }

    /// The weights of a first pass that strips make alone. `None` as [`of`](Self::of).
    pub(crate) fn of_first(first: &'a Step) -> Option<&'a ByRow> {
        if !first.pass.is_vertical() || first.taps.most > RUN {
            return None;
        }
        first.taps.by_row()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Filter, weights::Extent},
        *,
    };
    use imagecuda_kernels::{
        pixel::RgbaF32,
        resample::{accumulate, strip_batch, weighted_sum},
    };

    const FILTERS: [Filter; 5] = [
        Filter::Box,
        Filter::Triangle,
        Filter::CatmullRom,
        Filter::Mitchell,
        Filter::Lanczos3,
    ];

    fn taps(filter: Filter, size: u32, positions: u32) -> Arc<Taps> {
        let extent = Extent {
            size,
            begin: 0.0,
            end: f64::from(size),
            positions,
        };
        Taps::of(filter, extent).unwrap()
    }

    fn pixel(row: u32) -> RgbaF32 {
        let noise = row.wrapping_mul(2_654_435_761) >> 8;
        RgbaF32([0.7, 0.3, -1.0, 1.0].map(|v| v * noise as f32 / 16_777_216.0))
    }

    /// The sums of a column as a strip makes them that begins at row `top` of the result.
    fn sums(taps: &Taps, by_row: &ByRow, top: u32) -> Vec<RgbaF32> {
        let (positions, sums) = (taps.positions as u32, by_row.sums);
        let words = &by_row.words;
        let last = taps.range.1 - 1;
        let mut row = taps.weights().window(top as usize).0;
        let mut position = top;
        while position > 0 && words[position as usize - 1] > row {
            position -= 1;
        }
        position -= position % sums;
        let mut all = [RgbaF32::default(); 8];
        let mut made = Vec::new();
        while position < positions {
            while row < words[position as usize] {
                let own = strip_rows(positions) + row * strip_words(sums);
                for (i, sum) in all.iter_mut().take(sums as usize).enumerate() {
                    let weight = f32::from_bits(words[own as usize + i]);
                    *sum = accumulate(*sum, weight, pixel(row.min(last)));
                }
                row += 1;
            }
            let sum = std::mem::take(&mut all[(position % sums) as usize]);
            if position >= top {
                made.push(sum);
            }
            position += 1;
        }
        made
    }

    /// Wherever a strip begins, its sums are those of the weights, in their order.
    #[test]
    fn weights_by_row_give_the_same_sums() {
        let sizes = [
            (500, 224),
            (2160, 1080),
            (97, 61),
            (640, 40),
            (33, 33),
            (9, 8),
            (5, 1),
        ];
        for (filter, (size, positions)) in FILTERS
            .into_iter()
            .flat_map(|filter| sizes.map(|sizes| (filter, sizes)))
        {
            let taps = taps(filter, size, positions);
            let by_row = taps.by_row().expect("it becomes smaller");
            let batch = strip_batch(by_row.sums);
            for top in [0, batch, positions / 2 / batch * batch] {
                let exact = (top..positions).map(|position| {
                    let (start, count) = taps.weights().window(position as usize);
                    let weight = |k| taps.weights().weight(position as usize, k);
                    weighted_sum(count, weight, |k| pixel(start + k), |pixel| pixel)
                });
                if top < positions {
                    let got = sums(&taps, by_row, top);
                    assert!(exact.eq(got), "{filter:?} {size} to {positions} from {top}");
                }
            }
        }
    }

    #[test]
    fn a_picture_that_becomes_larger_is_not_for_strips() {
        for filter in [Filter::CatmullRom, Filter::Lanczos3] {
            assert!(taps(filter, 100, 300).by_row().is_none(), "{filter:?}");
        }
    }

    #[test]
    fn weights_by_column_are_the_same() {
        let taps = taps(Filter::Lanczos3, 500, 224);
        let by_column = taps.by_column().unwrap();
        assert!(by_column.each.is_multiple_of(4) && by_column.each >= taps.most);
        for position in 0..224 {
            let (_, count) = taps.weights().window(position);
            for k in 0..by_column.each {
                let word = by_column.words[position * by_column.each as usize + k as usize];
                let exact = if k < count {
                    taps.weights().weight(position, k)
                } else {
                    0.0
                };
                assert_eq!(f32::from_bits(word), exact);
            }
        }
    }

    /// A strip's columns need no more columns of the source than it has threads.
    #[test]
    fn strips_have_a_thread_for_each_column() {
        for (size, positions) in [(3840, 1920), (3840, 640), (500, 224), (257, 256), (10, 5)] {
            let taps = taps(Filter::Lanczos3, size, positions);
            let columns = taps.strip_columns().expect("it is for strips");
            assert!(taps.span(columns as usize) <= STRIP_THREADS);
        }
        assert_eq!(taps(Filter::Lanczos3, 30_000, 100).strip_columns(), None);
    }
}
