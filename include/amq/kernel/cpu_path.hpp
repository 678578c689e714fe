// Which kernels this processor runs, and which of them is the fastest.
#pragma once

#include <array>
#include <vector>

#include "amq/core/cpu_path.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/core/simd/isa.hpp"
#include "amq/kernel/detail/amx_permission.hpp"

namespace amq {

/// Whether this processor and its operating system run `which`, and AMQ_CPU allows it. Linux lets a process use AMX's
/// tiles only after it has asked to: where the processor has them, the first call that gets to `amx` asks, once for all
/// threads (one system call; signal frames of threads that use tiles grow by 8 KiB).
inline bool supported(cpu_path which) {
  if (which > cpu_limit()) return false;
  switch (which) {
    case cpu_path::portable:
      return true;
    case cpu_path::avx2:
      return simd::supported(simd::isa::avx2);
    case cpu_path::avx512:
      return simd::supported(simd::isa::avx512);
    case cpu_path::avx512_dot:
#if defined(__x86_64__)
      return simd::supported(simd::isa::avx512) && __builtin_cpu_supports("avx512vnni") &&
             __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi");
#else
      return false;
#endif
    case cpu_path::amx:
      return supported(cpu_path::avx512_dot) && detail::amx_permitted();
  }
  return false;
}

/// All paths that this processor runs, `portable` first: what a test loops over.
inline std::vector<cpu_path> supported_paths() {
  std::vector<cpu_path> all;
  for (cpu_path const which : cpu_paths)
    if (supported(which)) all.push_back(which);
  return all;
}

namespace detail {

/// Intel's cores run bf16 dot products at half the rate of f32 multiply-adds (measured on Sapphire Rapids: 102 against
/// 203 GFLOP/s a core), AMD's at twice.
inline bool slow_bf16_dots() {
#if defined(__x86_64__)
  static bool const intel = __builtin_cpu_is("intel") != 0;
  return intel;
#else
  return false;
#endif
}

/// On one core of Sapphire Rapids AMX was measured at 3,370 GFLOP/s of bf16 and 6,650 GOP/s of int8; its dot products
/// of vectors at 810 GOP/s of int8. A few tokens use a part of a tile, and wait for memory anyway.
inline cpu_path fastest_path(precision p, bool many) {
  if (p != precision::f32 && many && supported(cpu_path::amx)) return cpu_path::amx;
  if (supported(cpu_path::avx512_dot)) {
    bool const multiply_adds = p == precision::bf16 && many && slow_bf16_dots();
    return p == precision::f32 || multiply_adds ? cpu_path::avx512 : cpu_path::avx512_dot;
  }
  if (supported(cpu_path::avx512)) return cpu_path::avx512;
  return supported(cpu_path::avx2) ? cpu_path::avx2 : cpu_path::portable;
}

}  // namespace detail

/// Rows of activations that are multiplied one by one where products are dot products: as fast as one, while decoding a
/// panel of weights for so few is not.
inline constexpr index few_tokens = 4;

/// The fastest path for products of `tokens` rows of activations: by a table of processor families, so the same on
/// every run. What AMQ_CPU allowed at the first call counts.
inline cpu_path preferred_path(precision p, index tokens) {
  auto const all = [](precision which) {
    return std::array{detail::fastest_path(which, false), detail::fastest_path(which, true)};
  };
  static std::array const table{all(precision::f32), all(precision::bf16), all(precision::int8)};
  return table[static_cast<std::size_t>(p)][tokens > few_tokens ? 1 : 0];
}

/// What products of `tokens` rows of activations are the fastest in without being less exact than 16-bit models are
/// run: bf16 where its dot products are no slower than f32's multiply-adds, else f32. One row waits for memory either
/// way, so that it takes what has fewer instructions.
inline precision preferred_precision(index tokens) {
  return preferred_path(precision::bf16, tokens) > cpu_path::avx512 ? precision::bf16 : precision::f32;
}

}  // namespace amq
