// The processor paths that kernels are written for, and the one that AMQ_CPU forbids to go beyond.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "amq/core/error.hpp"

namespace amq {

/// Each later path needs more of the processor than the earlier ones.
enum class cpu_path : std::uint8_t {
  portable,    ///< plain loops: what the compiler's own flags allow
  avx2,        ///< AVX2, FMA and F16C: Haswell (2013), Zen (2017) and later
  avx512,      ///< AVX-512 F, BW, DQ, VL: Skylake-SP (2017), Zen 4 (2022) and later
  avx512_dot,  ///< and VNNI and BF16: Cooper Lake (2020), Zen 4 (2022) and later
  amx,         ///< and AMX's tiles of bf16 and int8: Sapphire Rapids (2023) and later
};

inline constexpr std::array cpu_paths{cpu_path::portable, cpu_path::avx2, cpu_path::avx512, cpu_path::avx512_dot,
                                      cpu_path::amx};

constexpr char const* to_string(cpu_path which) {
  switch (which) {
    case cpu_path::portable:
      return "portable";
    case cpu_path::avx2:
      return "avx2";
    case cpu_path::avx512:
      return "avx512";
    case cpu_path::avx512_dot:
      return "avx512_dot";
    case cpu_path::amx:
      return "amx";
  }
  return "unknown";
}

/// The path of that name; none for any other text.
constexpr std::optional<cpu_path> parse_cpu_path(std::string_view name) {
  for (cpu_path const which : cpu_paths)
    if (name == to_string(which)) return which;
  return std::nullopt;
}

/// The last path that may be used: what the environment variable AMQ_CPU names, the last of all without it. Throws
/// input_error for a name that no path has.
inline cpu_path cpu_limit() {
  char const* const text = std::getenv("AMQ_CPU");
  if (text == nullptr || *text == '\0') return cpu_paths.back();
  if (auto const path = parse_cpu_path(text)) return *path;
  throw input_error("the environment variable AMQ_CPU is '" + std::string(text).substr(0, 40) +
                    "'; expected portable, avx2, avx512, avx512_dot or amx, or no such variable");
}

}  // namespace amq
