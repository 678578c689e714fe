#!/usr/bin/env bash
# check.sh <folder> [cuobjdump]: no kernel has a stack or spills, as many blocks fit a multiprocessor as the tuning counts
# on, and the instructions that make kernels fast are there. Writes <folder>/table.tsv (see table.sh).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1 cuobjdump=${2:-}
failures=0

complain() {
  printf '%s\n' "$@"
  failures=1
}

"$here/table.sh" "$folder" >"$folder/table.tsv"
awk -F '\t' '
  $7 > 0 { printf "sm_%s %s: a stack of %d bytes\n", $1, $2, $7; failed = 1 }
  $8 > 0 { printf "sm_%s %s: spills %d bytes of registers\n", $1, $2, $8; failed = 1 }
  $9 < $4 { printf "sm_%s %s: %d blocks fit a multiprocessor, the tuning counts on %d\n", $1, $2, $9, $4; failed = 1 }
  { ++kernels }
  END { printf "%d kernels\n", kernels; exit failed || kernels == 0 }
' "$folder/table.tsv" || failures=1

# expect <files> <pattern> <what>: each of the folder's files that match has it.
expect() {
  local file
  for file in "$folder"/$1; do
    [ -e "$file" ] || { complain "no $1 was compiled" && return; }
    grep -qE "$2" "$file" || complain "$(basename "$file"): no $3 ($2)"
  done
}
expect 'products_*.ptx' 'ld\.global\.nc[.a-zA-Z0-9_:]*\.v4' "loads of 16 bytes"
expect 'products_*.ptx' 'mma\.sync\.aligned\.m16n8k16' "product on tensor cores"
expect 'products_*.ptx' 'cp\.async\.cg\.shared\.global' "asynchronous copy"
expect 'products_*.sm_90a.ptx' 'wgmma\.mma_async' "wgmma"
expect 'products_*.sm_90a.ptx' 'cp\.async\.bulk\.tensor' "bulk tensor copy"
expect 'model.sm_*.ptx' 'mma\.sync\.aligned\.m16n8k16' "product on tensor cores"

# The same in machine code, where there is something to read it with.
if [ -n "$cuobjdump" ]; then
  for cubin in "$folder"/*.cubin; do
    "$cuobjdump" --dump-sass "$cubin" >"${cubin%.cubin}.sass"
    if grep -E '\b(LDL|STL)\b' "${cubin%.cubin}.sass" >/dev/null; then complain "$(basename "$cubin"): uses local memory"; fi
    "$cuobjdump" --dump-resource-usage "$cubin" | awk '
      /Function/ { name = $2 }
      /REG:/ && (!/STACK:0 / || !/LOCAL:0 /) { print name $0; failed = 1 }
      END { exit failed }' || complain "$(basename "$cubin"): a stack or local memory, says cuobjdump"
  done
  expect 'products_*.sass' '\bLDG\.E\.128' "loads of 16 bytes"
  expect 'products_*.sass' '\bHMMA\.' "product on tensor cores"
  expect 'products_*.sm_90a.sass' '\bHGMMA\.' "wgmma"
  expect 'products_*.sm_90a.sass' '\bUTMALDG' "bulk tensor copy"
  expect 'model.sm_*.sass' '\bHMMA\.' "product on tensor cores"
else
  echo "no cuobjdump: what ptxas says was read, not the machine code"
fi
exit $failures
