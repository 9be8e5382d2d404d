//! Drivers that are not there, do not work, or lack functions: each in a program of its own, as a
//! driver is looked for once.

use crate::support::{command, own_program, pictures::folder};
use imagecuda::{Device, ErrorKind, Image};
use libtest_mimic::Trial;
use std::{
    env, fs,
    path::Path,
    process::{Command, ExitCode},
};

pub(crate) fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 3] = [
        ("a_driver_that_lacks_functions_is_an_error", lacking),
        ("a_driver_that_does_not_start_says_why", not_starting),
        ("without_a_driver_or_a_gpu_it_is_the_cpu", none),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(format!("hostile::faults::driver::{name}"), move || {
            test();
            Ok(())
        })
    };
    tests.map(trial).into()
}

const ASKED: &str = "IMAGECUDA_TEST_DRIVER";

/// Whether this program was started to say what it makes of the driver, which it then has.
pub(crate) fn child() -> Option<ExitCode> {
    env::var_os(ASKED)?;
    for device in [Device::cuda(0), Device::cuda(0), Device::try_default()] {
        match device {
            Ok(device) => {
                let works = Image::new(&device, 8, 8).and_then(|image| image.download());
                println!("{device}: {}", works.is_ok());
            }
            Err(error) => match error.kind() {
                ErrorKind::NoDevice(why) => println!("no device: {why}"),
                ErrorKind::Device { call, code, .. } => println!("failed: {call}: {code}: {error}"),
                other => println!("{other:?}"),
            },
        }
    }
    Some(ExitCode::SUCCESS)
}

/// What is said of `Device::cuda(0)`, of the same again, and of the default device.
fn ask(variables: &[(&str, &str)]) -> [String; 3] {
    let output = command(&own_program())
        .env_remove("IMAGECUDA_DEVICE")
        .env_remove("CUDA_DELAY_LOAD_PATH")
        .env(ASKED, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let [out, errors] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{}: {errors}", output.status);
    let lines: Vec<String> = out.lines().map(str::to_owned).collect();
    lines.try_into().unwrap_or_else(|lines| panic!("{lines:?}"))
}

/// A driver of one GPU that can do nothing, compiled into `folder`, and the variable by which it is
/// found; `None` without a C compiler.
fn fake_driver(folder: &Path, flags: &[&str]) -> Option<(&'static str, String)> {
    let source = folder.join("libcuda.c");
    fs::write(&source, include_str!("libcuda.c")).unwrap();
    let driver = folder.join("libcuda.so.1");
    let compiler = env::var("IMAGECUDA_TEST_CC").unwrap_or_else(|_| "cc".into());
    let compiled = Command::new(compiler)
        .args(["-shared", "-fPIC", "-o"])
        .arg(&driver)
        .args(flags)
        .arg(source)
        .output();
    let Ok(compiled) = compiled else {
        eprintln!("there is no C compiler: not tested");
        return None;
    };
    let text = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "cc: {text}");
    let (variable, path) = match cfg!(windows) {
        // Windows searches for the driver in the system's folder alone.
        true => ("CUDA_DELAY_LOAD_PATH", driver.as_path()),
        false => ("LD_LIBRARY_PATH", folder),
    };
    Some((variable, path.to_str().unwrap().to_owned()))
}

fn lacking() {
    // The functions that are called, in turn, each the first that is not there.
    let cases: [(&[&str], &str); 4] = [
        (&["-DLACKS=1"], "cuDeviceGetCount"),
        (&["-DLACKS=2"], "cuDeviceGet"),
        (&["-DLACKS=3"], "cuDeviceGetName"),
        (&["-DLACKS=4"], "cuDeviceGetAttribute"),
    ];
    for (flags, function) in cases {
        let folder = folder();
        let Some((variable, path)) = fake_driver(folder.path(), flags) else {
            return;
        };
        let expected =
            format!("failed: {function}: 801: {function} failed: not supported (CUDA error 801)");
        for said in ask(&[(variable, &path)]) {
            // A GPU that does not work is no reason to compute elsewhere in silence.
            assert_eq!(said, expected);
        }
        let [.., default] = ask(&[(variable, &path), ("IMAGECUDA_DEVICE", "cpu")]);
        assert_eq!(default, "cpu: true");
    }
}

fn not_starting() {
    let folder = folder();
    let Some((variable, path)) = fake_driver(folder.path(), &[]) else {
        return;
    };
    let ask = |code| ask(&[(variable, &path), ("FAKE_CU_INIT", code)]);
    // What there is no GPU by is no failure.
    for (code, why) in [
        ("100", "the driver finds no GPU"),
        ("34", "libcuda is a stub, there is no driver"),
    ] {
        let none = format!("no device: CUDA device 0: {why}");
        assert_eq!(ask(code), [&none, &*none, "cpu: true"].map(str::to_owned));
    }
    for (code, why) in [
        (
            "803",
            "the driver and its kernel module have different versions",
        ),
        (
            "802",
            "the system is not ready: its fabric manager may not run",
        ),
        (
            "804",
            "the driver does not support this GPU in forward compatibility",
        ),
        ("3", "the driver is not initialised"),
        ("999", "unknown error"),
        // One that no enum has.
        ("12345", "unknown error"),
    ] {
        let shown = if code == "12345" { "999" } else { code };
        let failed = format!("failed: cuInit: {shown}: cuInit failed: {why} (CUDA error {shown})");
        assert_eq!(ask(code), [(); 3].map(|()| failed.clone()));
    }
}

fn none() {
    let [first, again, default] = ask(&[("CUDA_DELAY_LOAD_PATH", "/nonexistent/libcuda.so.1")]);
    assert!(
        first.starts_with("no device: CUDA device 0: cannot load the CUDA driver library"),
        "{first}"
    );
    assert!(first.contains("/nonexistent/libcuda.so.1"), "{first}");
    assert_eq!((again, &*default), (first, "cpu: true"));

    // With the system's own driver, or without one.
    let [first, _, default] = ask(&[("CUDA_VISIBLE_DEVICES", "")]);
    assert!(first.starts_with("no device: CUDA device 0: "), "{first}");
    assert_eq!(default, "cpu: true");
}
