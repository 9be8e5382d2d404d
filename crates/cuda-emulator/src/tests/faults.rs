//! What a kernel does wrong is found, and said.

use super::*;

const SHARED: &str = ".shared .align 16 .b8 array[128];\n.shared .align 16 .b8 other[128];";

#[test]
fn an_address_outside_of_memory_is_found() {
    let (kind, message) = fault("", "st.global.b32 [%rd3+4], %r1;", 40);
    assert_eq!(kind, FaultKind::Address);
    assert!(
        message.contains("test: block (0, 0, 0), thread 39, line 17"),
        "{message}"
    );
    assert_eq!(
        fault("", "ld.b32 %r2, [%rd3+-4];", 32).0,
        FaultKind::Address
    );
    assert_eq!(
        fault("", "mov.b64 %rd4, 64; ld.b32 %r2, [%rd4];", 32).0,
        FaultKind::Address
    );
}

#[test]
fn an_address_that_is_not_aligned_is_found() {
    assert_eq!(
        fault("", "st.global.b16 [%rd1+1], %r1;", 1).0,
        FaultKind::Misaligned
    );
    let vector = "ld.global.v2.b32 {%r2, %r3}, [%rd1+4];";
    assert_eq!(fault("", vector, 8).0, FaultKind::Misaligned);
}

#[test]
fn arrays_in_shared_memory_have_ends() {
    let store = |at: u32| {
        format!(
            "cvta.shared.u64 %rd4, array; cvta.shared.u64 %rd5, other;\n\
             st.b32 [%rd5], %r1; st.b32 [%rd4+{at}], %r1;"
        )
    };
    assert!(run(SHARED, &store(124), 1).is_ok());
    assert_eq!(fault(SHARED, &store(128), 1).0, FaultKind::Address);
}

#[test]
fn a_trap_and_a_panic_are_found() {
    assert_eq!(fault("", "trap; exit;", 1).0, FaultKind::Trap);
    let panic = ".func panicking()\n{\n\tret;\n}";
    let (kind, message) = fault(panic, "call.uni panicking, ();", 1);
    assert_eq!(kind, FaultKind::Panic);
    assert!(message.ends_with("call of panicking"), "{message}");
}

#[test]
fn a_kernel_that_does_not_end_is_found() {
    assert_eq!(fault("", "L: bra L;", 32).0, FaultKind::Timeout);
}

/// Half of the lanes go to another place.
fn divergent(this: &str, that: &str) -> String {
    format!("setp.lt.u32 %p1, %r1, 16; @%p1 bra A; {this} bra B; A: {that} B:")
}

#[test]
fn lanes_that_wait_at_different_barriers_are_found() {
    let body = divergent("bar.sync 0;", "bar.sync 0;");
    assert_eq!(fault("", &body, 32).0, FaultKind::DivergentBarrier);
    let body = divergent("bar.warp.sync -1;", "bar.sync 0;");
    assert_eq!(fault("", &body, 32).0, FaultKind::Deadlock);
}

#[test]
fn races_in_shared_memory_are_found() {
    let body = |between: &str| {
        format!(
            "cvta.shared.u64 %rd4, array; add.s64 %rd5, %rd4, %rd2; st.b32 [%rd5], %r1; {between}\n\
             xor.b32 %r2, %r1, 63; mul.wide.u32 %rd6, %r2, 4; add.s64 %rd7, %rd4, %rd6;\n\
             ld.b32 %r3, [%rd7]; st.global.b32 [%rd3], %r3;"
        )
    };
    let shared = ".shared .align 16 .b8 array[256];";
    let options = Options {
        finds_races: true,
        ..OPTIONS
    };
    let racy = run_with(&options, &program(shared, &body("")), 1, 64);
    assert_eq!(racy.unwrap_err().kind, FaultKind::Race);
    let meant = Options {
        races_meant: vec!["test".into()],
        finds_races: true,
        ..OPTIONS
    };
    assert!(run_with(&meant, &program(shared, &body("")), 1, 64).is_ok());
    let safe = run_with(&options, &program(shared, &body("bar.sync 0;")), 1, 64).unwrap();
    assert!(safe.iter().zip((0..64).rev()).all(|(a, b)| *a == b));
}
