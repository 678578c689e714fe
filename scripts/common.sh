# Shared by the scripts: plain messages, quiet steps that show progress, and what this machine offers. Sourced, not run.
# shellcheck shell=bash

# fail <sentence...>: one sentence a line on standard error, exit code 1.
fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# step <label> <log> <command...>: the command's output goes to the log; seen are a counter, the time it took, and the
# end of the log when it fails.
step() {
  local label=$1 log=$2 started=$SECONDS status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  "$@" </dev/null 2>&1 | tee "$log" | show_progress "$label" || status=${PIPESTATUS[0]}
  if ((status != 0)); then
    tail -n "${AMQ_LOG_LINES:-60}" "$log" >&2
    fail "$label failed after $((SECONDS - started)) s; the whole log is $log"
  fi
  printf '%s: done in %d s\n' "$label" $((SECONDS - started))
}

# show_progress <label>: reads a log, shows ninja's or ctest's counter: redrawn on a terminal, else a line every 10 s.
show_progress() {
  local label=$1 line counter='' started=$SECONDS shown=$SECONDS
  while IFS= read -r -t 1 line || (($? > 128)); do
    if [[ $line =~ ^\ *\[?\ *([0-9]+/[0-9]+)[\]\ ] && $line != *Re-checking* ]]; then counter=" ${BASH_REMATCH[1]}"; fi
    if [ -t 1 ]; then
      printf '\r\033[K%s:%s %d s ' "$label" "$counter" $((SECONDS - started))
    elif ((SECONDS - shown >= 10)); then
      printf '%s:%s %d s\n' "$label" "$counter" $((SECONDS - started))
      shown=$SECONDS
    fi
  done
  if [ -t 1 ]; then printf '\r\033[K'; fi
}

# newest_enough <version> <least>: compares dotted versions.
newest_enough() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# usable_compiler <command>: is it g++ 12 or clang 16, or newer?
usable_compiler() {
  command -v "$1" >/dev/null || return 1
  local least=12
  if "$1" --version | grep -q clang; then least=16; fi
  newest_enough "$("$1" -dumpversion)" "$least"
}

# find_gcc, find_clang: print the first usable one; $CXX has the first word as the compiler of the main build.
find_gcc() {
  local candidate
  for candidate in ${CXX:+"$CXX"} g++ g++-15 g++-14 g++-13 g++-12; do
    if usable_compiler "$candidate"; then echo "$candidate" && return; fi
  done
  return 1
}
find_clang() {
  local candidate
  for candidate in clang++ clang++-20 clang++-19 clang++-18 clang++-17 clang++-16; do
    if usable_compiler "$candidate"; then echo "$candidate" && return; fi
  done
  return 1
}

# find_test_data: prints the folder with real checkpoints and golden values, or nothing.
find_test_data() {
  if [ -n "${AMQ_TEST_DATA:-}" ]; then
    echo "$AMQ_TEST_DATA"
  elif [ -d ../shared/golden ]; then
    (cd ../shared && pwd)
  fi
}

# configure_and_build <preset> <label> <build arguments...> -- <configure arguments...>
configure_and_build() {
  local preset=$1 label=$2 targets=()
  shift 2
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    targets+=("$1")
    shift
  done
  shift
  step "Configuring ($preset)" "build/$preset/configure.log" \
    cmake --preset "$preset" -DCMAKE_CXX_COMPILER="${AMQ_CXX:-$(find_gcc)}" "$@"
  step "$label" "build/$preset/build.log" cmake --build --preset "$preset" --parallel "$(nproc)" "${targets[@]}"
}
