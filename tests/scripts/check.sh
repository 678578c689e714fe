#!/usr/bin/env bash
# Tests of what the scripts tell a person: check.sh <scratch folder>.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$1
rm -rf "$scratch" && mkdir -p "$scratch"
failures=0

# expect <what> <status> <sentence>: compares with $status and $output.
expect() {
  if [ "$status" != "$2" ] || [[ $output != *"$3"* ]]; then
    printf '%s: expected exit code %s and "%s", got %s and:\n%s\n' "$1" "$2" "$3" "$status" "$output"
    failures=1
  fi
}
# shellcheck disable=SC2016
common() { status=0 && output=$(cd "$scratch" && bash -euo pipefail -c '. "$0/scripts/common.sh"; '"$1" "$root" 2>&1) || status=$?; }

common 'step Working log sh -c "echo hidden"'
expect "a step that works" 0 "Working: done in "
[[ $output != *hidden* && $(cat "$scratch/log") == hidden ]] || { echo "its output belongs in the log" && failures=1; }
common 'step Working log sh -c "echo the reason; exit 7"; echo unreached'
expect "a step that fails" 1 "the reason"
expect "a step that fails" 1 "the whole log is log"
common 'newest_enough 3.25.1 3.25 && newest_enough 12 12 && newest_enough 3.100 3.25'
expect "versions that do" 0 ""
common 'newest_enough 3.9 3.25'
expect "a version that does not" 1 ""
common 'AMQ_TEST_DATA=/somewhere find_test_data'
expect "test data named by hand" 0 "/somewhere"

# A machine that has nothing, and no right to install: tools are links in a folder of their own, `id` says 1000.
tools=$scratch/tools
mkdir -p "$tools" "$scratch/copy"
cp -r "$root/scripts" "$scratch/copy"
for tool in bash env dirname mkdir sort head tail sed grep cat; do ln -s "$(command -v $tool)" "$tools/$tool"; done
printf '#!/bin/sh\necho 1000\n' >"$tools/id"
printf '#!/bin/sh\nexit 1\n' >"$tools/sudo"
chmod +x "$tools/id" "$tools/sudo"
fresh_machine() { status=0 && output=$(PATH=$tools "$scratch/copy/scripts/setup.sh" "$1" 2>&1) || status=$?; }

fresh_machine program
expect "a machine with nothing and another system" 1 "Install them with this system's package manager"
printf '#!/bin/sh\n' >"$tools/apt-get" && chmod +x "$tools/apt-get"
fresh_machine program
if grep -qsE '^(ID|ID_LIKE)=.*(debian|ubuntu)' /etc/os-release; then
  expect "a machine with nothing" 1 "no permission to install them. Run this line"
  expect "a machine with nothing" 1 "g++ cmake ninja-build libeigen3-dev libboost-dev libnlopt-cxx-dev nlohmann-json3-dev libcli11-dev"
  printf '#!/bin/sh\necho 0\n' >"$tools/id"
  ln -s "$(command -v tee)" "$tools/tee"
  fresh_machine tests
  expect "a machine whose packages do not help" 1 "Installed, and still not good enough: g++ cmake"
  printf '#!/bin/sh\necho no network; exit 100\n' >"$tools/apt-get"
  fresh_machine tests
  expect "a machine without network" 1 "no network"
fi
exit $failures
