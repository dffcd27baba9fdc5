#!/usr/bin/env bash
# Tries Cornu on this machine's GPU and measures it there. Needs NVIDIA's driver and NVRTC (of the CUDA toolkit, or of
# `pip install nvidia-cuda-nvrtc`); neither cargo nor sources. `cargo xtask gpu` made this folder; carry all of it.
#
#   ./run.sh [PART...]     all parts, or these: probe kernels conformance models sanitizer bench
#
# OUT       where logs and results go; `out` here if it is not set
# PYTHON    the interpreter that may have PyTorch, NVRTC and compute-sanitizer among its packages; python3
# ROUNDS    how often each contestant of the benches runs; 5
# BACKENDS  where the benches run Cornu; cuda. `cpu,cuda` measures the processor beside the GPU
# SCALE     multiplies all time limits, for a slow machine; 1
set -u

here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-out}
mkdir -p "$out" || exit 2
out=$(cd "$out" && pwd)
python=${PYTHON:-python3}
failed=0

# ---- Saying what happened ----------------------------------------------------------------------------------------

# report NAME OUTCOME SECONDS [REASON]: one line here, one in each summary.
report() {
    printf '%-8s %-24s %5s s  %s\n' "$2" "$1" "$3" "${4:-}"
    printf '| %s | %s | %s | %s |\n' "$1" "$2" "$3" "${4:-}" >>"$out/summary.md"
    printf '{"part": "%s", "outcome": "%s", "seconds": %s}\n' "$1" "$2" "$3" >>"$out/summary.jsonl"
    case $2 in failed | stopped) failed=1 ;; esac
}

# try NAME SECONDS COMMAND...: runs it under a limit, with a log of its own.
try() {
    local name=$1 limit=$(($2 * ${SCALE:-1})) begun=$SECONDS status said
    shift 2
    timeout --kill-after=10 "$limit" "$@" >"$out/$name.log" 2>&1 </dev/null
    status=$?
    said=$(summed "$out/$name.log")
    case $status in
        0) report "$name" passed $((SECONDS - begun)) "$said" ;;
        124 | 137) report "$name" stopped $((SECONDS - begun)) "after $limit s; see $name.log" ;;
        *) report "$name" failed $((SECONDS - begun)) "${said:+$said; }see $name.log" ;;
    esac
    return $status
}

# The last line of a log in which a test says how many passed, or in which a program says what is wrong.
summed() { grep -hE '^(test result|bench): ' "$1" | tail -n 1 | cut -d ';' -f 1-2 | sed -E 's/test result: //'; }

# ---- What is here ------------------------------------------------------------------------------------------------

# Folders named by a pattern inside Python's `nvidia` packages, joined by colons.
wheels() {
    "$python" -c '
import glob, sys
try:
    import nvidia
except ImportError:
    sys.exit()
print(":".join(sorted({d for p in nvidia.__path__ for d in glob.glob(p + sys.argv[1])})))' "$1" 2>/dev/null
}

# NVRTC is looked for as any library is; the folders of wheels and of the toolkit come last.
for folders in "$(wheels '/*/lib')" /usr/local/cuda/lib64; do
    [ -n "$folders" ] && LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folders
done
export LD_LIBRARY_PATH
PATH=$PATH:/usr/local/cuda/bin:/usr/local/cuda/compute-sanitizer:$(wheels '/*/bin'):$(wheels '/*/compute-sanitizer')

# Without a GPU, tests would stand in for it or be skipped: not here.
export CORNU_REQUIRE_GPU=1 CORNU_REQUIRE_NVRTC=1 CORNU_BACKEND=cuda

has_torch() { "$python" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' >/dev/null 2>&1; }

show_machine() {
    echo "system: $(uname -srm), $(ldd --version 2>/dev/null | head -n 1)"
    nvidia-smi || echo "nvidia-smi: not found"
    echo "libraries are looked for in: ${LD_LIBRARY_PATH:-the folders of the system alone}"
    (IFS=:; for folder in $LD_LIBRARY_PATH; do ls "$folder"/libnvrtc.so* 2>/dev/null; done)
    ldconfig -p 2>/dev/null | grep -E 'libnvrtc|libcuda\.so'
    echo "compute-sanitizer: $(command -v compute-sanitizer || echo 'not found')"
    "$python" -c 'import torch as t; print("PyTorch:", t.__version__, t.version.cuda, t.cuda.is_available())' 2>&1 |
        tail -n 1
}

# ---- The parts ---------------------------------------------------------------------------------------------------

part_probe() {
    show_machine >"$out/machine.log" 2>&1
    nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv,noheader 2>/dev/null
    try probe 60 "$here/tests/probe" --nocapture
}

# Every kernel compiles for every architecture that kernels choose among.
part_kernels() { try kernels 300 "$here/tests/kernels" --nocapture; }

# Every op and its gradient in all types, random programs, recorded runs: against the reference evaluator.
part_conformance() {
    local test name
    for test in "$here"/tests/*; do
        name=$(basename "$test")
        case $name in probe | kernels | models) continue ;; esac
        try "conformance-$name" 600 "$test" --test-threads=1 --nocapture
    done
}

# Whole models trained on the GPU and on the processor.
part_models() { try models 600 "$here/tests/models" --test-threads=1 --nocapture; }

# The corpus is small shapes: what takes seconds by itself takes minutes under these tools.
part_sanitizer() {
    local tool
    for tool in memcheck racecheck; do
        if command -v compute-sanitizer >/dev/null; then
            try "sanitizer-$tool" 900 compute-sanitizer --tool "$tool" --error-exitcode 9 \
                "$here/tests/corpus" --exact every_case_of_the_corpus_passes --test-threads=1
        else
            report "sanitizer-$tool" skipped 0 "compute-sanitizer is not installed"
        fi
    done
}

# Each workload by itself, so that one that hangs costs no other its results.
part_bench() {
    local workload peers=()
    export CORNU_TARGET=$here CORNU_PEERS=$here/peers CORNU_PEERS_PYTHON=$python
    has_torch || { peers=(--no-peers); report bench-peers skipped 0 "$python has no PyTorch that sees a GPU"; }
    : >"$out/bench.jsonl"
    for workload in W1 W2 W3 W4 W5 W6 W7 optimizer; do
        try "bench-$workload" 600 "$here/release/cornu-bench" --backend "${BACKENDS:-cuda}" --workload "$workload" \
            --rounds "${ROUNDS:-5}" --save "$out/bench-$workload.jsonl" "${peers[@]}" || continue
        cat "$out/bench-$workload.jsonl" >>"$out/bench.jsonl"
        # The first lines say what the processor can do.
        tail -n +4 "$out/bench-$workload.log" | tee -a "$out/bench.txt"
    done
}

# ---- All of it ---------------------------------------------------------------------------------------------------

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(probe kernels conformance models sanitizer bench)
for part in "${parts[@]}"; do
    declare -F "part_$part" >/dev/null || { echo "there is no part $part"; exit 2; }
done
: >"$out/summary.jsonl"
: >"$out/bench.txt"
printf '| part | outcome | seconds | |\n| --- | --- | ---: | --- |\n' >"$out/summary.md"
for part in "${parts[@]}"; do
    "part_$part"
    if [ "$part" = probe ] && [ $failed = 1 ]; then
        tail -n 20 "$out/probe.log"
        echo "there is no GPU to go on with; $out/machine.log says what was found"
        break
    fi
done
if [ -s "$out/bench.txt" ]; then printf '\n```text\n%s\n```\n' "$(cat "$out/bench.txt")" >>"$out/summary.md"; fi
echo "results: $out/summary.md"
exit $failed
