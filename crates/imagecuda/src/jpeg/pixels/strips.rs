//! Pixels of a picture with one scan, one strip after another, as soon as the strip is decoded.

use super::{
    super::{entropy, file::File},
    band::{Band, Blocks},
    vector,
    window::Window,
};
use crate::{Result, parallel::lock};
use rayon::Scope;
use std::{
    collections::VecDeque,
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// About how many coefficients a strip has: they fit into the cache.
const ALONE: usize = 1 << 17;

/// The same if another thread makes the pixels: a strip is worth waking a thread.
const SHARED: usize = 1 << 19;

type Strip = Vec<[i16; 64]>;

/// Makes the pixels of a window on this thread.
pub(super) fn alone(
    file: &File,
    window: &Window,
    mut rows: entropy::Rows<'_>,
    out: &mut [u8],
) -> Result<()> {
    let mut strips = Strips::new(file, window, ALONE, 1, out);
    strips.skip(file, window, &mut rows)?;
    strips.decode(rows, || {})
}

/// The same with a rayon thread that makes pixels, if one is free. Otherwise this thread makes them
/// too.
pub(super) fn shared(
    file: &File,
    window: &Window,
    mut rows: entropy::Rows<'_>,
    out: &mut [u8],
) -> Result<()> {
    // One strip is decoded, one becomes pixels, and one waits in between.
    let mut strips = Strips::new(file, window, SHARED, 3, out);
    strips.skip(file, window, &mut rows)?;
    rayon::in_place_scope(|scope| strips.decode(rows, || strips.call(scope)))
}

struct Strips<'a> {
    /// Rows of MCUs of a strip.
    step: u32,
    /// Rows of MCUs that become pixels.
    rows: u32,
    starts: [usize; 4],
    state: Mutex<State<'a>>,
    /// Signals that a strip became pixels, or that no thread makes pixels any longer.
    changed: Condvar,
}

struct State<'a> {
    /// `None` while a thread makes pixels.
    painter: Option<Painter<'a>>,
    /// The decoded strips that wait to become pixels, in order.
    decoded: VecDeque<Strip>,
    /// Strips whose memory is free.
    spare: Vec<Strip>,
    /// Whether a thread was spawned and has not started yet.
    called: bool,
    /// Whether a thread panicked while it made pixels.
    failed: bool,
}

impl<'a> Strips<'a> {
    fn new(
        file: &'a File,
        window: &'a Window,
        coefficients: usize,
        count: usize,
        out: &'a mut [u8],
    ) -> Self {
        let picture = &file.picture;
        let mcus_y = picture.mcus_y;
        let blocks_in_row = picture.blocks() / mcus_y as usize;
        let mcu_rows = window.mcu_rows.clone();
        let rows = mcu_rows.end - mcu_rows.start;
        let step = (coefficients / 64 / blocks_in_row.max(1)).clamp(1, rows as usize) as u32;
        let mut starts = [0; 4];
        for (start, component) in starts.iter_mut().zip(&picture.component) {
            // All rows have as many blocks, so a strip has the layout of a picture of its height.
            *start = component.first_block as usize / mcus_y as usize * step as usize;
        }
        let painter = Painter {
            band: Band::new(file, window, mcu_rows.start, step),
            rows_left: rows,
            bytes_per_row: window.area.width as usize * picture.components as usize,
            row: &[],
            out,
        };
        let strip = vec![[0; 64]; blocks_in_row * step as usize];
        Self {
            step,
            rows,
            starts,
            state: Mutex::new(State {
                painter: Some(painter),
                decoded: VecDeque::new(),
                spare: vec![strip; count],
                called: false,
                failed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Passes over the rows of MCUs above the window.
    fn skip(&mut self, file: &File, window: &Window, rows: &mut entropy::Rows<'_>) -> Result<()> {
        if window.mcu_rows.start == 0 {
            return Ok(());
        }
        let picture = &file.picture;
        let mut strip: Strip = vec![[0; 64]; picture.blocks() / picture.mcus_y as usize];
        let starts = picture
            .component
            .map(|component| (component.first_block / picture.mcus_y) as usize);
        // The row above the window is needed for the window's first pixels.
        let first = rows.jump(window.mcu_rows.start - 1);
        for _ in first..window.mcu_rows.start {
            rows.read(1, &mut strip, starts)?;
        }
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(painter) = &mut state.painter {
            let blocks = &strip[..];
            vector::begin_below(&mut painter.band, Blocks { blocks, starts });
        }
        Ok(())
    }

    /// Decodes all strips, and makes sure that they become pixels. `call` may get another thread to
    /// do that.
    fn decode(&self, mut rows: entropy::Rows<'_>, call: impl Fn()) -> Result<()> {
        for _ in (0..self.rows).step_by(self.step as usize) {
            let Some(mut strip) = self.until(|state| state.spare.pop()) else {
                break;
            };
            let is_over = rows.is_over();
            rows.read(self.step, &mut strip, self.starts)?;
            lock(&self.state).decoded.push_back(strip);
            call();
            if is_over {
                break; // what follows is as gray as this one
            }
        }
        let all_painted = |state: &mut State<'a>| match state.decoded.is_empty() {
            true => state.painter.take(),
            false => None,
        };
        if let Some(painter) = self.until(all_painted) {
            painter.repeat();
        }
        rows.finish()
    }

    /// Waits until `find` returns a value. Meanwhile makes pixels if no other thread does. `None`
    /// if another thread panicked.
    fn until<T>(&self, find: impl Fn(&mut State<'a>) -> Option<T>) -> Option<T> {
        let mut state = lock(&self.state);
        while !state.failed {
            if let Some(found) = find(&mut state) {
                return Some(found);
            }
            state = match state.painter.is_some() {
                true => self.paint(state),
                false => {
                    let state = self.changed.wait(state);
                    state.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        None
    }

    /// Spawns a thread that makes pixels, unless one does already.
    fn call<'s>(&'s self, scope: &Scope<'s>) {
        let mut state = lock(&self.state);
        if state.called || state.painter.is_none() {
            return;
        }
        state.called = true;
        drop(state);
        scope.spawn(|_| {
            let mut state = lock(&self.state);
            state.called = false;
            drop(self.paint(state));
        });
    }

    /// Makes pixels from the decoded strips, unless another thread does.
    fn paint<'g>(&'g self, mut state: Guard<'g, 'a>) -> Guard<'g, 'a> {
        let Some(mut painter) = state.painter.take() else {
            return state;
        };
        let _for_others = OnPanic(self);
        while let Some(strip) = state.decoded.pop_front() {
            drop(state);
            painter.paint(&strip, self.starts, self.step);
            state = lock(&self.state);
            state.spare.push(strip);
            self.changed.notify_all();
        }
        state.painter = Some(painter);
        self.changed.notify_all();
        state
    }
}

type Guard<'g, 'a> = MutexGuard<'g, State<'a>>;

/// Marks the work as failed when a thread panics. Otherwise the other thread would wait for ever.
struct OnPanic<'s, 'a>(&'s Strips<'a>);

impl Drop for OnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.0.state).failed = true;
            self.0.changed.notify_all();
        }
    }
}

/// Makes pixels from strips.
struct Painter<'a> {
    band: Band<'a>,
    /// The number of MCU rows to come.
    rows_left: u32,
    bytes_per_row: usize,
    /// The last row of pixels that was made.
    row: &'a [u8],
    /// The rows of pixels to come.
    out: &'a mut [u8],
}

impl Painter<'_> {
    fn paint(&mut self, blocks: &[[i16; 64]], starts: [usize; 4], step: u32) {
        let rows = step.min(self.rows_left);
        self.rows_left -= rows;
        let out = mem::take(&mut self.out);
        let done = vector::paint(&mut self.band, Blocks { blocks, starts }, rows, out);
        let (painted, rest) = out.split_at_mut(done);
        self.row = &painted[done.saturating_sub(self.bytes_per_row)..];
        self.out = rest;
    }

    /// Fills the remaining rows with copies of the last one.
    fn repeat(self) {
        for row in self.out.chunks_exact_mut(self.bytes_per_row) {
            row.copy_from_slice(self.row);
        }
    }
}
