//! When the stages of loading a file begin and end, from the library's own spans.

use imagecuda::{Device, LoadOptions, Result};
use std::{
    cell::RefCell,
    path::Path,
    time::{Duration, Instant},
};
use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

/// Loads that are measured, after some that are not.
const LOADS: usize = 400;
const BEFORE: usize = 40;

thread_local! {
    /// The span's name, and when this thread entered and left it.
    static STAGES: RefCell<Vec<(&'static str, Instant, Option<Instant>)>> = const { RefCell::new(Vec::new()) };
}

/// Notes the spans of the thread that loads.
struct Stages;

impl Subscriber for Stages {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span()
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let name = attributes.metadata().name();
        STAGES.with_borrow_mut(|stages| {
            stages.push((name, Instant::now(), None));
            Id::from_u64(stages.len() as u64)
        })
    }

    fn exit(&self, id: &Id) {
        let at = id.into_u64() as usize - 1;
        STAGES.with_borrow_mut(|stages| {
            if let Some(stage) = stages.get_mut(at) {
                stage.2 = Some(Instant::now());
            }
        });
    }

    fn enter(&self, _: &Id) {}
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
}

/// The stages of one load: names, beginnings and ends.
type Stage = (&'static str, Duration, Duration);

fn load(device: &Device, file: &Path) -> Result<(Vec<Stage>, Duration)> {
    STAGES.with_borrow_mut(Vec::clear);
    let start = Instant::now();
    let image = LoadOptions::new().load(device, file)?;
    let returned = start.elapsed();
    device.synchronize()?;
    let end = start.elapsed();
    drop(image);
    let mut stages: Vec<Stage> = STAGES.with_borrow(|stages| {
        let stages = stages.iter();
        stages
            .filter_map(|&(name, from, to)| Some((name, from - start, to? - start)))
            .collect()
    });
    stages.push(("synchronize", returned, end));
    Ok((stages, end))
}

/// Prints the medians, in microseconds.
pub(crate) fn print(device: &Device, file: &Path) -> Result<()> {
    // What is measured is right.
    let pixels = LoadOptions::new().load(device, file)?.download()?;
    let expected = LoadOptions::new().load(&Device::cpu(), file)?.download()?;
    assert!(pixels == expected, "{}: other pixels", file.display());
    let _subscriber = tracing::subscriber::set_default(Stages);
    let mut loads = Vec::new();
    for _ in 0..BEFORE + LOADS {
        loads.push(load(device, file)?);
    }
    let loads = &mut loads[BEFORE..];
    let mut all: Vec<Duration> = loads.iter().map(|load| load.1).collect();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!("\n{}: {:.0} us", file.display(), micros(median(&mut all)));
    let count = loads[0].0.len();
    loads.sort_by_key(|load| load.0.len() != count);
    let same = loads
        .iter()
        .take_while(|load| load.0.len() == count)
        .count();
    for number in 0..count {
        let stages = || loads[..same].iter().map(|load| load.0[number]);
        let from = median(&mut stages().map(|stage| stage.1).collect::<Vec<_>>());
        let to = median(&mut stages().map(|stage| stage.2).collect::<Vec<_>>());
        println!(
            "  {:<14}{:8.0} to {:6.0}, {:6.0} us",
            loads[0].0[number].0,
            micros(from),
            micros(to),
            micros(to.saturating_sub(from))
        );
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
