#!/usr/bin/env bash
# Everything that takes too long for every change: all tests with clang, for this processor only and under sanitizers,
# the five-seed comparison with AMQ's own search, and the benchmarks. About an hour and a half on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

scripts/setup.sh ci
data=$(find_test_data)
everything=(-DAMQ_BUILD_PROGRAM=ON -DAMQ_BUILD_BENCH=ON -DAMQ_BUILD_EXAMPLES=ON -DAMQ_TEST_DATA="$data")

# build_and_test <preset> <compiler>: the whole test suite.
build_and_test() {
  local preset=$1
  AMQ_CXX=$2 configure_and_build "$preset" "Building ($preset, $2)" -- "${everything[@]}"
  step "Testing ($preset)" "build/$preset/test.log" ctest --preset "$preset" --parallel "$(nproc)"
  grep 'tests passed' "build/$preset/test.log"
}

scripts/format.sh --check
scripts/test.sh
if [ -n "$data" ]; then
  scripts/five_seeds.sh
else
  echo "AMQ_TEST_DATA is not set: no comparison with AMQ's own search"
fi
build_and_test native "$(find_gcc)"
build_and_test asan "$(find_gcc)"
build_and_test debug "$(find_clang)"
configure_and_build release "Building benchmarks" -- "${everything[@]}"
for program in build/release/bench/bench_*; do
  name=$(basename "$program")
  step "Measuring ($name)" "build/release/$name.log" "$program"
  cat "build/release/$name.log"
done
