//! The kernels in the form that the driver takes: machine code if there is some for the GPU,
//! otherwise PTX.
//!
//! The driver compiles PTX when a program loads it, which takes seconds. It caches the result on
//! disk, but a new machine or container has no cache. So the library contains machine code for the
//! usual GPUs. `cargo xtask ptx` makes both from the crate imagecuda-kernels.

use super::error::{check, check_raw};
use crate::Result;
use cust::{
    device::{Device, DeviceAttribute},
    function::Function,
    module::Module,
    sys,
};
use flate2::read::ZlibDecoder;
use std::{
    collections::HashMap,
    io::Read,
    ptr,
    sync::{Mutex, PoisonError},
};

/// Every GPU can run PTX, once the driver has compiled it.
const PTX: &str = include_str!("kernels.ptx");

/// Compute capabilities and the compressed machine code for them, in ascending order.
static MACHINE_CODE: [((i32, i32), &[u8]); 7] = [
    ((7, 5), include_bytes!("machine_code/sm_75.zlib")),
    ((8, 0), include_bytes!("machine_code/sm_80.zlib")),
    ((8, 6), include_bytes!("machine_code/sm_86.zlib")),
    ((8, 9), include_bytes!("machine_code/sm_89.zlib")),
    ((9, 0), include_bytes!("machine_code/sm_90.zlib")),
    ((10, 0), include_bytes!("machine_code/sm_100.zlib")),
    ((12, 0), include_bytes!("machine_code/sm_120.zlib")),
];

/// The kernels of a device. They stay loaded until the program ends.
pub(super) struct Kernels {
    module: &'static Module,
    /// Those that were launched, so that the driver is asked for each of them once.
    known: Mutex<HashMap<&'static str, &'static Function<'static>>>,
}

impl Kernels {
    pub(super) fn get(&self, name: &'static str) -> Result<&'static Function<'static>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = known.get(name) {
            return Ok(function);
        }
        let function = check("cuModuleGetFunction", self.module.get_function(name))?;
        let function: &_ = Box::leak(Box::new(function));
        known.insert(name, function);
        Ok(function)
    }
}

/// Loads the kernels. The context must be current.
pub(super) fn load(device: Device) -> Result<Kernels> {
    Ok(Kernels {
        module: Box::leak(Box::new(load_module(device)?)),
        known: Mutex::default(),
    })
}

fn load_module(device: Device) -> Result<Module> {
    // NVIDIA's own variable, which tests use. The driver applies it only to other forms of machine
    // code.
    if std::env::var_os("CUDA_FORCE_PTX_JIT").is_some_and(|value| value == "1") {
        return compile();
    }
    let attribute = |a| check("cuDeviceGetAttribute", device.get_attribute(a));
    let capability = (
        attribute(DeviceAttribute::ComputeCapabilityMajor)?,
        attribute(DeviceAttribute::ComputeCapabilityMinor)?,
    );
    // Drivers older than the assembler refuse its machine code. All drivers accept PTX.
    let module = machine_code(capability).and_then(|code| Module::from_cubin(code, &[]).ok());
    match module {
        Some(module) => Ok(module),
        None => compile(),
    }
}

/// The machine code for a GPU. It runs on GPUs with the same major number and the same or a higher
/// minor number.
fn machine_code(capability: (i32, i32)) -> Option<Vec<u8>> {
    let (_, compressed) = MACHINE_CODE
        .iter()
        .rev()
        .find(|((major, minor), _)| *major == capability.0 && *minor <= capability.1)?;
    let mut code = Vec::new();
    ZlibDecoder::new(*compressed).read_to_end(&mut code).ok()?;
    Some(code)
}

/// Loads the PTX, which the driver compiles.
fn compile() -> Result<Module> {
    let loaded = Module::from_ptx(PTX, &[]);
    if loaded.is_err() {
        // Not through `cust`, which loses error numbers that it does not know, such as a driver
        // that is too old for the PTX.
        let ptx = std::ffi::CString::new(PTX).map_err(std::io::Error::from)?;
        let mut module = ptr::null_mut();
        // SAFETY: the text ends in zero and outlives the call. The driver writes one handle, to a
        // local variable that has room for it. The context is current, as the documentation asks.
        let result = unsafe { sys::cuModuleLoadData(&mut module, ptx.as_ptr().cast()) };
        check_raw("cuModuleLoadData", result)?;
    }
    check("cuModuleLoadData", loaded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(bytes: &[u8], part: &str) -> bool {
        memchr::memmem::find(bytes, part.as_bytes()).is_some()
    }

    #[test]
    fn machine_code_has_every_kernel_of_the_ptx() {
        let entries: Vec<&str> = PTX
            .lines()
            .filter_map(|line| line.strip_prefix(".visible .entry "))
            .map(|rest| rest.trim_end_matches('('))
            .collect();
        assert!(entries.len() > 50, "{entries:?}");
        for (capability, _) in MACHINE_CODE {
            let code = machine_code(capability).unwrap();
            assert_eq!(code[..4], *b"\x7fELF", "{capability:?}");
            for entry in &entries {
                let section = format!(".text.{entry}\0");
                assert!(contains(&code, &section), "{capability:?} lacks {entry}");
            }
        }
    }

    #[test]
    fn machine_code_is_made_of_this_ptx() {
        let first = PTX.lines().next().unwrap();
        let made_of = include_str!("machine_code/made_of.txt");
        assert_eq!(made_of.lines().next(), first.rsplit("sources ").next());
    }

    #[test]
    fn a_gpu_gets_code_of_its_own_major_number() {
        let of = |capability| machine_code(capability).map(|code| code.len());
        assert_eq!(of((8, 7)), of((8, 6)));
        assert_eq!(of((12, 1)), of((12, 0)));
        assert_ne!(of((9, 0)), None);
        for without in [(5, 2), (7, 0), (11, 0), (13, 0)] {
            assert_eq!(of(without), None, "{without:?}");
        }
    }
}
