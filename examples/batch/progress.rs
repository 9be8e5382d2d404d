//! What a person sees while it runs, and when it is done.

use crate::say::say;
use imagecuda::batch::{Progress, Report};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{IsTerminal, stderr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often a log gets a line.
const PAUSE: Duration = Duration::from_secs(5);

/// A bar on a terminal, and lines of text elsewhere.
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    total: usize,
    start: Instant,
    /// When the next line is due.
    due: Mutex<Instant>,
}

impl Meter {
    pub(crate) fn new(total: usize) -> Self {
        let start = Instant::now();
        let bar = stderr().is_terminal().then(|| {
            let style = "{wide_bar} {pos}/{len} images, {msg}";
            let style = ProgressStyle::with_template(style).expect("a template that is right");
            ProgressBar::new(total as u64).with_style(style)
        });
        Self {
            bar,
            total,
            start,
            due: Mutex::new(start),
        }
    }

    pub(crate) fn update(&self, progress: &Progress) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.rates(progress));
            bar.set_position(progress.done() as u64);
            return;
        }
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if Instant::now() >= *due {
            *due = Instant::now() + PAUSE;
            let (done, total) = (progress.done(), self.total);
            say!("{done}/{total} images, {}", self.rates(progress));
        }
    }

    fn rates(&self, progress: &Progress) -> String {
        let elapsed = self.start.elapsed();
        let rate = per_second((progress.saved + progress.failed) as f64, elapsed);
        let left = (self.total - progress.done().min(self.total)) as f64 / rate;
        let left = match left.is_finite() {
            true => format!("{}:{:02}", left as u64 / 60, left as u64 % 60),
            false => "?".into(), // as long as all are skipped
        };
        let failed = match progress.failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        format!(
            "{rate:.1} images/s, {:.1} MB/s read, {:.1} MB/s written, {left} left{failed}",
            megabytes(progress.bytes_read, elapsed),
            megabytes(progress.bytes_written, elapsed),
        )
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn per_second(amount: f64, time: Duration) -> f64 {
    amount / time.as_secs_f64().max(1e-9)
}

fn megabytes(bytes: u64, time: Duration) -> f64 {
    per_second(bytes as f64 / 1e6, time)
}

/// What was done, how fast, and which stage it waited for.
pub(crate) fn summary(report: &Report, total: usize, threads: usize) -> String {
    let (saved, skipped, failed) = (report.saved, report.skipped, report.failures.len());
    let elapsed = report.elapsed;
    let mut text = format!(
        "saved {saved}, skipped {skipped}, failed {failed} of {total} images in {:.2} s: \
         {:.1} images/s, {:.1} MB/s read, {:.1} MB/s written\n",
        elapsed.as_secs_f64(),
        per_second((saved + failed) as f64, elapsed),
        megabytes(report.bytes_read, elapsed),
        megabytes(report.bytes_written, elapsed),
    );
    let busy = &report.busy;
    // Stages that share threads, which are busy together.
    let crews = [
        (
            threads,
            &[
                ("read", busy.read),
                ("decode", busy.decode),
                ("upload", busy.upload),
            ][..],
        ),
        (1, &[("work", busy.work)]),
        (
            threads,
            &[("download", busy.download), ("encode", busy.encode)],
        ),
    ];
    let share = |time: Duration, threads: usize| {
        time.as_secs_f64() / threads as f64 / elapsed.as_secs_f64().max(1e-9) * 100.0
    };
    text += &format!(
        "{:10}{:>8}{:>10}{:>8}\n",
        "stage", "threads", "busy", "share"
    );
    let mut busiest = (0.0, "");
    for (threads, stages) in crews {
        let mut crew = 0.0;
        for &(stage, time) in stages {
            let percent = share(time, threads);
            crew += percent;
            let seconds = time.as_secs_f64();
            text += &format!("{stage:10}{threads:>8}{seconds:>8.2} s{percent:>6.1} %\n");
        }
        let longest = stages.iter().max_by_key(|(_, time)| *time);
        if let Some(&(stage, _)) = longest
            && crew > busiest.0
        {
            busiest = (crew, stage);
        }
    }
    if report.cancelled {
        let left = total - (saved + skipped + failed).min(total);
        text += &format!("interrupted: {left} images are left for --resume\n");
    }
    let (percent, stage) = busiest;
    if !stage.is_empty() {
        text += &format!("bottleneck: {stage}, whose threads are {percent:.0} % busy\n");
    }
    text
}
