// GPTQ (Frantar et al., arXiv 2210.17323) on the device: columns are quantized in turn, the rest makes up for it.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "amq/core/tile_layout.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/quantize/gptq_block.cuh"
#include "amq/cuda/quantize/gptq_factor.cuh"
#include "amq/cuda/quantize/pack.cuh"
#include "amq/cuda/quantize/workspace.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// What `quantize_gptq` needs: 9 bytes a weight, 1 KiB a row, and a scale and zero a group. See quantize_workspace.
struct gptq_workspace : quantize_workspace {
  device_buffer<float> weights;       ///< (rows, cols), in processing order
  device_buffer<float> pushed;        ///< (rows, cols): errors so far times the triangle
  device_buffer<float> running;       ///< (rows, 128)
  device_buffer<float> errors;        ///< (rows, 128)
  device_buffer<float> scales;        ///< (rows, groups)
  device_buffer<float> zeros;         ///< (rows, groups)
  device_buffer<std::uint8_t> codes;  ///< (rows, cols)
};

namespace quantizing {

/// out(r, k) = weights(r, order[k]), 0 for dropped columns.
template <class Weight>
AMQ_CUDA_KERNEL void arrange_kernel(Weight const* weights, std::int32_t const* order, std::uint8_t const* dropped,
                                    weight_shape shape, float* out, quantize_refusals* refused) {
  long long const at = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= static_cast<long long>(shape.rows) * shape.cols) return;
  int const column = order[at % shape.cols];
  long long const from = at / shape.cols * shape.cols + column;
  float const value = to_f32(weights[from]);
  if (!(value * 0 == 0)) refuse_weight(refused, from, value);
  out[at] = dropped[column] != 0 ? 0.0f : value;
}

/// Scales and zeros of all groups of consecutive columns, from the weights as they are. A warp a group.
template <class Weight>
AMQ_CUDA_KERNEL void fixed_groups_kernel(Weight const* weights, std::uint8_t const* dropped, weight_shape shape,
                                         gptq_rule rule, float* scales, float* zeros, quantize_refusals* refused) {
  int const lane = static_cast<int>(threadIdx.x) % 32;
  long long const at = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) / 32;
  if (at >= static_cast<long long>(shape.rows) * shape.groups) return;
  int const first = static_cast<int>(at % shape.groups) * rule.group;
  Weight const* const row = weights + at / shape.groups * shape.cols;
  weight_range range{INFINITY, -INFINITY};
  for (int column = first + lane; column < first + rule.group; column += 32) {
    float const value = dropped[column] != 0 ? 0.0f : to_f32(row[column]);
    range = {fminf(range.low, value), fmaxf(range.high, value)};
  }
  auto const of = stored_parameters(warp_range(range), rule, at, refused);
  if (lane != 0) return;
  scales[at] = of.scale;
  zeros[at] = of.zero;
}

/// One matrix on its way through the recursion. As the host's, it keeps E R, E being the errors of the columns that are
/// done and H = R R^T: a block of weights that make up for them is its own weights plus (E R) U for the block's own
/// U = R^-1 alone, so the Hessian's inverse is never needed as a whole.
struct gptq_run {
  weight_shape shape;
  gptq_rule rule;
  gptq_factor const& factor;
  gptq_workspace& work;
  cublasHandle_t blas;
  cudaStream_t on;

  float const* inverse(int first) const {
    return factor.inverses.data() + static_cast<long long>(first) * gptq_columns;
  }

  /// running = weights of [first, first + count) + (E R) U.
  void settle(int first, int count) const {
    auto const line = sizeof(float) * static_cast<std::size_t>(gptq_columns);
    check(cudaMemcpy2DAsync(work.running.data(), line, work.weights.data() + first,
                            sizeof(float) * static_cast<std::size_t>(shape.cols),
                            sizeof(float) * static_cast<std::size_t>(count), static_cast<std::size_t>(shape.rows),
                            cudaMemcpyDeviceToDevice, on),
          "cudaMemcpy2DAsync");
    if (first > 0)
      add_product(count, count, inverse(first), gptq_columns, work.pushed.data() + first, shape.cols, true,
                  work.running.data(), gptq_columns);
  }

  /// Adds E R of the block's errors to what the columns after it make up for; the first block's are all there are.
  void push(int first, int count) const {
    int const next = first + count;
    if (next >= shape.cols) return;
    add_product(shape.cols - next, count, factor.triangle.data() + static_cast<long long>(next) * shape.cols + first,
                shape.cols, work.errors.data(), gptq_columns, first > 0, work.pushed.data() + next, shape.cols);
  }

  void quantize(int first, int count) const {
    constexpr int warps = 16;
    gptq_block const block{shape,
                           first,
                           count,
                           work.weights.data(),
                           work.running.data(),
                           inverse(first),
                           factor.device_order.data(),
                           work.scales.data(),
                           work.zeros.data(),
                           work.codes.data(),
                           work.errors.data()};
    launch({pieces(shape.rows, warps), 32 * warps, sizeof(gptq_shared), on}, gptq_block_kernel<warps>, block, rule,
           work.refused.data());
  }

  void run() const {
    for (int first = 0; first < shape.cols; first += gptq_columns) {
      int const left = shape.cols - first, count = left < gptq_columns ? left : gptq_columns;
      settle(first, count);
      quantize(first, count);
      push(first, count);
    }
  }

 private:
  /// out (rows, cols) = x (rows, depth) w^T, w (cols, depth), added to what is there or not; leading dimensions behind
  /// each. In f32.
  void add_product(int cols, int depth, float const* w, int w_line, float const* x, int x_line, bool add, float* out,
                   int out_line) const {
    float const one = 1, kept = add ? 1.0f : 0.0f;
    check_library(cublasSgemm(blas, CUBLAS_OP_T, CUBLAS_OP_N, cols, shape.rows, depth, &one, w, w_line, x, x_line,
                              &kept, out, out_line),
                  "cublasSgemm");
  }
};

inline void reserve_gptq(weight_shape shape, gptq_workspace& work, cudaStream_t on) {
  auto const rows = static_cast<std::size_t>(shape.rows), cols = static_cast<std::size_t>(shape.cols);
  auto const groups = static_cast<std::size_t>(shape.groups);
  work.weights.reserve(rows * cols, on);
  work.pushed.reserve(rows * cols, on);
  work.codes.reserve(rows * cols, on);
  work.running.reserve(rows * gptq_columns, on);
  work.errors.reserve(rows * gptq_columns, on);
  work.scales.reserve(rows * groups, on);
  work.zeros.reserve(rows * groups, on);
}

}  // namespace quantizing

/// Quantizes `weights` (rows, cols), f32, f16 or bf16 on the device, into `tiles`, layout.bytes(rows, cols) bytes in
/// the host's packed layout on the device, as the host's `gptq` in blocks of 128 columns does; without drift. `factor`
/// is what `factorize_hessian` made with the same request. `blas` multiplies in f32 and is used on this stream from now
/// on. rows cols^2 multiply-adds. Asynchronous; `check_quantized` then waits and tells what f16 could not hold. Throws
/// precondition_error for pointers that are not aligned to a weight or, tiles, 4 bytes, and for shapes that do not fit.
template <class Weight>
void quantize_gptq(Weight const* weights, int rows, int cols, tile_layout layout, gptq_request const& how,
                   gptq_factor const& factor, std::uint8_t* tiles, cublasHandle_t blas, gptq_workspace& work,
                   cudaStream_t on) {
  quantizing::begin_quantizing(weights, sizeof(Weight), rows, cols, layout, tiles, work, on);
  AMQ_EXPECTS(factor.cols == cols,
              "GPTQ needs a Hessian of " + std::to_string(cols) + " columns, not " + std::to_string(factor.cols));
  quantizing::weight_shape const shape{rows, cols, static_cast<int>(layout.groups(cols))};
  quantizing::gptq_rule const rule{static_cast<float>((1 << layout.bits) - 1), layout.group, how.symmetric,
                                   how.static_groups};
  quantizing::reserve_gptq(shape, work, on);
  cudaStream_t held = nullptr;
  check_library(cublasGetStream(blas, &held), "cublasGetStream");
  if (held != on) check_library(cublasSetStream(blas, on), "cublasSetStream");  // which forgets the handle's workspace
  launch({pieces(static_cast<long long>(rows) * cols, 256), 256, 0, on}, quantizing::arrange_kernel<Weight>, weights,
         factor.device_order.data(), factor.device_dropped.data(), shape, work.weights.data(), work.refused.data());
  if (rule.fixed)
    launch({pieces(32ll * rows * shape.groups, 256), 256, 0, on}, quantizing::fixed_groups_kernel<Weight>, weights,
           factor.device_dropped.data(), shape, rule, work.scales.data(), work.zeros.data(), work.refused.data());
  quantizing::gptq_run{shape, rule, factor, work, blas, on}.run();
  quantizing::launch_pack(work.codes.data(), work.scales.data(), work.zeros.data(), rows, cols, layout, tiles, work,
                          on);
}

/// The group of each column where `act_order` scatters groups over the matrix; empty where consecutive columns share
/// one, which is what kernels that multiply need.
inline std::vector<std::int32_t> column_groups(gptq_request const& how, gptq_factor const& factor, tile_layout layout) {
  if (!how.act_order || how.static_groups) return {};
  std::vector<std::int32_t> groups(factor.order.size());
  for (std::size_t k = 0; k < groups.size(); ++k)
    groups[static_cast<std::size_t>(factor.order[k])] = static_cast<std::int32_t>(k) / layout.group;
  return groups;
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
