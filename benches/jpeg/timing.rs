//! Timing.

use imagecuda::Result;
use std::time::{Duration, Instant};

/// What a measurement takes, about.
const TIME: Duration = Duration::from_millis(400);

/// The median of what `act` takes, in milliseconds.
pub(crate) fn median(mut act: impl FnMut() -> Result<()>) -> Result<f64> {
    for _ in 0..4 {
        act()?;
    }
    let mut times = Vec::new();
    let start = Instant::now();
    while start.elapsed() < TIME || times.len() < 5 {
        let start = Instant::now();
        act()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
