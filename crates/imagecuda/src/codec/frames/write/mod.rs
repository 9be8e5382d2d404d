//! Writing animations.

#[cfg(feature = "gif")]
mod gif;
#[cfg(feature = "webp")]
mod webp;

use crate::{Error, Format, Result, SaveOptions, codec::Pixels};
use std::{num::NonZeroU32, time::Duration};

/// An animation in the making. Its file is put together in memory.
pub(crate) trait Writer: Send {
    /// Adds a frame, which is as large as the first and in the layout of [`plan`]. If it fails,
    /// nothing is added.
    ///
    /// [`plan`]: crate::codec::plan
    fn push(&mut self, pixels: Pixels<'_>, delay: Duration) -> Result<()>;

    /// The file, which has a frame at least.
    fn finish(self: Box<Self>) -> Result<Vec<u8>>;
}

/// An animation that is played so often; `None` is for ever.
pub(crate) fn open(
    format: Format,
    options: &SaveOptions,
    loop_count: Option<NonZeroU32>,
) -> Result<Box<dyn Writer>> {
    match format {
        #[cfg(feature = "gif")]
        Format::Gif => Ok(Box::new(gif::Writer::new(loop_count)?)),
        #[cfg(feature = "webp")]
        Format::WebP => Ok(Box::new(webp::Writer::new(options, loop_count)?)),
        _ => Err(Error::unsupported(format!(
            "writing {format} animations; GIF and WebP can be written"
        ))),
    }
}

/// Counts time in a format's ticks, so that rounding each delay does not add up.
struct Clock {
    tick: Duration,
    /// The longest delay, in ticks.
    limit: u32,
    now: Duration,
}

impl Clock {
    fn new(tick: Duration, limit: u32) -> Self {
        let now = Duration::ZERO;
        Self { tick, limit, now }
    }

    /// The ticks of a frame that is shown for `delay`, and the time after it.
    fn ticks(&self, delay: Duration) -> Result<(u32, Duration)> {
        let tick = self.tick.as_nanos();
        let round = |time: Duration| (time.as_nanos() + tick / 2) / tick;
        let end = self.now.checked_add(delay);
        end.and_then(|end| {
            let ticks = u32::try_from(round(end) - round(self.now)).ok()?;
            (ticks <= self.limit).then_some((ticks, end))
        })
        .ok_or_else(|| {
            let limit = self.tick * self.limit;
            Error::encode(format!(
                "a frame cannot be shown for {delay:?}: at most {limit:?} in this format"
            ))
        })
    }
}

/// A number of repetitions that must fit 16 bits.
fn sixteen_bits(loops: u32) -> Result<u16> {
    u16::try_from(loops).map_err(|_| {
        Error::option(
            "loop_count",
            format!("{loops} is more than the file can say"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
