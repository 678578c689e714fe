#!/usr/bin/env bash
# chains.sh <include folder> [hpp|cuh]: all public headers, ordered into chains whose members include each other: one chain a line.
#
# Compiled alone, a header sees itself and all that it includes. Compiled after one that it includes anyway it sees
# just that too, so a whole chain costs what its last header does. A longest chain is taken again and again.
set -euo pipefail
cd "$1"

headers=$(find amq -name '*.hpp' -o -name '*.inl' -o -name '*.cuh' | LC_ALL=C sort)
# shellcheck disable=SC2086
awk -v suffix="[.]${2:-hpp}\$" '
  FNR == 1 { names[++count] = FILENAME }
  /^#[ \t]*include[ \t]*["<]amq\// { split($0, part, /["<>]/); direct[FILENAME] = direct[FILENAME] " " part[2] }

  # all[header, included] for everything that a header includes, size[header] how many that are.
  function close_over(header, list, n, i) {
    if (header in size) return
    size[header] = 0
    n = split(direct[header], list, " ")
    for (i = 1; i <= n; ++i) {
      close_over(list[i])
      add(header, list[i])
      add_all(header, list[i])
    }
  }
  function add(header, included) {
    if (!((header, included) in all)) {
      all[header, included] = 1
      size[header]++
      members[header] = members[header] " " included
    }
  }
  function add_all(header, included, list, n, i) {
    n = split(members[included], list, " ")
    for (i = 1; i <= n; ++i) add(header, list[i])
  }
  # The largest header that is free and that `above` includes ("": any).
  function largest(above, i, best) {
    best = ""
    for (i = 1; i <= count; ++i)
      if (names[i] in open && (above == "" || (above, names[i]) in all) && (best == "" || size[names[i]] > size[best]))
        best = names[i]
    return best
  }

  END {
    for (i = 1; i <= count; ++i) close_over(names[i])
    for (i = 1; i <= count; ++i)
      if (names[i] ~ suffix && names[i] !~ /\/detail\//) open[names[i]] = 1
    while ((header = largest("")) != "") {
      chain = ""
      for (; header != ""; header = largest(header)) {
        delete open[header]
        chain = header (chain == "" ? "" : " ") chain
      }
      print chain
    }
  }
' $headers
