#!/usr/bin/env bash
# Checks a source tree against the floors: check.sh <floors.txt> <root>. One line a violation; exit code 1 if any.
set -euo pipefail
floors=$1
cd "$2"

headers=$(find include/amq -name '*.hpp' -o -name '*.cuh' | LC_ALL=C sort)

# Includes: the first part of a header's path below include/amq is its folder (or the header itself, for umbrellas).
# shellcheck disable=SC2086
includes=$(awk '
  function folder(path, parts) { split(path, parts, "/"); return parts[1] }
  function violation(what) { printf "%s:%d: %s\n", FILENAME, FNR, what }
  function brings(one, other) { return one == other || other == "search" || one == "sqlite" && other == "amq" || one == "cuda" }
  FNR == NR { if ($0 !~ /^#/ && NF == 3) { floor[$2] = $1; target[$2] = $3 } next }
  FNR == 1 {
    own = folder(substr(FILENAME, length("include/amq/") + 1))
    if (!(own in floor)) violation("\"" own "\" has no floor; add it to tests/floors/floors.txt")
    guarded = 0
  }
  /^#pragma once/ { guarded = 1 }
  FNR == 1 && /no include guard/ { guarded = 1 }  # its first line says that it is meant to be included again
  /^#[ \t]*define/ && $2 !~ /^AMQ_|^PCRE2_CODE_UNIT_WIDTH$/ {
    violation("a public header defines the macro " $2 "; ours begin with AMQ_")
  }
  /^using namespace/ { violation("a public header opens a namespace for whoever includes it") }
  /^#[ \t]*include/ {
    if (!guarded) { violation("an include stands before #pragma once"); guarded = 1 }
    path = $0
    sub(/^#[ \t]*include[ \t]*[<"]/, "", path)
    sub(/[>"].*/, "", path)
    if (FILENAME ~ /\.hpp$/ && path ~ /\.cuh$/) violation("a .hpp includes a .cuh: " path)
    if (FILENAME ~ /\.cuh$/ && path ~ /^Eigen\//) violation("Eigen stays out of .cuh files")
    if (path ~ /^boost\/hana/ && own != "compose") violation("Boost.Hana belongs to compose/ alone")
    if ($0 ~ /include[ \t]*"/ && path !~ /^amq\//) violation("write the path from include/: \"amq/...\", not " path)
    if (path !~ /^amq\//) next
    other = folder(substr(path, 5))
    if (other == own && own !~ /\./) next
    if (!(other in floor)) violation("includes " path ", which has no floor")
    else if (floor[other] >= floor[own])
      violation("includes " path ": " other " is on floor " floor[other] ", " own " on floor " floor[own])
    else if (!(other == "cuda" && path ~ /\.hpp$/) && !brings(target[own], target[other]))
      violation("includes " path ": it comes with amq::" target[other] ", which amq::" target[own] " does not bring")
    else if (own == "cuda" && floor[other] > 2) violation("includes " path ": cuda/ knows floors 0 to 2 only")
  }
' "$floors" $headers)

# Mirrors: a folder of tests/, bench/ or docs/ that is named in no floor is one of their own tools.
mirrors=$(
  for folder in include/amq/*/; do
    name=$(basename "$folder")
    if [ "$name" != concepts ] && ! compgen -G "tests/$name/*_test.c*" >/dev/null && ! compgen -G "tests/$name/*/*_test.c*" >/dev/null; then
      echo "include/amq/$name: has no test in tests/$name"
    fi
  done
  for test in tests/*/*_test.c*; do
    [ -e "$test" ] || continue
    name=$(basename "$(dirname "$test")")
    case $name in support | floors | headers | consumers | compile_fail | docs | scripts | cli) continue ;; esac
    [ -d "include/amq/$name" ] || echo "$test: there is no include/amq/$name to mirror"
  done
  for folder in bench/*/; do
    [ -d "$folder" ] || continue
    case $(basename "$folder") in peers | strategies | compile | quality) continue ;; esac  # scripts and data makers, no benchmarks
    [ -d "include/amq/$(basename "$folder")" ] || echo "$folder: there is no include/amq/$(basename "$folder") to mirror"
  done
)

printf '%s' "${includes:+$includes$'\n'}${mirrors:+$mirrors$'\n'}"
[ -z "$includes$mirrors" ]
