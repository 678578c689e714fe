// Weights in full: (code - zero) * scale of a matrix in the device layout, row after row.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/layout/codes.cuh"
#include "amq/cuda/layout/device_matrix.cuh"
#include "amq/cuda/layout/parameters.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace kernels {

/// Eight numbers that follow each other, in stores of 16 bytes.
template <class Number>
__device__ void store_eight(Number* to, float const (&v)[8]) {
  if constexpr (std::is_same_v<Number, float>) {
    auto const at = reinterpret_cast<float4*>(to);
    at[0] = make_float4(v[0], v[1], v[2], v[3]);
    at[1] = make_float4(v[4], v[5], v[6], v[7]);
  } else {
    *reinterpret_cast<uint4*>(to) = make_uint4(ptx::pair<Number>(v[0], v[1]), ptx::pair<Number>(v[2], v[3]),
                                               ptx::pair<Number>(v[4], v[5]), ptx::pair<Number>(v[6], v[7]));
  }
}

/// A whole number below 2^23 in f32, without the slow instruction for it.
__device__ inline float to_float(std::uint32_t code) { return __uint_as_float(0x4b000000u | code) - 0x1p23f; }

/// One span of a tile by one warp; a lane writes eight inputs of two rows for each chunk.
template <int Bits, class Number>
__device__ void dequantize_span(device_matrix const& w, int tile, int span, int lane, Number* out) {
  int const groups = device_layout::span_inputs / w.group, g = lane / 4, t = lane % 4;
  constexpr int code_bytes = 16 * device_layout::span_inputs / 8 * Bits;
  auto const from = w.data + (std::int64_t{tile} * w.spans() + span) * (code_bytes + 64 * groups);
  span_codes<Bits> codes;
  load_codes(codes, from, lane);
  auto const parameters = reinterpret_cast<uint2 const*>(from + code_bytes) + g * groups;
#pragma unroll
  for (int chunk = 0; chunk < device_layout::span_chunks; ++chunk) {
    int const input = span * device_layout::span_inputs + chunk * device_layout::chunk_inputs + 8 * t;
    uint2 const held = parameters[chunk * device_layout::chunk_inputs / w.group];
    float2 const scales = unpacked<f16>(held.x), zeros = unpacked<f16>(held.y);
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float const scale = r == 0 ? scales.x : scales.y, zero = r == 0 ? zeros.x : zeros.y;
      float v[8];
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        std::uint32_t const two = code_pair(codes, chunk, k / 2, r + 2 * (k % 2));
        v[2 * k] = (to_float(two & 0xffff) - zero) * scale;
        v[2 * k + 1] = (to_float(two >> 16) - zero) * scale;
      }
      int const row = tile * device_layout::tile_rows + g + 8 * r;
      if (row < w.rows && input < w.cols) store_eight(out + std::int64_t{row} * w.cols + input, v);
    }
  }
}

template <int Bits, class Number>
__device__ void dequantize_all(device_matrix const& w, Number* out) {
  int const thread = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  int const warps = static_cast<int>(gridDim.x * blockDim.x) / 32, spans = w.spans();
  for (int i = thread / 32; i < w.tiles() * spans; i += warps)
    dequantize_span<Bits>(w, i / spans, i % spans, thread % 32, out);
}

/// Of a layer that is kept: its numbers are what they are.
template <class Number>
__device__ void copy_all(device_matrix const& w, Number* out) {
  auto const count = std::int64_t{w.rows} * w.cols, step = std::int64_t{gridDim.x} * blockDim.x;
  auto const first = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  constexpr int lanes = 16 / sizeof(Number);
  auto const* const vectors = reinterpret_cast<uint4 const*>(w.data);
  for (auto i = first; i < count / lanes; i += step) reinterpret_cast<uint4*>(out)[i] = vectors[i];
  for (auto i = count / lanes * lanes + first; i < count; i += step)
    out[i] = reinterpret_cast<Number const*>(w.data)[i];
}

template <class Number>
__device__ void dequantize_any(device_matrix const& w, Number* out) {
  switch (w.bits) {
    case kept_bits:
      return copy_all(w, out);
    case 2:
      return dequantize_all<2>(w, out);
    case 3:
      return dequantize_all<3>(w, out);
    case 4:
      return dequantize_all<4>(w, out);
    case 5:
      return dequantize_all<5>(w, out);
    case 6:
      return dequantize_all<6>(w, out);
    default:
      return dequantize_all<8>(w, out);
  }
}

template <class Number>
AMQ_CUDA_KERNEL void dequantize_kernel(device_matrix const w, Number* out) {
  dequantize_any(w, out);
}

template <class Number>
AMQ_CUDA_KERNEL void dequantize_indirect_kernel(device_matrix const* which, Number* out) {
  device_matrix const w = *which;
  dequantize_any(w, out);
}

/// A warp a span, blocks of four warps.
inline launch_shape dequantize_shape(int rows, int cols, cudaStream_t on) {
  constexpr unsigned threads = 128, most_blocks = 1u << 16;
  auto const spans = std::int64_t{device_layout::tiles(rows)} * device_layout::spans(cols);
  return {dim3(std::min(pieces(spans, threads / 32), most_blocks)), dim3(threads), 0, on};
}

}  // namespace kernels

/// out (rows, cols) = (code - zero) * scale, computed in f32 and rounded once; Number is float, f16 or bf16.
/// O(rows * cols), asynchronous. Throws precondition_error for a matrix that no kernel reads and for an `out` not
/// aligned to 16 bytes.
template <class Number>
void dequantize(device_matrix const& w, Number* out, cudaStream_t on) {
  expect_readable(w);
  expect_aligned(out, "out");
  launch(kernels::dequantize_shape(w.rows, w.cols, on), kernels::dequantize_kernel<Number>, w, out);
}

/// The same of the matrix that `which`, memory of the device, names when the kernel runs: a recorded graph stays valid
/// when another matrix of this shape, of any width and group, is written there; with a width of `kept_bits` it is
/// copied. What it names is not checked.
template <class Number>
void dequantize_indirect(device_matrix const* which, int rows, int cols, Number* out, cudaStream_t on) {
  AMQ_EXPECTS(which != nullptr && rows > 0 && cols > 0, "which matrix, and its shape, have to be given");
  expect_aligned(out, "out");
  launch(kernels::dequantize_shape(rows, cols, on), kernels::dequantize_indirect_kernel<Number>, which, out);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
