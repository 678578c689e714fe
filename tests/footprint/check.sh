#!/usr/bin/env bash
# check.sh <program.cpp> <include folder> <compiler> <options...>: the program compiles within AMQ_FOOTPRINT_SECONDS of
# CPU time (45 unless set: three times what is wanted of an idle machine, as others are slower and busier), and of all
# headers with a policy (predictor, optimizer, infill, initial design) or a preset it includes just those that its line
# `// USES: ...` names.
set -euo pipefail
program=$1
include=$2
shift 2
most_seconds=${AMQ_FOOTPRINT_SECONDS:-45}
failures=0

used=$(sed -n 's/^\/\/ USES: //p' "$program" | tr ' ' '\n' | sort)
policies=$(cd "$include" && {
  grep -rlE 'policy_category = (predictor|optimizer|infill|initial_design)_category' amq
  ls amq/search/presets/*.hpp
} | sort -u)
included=$("$@" -MM "$program" | tr -d '\\' | tr ' ' '\n' | sed -n "s|^$include/||p" | sort -u)

for header in $(comm -12 <(echo "$policies") <(echo "$included") | comm -23 - <(echo "$used")); do
  echo "$program includes $header, which it does not use"
  failures=1
done
for header in $(comm -23 <(echo "$used") <(echo "$included")); do
  echo "$program says that it uses $header and does not include it"
  failures=1
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Twice more where it is too slow: other programs slow this one down.
TIMEFORMAT=%U
for attempt in 1 2 3; do
  seconds=$({ time "$@" -c "$program" -o "$scratch/program.o"; } 2>&1) || { echo "$seconds" && exit 1; }
  echo "$(basename "$program"): $seconds s of CPU time, $(wc -l <<<"$included") headers of the library"
  if awk -v seconds="$seconds" -v most="$most_seconds" 'BEGIN { exit seconds > most }'; then break; fi
  if [ "$attempt" = 3 ]; then
    echo "$program compiles in $seconds s of CPU time, more than $most_seconds"
    failures=1
  fi
done
exit $failures
