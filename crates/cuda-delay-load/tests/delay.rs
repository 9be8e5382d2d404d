//! The trampolines with no driver and with a fake one, called as C functions.

#![cfg(any(
    all(
        target_os = "linux",
        target_pointer_width = "64",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ),
    all(windows, target_arch = "x86_64")
))]

mod common;
#[path = "../src/symbols.rs"]
mod symbols;

use std::{
    ffi::{c_int, c_uint, c_void},
    ptr,
    sync::Barrier,
    thread,
};

use common::{fake_driver, folder, is_child, tell};
use cuda_delay_load::{PATH_VARIABLE, has_symbol, is_loaded, load};

/// The functions with the signatures that the fake driver gives them.
mod real {
    use super::*;

    unsafe extern "C" {
        pub(crate) fn cuInit(flags: c_uint) -> c_uint;
        pub(crate) fn cuDeviceGetCount(count: *mut c_int) -> c_uint;
        pub(crate) fn cuDriverGetVersion(version: *mut c_int) -> c_uint;
        pub(crate) fn cuLaunchKernel(
            function: *mut c_void,
            grid_x: c_uint,
            grid_y: c_uint,
            grid_z: c_uint,
            block_x: c_uint,
            block_y: c_uint,
            block_z: c_uint,
            shared_bytes: c_uint,
            stream: *mut c_void,
            parameters: *mut *mut c_void,
            extra: *mut *mut c_void,
        ) -> c_uint;
        #[rustfmt::skip]
        pub(crate) fn cuTexRefSetMipmapLevelClamp(
            seen: *mut [f64; 20],
            i0: i64,
            f0: f64,
            i1: i64,
            f1: f64,
            i2: i64,
            f2: f64,
            i3: i64,
            f3: f64,
            i4: i64,
            f4: f64,
            i5: i64,
            f5: f64,
            i6: i64,
            f6: f64,
            i7: i64,
            f7: f64,
            i8: i64,
            f8: f64,
            i9: i64,
            f9: f64,
        ) -> c_uint;
    }
}

/// All of them, as functions that take nothing: right for those that no driver backs.
mod bare {
    macro_rules! declare {
        ($($name:ident)*) => {
            #[allow(clashing_extern_declarations)]
            mod functions {
                unsafe extern "C" { $(pub(super) fn $name() -> u32;)* }
            }
            pub(super) const ALL: &[(&str, unsafe extern "C" fn() -> u32)] =
                &[$((stringify!($name), functions::$name)),*];
        };
    }
    super::symbols::with_symbols!(declare);
}

/// Calls every function for which `has_symbol` is false; the codes, without repeats,
/// and how many there were.
fn call_the_missing() -> (Vec<u32>, usize) {
    let missing = bare::ALL
        .iter()
        .filter(|(name, _)| *name != "cuInit" && !has_symbol(name));
    // SAFETY: none of these reaches a driver, so each is a function of no arguments.
    let mut codes: Vec<u32> = missing.map(|(_, call)| unsafe { call() }).collect();
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup();
    (codes, count)
}

fn device_count() -> (u32, i32) {
    let mut count = -1;
    // SAFETY: `count` outlives the call.
    let code = unsafe { real::cuDeviceGetCount(&mut count) };
    (code, count)
}

/// What cuInit returns to each of eight threads that call it at once, and how each then
/// finds the driver.
fn init_from_eight_threads() -> Vec<(u32, (u32, i32))> {
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        let threads = [(); 8].map(|()| {
            scope.spawn(|| {
                barrier.wait();
                // SAFETY: cuInit may be called at any time, by any thread.
                (unsafe { real::cuInit(0) }, device_count())
            })
        });
        threads.map(|thread| thread.join().unwrap()).into()
    })
}

#[test]
#[ignore = "the other tests run it, in a child process"]
fn probe() {
    if !is_child() {
        return;
    }
    tell("loaded before", is_loaded());
    tell("has cuInit before", has_symbol("cuInit"));
    tell("missing before", call_the_missing());

    let mut threads = init_from_eight_threads();
    threads.dedup();
    tell("threads", threads);
    // SAFETY: cuInit may be called at any time.
    tell("bad flags", unsafe { real::cuInit(7) });

    tell("loaded", is_loaded());
    tell("load", load().map_err(|error| error.to_string()));
    tell(
        "attempts",
        load().map_or_else(|error| error.attempts().len(), |()| 0),
    );
    tell(
        "has",
        ["cuInit", "cuDeviceGetCount", "cuMemAlloc_v2", "malloc"].map(has_symbol),
    );
    tell("missing", call_the_missing());
    let mut version = 0;
    // SAFETY: `version` outlives the call.
    tell(
        "version",
        (unsafe { real::cuDriverGetVersion(&mut version) }, version),
    );
    if has_symbol("cuLaunchKernel") {
        tell("launch", launch());
        tell("mixed", mixed());
    }
}

/// Eleven different arguments, and whether they arrived.
fn launch() -> (u32, bool) {
    let mut seen = [0_u64; 11];
    let extra = (&raw mut seen).cast();
    let address = ptr::without_provenance_mut;
    // SAFETY: the fake driver writes eleven numbers to `extra` and follows no pointer.
    let code = unsafe {
        real::cuLaunchKernel(
            address(usize::MAX - 1),
            u32::MAX,
            2,
            3,
            4,
            5,
            6,
            u32::MAX - 7,
            address(8),
            ptr::without_provenance_mut(usize::MAX - 9),
            extra,
        )
    };
    let (high, wide) = (u64::from(u32::MAX), u64::MAX);
    let sent = [
        wide - 1,
        high,
        2,
        3,
        4,
        5,
        6,
        high - 7,
        8,
        wide - 9,
        extra.addr() as u64,
    ];
    (code, seen == sent)
}

fn mixed() -> Vec<f64> {
    let mut seen = [0.0; 20];
    // SAFETY: the fake driver writes the twenty numbers to `seen`.
    unsafe {
        real::cuTexRefSetMipmapLevelClamp(
            &mut seen, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5, 10,
            10.5,
        );
    }
    seen.into()
}

#[test]
fn without_a_driver_every_call_returns_an_error() {
    let nowhere = "/nonexistent/libcuda.so.1";
    let report = common::probe(&[(PATH_VARIABLE, nowhere.as_ref())]);
    report.expect("loaded before", "false");
    report.expect("has cuInit before", "false");
    report.expect("missing before", "([3], 352)");
    report.expect("threads", "[(100, (3, -1))]");
    report.expect("bad flags", "100");
    report.expect("loaded", "false");
    report.expect("has", "[false, false, false, false]");
    report.expect("missing", "([3], 352)");
    report.expect("version", "(3, 0)");
}

#[test]
fn the_error_names_the_library_and_the_reason() {
    let nowhere = "/nonexistent/libcuda.so.1";
    let report = common::probe(&[(PATH_VARIABLE, nowhere.as_ref())]);
    report.expect("attempts", "1");
    let error = report.get("load");
    assert!(error.contains(nowhere), "{error}");
    // The code is ERROR_MOD_NOT_FOUND; its text is in the user's language.
    let reason = if cfg!(windows) {
        "os error 126"
    } else {
        "No such file"
    };
    assert!(error.contains(reason), "{error}");
}

/// Checks that the probe found the fake driver, and what it lacks.
fn the_fake_driver_is_called(report: &common::Report) {
    report.expect("missing before", "([3], 352)");
    report.expect("threads", "[(0, (0, 3))]");
    report.expect("bad flags", "1");
    report.expect("loaded", "true");
    report.expect("load", "Ok(())");
    report.expect("has", "[true, true, false, false]");
    report.expect("missing", "([801], 347)");
    report.expect("version", "(0, 12090)");
}

#[test]
fn a_driver_that_is_named_is_called() {
    let folder = folder();
    let driver = fake_driver(&folder, "dr\u{ef}ver \u{30ab}.dll", "fake_driver");
    let report = common::probe(&[(PATH_VARIABLE, driver.as_ref())]);
    the_fake_driver_is_called(&report);
}

#[cfg(target_os = "linux")]
#[test]
fn a_driver_in_the_library_path_is_called() {
    let folder = folder();
    fake_driver(&folder, "libcuda.so.1", "fake_driver");
    let report = common::probe(&[("LD_LIBRARY_PATH", folder.path().as_ref())]);
    the_fake_driver_is_called(&report);
}

#[test]
fn arguments_pass_untouched() {
    let folder = folder();
    let driver = fake_driver(&folder, "any name at all.so", "fake_driver");
    let report = common::probe(&[(PATH_VARIABLE, driver.as_ref())]);
    report.expect("launch", "(719, true)");
    // 1.0, 1.5, 2.0 and so on to 10.5.
    let sent: Vec<f64> = (2..22).map(|n| f64::from(n) / 2.0).collect();
    report.expect("mixed", &format!("{sent:?}"));
}

#[cfg(target_os = "linux")]
#[test]
fn the_plain_name_is_tried_second() {
    let folder = folder();
    fake_driver(&folder, "libcuda.so", "fake_driver");
    // Refused, where a missing one would be looked for in the system's folders.
    std::fs::write(folder.path().join("libcuda.so.1"), "").unwrap();
    let report = common::probe(&[("LD_LIBRARY_PATH", folder.path().as_ref())]);
    report.expect("load", "Ok(())");
    report.expect("threads", "[(0, (0, 3))]");
}

#[cfg(target_os = "linux")]
#[test]
fn both_names_are_in_the_error() {
    let folder = folder();
    for name in ["libcuda.so.1", "libcuda.so"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let report = common::probe(&[("LD_LIBRARY_PATH", folder.path().as_ref())]);
    report.expect("attempts", "2");
    let error = report.get("load");
    let places = ["libcuda.so.1: ", "libcuda.so: "].map(|name| error.find(name));
    assert!(places[0].is_some() && places[0] < places[1], "{error}");
}

#[test]
fn a_library_without_cu_init_is_refused() {
    let folder = folder();
    let driver = fake_driver(&folder, "libcuda.so.1", "fake_driver_without_init");
    let report = common::probe(&[(PATH_VARIABLE, driver.as_ref())]);
    report.expect("threads", "[(100, (3, -1))]");
    report.expect("missing", "([3], 352)");
    let error = report.get("load");
    assert!(
        error.contains("libcuda.so.1") && error.contains("cuInit"),
        "{error}"
    );
}

#[test]
fn the_codes_of_cu_init_stay_within_cust_raws_enum() {
    let folder = folder();
    let driver = fake_driver(&folder, "libcuda.so.1", "fake_driver");
    // 803 is in the enum; 46 (device unavailable) and 915 came later.
    for (real, seen) in [("803", 803), ("46", 999), ("915", 999), ("999", 999)] {
        let report = common::probe(&[
            (PATH_VARIABLE, driver.as_ref()),
            ("FAKE_CU_INIT", real.as_ref()),
        ]);
        report.expect("threads", &format!("[({seen}, (3, -1))]"));
        // The library is there all the same, and what needs no cuInit works.
        report.expect("loaded", "true");
        report.expect("version", "(0, 12090)");
    }
}

/// Windows has the driver in the system's folder. In a folder that others may write to, a library
/// of that name is not the driver.
#[cfg(windows)]
#[test]
fn only_the_system_s_folder_is_searched() {
    let folder = folder();
    let driver = fake_driver(&folder, "nvcuda.dll", "fake_driver");
    let mut command = common::command(&[("PATH", folder.path().as_ref())]);
    let report = common::report(command.current_dir(folder.path()));
    // Neither is the program's folder: the test's own program, moved.
    let program = folder.path().join("delay.exe");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let beside = common::report(&mut common::command_of(&program, &[]));
    let by_name = common::probe(&[(PATH_VARIABLE, "NVCUDA.dll".as_ref())]);
    for report in [report, beside, by_name] {
        // A machine may have a driver, which has more functions than the fake one.
        assert_ne!(report.get("missing"), "([801], 347)");
        if report.get("loaded") == "false" {
            assert!(report.get("load").to_lowercase().contains("nvcuda.dll"));
        }
    }

    // Wine's own folders are there to be tried in.
    if !is_wine() {
        eprintln!("not Wine: nothing is put into the system's folder");
        return;
    }
    let system = std::env::var_os("SystemRoot").expect("Windows sets it");
    let installed = std::path::Path::new(&system).join("System32/nvcuda.dll");
    std::fs::copy(&driver, &installed).unwrap();
    let reports = [None, Some("nvcuda.dll")].map(|name| {
        let variable = name.map(|name| (PATH_VARIABLE, name.as_ref()));
        common::probe(variable.as_slice())
    });
    std::fs::remove_file(&installed).unwrap();
    reports.iter().for_each(the_fake_driver_is_called);
}

#[cfg(windows)]
fn is_wine() -> bool {
    use libloading::os::windows::Library;
    let ntdll = Library::open_already_loaded("ntdll.dll").expect("Windows has it");
    // SAFETY: the function is not called, only asked for.
    unsafe { ntdll.get::<unsafe extern "C" fn()>("wine_get_version") }.is_ok()
}
