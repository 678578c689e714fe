#!/usr/bin/env bash
# gpu.sh [options]: the CUDA backend on this machine's GPU. Builds for its architecture, runs all CUDA tests on the device,
# a few of them under compute-sanitizer, then the benchmarks; their table is printed and, as JSON, beside it.
#   --quick            fewer tests, widths and shapes: within 8 minutes, compiling included
#   --no-tests, --no-sanitizer, --no-bench   leave a part out
#   --architecture N   compile for sm_N rather than for the GPU of this machine (90a, say)
#   --build-only       stop after compiling: needs no GPU
#   --no-build         use what was built, here or on another machine with the same system
# Exit code 2: there is no GPU or no toolkit to do it with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

quick=OFF tests=yes sanitizer=yes bench=yes build=yes run=yes architecture=native
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=ON ;;
    --no-tests) tests=no ;;
    --no-sanitizer) sanitizer=no ;;
    --no-bench) bench=no ;;
    --build-only) run=no ;;
    --no-build) build=no ;;
    --architecture) architecture=${2:?--architecture wants a number, 90a say} && shift ;;
    *) fail "gpu.sh does not know $1; its first lines list the options" ;;
  esac
  shift
done
folder=build/gpu
test_program=$folder/tests/cuda_device/test_cuda_device
bench_program=$folder/bench/cuda/bench_cuda

# refuse <sentence...>: what this machine lacks.
refuse() {
  printf '%s\n' "$@" >&2
  exit 2
}

# find_cuda <tool>: prints where the tool is: in PATH, or in the toolkit's usual place.
find_cuda() {
  command -v "$1" && return
  local place
  for place in ${CUDA_HOME:+"$CUDA_HOME"} /usr/local/cuda; do
    if [ -x "$place/bin/$1" ]; then echo "$place/bin/$1" && return; fi
  done
  return 1
}

if [ $run = yes ] && ! nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then
  refuse "No NVIDIA GPU was found: nvidia-smi is missing or lists none." \
    "The kernels' tests on the host need none: scripts/test.sh -L cuda. To compile for another machine: --build-only --architecture 90a"
fi
if [ $build = yes ]; then
  nvcc=$(find_cuda nvcc) || refuse "nvcc was not found in PATH, CUDA_HOME or /usr/local/cuda: install the CUDA toolkit, 12.4 or newer."
  version=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p')
  newest_enough "$version" 12.4 || refuse "$nvcc is of CUDA $version; amq needs 12.4 or newer."
  if [ $run = no ] && [ $architecture = native ]; then
    refuse "--build-only needs --architecture: there is no telling which GPU the other machine has"
  fi

  # wgmma is in sm_90a, which no device calls itself.
  if [ $architecture = native ]; then
    architecture=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
    if [ "$architecture" = 90 ]; then architecture=90a; fi
  fi

  scripts/setup.sh gpu
  generator="Unix Makefiles"
  if command -v ninja >/dev/null; then generator=Ninja; fi
  targets=()
  if [ $tests = yes ]; then targets+=(test_cuda_device); fi
  if [ $bench = yes ]; then targets+=(bench_cuda); fi
  bits="2;3;4;5;6;8"
  if [ $quick = ON ]; then bits="2;3;4"; fi
  step "Configuring for sm_$architecture with CUDA $version" $folder/configure.log cmake -S . -B $folder -G "$generator" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$(find_gcc)" -DCMAKE_CUDA_COMPILER="$nvcc" -DAMQ_CUDA=ON \
    -DCMAKE_CUDA_ARCHITECTURES="$architecture" -DAMQ_BUILD_PROGRAM=OFF -DAMQ_BUILD_EXAMPLES=OFF \
    -DAMQ_DEVICE_QUICK=$quick -DAMQ_BENCH_BITS="$bits" -DAMQ_TEST_DATA="$(find_test_data)"
  step "Compiling ${targets[*]}" $folder/build.log cmake --build $folder --parallel "$(nproc)" --target "${targets[@]}"
fi
[ $run = yes ] || exit 0

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
if [ $tests = yes ]; then
  step "Testing on the device" $folder/test.log $test_program
  tail -n 3 $folder/test.log
fi

# A small case of each kind; memcheck also counts what was not freed.
if [ $tests = yes ] && [ $sanitizer = yes ]; then
  if tool=$(find_cuda compute-sanitizer); then
    small_set=$(paste -sd, tests/cuda_device/sanitized.txt)
    for check in "memcheck --leak-check full" racecheck synccheck; do
      # shellcheck disable=SC2086
      step "compute-sanitizer $check" "$folder/${check%% *}.log" "$tool" --tool $check --error-exitcode 1 $test_program \
        "$small_set"
    done
  else
    echo "compute-sanitizer was not found: nothing was run under it"
  fi
fi

if [ $bench = yes ]; then
  options=(--json $folder/benchmarks.json)
  if [ $quick = ON ]; then options+=(--quick); fi
  $bench_program "${options[@]}" | tee $folder/benchmarks.txt
  echo
  echo "The table is in $folder/benchmarks.txt, as JSON in $folder/benchmarks.json"
  if [ -n "${AMQ_CUDA_PEER:-}" ]; then
    step "Measuring the peer ($AMQ_CUDA_PEER)" $folder/peer.log bash -c "$AMQ_CUDA_PEER"
    cat $folder/peer.log
  else
    echo "No peer was measured: AMQ_CUDA_PEER names no program (docs/cuda-benchmarks.md)"
  fi
fi
