//! What kernels compute, in every order of warps and blocks.

use super::*;

fn seeds() -> impl Iterator<Item = Options> {
    let seeds = [None, Some(1), Some(2), Some(3)].into_iter();
    seeds.map(|seed| Options { seed, ..OPTIONS })
}

#[test]
fn threads_know_their_numbers() {
    let words = run("", "st.global.b32 [%rd3], %r1;", 100).unwrap();
    assert_eq!(words, (0..100).collect::<Vec<_>>());
}

#[test]
fn lanes_that_part_come_together() {
    // Each lane adds 1 + 2 + … + its number.
    let body = "mov.b32 %r2, 0; mov.b32 %r3, 0;\n\
                L: setp.ge.u32 %p1, %r2, %r1; @%p1 bra E; add.s32 %r2, %r2, 1; add.s32 %r3, %r3, %r2;\n\
                bra.uni L; E: shfl.sync.down.b32 %r4, %r3, 1, 31, -1; st.global.b32 [%rd3], %r4;";
    let words = run("", body, 32).unwrap();
    let sum = |n: u32| n * (n + 1) / 2;
    let wanted: Vec<u32> = (0..32).map(|lane| sum((lane + 1).min(31))).collect();
    assert_eq!(words, wanted);
}

#[test]
fn a_lane_that_has_a_lock_goes_on_while_others_spin() {
    let shared = ".shared .align 16 .b8 lock[16];";
    let body = "cvta.shared.u64 %rd4, lock; cvta.to.shared.u64 %rd5, %rd4; cvt.u32.u64 %r5, %rd5;\n\
                setp.ne.u32 %p2, %r1, 0; @%p2 bra S; st.b32 [%rd4], 0; st.b32 [%rd4+4], 0;\n\
                S: bar.sync 0;\n\
                L: atom.shared.cas.b32 %r2, [%r5], 0, 1; setp.ne.b32 %p1, %r2, 0; @%p1 bra L;\n\
                ld.volatile.shared.u32 %r3, [%r5+4]; add.s32 %r3, %r3, 1; st.b32 [%rd4+4], %r3;\n\
                atom.shared.exch.b32 %r4, [%r5], 0; bar.sync 0;\n\
                ld.b32 %r6, [%rd4+4]; st.global.b32 [%rd3], %r6;";
    for options in seeds() {
        let words = run_with(&options, &program(shared, body), 1, 96).unwrap();
        assert_eq!(words, [96; 96], "{:?}", options.seed);
    }
}

#[test]
fn a_block_may_wait_for_one_before_it() {
    // Each block waits until the word is its number, and counts it up.
    let body = "setp.ne.u32 %p1, %r1, 0; @%p1 bra E; mov.u32 %r2, %ctaid.x;\n\
                L: ld.volatile.global.b32 %r3, [%rd1]; setp.ne.u32 %p2, %r3, %r2; @%p2 bra L;\n\
                add.s32 %r3, %r3, 1; membar.gl; st.global.b32 [%rd1], %r3; E:";
    for options in seeds() {
        let words = run_with(&options, &program("", body), 100, 64).unwrap();
        assert_eq!(words[0], 100, "{:?}", options.seed);
    }
}

#[test]
fn threads_end_where_a_predicate_says_so() {
    // Of warps of 32 threads some end, and the others go on together.
    let body = "setp.lt.u32 %p1, %r1, 40; @%p1 exit; setp.gt.u32 %p2, %r1, 60; @!%p2 exit;\n\
                st.global.b32 [%rd3], %r1;";
    let words = run("", body, 96).unwrap();
    let wanted: Vec<u32> = (0..96).map(|n| if n > 60 { n } else { 0 }).collect();
    assert_eq!(words, wanted);
}

#[test]
fn threads_do_what_a_predicate_says() {
    // Each in a scope, as inline assembly has it.
    let body = "mov.b32 %r2, 7; { .reg .pred low; setp.lt.u32 low, %r1, 40; @low mov.b32 %r2, %r1; }\n\
                { .reg .pred low; setp.lt.u32 low, %r1, 50; @!low add.s32 %r2, %r2, 1; }\n\
                st.global.b32 [%rd3], %r2;";
    let words = run("", body, 64).unwrap();
    let wanted = |n: u32| match n {
        0..40 => n,
        40..50 => 7,
        _ => 8,
    };
    assert_eq!(words, (0..64).map(wanted).collect::<Vec<_>>());
}

#[test]
fn numbers_of_64_bits_have_signs() {
    // Of -5 and up, which are below, up to, above, and from -3 on.
    let body = "mul.wide.u32 %rd4, %r1, 1; add.s64 %rd4, %rd4, -5; mov.b32 %r2, 0;\n\
                setp.lt.s64 %p1, %rd4, -3; selp.b32 %r3, 1, 0, %p1; or.b32 %r2, %r2, %r3;\n\
                setp.le.s64 %p2, %rd4, -3; selp.b32 %r3, 2, 0, %p2; or.b32 %r2, %r2, %r3;\n\
                setp.gt.s64 %p3, %rd4, -3; selp.b32 %r3, 4, 0, %p3; or.b32 %r2, %r2, %r3;\n\
                setp.ge.s64 %p4, %rd4, -3; selp.b32 %r3, 8, 0, %p4; or.b32 %r2, %r2, %r3;\n\
                st.global.b32 [%rd3], %r2;";
    let words = run("", body, 8).unwrap();
    assert_eq!(words, [3, 3, 10, 12, 12, 12, 12, 12]);
}

#[test]
fn functions_return_to_each_caller() {
    let function = ".func (.param .b32 back) twice(\n\t.param .b32 value\n)\n{\n\
                    \t.reg .b32 %r<3>;\n\tld.param.b32 %r1, [value];\n\tadd.s32 %r2, %r1, %r1;\n\
                    \tst.param.b32 [back], %r2;\n\tret;\n}";
    let call = "{ .param .b32 a; .param .b32 b; st.param.b32 [a], %r1; call.uni (b), twice, (a);\n\
                ld.param.b32 %r2, [b]; }";
    let body = format!(
        "setp.lt.u32 %p1, %r1, 5; @%p1 bra L; {call} add.s32 %r2, %r2, 1000; bra.uni E; L: {call}\n\
         E: st.global.b32 [%rd3], %r2;"
    );
    let words = run(function, &body, 32).unwrap();
    let wanted: Vec<u32> = (0..32)
        .map(|n| 2 * n + if n < 5 { 0 } else { 1000 })
        .collect();
    assert_eq!(words, wanted);
}

#[test]
fn warps_collect_at_a_barrier() {
    let body = "setp.eq.u32 %p1, %r1, 70; bar.red.or.pred %p2, 0, %p1; selp.b32 %r2, 7, 8, %p2;\n\
                setp.eq.u32 %p3, %r1, 200; bar.red.or.pred %p4, 0, %p3; selp.b32 %r3, 1, 2, %p4;\n\
                mad.lo.s32 %r4, %r2, 10, %r3; st.global.b32 [%rd3], %r4;";
    for options in seeds() {
        assert_eq!(
            run_with(&options, &program("", body), 1, 96).unwrap(),
            [72; 96]
        );
    }
}

#[test]
fn tables_lead_each_lane_elsewhere() {
    let body = "and.b32 %r2, %r1, 3; T: .branchtargets A, B, C, A; brx.idx %r2, T;\n\
                A: mov.b32 %r3, 10; bra.uni E; B: mov.b32 %r3, 20; bra.uni E; C: mov.b32 %r3, 30;\n\
                E: st.global.b32 [%rd3], %r3;";
    let words = run("", body, 32).unwrap();
    assert_eq!(words[..5], [10, 20, 30, 10, 10]);
}

#[test]
fn loads_extend_signs_where_they_should() {
    let body = "mov.b32 %r2, 65533; mov.b32 %r3, 253; st.global.b32 [%rd3], %r2; ld.global.s16 %r4, [%rd3];\n\
                ld.global.u16 %r5, [%rd3]; add.s32 %r6, %r4, %r5; st.global.b32 [%rd3], %r3;\n\
                ld.global.s8 %r7, [%rd3]; add.s32 %r6, %r6, %r7; st.global.b32 [%rd3], %r6;";
    assert_eq!(run("", body, 1).unwrap(), [65533 - 3 - 3]);
}
