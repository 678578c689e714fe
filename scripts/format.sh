#!/usr/bin/env bash
# format.sh [--check]: lays out every source file as .clang-format says; with --check it only says which differ.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for candidate in clang-format-16 clang-format; do
  if command -v "$candidate" >/dev/null; then formatter=$candidate && break; fi
done
[ -n "${formatter:-}" ] || { echo "clang-format 16 is missing: sudo apt-get install clang-format-16" >&2 && exit 1; }

mode=(-i)
if [ "${1:-}" = --check ]; then mode=(--dry-run --Werror); fi
git ls-files -z '*.hpp' '*.cpp' | xargs -0 "$formatter" "${mode[@]}"
