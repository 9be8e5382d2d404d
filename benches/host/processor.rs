//! Time of the processor, all cores together, so that other programs disturb it little.

use imagecuda::Result;
use std::fs;

/// What a measurement takes, in seconds. Linux tells the time in hundredths of a second.
const TIME: f64 = 1.0;

/// Milliseconds of the processor that `act` takes.
pub(crate) fn time(mut act: impl FnMut() -> Result<()>) -> Result<f64> {
    act()?;
    let start = processor();
    let mut count = 0;
    while count == 0 || processor() - start < TIME {
        act()?;
        count += 1;
    }
    Ok((processor() - start) / f64::from(count) * 1e3)
}

/// Seconds that the processor has worked for this program.
fn processor() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, after_the_name) = stat.rsplit_once(')').expect("a name");
    let ticks = |field| -> f64 {
        let mut fields = after_the_name.split_whitespace();
        fields
            .nth(field)
            .and_then(|v| v.parse().ok())
            .unwrap_or(f64::NAN)
    };
    (ticks(11) + ticks(12)) / 100.0
}
