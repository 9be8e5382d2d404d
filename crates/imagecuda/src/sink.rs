//! The output of encoders.

use crate::Result;
use std::io::{self, Cursor, Seek, SeekFrom, Write};

/// The output of an encoder.
pub(crate) trait Sink: Write + Seek + Send {
    /// Says how many bytes there will probably be in all, while the encoder waits for a device.
    fn expect(&mut self, _: usize) {}

    /// Makes room for so many bytes in all, if that gains anything.
    fn reserve(&mut self, _: usize) {}

    /// Writes `parts` one after the other. All at once may take less time.
    fn write_parts(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        parts.iter().try_for_each(|part| self.write_all(part))
    }
}

impl Sink for Cursor<Vec<u8>> {}

/// Runs an encoder. If writing to `out` fails, returns the error of `out`: some encoders keep only
/// its text, and some write their last bytes where they cannot return an error.
pub(crate) fn watched(
    out: &mut dyn Sink,
    encode: impl FnOnce(&mut dyn Sink) -> Result<()>,
) -> Result<()> {
    let mut watched = Watched { out, failure: None };
    let result = encode(&mut watched);
    watched
        .failure
        .map_or(result, |failure| Err(failure.into()))
}

struct Watched<'a> {
    out: &'a mut dyn Sink,
    failure: Option<io::Error>,
}

impl Watched<'_> {
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            // Callers retry after this error.
            if kind != io::ErrorKind::Interrupted {
                self.failure.get_or_insert(error);
            }
            kind.into()
        })
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.out.write(bytes);
        self.note(result)
    }

    // Encoders write a few bytes at a time. This passes them to the buffer in one call.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let result = self.out.write_all(bytes);
        self.note(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.out.flush();
        self.note(result)
    }
}

impl Sink for Watched<'_> {
    fn expect(&mut self, bytes: usize) {
        self.out.expect(bytes);
    }

    fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    fn write_parts(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let result = self.out.write_parts(parts);
        self.note(result)
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let result = self.out.seek(to);
        self.note(result)
    }
}
