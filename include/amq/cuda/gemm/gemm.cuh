// Products of packed weights with any number of tokens on tensor cores.
#pragma once

#include <algorithm>
#include <string>

#include "amq/cuda/gemm/gemm_kernel.cuh"
#include "amq/cuda/gemm/group_sums.cuh"
#include "amq/cuda/gemv/gemv.cuh"
#include "amq/cuda/gemv/slices.hpp"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/layout/dispatch.cuh"
#include "amq/cuda/product_workspace.cuh"
#include "amq/cuda/tuning.cuh"

namespace amq::cuda {

/// What Tuning::gemm is asked for: the kernels that there are take up to 16, 32 and 64 tokens a block.
constexpr int gemm_tokens(int tokens) { return tokens <= 16 ? 16 : tokens <= 32 ? 32 : 64; }

/// How a product of more tokens is cut up.
struct gemm_plan {
  int row_blocks;
  int token_blocks;
  int slices;
  int slice_spans;
  int stride;           ///< of the groups' sums: tokens, rounded up to whole blocks
  std::size_t sums;     ///< floats of the workspace for them
  std::size_t partial;  ///< and for the slices' sums

  constexpr std::size_t counters() const {
    return slices == 1 ? 0 : std::size_t(row_blocks) * std::size_t(token_blocks);
  }
};

/// Splits the inputs, into slices of at least four spans, where rows and tokens alone do not fill the device.
constexpr gemm_plan plan_gemm(gemm_tuning tuning, int multiprocessors, int group, int rows, int cols, int tokens) {
  int const tiles = device_layout::tiles(rows), spans = device_layout::spans(cols);
  int const row_blocks = (tiles + tuning.warps * tuning.tiles - 1) / (tuning.warps * tuning.tiles);
  int const token_blocks = (tokens + tuning.tokens - 1) / tuning.tokens;
  int const resident = std::max(1, multiprocessors * tuning.blocks), blocks = row_blocks * token_blocks;
  int const most = std::max(1, std::min(spans / 4, resident / blocks));
  int const wanted = choose_slices(blocks, resident, 1, most);
  int const slice_spans = (spans + wanted - 1) / wanted, slices = (spans + slice_spans - 1) / slice_spans;
  int const stride = token_blocks * tuning.tokens;
  return {row_blocks,
          token_blocks,
          slices,
          slice_spans,
          stride,
          std::size_t(spans) * std::size_t(device_layout::span_inputs / group) * std::size_t(stride),
          slices == 1 ? 0 : std::size_t(slices) * std::size_t(tokens) * std::size_t(rows)};
}

inline namespace AMQ_CUDA_ABI {
namespace kernels {

template <int Bits, int Group, int Capability, class Tuning, int Tokens, class Number>
void launch_gemm(device_matrix const& w, Number const* x, int tokens, float* y, bool accumulate,
                 product_workspace& workspace, cudaStream_t on) {
  constexpr gemm_tuning tuning = Tuning::gemm(Capability, Bits, Tokens);
  auto const plan = plan_gemm(tuning, workspace.multiprocessors(), Group, w.rows, w.cols, tokens);
  float* const sums = workspace.floats(plan.sums + plan.partial, on);
  group_sums<Group>(token_slice<Number>{x, tokens, w.cols}, plan.stride, sums, on);
  gemm_arguments<Number> const arguments{
      .w = w,
      .x = {.x = {x, tokens, w.cols}, .sums = sums, .stride = plan.stride, .first = 0},
      .slice_spans = plan.slice_spans,
      .y = y,
      .accumulate = accumulate,
      .partial = sums + plan.sums,
      .counters = plan.counters() > 0 ? workspace.counters(plan.counters(), on) : nullptr};
  using stage = kernels::gemm_stage<Group, tuning.warps * tuning.tiles, tuning.tokens>;
  constexpr std::size_t shared_bytes = sizeof(stage) * tuning.stages + 16;
  launch({dim3(unsigned(plan.row_blocks), unsigned(plan.token_blocks), unsigned(plan.slices)), dim3(32u * tuning.warps),
          shared_bytes, on},
         gemm_kernel<Bits, Group, Number, tuning.warps, tuning.tiles, tuning.tokens, tuning.stages, tuning.blocks>,
         arguments);
}

}  // namespace kernels

/// The kernels of one format alone, for programs that need few: as `gemm`, but `w` has to be of this width and group.
template <int Bits, int Group, class Tuning = default_tuning, class Number>
void gemm_fixed(device_matrix const& w, Number const* x, int tokens, float* y, bool accumulate,
                product_workspace& workspace, cudaStream_t on) {
  expect_readable(w);
  AMQ_EXPECTS(w.bits == Bits && w.group == Group,
              "a kernel of one format was given a matrix of " + to_string(format{w.bits, w.group}));
  AMQ_EXPECTS(tokens >= 1, "gemm multiplies at least 1 token, not " + std::to_string(tokens));
  expect_aligned(x, "x");
  expect_aligned(y, "y");
  if constexpr (requires { Tuning::template multiply<Bits, Group>(w, x, tokens, y, accumulate, workspace, on); })
    if (Tuning::template multiply<Bits, Group>(w, x, tokens, y, accumulate, workspace, on)) return;
  with_capability<Tuning>(workspace.capability(), [&]<int Capability>() {
    if (gemm_tokens(tokens) == 16)
      kernels::launch_gemm<Bits, Group, Capability, Tuning, 16>(w, x, tokens, y, accumulate, workspace, on);
    else if (gemm_tokens(tokens) == 32)
      kernels::launch_gemm<Bits, Group, Capability, Tuning, 32>(w, x, tokens, y, accumulate, workspace, on);
    else
      kernels::launch_gemm<Bits, Group, Capability, Tuning, 64>(w, x, tokens, y, accumulate, workspace, on);
  });
}

/// y (tokens, rows) = x (tokens, cols) w^T, or += it; any number of tokens of f16 or bf16. Codes are exact in the
/// products, which are summed in f32; scales and zeros are applied in f32. Asynchronous; two kernels. The same bits for
/// the same inputs, device and Tuning. Throws precondition_error for a format without a kernel (with the list), for
/// shapes and for pointers not aligned to 16 bytes, cuda_error where a kernel cannot be started.
template <class Tuning = default_tuning, class Number>
void gemm(device_matrix const& w, Number const* x, int tokens, float* y, bool accumulate, product_workspace& workspace,
          cudaStream_t on) {
  with_format(w.bits, w.group, [&]<int Bits, int Group>() {
    if constexpr (Tuning::has_gemm(Bits, Group))
      gemm_fixed<Bits, Group, Tuning>(w, x, tokens, y, accumulate, workspace, on);
    else
      throw precondition_error("this program's tuning leaves out gemm for " + to_string(format{Bits, Group}) +
                               "; dequantize the matrix first, or compile that kernel (Tuning::has_gemm)");
  });
}

}  // namespace AMQ_CUDA_ABI
}  // namespace amq::cuda
