// Causal attention with grouped queries, an optional window, and the keys of several sequences.
#pragma once

#include <string>
#include <type_traits>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/attention/plain_kernel.cuh"
#include "amq/cuda/attention/problem.cuh"
#include "amq/cuda/attention/sequences.cuh"
#include "amq/cuda/attention/tensor_kernel.cuh"
#include "amq/cuda/attention/tuning.cuh"
#include "amq/cuda/attention/workspace.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Sizes of heads that have a kernel for tensor cores.
constexpr bool has_tensor_kernel(int size) { return size == 32 || size == 64 || size == 96 || size == 128; }

template <class Number, class Tuning>
void attend_on_tensor_cores(attention_problem<Number> const& p, attention_shares const& shares, cudaStream_t on) {
  switch (p.shape.size) {
    case 32:
      return tensor_attention<Number, 32, Tuning>(p, shares, on);
    case 64:
      return tensor_attention<Number, 64, Tuning>(p, shares, on);
    case 96:
      return tensor_attention<Number, 96, Tuning>(p, shares, on);
    default:
      return tensor_attention<Number, 128, Tuning>(p, shares, on);
  }
}

/// out = softmax(queries keys^T / sqrt(size)) values for each head of each row, over the keys that its sequence holds
/// up to its own position, or the last `window` of them (0: all). queries and out (rows, heads * size) do not overlap
/// and are aligned to 16 bytes; prepare_attention has appended the rows' keys and values. All on the device.
///
/// Number f16 or bf16 with heads of 32, 64, 96 or 128 elements runs on tensor cores: scores and sums in f32, weights
/// rounded to Number. Everything else (f32, other even sizes up to 256) is computed in f32. While a sequence's rows are
/// few (Tuning::few_rows), its keys are cut into parts that are attended at the same time. Work: 4 size multiply-adds a
/// head for each pair of a query and a key. A row's bits depend on its sequence and on most_rows alone.
/// Asynchronous; allocates only where `workspace` was not reserved for the pass. Throws cuda_error, and
/// precondition_error when the shapes disagree.
template <class Number, class Tuning = attention_tuning>
void attention(Number const* queries, head_shape const& shape, int window, sequence_batch<Number> const& batch,
               Number* out, attention_workspace& workspace, cudaStream_t on) {
  expect_sequences(shape, batch);
  AMQ_EXPECTS(window >= 0, "a window is of at least one key, or 0 for all");
  AMQ_EXPECTS(shape.size <= largest_head, "attention has no kernel for heads of " + std::to_string(shape.size) +
                                              " elements; the largest are of " + std::to_string(largest_head));
  if (batch.count == 0 || batch.most_rows == 0) return;
  attention_problem<Number> const problem{shape, window, batch, queries, out};
  if constexpr (!std::is_same_v<Number, float>)
    if (has_tensor_kernel(shape.size)) {
      if (batch.most_rows * shape.group() > Tuning::few)
        return attend_on_tensor_cores<Number, typename Tuning::many_rows>(problem, {}, on);
      workspace.reserve<Tuning>(shape, batch, on);
      auto const shares = workspace.shares<Tuning>(shape, batch);
      attend_on_tensor_cores<Number, typename Tuning::few_rows>(problem, shares, on);
      return join_shares<Number, typename Tuning::few_rows>(problem, shares, on);
    }
  if (shape.size <= 128) return plain_attention<Number, 128>(problem, on);
  plain_attention<Number, 256>(problem, on);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
