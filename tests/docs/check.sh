#!/usr/bin/env bash
# check.sh <page.md> <folder> <compiler> <options...>: every ```cpp block of the page compiles (as it is where it
# includes something, else after amq.hpp), every block after `<!-- from FILE -->` stands in that file word for word
# (which is compiled and run where it lies), and every relative link leads to a file.
set -euo pipefail
page=$1
folder=$2
shift 2
failures=0

rm -rf "$folder" && mkdir -p "$folder"
awk -v folder="$folder" '
  /^<!-- from .* -->$/ { source = $3; next }
  /^```cpp$/ { inside = 1; unit = sprintf("%s/%02d.cpp", folder, ++count); first = NR + 1; text = ""; whole = 0; next }
  /^```/ && inside && source != "" {
    sub(/cpp$/, "quote", unit)
    printf "%s", text > unit
    print source > (unit ".from")
    close(unit)
    inside = 0
    source = ""
    next
  }
  /^```/ && inside {
    if (!whole) print "#include <amq/amq.hpp>" > unit
    printf "#line %d \"%s\"\n%s", first, FILENAME, text > unit
    close(unit)
    inside = 0
  }
  inside { text = text $0 "\n"; if ($0 ~ /^#include/) whole = 1 }
' "$page"

for unit in "$folder"/*.cpp; do
  [ -e "$unit" ] || continue
  "$@" -fsyntax-only "$unit" || failures=1
done

for quote in "$folder"/*.quote; do
  [ -e "$quote" ] || continue
  file=$(dirname "$page")/$(cat "$quote.from")
  # Both are read whole; an empty quote would stand in any file.
  if ! awk 'BEGIN { RS = "\001" } NR == FNR { quote = $0; next } { found = index($0, quote) } END { exit !found }' \
      "$quote" "$file" || [ ! -s "$quote" ]; then
    echo "$page: the block from $file is not in it: $(head -n 1 "$quote")"
    failures=1
  fi
done

links=$(grep -oE '\]\([^)#: ]+[)#]' "$page" | sed -E 's/^\]\(//; s/[)#]$//' || true)
for link in $links; do
  if [ ! -e "$(dirname "$page")/$link" ]; then
    echo "$page: links to $link, which is not there"
    failures=1
  fi
done
exit $failures
