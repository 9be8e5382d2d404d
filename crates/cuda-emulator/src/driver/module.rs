//! Modules, kernels and launches.

use super::{
    Code, code, put,
    state::{Driver, Function, Work},
    with,
};
use crate::execute::Launch;
use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    slice,
};

/// The most dynamic shared memory of a block.
const MOST_SHARED: usize = 96 << 10;

/// The text at an address, if it is PTX. Machine code begins with a byte that is no text.
///
/// # Safety
///
/// The address is that of a module's image: text that ends in zero, or machine code.
unsafe fn text<'a>(image: *const c_void) -> Result<&'a str, Code> {
    if image.is_null() {
        return Err(code::INVALID_VALUE);
    }
    // SAFETY: an image has at least one byte.
    let first = unsafe { image.cast::<u8>().read() };
    if !first.is_ascii_graphic() && !first.is_ascii_whitespace() {
        return Err(code::NO_BINARY_FOR_GPU);
    }
    // SAFETY: it begins as text, and text ends in zero.
    let text = unsafe { CStr::from_ptr(image.cast()) };
    text.to_str().map_err(|_| code::INVALID_PTX)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleLoadData(module: *mut u64, image: *const c_void) -> Code {
    with(|driver| {
        // SAFETY: the caller promises an image.
        let handle = driver.load(unsafe { text(image) }?)?;
        // SAFETY: the caller gives room for it, as in all functions here that give results.
        unsafe { put(module, handle) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleLoadDataEx(
    module: *mut u64,
    image: *const c_void,
    _count: c_uint,
    _options: *mut c_int,
    _values: *mut *mut c_void,
) -> Code {
    // SAFETY: the same promises.
    unsafe { cuModuleLoadData(module, image) }
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleUnload(module: u64) -> Code {
    with(|driver| {
        driver.drain_all();
        driver
            .functions
            .retain(|_, function| function.module != module);
        driver
            .modules
            .remove(&module)
            .map(drop)
            .ok_or(code::INVALID_HANDLE)
    })
}

/// # Safety
///
/// The pointer is null or that of text which ends in zero.
unsafe fn name<'a>(name: *const c_char) -> Result<&'a str, Code> {
    if name.is_null() {
        return Err(code::INVALID_VALUE);
    }
    // SAFETY: what the caller promised.
    unsafe { CStr::from_ptr(name) }
        .to_str()
        .map_err(|_| code::NOT_FOUND)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleGetFunction(
    function: *mut u64,
    module: u64,
    wanted: *const c_char,
) -> Code {
    with(|driver| {
        // SAFETY: the caller gives text.
        let wanted = unsafe { name(wanted) }?;
        let loaded = driver.modules.get(&module).ok_or(code::INVALID_HANDLE)?;
        let found = loaded
            .module
            .functions
            .get(wanted)
            .filter(|function| function.is_entry);
        let name = found.ok_or(code::NOT_FOUND)?.name.clone();
        let handle = driver.handle();
        driver.functions.insert(handle, Function { module, name });
        // SAFETY: as in `cuModuleLoadData`.
        unsafe { put(function, handle) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleGetGlobal_v2(
    address: *mut u64,
    bytes: *mut usize,
    module: u64,
    wanted: *const c_char,
) -> Code {
    with(|driver| {
        // SAFETY: the caller gives text.
        let wanted = unsafe { name(wanted) }?;
        let loaded = driver.modules.get(&module).ok_or(code::INVALID_HANDLE)?;
        let found = *loaded.globals.get(wanted).ok_or(code::NOT_FOUND)?;
        let (start, end) = driver.memory.around(found).ok_or(code::NOT_FOUND)?;
        // SAFETY: as in `cuModuleLoadData`.
        unsafe {
            put(address, found)?;
            put(bytes, (end - start) as usize)
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuFuncGetAttribute(value: *mut c_int, asked: c_int, function: u64) -> Code {
    with(|driver| {
        let program = driver.program(function)?;
        // By the numbers of `CUfunction_attribute`.
        let found = match asked {
            0 => 1024,
            1 => program.shared_bytes as c_int,
            3 => program.local_bytes as c_int,
            4 => 32,
            _ => 0,
        };
        // SAFETY: as in `cuModuleLoadData`.
        unsafe { put(value, found) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncSetAttribute(function: u64, _attribute: c_int, _value: c_int) -> Code {
    with(|driver| match driver.functions.contains_key(&function) {
        true => Ok(()),
        false => Err(code::INVALID_HANDLE),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncSetCacheConfig(function: u64, _config: c_int) -> Code {
    cuFuncSetAttribute(function, 0, 0)
}

impl Driver {
    fn checked_launch(&mut self, function: u64, launch: Launch, stream: u64) -> Result<(), Code> {
        let threads: u64 = launch.block.iter().map(|n| u64::from(*n)).product();
        let blocks = launch.grid.iter().all(|n| *n > 0);
        let program = self.program(function)?;
        let name = &self.functions[&function].name;
        let module = &self.modules[&self.functions[&function].module].module;
        let most = u64::from(
            module.functions[name]
                .most_threads
                .unwrap_or(1024)
                .min(1024),
        );
        let shared = launch.dynamic_shared as usize;
        if threads == 0 || threads > most || !blocks || shared > MOST_SHARED {
            eprintln!("cuda-emulator: {name}: a grid that is not allowed: {launch:?}");
            return Err(code::INVALID_VALUE);
        }
        self.queue(stream, Work::Launch(program, launch))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuLaunchKernel(
    function: u64,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    dynamic_shared: c_uint,
    stream: u64,
    arguments: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Code {
    with(|driver| {
        if !extra.is_null() {
            return Err(code::NOT_SUPPORTED);
        }
        let program = driver.program(function)?;
        let mut parameters = vec![0; program.parameter_bytes];
        if !program.parameters.is_empty() && arguments.is_null() {
            return Err(code::INVALID_VALUE);
        }
        for (number, (at, bytes)) in program.parameters.iter().enumerate() {
            // SAFETY: the caller gives a pointer for each parameter, to a value of its size.
            let value = unsafe {
                let pointer = arguments.add(number).read();
                slice::from_raw_parts(pointer.cast::<u8>(), *bytes)
            };
            parameters[*at..at + bytes].copy_from_slice(value);
        }
        let launch = Launch {
            grid: [grid_x, grid_y, grid_z],
            block: [block_x, block_y, block_z],
            dynamic_shared,
            parameters,
        };
        driver.checked_launch(function, launch, stream)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuLaunchHostFunc(
    stream: u64,
    function: extern "C" fn(*mut c_void),
    data: *mut c_void,
) -> Code {
    with(|driver| driver.queue(stream, Work::Call(function, data as usize)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
    blocks: *mut c_int,
    _function: u64,
    threads: c_int,
    _dynamic_shared: usize,
) -> Code {
    let threads = threads.unsigned_abs().max(1);
    let found = (crate::grid::RESIDENT_THREADS / threads).min(crate::grid::RESIDENT_BLOCKS);
    // SAFETY: as in `cuModuleLoadData`.
    with(|_| unsafe { put(blocks, found as c_int) })
}
