// How many warps, blocks and loads the kernels use, and which product is the fastest: constants chosen by the compute
// capability, which a user's class can replace.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "amq/cuda/abi.cuh"

namespace amq::cuda {

/// A product of 1 to 8 tokens. A block's warps share the inputs of a tile; a warp holds `prefetch` spans of 128 inputs
/// on their way. What is on its way has to cover latency times bandwidth: about 23 KiB a multiprocessor of an H200.
struct gemv_tuning {
  int warps = 16;
  int prefetch = 2;
  int blocks = 2;                ///< a multiprocessor; bounds registers: 65536 / (32 warps blocks)
  int shared_bytes = 48 * 1024;  ///< a block may have, activations included

  constexpr bool operator==(gemv_tuning const&) const = default;
};

/// A product of more tokens. A block has `warps` times `tiles` tiles of 16 rows and `tokens` tokens (a multiple of 8).
struct gemm_tuning {
  int warps = 8;
  int tiles = 2;  ///< a warp
  int tokens = 64;
  int stages = 3;  ///< of 128 inputs of activations in shared memory
  int blocks = 1;  ///< a multiprocessor

  constexpr bool operator==(gemm_tuning const&) const = default;
};

enum class product_way { gemv, gemm, dequantize_then_cublas };

/// What the kernels use unless they are told otherwise. Another class with these members can take its place as the
/// template argument `Tuning`; gemm/wgmma.cuh has one that adds a product of its own. Stateless; `capability` is ten
/// times major plus minor, one of `capabilities`.
struct default_tuning {
  /// What is told apart: a device uses the last one that is not above its own.
  static constexpr std::array capabilities{80, 86, 89, 90};

  static constexpr gemv_tuning gemv(int capability, int bits, int group) {
    bool const narrow = bits == 2 ? group > 32 : bits == 3 && group == 128;  // two spans fit into the registers
    bool const small = capability == 86 || capability == 89;  // 100 KiB of shared memory a multiprocessor
    return {.warps = 16, .prefetch = narrow ? 2 : 1, .blocks = 2, .shared_bytes = small ? 48 * 1024 : 72 * 1024};
  }

  /// `tokens` is 16, 32 or 64: what a block takes at most.
  static constexpr gemm_tuning gemm(int capability, int bits, int tokens) {
    bool const wide = bits > 4;  // a span takes many registers
    if (tokens <= 16) return {.warps = 8, .tiles = wide ? 1 : 2, .tokens = 16, .stages = 4, .blocks = 2};
    if (tokens <= 32) return {.warps = 8, .tiles = wide ? 2 : 1, .tokens = 32, .stages = 4, .blocks = wide ? 1 : 2};
    bool const spills = wide || capability == 80;  // two tiles would, with groups of 32 and 64
    return {.warps = 8, .tiles = spills ? 1 : 2, .tokens = 64, .stages = 4, .blocks = 1};
  }

  /// Which of gemm's kernels are compiled, the dearest part of building a program; products of other formats with more
  /// than a few tokens are dequantized instead.
  static constexpr bool has_gemm(int, int) { return true; }

  /// From some number of tokens on it pays to write the weights in 16 bits once and leave the product to cuBLAS.
  static constexpr product_way way(int, int tokens) {
    return tokens <= 8 ? product_way::gemv : tokens <= 192 ? product_way::gemm : product_way::dequantize_then_cublas;
  }
};

/// The last of Tuning's capabilities that is not above the device's; its first for a device below all.
template <class Tuning>
constexpr int tuned_capability(int device_capability) {
  int chosen = Tuning::capabilities.front();
  for (int const c : Tuning::capabilities)
    if (c <= device_capability) chosen = c;
  return chosen;
}

inline namespace AMQ_CUDA_ABI {

/// The least architecture that this unit is compiled for, as a capability; 0 on the host.
constexpr int least_compiled() {
#if defined(__CUDA_ARCH_LIST__)
  return std::min({__CUDA_ARCH_LIST__}) / 10;
#else
  return 0;
#endif
}

/// tuned_capability of a device that can run this unit: kernels of capabilities below all of those are not compiled.
template <class Tuning>
constexpr int compiled_capability(int device_capability) {
  return tuned_capability<Tuning>(std::max(device_capability, least_compiled()));
}

/// Calls work.operator()<Capability>() with compiled_capability<Tuning>(device_capability).
template <class Tuning, class Work>
void with_capability(int device_capability, Work&& work) {
  int const chosen = compiled_capability<Tuning>(device_capability);
  auto const try_one = [&]<int Capability>() {
    if constexpr (Capability >= compiled_capability<Tuning>(0))
      if (Capability == chosen) work.template operator()<Capability>();
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (try_one.template operator()<Tuning::capabilities[I]>(), ...);
  }(std::make_index_sequence<Tuning::capabilities.size()>());
}

}  // namespace AMQ_CUDA_ABI
}  // namespace amq::cuda
