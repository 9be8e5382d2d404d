//! Runs each test once a device.
//!
//! A test of a CUDA device shows as ignored where there is none; with
//! `IMAGECUDA_TEST_DEVICE=cuda` it fails there instead.
#![allow(unreachable_pub, reason = "a module of tests")]

pub mod animations;
pub mod cuts;
pub mod exr;
pub mod interrupts;
pub mod jpegs;
mod noise;
pub mod pictures;
pub mod profiles;

pub use self::noise::Noise;

use imagecuda::{Device, Error, ErrorKind};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{
    env,
    ffi::{OsStr, OsString},
    panic,
    path::PathBuf,
    process::{Command, ExitCode},
    sync::{Mutex, PoisonError},
};

/// What a test does on a device.
pub type Body = fn(&Device);

/// The functions' names within their modules, and the functions.
#[macro_export]
macro_rules! device_tests {
    ($($test:ident),* $(,)?) => {
        &[$((
            concat!(module_path!(), "::", stringify!($test)),
            $test as $crate::support::Body,
        )),*]
    };
}

/// Whether a missing GPU is a failure.
fn gpu_required() -> bool {
    match env::var("IMAGECUDA_TEST_DEVICE").as_deref() {
        Ok("cuda") => true,
        Ok(other) => panic!("IMAGECUDA_TEST_DEVICE can be 'cuda', not '{other}'"),
        Err(_) => false,
    }
}

/// Whether tests of a GPU are to be ignored.
pub fn gpu_is_missing() -> bool {
    // One that is there and does not work is no reason to pass.
    let missing = |error: Error| matches!(error.kind(), ErrorKind::NoDevice(_));
    !gpu_required() && Device::cuda(0).is_err_and(missing)
}

/// Whether the GPU is one of software, with little memory and no pages.
pub fn gpu_is_emulated() -> bool {
    env::var_os("CUDA_EMULATOR_MEMORY").is_some()
}

/// Each test on the CPU, and on the GPU.
pub fn on_each_device(tests: &[(&str, Body)]) -> Vec<Trial> {
    let no_gpu = gpu_is_missing();
    let mut trials = Vec::new();
    for &(path, body) in tests {
        // Without the program's own name.
        let name = path.split_once("::").map_or(path, |(_, name)| name);
        trials.push(Trial::test(format!("cpu::{name}"), move || {
            body(&Device::cpu());
            Ok(())
        }));
        let on_gpu = move || -> Result<(), Failed> {
            body(&Device::cuda(0).map_err(|error| error.to_string())?);
            Ok(())
        };
        trials.push(Trial::test(format!("cuda::{name}"), on_gpu).with_ignored_flag(no_gpu));
    }
    trials
}

/// Tests that compare the GPU with the CPU.
pub fn on_both_devices(tests: &[(&str, Body)]) -> Vec<Trial> {
    on_each_device(tests)
        .into_iter()
        .filter(|trial| trial.name().starts_with("cuda::"))
        .collect()
}

/// Whether this is a program that runs this test alone; if not, such a one is started, and must
/// succeed. `name` is the test's, without its device.
pub fn alone(name: &str, device: &Device) -> bool {
    alone_through(&[], name, device)
}

/// As [`alone`], in a program that the shell's `commands` have limited: `ulimit -v 1000000`, say.
#[cfg(unix)]
pub fn alone_after(commands: &str, name: &str, device: &Device) -> bool {
    // A panic for which there is no memory must not want more of it, and many cores take some each.
    let few = "RUST_BACKTRACE=0 RAYON_NUM_THREADS=4 MALLOC_ARENA_MAX=4";
    let script = format!("export {few}; {commands} && exec timeout -s KILL 3600 \"$@\"");
    alone_through(&["sh", "-c", &script, "sh"], name, device)
}

/// As [`alone`], by way of a program and its arguments, behind which that of the tests comes.
pub fn alone_through(before: &[&str], name: &str, device: &Device) -> bool {
    const VARIABLE: &str = "IMAGECUDA_TEST_ALONE";
    if env::var_os(VARIABLE).is_some() {
        return true;
    }
    let tests = own_program();
    let mut words = before
        .iter()
        .map(OsStr::new)
        .chain(tests.iter().map(OsString::as_os_str));
    let kind = if device.is_cuda() { "cuda" } else { "cpu" };
    let output = Command::new(words.next().unwrap())
        .args(words)
        .args(["--exact", &format!("{kind}::{name}"), "--test-threads=1"])
        .env(VARIABLE, "1")
        .output()
        .unwrap();
    let [text, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    // One that filters everything out succeeds as well.
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{}: {text}{errors}",
        output.status
    );
    false
}

/// Runs the trials as libtest would; last, one by one, those that take all of a GPU's memory.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    let takes_all = |trial: &Trial| {
        trial.name().starts_with("cuda::hostile::faults::memory::") && !trial.has_ignored_flag()
    };
    let (last, others): (Vec<_>, Vec<_>) = trials.into_iter().partition(takes_all);
    let mut arguments = Arguments::from_args();
    let mut conclusions = vec![libtest_mimic::run(&arguments, others)];
    if !last.is_empty() {
        // Two of them at a time would take it from each other.
        arguments.test_threads = Some(1);
        conclusions.push(libtest_mimic::run(&arguments, last));
    }
    let failed = conclusions
        .iter()
        .find(|conclusion| conclusion.has_failed());
    failed.unwrap_or(&conclusions[0]).exit_code()
}

/// Where codecs have panicked. The library makes errors of that, for which a test may take it.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes panics of all code but that of the tests.
pub fn watch_panics() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        hook(info);
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        if !place.replace('\\', "/").contains("tests/") {
            PANICS
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(place);
        }
    }));
}

/// `code`, or a failure if a panic was noted.
pub fn unless_a_codec_panicked(code: ExitCode) -> ExitCode {
    let panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    if panics.is_empty() {
        return code;
    }
    eprintln!("the library panicked at {}", panics.join(", "));
    ExitCode::FAILURE
}

/// The words that start this program: itself, or what runs it where the processor cannot.
pub fn own_program() -> Vec<OsString> {
    words(env::current_exe().unwrap())
}

fn words(program: PathBuf) -> Vec<OsString> {
    let runner = env::var("IMAGECUDA_TEST_RUNNER").unwrap_or_default();
    let runner = runner.split_whitespace().map(OsString::from);
    runner.chain([program.into()]).collect()
}

/// A command of words.
pub fn command(words: &[OsString]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// An example's program, which cargo and the bundle both lay beside the tests. A variable names the
/// folder of another system's programs.
pub fn example(name: &str) -> Command {
    let folder = match env::var_os("IMAGECUDA_TEST_EXAMPLES") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let tests = env::current_exe().unwrap();
            tests.parent().unwrap().with_file_name("examples")
        }
    };
    let program = ["", ".exe"]
        .map(|suffix| folder.join(format!("{name}{suffix}")))
        .into_iter()
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("run `cargo build --example {name}` with the tests' flags"));
    command(&words(program))
}

/// A file that the project ships, by its path in the repository.
pub fn data(path: &str) -> PathBuf {
    let root = env::var_os("IMAGECUDA_DATA_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
        PathBuf::from,
    );
    root.join(path)
}

/// The folder of real files that are no part of the project, if it is there: see `corpus.rs`.
pub fn corpus() -> Option<PathBuf> {
    let folders = match env::var_os("IMAGECUDA_CORPUS") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => vec![data("corpus"), data("../shared/corpus")],
    };
    folders
        .into_iter()
        .find(|folder| folder.join("expected.tsv").is_file())
}

/// The bits of floats, so that NaN compares too.
pub fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|v| v.to_bits()).collect()
}

/// Fails with the first difference, not with all of both.
#[track_caller]
pub fn same<T: PartialEq + std::fmt::Debug>(got: &[T], expected: &[T], what: impl std::fmt::Debug) {
    assert_eq!(got.len(), expected.len(), "lengths of {what:?}");
    if let Some(i) = (0..got.len()).find(|&i| got[i] != expected[i]) {
        panic!("{what:?}: {:?} at {i}, expected {:?}", got[i], expected[i]);
    }
}

/// Fails unless `error` refuses a side of 65,536 pixels, one more than files with 16-bit sizes hold.
#[track_caller]
pub fn is_one_pixel_too_wide(error: &Error) {
    let is_refused = matches!(
        error.kind(),
        ErrorKind::LimitExceeded {
            what: "pixels on a side",
            requested: 65_536,
            limit: 65_535
        }
    );
    assert!(is_refused, "{error}");
}

/// The checksum of PNG's chunks.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| match crc & 1 {
            1 => (crc >> 1) ^ 0xedb8_8320,
            _ => crc >> 1,
        })
    })
}
