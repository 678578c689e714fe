#!/usr/bin/env bash
# table.sh <folder>: what each kernel takes of a multiprocessor, from all <folder>/<unit>.sm_<architecture>.log (what
# ptxas says) and the PTX that its .from names (launch bounds). One line a kernel, separated by tabs:
#   architecture, kernel, threads a block, blocks that its bounds promise, registers, static shared memory, stack, spills,
#   blocks that registers and threads let run on a multiprocessor
# Threads and promised blocks are 0 where the kernel states none. CUB's own kernels are left out.
set -euo pipefail
cd "$1"

for log in *.sm_*.log; do
  name=${log%.log} architecture=${log##*.sm_}
  architecture=${architecture%.log}
  awk -v architecture="$architecture" '
    FNR == NR {
      if ($0 ~ /\.entry/) { entry = $0; sub(/.*\.entry /, "", entry); sub(/\(.*/, "", entry) }
      if ($1 == ".maxntid") { gsub(/,/, " "); threads[entry] = $2 * ($3 == "" ? 1 : $3) * ($4 == "" ? 1 : $4) }
      if ($1 == ".minnctapersm") promised[entry] = $2
      next
    }
    /Compiling entry function/ { split($0, quoted, "\047"); entry = quoted[2] }
    /bytes stack frame/ { stack = $1; spills = $5 + $9 }
    /Used [0-9]+ registers/ {
      registers = shared = 0
      for (i = 1; i < NF; ++i) {
        if ($i == "Used") registers = $(i + 1)
        if ($(i + 1) == "bytes" && $(i + 2) ~ /^smem/) shared = $i
      }
      most = architecture ~ /^8[69]/ ? 1536 : 2048
      blocks = 0
      if (threads[entry] > 0) {
        warps = int((threads[entry] + 31) / 32)
        blocks = int(65536 / (int((registers + 7) / 8) * 8 * 32) / warps)
        if (blocks > int(most / (32 * warps))) blocks = int(most / (32 * warps))
      }
      print architecture, entry, threads[entry] + 0, promised[entry] + 0, registers, shared, stack, spills, blocks
    }
  ' OFS='\t' "$(cat "$name.from")" "$log"
done | c++filt | grep -v 'cub::' | sed -E 's/amq::cuda::(abi_[0-9_]+::)?//g; s/\tvoid /\t/; s/(^[0-9a]+\t[^\t(]*)\([^\t]*/\1/;
  s/__nv_bfloat16/bf16/g; s/__half/f16/g; s/(kernels|quantizing|sampling|ranking)::([a-z_]+kernel)/\2/' | LC_ALL=C sort -u
