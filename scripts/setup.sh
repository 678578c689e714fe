#!/usr/bin/env bash
# setup.sh program|tests|ci|gpu: makes sure that what building needs is there. Installs missing packages on Debian and
# Ubuntu where it may (root, or sudo without a password); elsewhere it prints what is missing and stops.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

purpose=${1:-tests}
log=build/setup.log
mkdir -p build

has_header() {
  local compiler
  compiler=$(find_gcc) && printf '#include <%s>\n' "$1" |
    "$compiler" -std=c++20 -DPCRE2_CODE_UNIT_WIDTH=8 -x c++ -E - >/dev/null 2>&1
}
has_cmake() { command -v cmake >/dev/null && newest_enough "$(cmake --version | sed -n 's/^cmake version //p')" 3.25; }

# need <package> <test...>: puts the package on the list unless the test succeeds.
missing=()
need() {
  local package=$1
  shift
  if ! "$@" >/dev/null 2>&1; then missing+=("$package"); fi
}

find_missing() {
  missing=()
  need g++ find_gcc
  need cmake has_cmake
  if [ "$purpose" != gpu ]; then need ninja-build command -v ninja; fi
  need libeigen3-dev has_header eigen3/Eigen/Core
  need libboost-dev has_header boost/hana.hpp
  need libnlopt-cxx-dev has_header nlopt.hpp
  need nlohmann-json3-dev has_header nlohmann/json.hpp
  if [ "$purpose" != gpu ]; then need libcli11-dev has_header CLI/CLI.hpp; fi
  need libsqlite3-dev has_header sqlite3.h
  need libssl-dev has_header openssl/evp.h
  need libpcre2-dev has_header pcre2.h
  need libutf8proc-dev has_header utf8proc.h
  case $purpose in tests | ci | gpu) need catch2 eval 'has_header catch2/catch_all.hpp || has_header catch2/catch.hpp' ;; esac
  case $purpose in tests | ci) need libbenchmark-dev has_header benchmark/benchmark.h ;; esac
  if [ "$purpose" = ci ]; then need "$(clang_package)" find_clang; fi
}

# Debian 12's `clang` is 14; newer ones have what we want under that name.
clang_package() { if grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then echo clang-16; else echo clang; fi; }

is_debian() { grep -qsE '^(ID|ID_LIKE)=.*(debian|ubuntu)' /etc/os-release && command -v apt-get >/dev/null; }
as_root() { if [ "$(id -u)" = 0 ]; then env "$@"; else sudo -n env "$@"; fi; }
may_install() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

install_packages() {
  local quiet=(DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  as_root "${quiet[@]}" update || echo "apt-get update failed; trying with the lists that are there"
  as_root "${quiet[@]}" install -y --no-install-recommends "$@"
}

find_missing
# Pictures are drawn when gnuplot is there; nothing else waits for it.
wanted=("${missing[@]}")
if ! command -v gnuplot >/dev/null; then wanted+=(gnuplot-nox); fi
if [ ${#wanted[@]} -eq 0 ]; then exit 0; fi

line="apt-get update && apt-get install -y --no-install-recommends ${wanted[*]}"
if ! is_debian; then
  [ ${#missing[@]} -eq 0 ] && exit 0
  fail "Missing here, by their Debian names: ${missing[*]}" "Install them with this system's package manager and run again."
fi
if ! may_install; then
  if [ ${#missing[@]} -eq 0 ]; then
    echo "gnuplot is missing, so no picture will be drawn; to have one: sudo apt-get install gnuplot-nox"
    exit 0
  fi
  fail "Missing packages, and no permission to install them. Run this line, then try again:" "  sudo sh -c '$line'"
fi
echo "Missing packages: ${wanted[*]}"
step "Installing them" "$log" install_packages "${wanted[@]}"

find_missing
if [ ${#missing[@]} -ne 0 ]; then
  fail "Installed, and still not good enough: ${missing[*]}" \
    "amq needs g++ 12 and CMake 3.25 or newer; Debian 12 and Ubuntu 24.04 have them, older ones do not."
fi
