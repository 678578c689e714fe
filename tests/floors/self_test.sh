#!/usr/bin/env bash
# Does check.sh catch what it is for? Builds a small tree with one violation of each kind: self_test.sh <folder>.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$1
failures=0

header() { mkdir -p "$tree/include/amq/$(dirname "$1")" && printf '// brief.\n#pragma once\n%s\n' "${2-}" >"$tree/include/amq/$1"; }

# A tree that obeys: one header and one test for each folder.
fresh_tree() {
  rm -rf "$tree"
  for folder in core io model predict cuda search; do
    header "$folder/part.hpp"
    mkdir -p "$tree/tests/$folder" && touch "$tree/tests/$folder/part_test.cpp"
  done
  printf '// brief; no include guard.\n#include <vector>\n' >"$tree/include/amq/core/again.hpp"
  header amq.hpp '#include "amq/search/part.hpp"'
  header search/loop.hpp $'#include <vector>\n#include "amq/search/part.hpp"\n#include "amq/core/part.hpp"'
}

check() { "$here/check.sh" "$here/floors.txt" "$tree" 2>&1; }

# expect <sentence>: the tree must be refused with it.
expect() {
  local output
  if output=$(check); then
    echo "not caught: $1"
    failures=1
  elif [[ $output != *"$1"* ]]; then
    printf 'expected: %s\ngot: %s\n' "$1" "$output"
    failures=1
  fi
  fresh_tree
}

fresh_tree
check || { echo "a tree that obeys is refused" && exit 1; }

header model/upward.hpp '#include "amq/search/part.hpp"'
expect "model/upward.hpp:3: includes amq/search/part.hpp: search is on floor 5, model on floor 3"
header model/sibling.hpp '#include <amq/predict/part.hpp>'
expect "model/sibling.hpp:3: includes amq/predict/part.hpp: predict is on floor 3, model on floor 3"
header search/reads_files.hpp '#include "amq/io/part.hpp"'
expect "search/reads_files.hpp:3: includes amq/io/part.hpp: it comes with amq::amq, which amq::search does not bring"
header core/umbrella.hpp '#include "amq/amq.hpp"'
expect "core/umbrella.hpp:3: includes amq/amq.hpp: amq.hpp is on floor 8"
header model/device.hpp '#include "amq/cuda/part.cuh"'
expect "a .hpp includes a .cuh"
header strange/part.hpp && mkdir -p "$tree/tests/strange" && touch "$tree/tests/strange/part_test.cpp"
expect "\"strange\" has no floor"
header core/macro.hpp '#define BUFFER 3'
expect "a public header defines the macro BUFFER"
header search/relative.hpp '#include "part.hpp"'
expect "write the path from include/"
header search/hana.hpp '#include <boost/hana.hpp>'
expect "Boost.Hana belongs to compose/ alone"
rm "$tree/tests/io/part_test.cpp"
expect "include/amq/io: has no test in tests/io"
mkdir -p "$tree/tests/nowhere" && touch "$tree/tests/nowhere/part_test.cpp"
expect "there is no include/amq/nowhere to mirror"
mkdir -p "$tree/bench/nowhere"
expect "bench/nowhere/: there is no include/amq/nowhere to mirror"

exit $failures
