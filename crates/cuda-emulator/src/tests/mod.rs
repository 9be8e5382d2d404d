//! Kernels written for the tests, from the driver's functions down.

mod faults;
mod kernels;
mod library;

use crate::{
    execute::{FaultKind, Launch},
    grid::{Failure, Grid},
    memory::{Kind, Memory},
    options::Options,
    program::Program,
    ptx::{Module, decode},
};
use std::collections::HashMap;

/// A kernel `test` of one pointer with the given body.
fn program(declarations: &str, body: &str) -> Program {
    let text = format!(
        ".version 6.0\n.target sm_52\n.address_size 64\n{declarations}\n\
         .visible .entry test(\n\t.param .u64 out\n)\n{{\n\
         \t.reg .pred %p<20>;\n\t.reg .b16 %rs<20>;\n\t.reg .b32 %r<40>;\n\t.reg .b64 %rd<20>;\n\
         \tld.param.b64 %rd1, [out];\n\tmov.u32 %r1, %tid.x;\n\tmul.wide.u32 %rd2, %r1, 4;\n\
         \tadd.s64 %rd3, %rd1, %rd2;\n{body}\n\tret;\n}}\n"
    );
    let module = Module::parse(&text).unwrap();
    decode(&module, "test", &HashMap::new()).unwrap()
}

const OPTIONS: Options = Options {
    launched: None,
    seed: None,
    finds_races: false,
    races_meant: Vec::new(),
    is_lazy: false,
    memory: 0,
    shared: 0,
    most_instructions: 20_000_000,
    statistics: false,
};

/// Runs it, with as many words of memory as there are threads in a block.
fn run_with(
    options: &Options,
    program: &Program,
    blocks: u32,
    threads: u32,
) -> Result<Vec<u32>, Failure> {
    let mut memory = Memory::new(1 << 20);
    let bytes = threads as usize * 4;
    let address = memory.allocate(bytes, Kind::Device).unwrap();
    // SAFETY: the memory is new and has so many bytes.
    let words = unsafe { std::slice::from_raw_parts_mut(address as *mut u32, threads as usize) };
    words.fill(0);
    let launch = Launch {
        grid: [blocks, 1, 1],
        block: [threads, 1, 1],
        dynamic_shared: 0,
        parameters: address.to_le_bytes().to_vec(),
    };
    let grid = Grid {
        program,
        memory: &memory,
        launch: &launch,
        options,
    };
    grid.run()?;
    Ok(words.to_vec())
}

fn run(declarations: &str, body: &str, threads: u32) -> Result<Vec<u32>, Failure> {
    run_with(&OPTIONS, &program(declarations, body), 1, threads)
}

fn fault(declarations: &str, body: &str, threads: u32) -> (FaultKind, String) {
    let failure = run(declarations, body, threads).unwrap_err();
    (failure.kind, failure.message)
}
