// Products of packed weights with 1 to 8 tokens, as fast as memory is.
#pragma once

#include <algorithm>
#include <string>

#include "amq/cuda/gemv/gemv_kernel.cuh"
#include "amq/cuda/gemv/slices.hpp"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/layout/dispatch.cuh"
#include "amq/cuda/product_workspace.cuh"
#include "amq/cuda/tuning.cuh"

namespace amq::cuda {

inline constexpr int most_gemv_tokens = 8;

/// How a product of few tokens is cut up.
struct gemv_plan {
  int slices;       ///< of the inputs
  int slice_spans;  ///< of 128 inputs
  int blocks;       ///< a slice
  int shared_bytes;

  /// Of the workspace.
  constexpr std::size_t floats(int tiles) const {
    return slices == 1 ? 0 : std::size_t(slices) * std::size_t(tiles) * kernels::tile_results;
  }
};

/// Splits the inputs where there are fewer tiles than blocks that run at a time, and where the activations do not fit
/// shared memory. O(slices).
constexpr gemv_plan plan_gemv(gemv_tuning tuning, int multiprocessors, int group, int rows, int cols, int tokens) {
  int const tiles = device_layout::tiles(rows), spans = device_layout::spans(cols);
  int const fixed = 2 * tuning.warps * kernels::tile_results * 4 + 16;
  int const fitting = std::max(1, (tuning.shared_bytes - fixed) / kernels::staged_bytes(1, tokens, group));
  int const least = (spans + fitting - 1) / fitting;
  int const resident = std::max(1, multiprocessors * tuning.blocks);
  int const wanted = choose_slices(tiles, resident, least, std::max(least, spans / tuning.warps));
  int const slice_spans = (spans + wanted - 1) / wanted;
  int const slices = (spans + slice_spans - 1) / slice_spans;
  return {slices, slice_spans, std::min(tiles, std::max(1, resident / slices)),
          fixed + kernels::staged_bytes(slice_spans, tokens, group)};
}

inline namespace AMQ_CUDA_ABI {

/// The kernel of one format alone, for programs that need few: as `gemv`, but `w` has to be of this width and group.
template <int Bits, int Group, class Tuning = default_tuning, class Number>
void gemv_fixed(device_matrix const& w, Number const* x, int tokens, float* y, bool accumulate,
                product_workspace& workspace, cudaStream_t on) {
  expect_readable(w);
  AMQ_EXPECTS(w.bits == Bits && w.group == Group,
              "a kernel of one format was given a matrix of " + to_string(format{w.bits, w.group}));
  AMQ_EXPECTS(tokens >= 1 && tokens <= most_gemv_tokens,
              "gemv multiplies 1 to 8 tokens, not " + std::to_string(tokens) + "; gemm takes any number");
  expect_aligned(x, "x");
  expect_aligned(y, "y");
  with_capability<Tuning>(workspace.capability(), [&]<int Capability>() {
    constexpr gemv_tuning tuning = Tuning::gemv(Capability, Bits, Group);
    auto const plan = plan_gemv(tuning, workspace.multiprocessors(), Group, w.rows, w.cols, tokens);
    int const tiles = device_layout::tiles(w.rows);
    bool const split = plan.slices > 1;
    gemv_arguments<Number> const arguments{.w = w,
                                           .x = {x, tokens, w.cols},
                                           .slice_spans = plan.slice_spans,
                                           .y = y,
                                           .accumulate = accumulate,
                                           .partial = split ? workspace.floats(plan.floats(tiles), on) : nullptr,
                                           .counters = split ? workspace.counters(std::size_t(tiles), on) : nullptr};
    launch({dim3(unsigned(plan.blocks), unsigned(plan.slices)), dim3(32u * tuning.warps),
            std::size_t(plan.shared_bytes), on},
           gemv_kernel<Bits, Group, Number, tuning.warps, tuning.prefetch, tuning.blocks>, arguments);
  });
}

/// y (tokens, rows) = x (tokens, cols) w^T, or += it; 1 to 8 tokens of f16 or bf16. Codes are exact in the products,
/// which are summed in f32; scales and zeros are applied in f32. Asynchronous. The same bits for the same inputs,
/// device and Tuning. Throws precondition_error for a format without a kernel (with the list), for shapes and for
/// pointers not aligned to 16 bytes, cuda_error where the kernel cannot be started.
template <class Tuning = default_tuning, class Number>
void gemv(device_matrix const& w, Number const* x, int tokens, float* y, bool accumulate, product_workspace& workspace,
          cudaStream_t on) {
  with_format(w.bits, w.group, [&]<int Bits, int Group>() {
    gemv_fixed<Bits, Group, Tuning>(w, x, tokens, y, accumulate, workspace, on);
  });
}

}  // namespace AMQ_CUDA_ABI
}  // namespace amq::cuda
