#!/usr/bin/env bash
# assemble.sh <nvcc> <architecture> <file.ptx> <output>: machine code to <output>.cubin, what ptxas says to <output>.log,
# which PTX it was to <output>.from.
set -euo pipefail
basename "$3" >"$4.from"
if ! "$1" -cubin "-arch=sm_$2" -Xptxas -v "$3" -o "$4.cubin" >"$4.log" 2>&1; then
  cat "$4.log" >&2
  exit 1
fi
