#!/usr/bin/env bash
# Runs what `cargo xtask bundle` laid beside this file.
#
#   ./run.sh test [FILTER]          every test on the GPU
#   ./run.sh bench [NAME] [ARGS]    one benchmark, or all
#   ./run.sh example NAME [ARGS]    an example
#
# No test of a GPU (`cuda::`) may be skipped, else a missing GPU would look like success. Tests
# that are meant to be left out are named by a regular expression in ALLOW_IGNORED.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export IMAGECUDA_DATA_DIR="$here/data"
command=${1:-}
[ $# -gt 0 ] && shift

fail() {
    echo "run.sh: $*" >&2
    exit 1
}

archive="$here/programs.tar.xz"
if [ -f "$archive" ]; then
    tar -C "$here" -xJf "$archive" && rm "$archive" || fail "cannot unpack $archive"
fi

run_tests() {
    export IMAGECUDA_TEST_DEVICE=cuda
    local passed=0 failed=0 ignored=0 programs=0 bad=""
    # Not local: the trap runs when this function is over.
    log=$(mktemp) || fail "cannot make a temporary file"
    trap 'rm -f "$log"' EXIT
    for program in "$here"/tests/*; do
        [ -x "$program" ] || continue
        local name status summary skipped
        name=$(basename "$program")
        programs=$((programs + 1))
        echo "== $name"
        (cd "$here" && "$program" "$@" </dev/null) 2>&1 | tee "$log"
        status=${PIPESTATUS[0]}
        [ "$status" -eq 0 ] || bad="$bad $name(exit $status)"

        summary=$(grep -E '^test result: ' "$log")
        if [ -z "$summary" ]; then
            bad="$bad $name(no summary)"
            continue
        fi
        passed=$((passed + $(count "$summary" passed)))
        failed=$((failed + $(count "$summary" failed)))
        ignored=$((ignored + $(count "$summary" ignored)))
        if [ "$(count "$summary" failed)" -ne 0 ]; then
            bad="$bad $name(failed)"
        fi
        skipped=$(grep -E '^test .*cuda::.*[.]{3} ignored' "$log" | grep -vE "${ALLOW_IGNORED:-^$}")
        [ -z "$skipped" ] || bad="$bad $name(skipped tests)"
    done
    [ "$programs" -gt 0 ] || fail "there are no tests here"
    echo "total: $passed passed; $failed failed; $ignored ignored; $programs programs"
    [ -z "$bad" ] || fail "not all is well:$bad"
    [ "$passed" -gt 0 ] || fail "no test ran"
}

# The sum of the numbers before a word of summary lines.
count() {
    sed -n "s/.*[ ;.]\([0-9][0-9]*\) $2.*/\1/p" <<<"$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

run_benches() {
    local name=${1:-}
    if [ -n "$name" ] && [ "${name#-}" = "$name" ]; then
        shift
        [ -f "$here/benches/$name" ] || fail "there is no bench $name: $(ls "$here/benches")"
        # --bench is what cargo passes, too.
        exec "$here/benches/$name" --bench "$@"
    fi
    local bad="" programs=0
    for program in "$here"/benches/*; do
        # The rest is scripts.
        [ -f "$program" ] && [ -x "$program" ] || continue
        programs=$((programs + 1))
        echo "== $(basename "$program")"
        "$program" --bench "$@" </dev/null || bad="$bad $(basename "$program")"
    done
    [ "$programs" -gt 0 ] || fail "there are no benches here"
    [ -z "$bad" ] || fail "failed:$bad"
}

case "$command" in
test) run_tests "$@" ;;
bench) run_benches "$@" ;;
example)
    name=${1:-}
    [ -n "$name" ] && [ -x "$here/examples/$name" ] ||
        fail "which example? $(ls "$here/examples" 2>/dev/null | tr '\n' ' ')"
    shift
    exec "$here/examples/$name" "$@"
    ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
