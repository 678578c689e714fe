// Instruction sets that a kernel is compiled for, and which of them this processor runs.
#pragma once

#include <algorithm>
#include <vector>

#include "amq/config.hpp"
#include "amq/core/cpu_path.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace amq::simd {

/// Each later set includes the earlier ones. `portable` is what the compiler's own flags allow.
enum class isa : unsigned char {
  portable,
  avx2,    ///< AVX2, FMA and F16C: Haswell (2013), Zen (2017) and later
  avx512,  ///< AVX-512 F, BW, DQ, VL on top: Skylake-SP (2017), Zen 4 (2022) and later
};

constexpr char const* to_string(isa which) {
  switch (which) {
    case isa::portable:
      return "portable";
    case isa::avx2:
      return "avx2";
    case isa::avx512:
      return "avx512";
  }
  return "unknown";
}

/// Whether this processor and its operating system run `which`.
inline bool supported([[maybe_unused]] isa which) {
#if defined(__x86_64__)
  if (which == isa::portable) return true;
  unsigned a = 0, b = 0, c = 0, d = 0;
  // clang 16 does not know the name "f16c", hence the bit itself.
  bool const f16c = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
  bool const avx2 = f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (which == isa::avx2) return avx2;
  return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return which == isa::portable;
#endif
}

/// The widest set this processor runs and AMQ_CPU (core/cpu_path.hpp) allows; asked once, then remembered.
inline isa best_isa() {
  static isa const best = [] {
    isa const limit = std::min(static_cast<isa>(cpu_limit()), isa::avx512);
    return supported(isa::avx512) ? limit : supported(isa::avx2) ? std::min(limit, isa::avx2) : isa::portable;
  }();
  return best;
}

/// All sets this processor runs, `portable` first: what a test loops over.
inline std::vector<isa> supported_isas() {
  std::vector<isa> all;
  for (isa const which : {isa::portable, isa::avx2, isa::avx512})
    if (supported(which)) all.push_back(which);
  return all;
}

}  // namespace amq::simd
