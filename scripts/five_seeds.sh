#!/usr/bin/env bash
# Five searches of the embedded model against two of AMQ's own program: mean hypervolume after 306, 556, 806 and 1,056
# evaluations, with 250 initial and 50 an iteration as there. Wants AMQ_TEST_DATA; about ten minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

data=$(find_test_data)
[ -n "$data" ] || fail "AMQ_TEST_DATA is not set: AMQ searched with tokens that are there"
[ -x build/release/amq ] || fail "build/release/amq is missing: run scripts/test.sh first"
tokens=$data/data/tokens/books.calibration16.tiny.u16

# The lower of AMQ's two runs, from its golden search/golden.json.
evaluations=(306 556 806 1056)
peer=(0.72037 0.78744 0.79511 0.79869)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0
for i in "${!evaluations[@]}"; do
  sum=0
  for seed in 1 2 3 4 5; do
    build/release/amq search examples/models/tiny --tokens "$tokens" --preset amq --seed $seed --evaluations "${evaluations[i]}" \
      --initial 250 --candidates 50 --resume --out "$scratch/$seed" >"$scratch/log" 2>&1 || { cat "$scratch/log" && exit 1; }
    volume=$(sed -n 's/^ "hypervolume": \([0-9.]*\),*$/\1/p' "$scratch/$seed/front.json")
    sum=$(awk -v sum="$sum" -v volume="$volume" 'BEGIN { print sum + volume }')
  done
  awk -v n="${evaluations[i]}" -v sum="$sum" -v peer="${peer[i]}" 'BEGIN {
    mean = sum / 5
    printf "%5d evaluations: hypervolume %.4f, AMQ %.4f%s\n", n, mean, peer, mean < peer - 0.002 ? ", TOO LOW" : ""
    exit mean < peer - 0.002
  }' || failures=1
done
exit $failures
