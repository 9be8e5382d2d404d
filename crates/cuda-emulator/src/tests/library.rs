//! The kernels of the library.

use super::*;

/// Every kernel of the library is decoded, and its registers get rows.
#[test]
fn all_kernels_of_the_library_are_decoded() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../imagecuda/src/device/cuda/kernels.ptx"
    );
    let module = Module::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let addresses = module
        .globals
        .iter()
        .map(|global| (global.name.clone(), 0x1000));
    let addresses = addresses.collect();
    let entries: Vec<_> = module.functions.values().filter(|f| f.is_entry).collect();
    assert!(entries.len() > 50, "{}", entries.len());
    for entry in entries {
        let program = decode(&module, &entry.name, &addresses).unwrap();
        assert!(
            program.code.len() > 5 && program.rows.r32 > 0,
            "{}",
            entry.name
        );
        // Lines of the module, each after the one before it.
        let lines = program.code[program.entry as usize..]
            .iter()
            .map(|i| i.line);
        assert!(lines.clone().is_sorted(), "{}", entry.name);
        assert!(lines.min().unwrap() >= entry.line, "{}", entry.name);
    }
}
