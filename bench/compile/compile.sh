#!/usr/bin/env bash
# compile.sh [compiler] [Eigen's include folder]: seconds of CPU time and bytes of code, g++ -O2, of one assembled
# strategy each (tests/footprint) and of each list of policies of the program (examples/cli/policies).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
compiler=${1:-g++}
eigen=${2:-/usr/include/eigen3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

TIMEFORMAT=%U
printf '%-48s %10s %12s\n' 'translation unit' 'seconds' 'code, bytes'
for unit in tests/footprint/*.cpp examples/cli/policies/*.cpp; do
  [[ $unit == */superfluous.cpp ]] && continue
  seconds=$({ time "$compiler" -std=c++20 -O2 -Iinclude -isystem "$eigen" -c "$unit" -o "$scratch/unit.o"; } 2>&1)
  printf '%-48s %10s %12s\n' "$unit" "$seconds" "$(size "$scratch/unit.o" | awk 'NR == 2 { print $1 }')"
done
