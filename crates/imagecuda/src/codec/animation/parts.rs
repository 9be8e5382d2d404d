//! Code that the writers of animations share: time in ticks, and the part of a frame that changed.

use crate::{Error, Result, memory, picture::Pixels};
use std::time::Duration;

/// Converts times to a format's ticks, so that rounding errors do not add up.
pub(in crate::codec) struct Clock {
    tick: Duration,
    /// The longest delay, in ticks.
    limit: u32,
    pub(in crate::codec) now: Duration,
}

impl Clock {
    pub(in crate::codec) fn new(tick: Duration, limit: u32) -> Self {
        let now = Duration::ZERO;
        Self { tick, limit, now }
    }

    /// The ticks of a frame that is shown for `delay`, and the time at its end.
    pub(in crate::codec) fn ticks(&self, delay: Duration) -> Result<(u32, Duration)> {
        let tick = self.tick.as_nanos();
        let round = |time: Duration| (time.as_nanos() + tick / 2) / tick;
        let end = self.now.checked_add(delay);
        end.and_then(|end| {
            let ticks = u32::try_from(round(end) - round(self.now)).ok()?;
            (ticks <= self.limit).then_some((ticks, end))
        })
        .ok_or_else(|| {
            let limit = self.tick * self.limit;
            Error::option(
                "delay",
                format!("a frame cannot be shown for {delay:?}: at most {limit:?} in this format"),
            )
        })
    }
}

/// A number of repetitions as 16 bits. Fails if it does not fit.
pub(in crate::codec) fn sixteen_bits(loops: u32) -> Result<u16> {
    u16::try_from(loops).map_err(|_| {
        Error::option(
            "loop_count",
            format!("{loops} is more than the file can say"),
        )
    })
}

/// A rectangle of a frame. Its corner has even coordinates, because WebP stores half of them.
#[derive(Debug, PartialEq)]
pub(in crate::codec) struct Rect {
    pub(in crate::codec) x: u32,
    pub(in crate::codec) y: u32,
    pub(in crate::codec) width: u32,
    pub(in crate::codec) height: u32,
}

impl Rect {
    pub(in crate::codec) fn whole(pixels: &Pixels<'_>) -> Self {
        Self {
            x: 0,
            y: 0,
            width: pixels.width,
            height: pixels.height,
        }
    }

    /// The smallest rectangle that contains all changes. Without changes it has one pixel, because
    /// a frame cannot be empty.
    pub(in crate::codec) fn of_change(pixels: &Pixels<'_>, before: &[u8]) -> Self {
        let pixel = pixels.layout.bytes_per_pixel();
        let row = pixels.width as usize * pixel;
        let (mut left, mut right) = (usize::MAX, 0);
        let (mut top, mut bottom) = (usize::MAX, 0);
        let rows = pixels.data.chunks_exact(row).zip(before.chunks_exact(row));
        for (y, (now, before)) in rows.enumerate().filter(|(_, (now, before))| now != before) {
            let differs = |(a, b): (&u8, &u8)| a != b;
            let first = now.iter().zip(before).position(differs).unwrap_or(0);
            let last = now.iter().zip(before).rposition(differs).unwrap_or(0);
            (left, right) = (left.min(first / pixel), right.max(last / pixel));
            (top, bottom) = (top.min(y), y);
        }
        if top == usize::MAX {
            (left, top) = (0, 0);
        }
        (left, top) = (left & !1, top & !1);
        Self {
            x: left as u32,
            y: top as u32,
            width: (right - left + 1) as u32,
            height: (bottom - top + 1) as u32,
        }
    }

    pub(in crate::codec) fn crop(&self, pixels: &Pixels<'_>) -> Result<Vec<u8>> {
        let pixel = pixels.layout.bytes_per_pixel();
        let row = self.width as usize * pixel;
        let mut cropped: Vec<u8> = memory::zeroed(row * self.height as usize)?;
        let stride = pixels.width as usize * pixel;
        let rows = pixels.data.chunks_exact(stride).skip(self.y as usize);
        for (to, from) in cropped.chunks_exact_mut(row).zip(rows) {
            to.copy_from_slice(&from[self.x as usize * pixel..][..row]);
        }
        Ok(cropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagecuda_kernels::layout::Layout;

    #[test]
    fn rounding_does_not_add_up() {
        let mut clock = Clock::new(Duration::from_millis(10), 0xffff);
        let third = Duration::from_secs(1) / 30;
        let mut all = Vec::new();
        for _ in 0..30 {
            let (ticks, end) = clock.ticks(third).unwrap();
            clock.now = end;
            all.push(ticks);
        }
        assert_eq!(all[..6], [3, 4, 3, 3, 4, 3]);
        assert_eq!(all.iter().sum::<u32>(), 100);
        assert!(clock.ticks(Duration::from_millis(655_360)).is_err());
        assert!(clock.ticks(Duration::MAX).is_err());
    }

    #[test]
    fn the_rectangle_that_changed() {
        let before = vec![0; 9 * 7 * 4];
        let change = |at: &[(usize, usize)]| {
            let mut data = before.clone();
            for &(x, y) in at {
                data[(y * 9 + x) * 4 + 3] = 1;
            }
            let pixels = Pixels {
                width: 9,
                height: 7,
                layout: Layout::Rgba8,
                data: &data,
            };
            let rect = Rect::of_change(&pixels, &before);
            let cropped = rect.crop(&pixels).unwrap();
            assert_eq!(cropped.iter().filter(|&&v| v == 1).count(), at.len());
            (rect.x, rect.y, rect.width, rect.height)
        };
        assert_eq!(change(&[]), (0, 0, 1, 1));
        assert_eq!(change(&[(0, 0)]), (0, 0, 1, 1));
        assert_eq!(change(&[(8, 6)]), (8, 6, 1, 1));
        assert_eq!(change(&[(3, 5)]), (2, 4, 2, 2));
        assert_eq!(change(&[(7, 1), (2, 3)]), (2, 0, 6, 4));
    }
}
