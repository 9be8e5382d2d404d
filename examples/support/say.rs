//! Printing that is no reason to end: `println!` and `eprintln!` panic where nobody reads, or a
//! disk is full.
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each program needs some of it"
)]

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

/// Prints a line, as `println!` does.
macro_rules! say {
    ($($text:tt)*) => { $crate::say::line(format_args!($($text)*)) };
}

/// Prints a line to standard error, as `eprintln!` does.
macro_rules! complain {
    ($($text:tt)*) => { $crate::say::error_line(format_args!($($text)*)) };
}

pub(crate) use {complain, say};

/// Why standard output takes no more.
static FAILURE: Mutex<Option<io::Error>> = Mutex::new(None);

pub(crate) fn line(text: fmt::Arguments<'_>) {
    let mut failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
    if failure.is_none() {
        *failure = writeln!(io::stdout(), "{text}").err();
    }
}

pub(crate) fn error_line(text: fmt::Arguments<'_>) {
    // There is nobody left to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// What a program ends with that would end with `code`. Who closes a pipe has read enough, and that
/// is no failure; anything else that kept a line from being printed is one.
pub(crate) fn ended(program: &str, code: ExitCode) -> ExitCode {
    let mut failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
    let failure = failure.take().or_else(|| io::stdout().flush().err());
    match failure {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain!("{program}: standard output: {error}");
            match code == ExitCode::SUCCESS {
                true => ExitCode::FAILURE,
                false => code,
            }
        }
        _ => code,
    }
}
