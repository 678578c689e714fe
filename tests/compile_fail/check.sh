#!/usr/bin/env bash
# check.sh <file.cpp> <compiler> <options...>: the file compiles as it is; with each macro that a line of the form
# `// WITHOUT_X: sentence` names, it does not, and the compiler prints that sentence, no other of ours, and no page.
set -euo pipefail
file=$1
shift
longest=60
failures=0

complain() {
  printf '%s\n' "$@"
  failures=1
}

if ! output=$("$@" -fsyntax-only "$file" 2>&1); then
  complain "$file does not compile as it is:" "$output"
fi

cases=$(sed -n 's/^\/\/ \(WITHOUT_[A-Z_]*\): .*/\1/p' "$file")
[ -n "$cases" ] || complain "$file names no case"

for macro in $cases; do
  sentence=$(sed -n "s/^\/\/ $macro: //p" "$file")
  if output=$("$@" -fsyntax-only "-D$macro" "$file" 2>&1); then
    complain "$file compiles with -D$macro and should not"
    continue
  fi
  ours=$(grep -c 'error: .*amq: ' <<<"$output" || true)
  lines=$(wc -l <<<"$output")
  if [[ $output != *"$sentence"* ]]; then
    complain "-D$macro: expected the sentence: $sentence" "the compiler says:" "$output"
  elif [ "$ours" != 1 ]; then
    complain "-D$macro: expected one sentence, got $ours:" "$output"
  elif [ "$lines" -gt "$longest" ]; then
    complain "-D$macro: $lines lines, more than $longest:" "$output"
  fi
done
exit $failures
