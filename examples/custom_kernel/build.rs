//! Compiles `kernels/` to PTX.

use imagecuda_kernel_builder::KernelBuilder;
use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    let built = KernelBuilder::new("kernels")
        .arch("sm_52")
        .copy_to(Path::new(&out).join("kernels.ptx"))
        .build();
    match built {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
