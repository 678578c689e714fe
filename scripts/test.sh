#!/usr/bin/env bash
# Builds program, examples and tests, and runs all tests (benchmarks: scripts/full.sh). AMQ_TEST_DATA names the folder with real checkpoints (default: ../shared where it
# is); without it the tests that want them are listed as skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

scripts/setup.sh tests
data=$(find_test_data)
if [ -z "$data" ]; then echo "AMQ_TEST_DATA is not set: tests on real checkpoints will be skipped"; fi

configure_and_build release "Building program, examples and tests" -- -DAMQ_BUILD_PROGRAM=ON -DAMQ_BUILD_TESTS=ON \
  -DAMQ_BUILD_BENCH=OFF -DAMQ_BUILD_EXAMPLES=ON -DAMQ_TEST_DATA="$data"

log=build/release/test.log
AMQ_LOG_LINES=200 step "Testing" $log ctest --preset release --parallel "$(nproc)" "$@"
sed -n '/tests passed/,$p' $log
