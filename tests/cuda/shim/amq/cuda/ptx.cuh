// include/amq/cuda/ptx.cuh in plain C++, for kernels that run on the host. The descriptions are there.
#pragma once

#include <cstdint>
#include <cstring>

#include "amq/cuda/number.cuh"
#include "shim/copies.hpp"
#include "shim/fragments.hpp"

namespace amq::cuda::ptx {

/// Happens when it is waited for; until then a reader sees the old bytes.
inline void copy_async_16(void* shared, void const* global, bool valid = true) {
  shim::begin_copy({shared, global, valid});
}
inline void commit_copies() { shim::close_copies(); }
template <int Pending>
void wait_copies() {
  shim::finish_copies(Pending);
}

inline uint4 load_once(uint4 const* global) {
  shim::require_aligned(global, 16, "load_once");
  return *global;
}
inline uint2 load_once(uint2 const* global) {
  shim::require_aligned(global, 8, "load_once");
  return *global;
}

inline void load_matrices(std::uint32_t (&r)[4], void const* shared_row,
                          std::source_location where = std::source_location::current()) {
  shim::load_fragments(r, shared_row, &shim::rows_to_fragments, where);
}
inline void load_matrices_transposed(std::uint32_t (&r)[4], void const* shared_row,
                                     std::source_location where = std::source_location::current()) {
  shim::load_fragments(r, shared_row, &shim::columns_to_fragments, where);
}

template <class Number>
void multiply_add(float (&d)[4], std::uint32_t const (&a)[4], std::uint32_t const (&b)[2],
                  std::source_location where = std::source_location::current()) {
  static_assert(std::is_same_v<Number, f16> || std::is_same_v<Number, bf16>);
  shim::multiply_fragments(d, a, b, std::is_same_v<Number, f16>, where);
}

template <std::uint32_t Mask, std::uint32_t Bits>
std::uint32_t masked(std::uint32_t x) {
  return (x & Mask) | Bits;
}

template <class Number>
std::uint32_t pair(float low, float high) {
  auto const bits = [](float x) -> std::uint32_t {
    return std::is_same_v<Number, f16> ? shim::f32_to_f16(x) : shim::f32_to_bf16(x);
  };
  return bits(low) | bits(high) << 16;
}

inline unsigned char* dynamic_shared() { return shim::self().owner.shared(); }

}  // namespace amq::cuda::ptx
