#!/usr/bin/env bash
# markdown.sh <table.tsv> <nvcc>: the page docs/cuda-resources.md, a row for each kernel and width, all groups, numbers
# and other parameters together.
set -euo pipefail
cat <<END
# What CUDA kernels take of a multiprocessor

Made by the target \`cuda_resources_page\` from what ptxas says about each kernel ($("$2" --version | sed -n 's/.*release \([^,]*\),.*/CUDA \1/p')); \`tests/cuda_compile\` checks the same
table with every change. No kernel has a stack or spills registers. A cell: the most registers a thread, and the fewest
blocks that registers and threads let run on a multiprocessor at a time; in brackets how many the kernel's tuning counts
on. Shared memory is dynamic, and chosen by the tuning to let as many in.

END
awk -F '\t' '
  {
    split($2, part, /[<>,]+ ?/)
    row = part[1]
    if (row == "gemv_kernel") row = row ", " part[2] " bits"
    if (row == "gemm_kernel") row = row ", " part[2] " bits, " part[7] " tokens"
    if (row ~ /attention_kernel/ && part[3] != "" && row ~ /tensor/) row = row ", heads of " part[3]
    if (!(row in seen)) { seen[row] = 1; order[++rows] = row }
    if (!($1 in columns)) { columns[$1] = 1; names[++count] = $1 }
    at = row SUBSEP $1
    if ($5 > registers[at]) registers[at] = $5
    if (!(at in blocks) || $9 < blocks[at]) blocks[at] = $9
    if ($4 > promised[at]) promised[at] = $4
  }
  END {
    line = "| kernel |"; rule = "|---|"
    for (c = 1; c <= count; ++c) { line = line " sm_" names[c] " |"; rule = rule "---|" }
    print line; print rule
    for (r = 1; r <= rows; ++r) {
      line = "| " order[r] " |"
      for (c = 1; c <= count; ++c) {
        at = order[r] SUBSEP names[c]
        cell = (at in registers) ? registers[at] : ""
        if (blocks[at] > 0) cell = cell " · " blocks[at]
        if (promised[at] > 0) cell = cell " [" promised[at] "]"
        line = line " " cell " |"
      }
      print line
    }
  }
' "$1"
