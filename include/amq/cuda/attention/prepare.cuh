// From the products' queries, keys and values to what attention reads: biases, norms of heads, rotary positions,
// caches.
#pragma once

#include <cstdint>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/attention/sequences.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/rope/rotation.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// What the products made of a pass's rows, and what is done to it; all on the device.
struct projected_rows {
  float const* query;                 ///< (rows, heads * size)
  float const* key;                   ///< (rows, kv_heads * size)
  float const* value;                 ///< (rows, kv_heads * size)
  float const* query_bias = nullptr;  ///< (heads * size), null where there is none; so are the next
  float const* key_bias = nullptr;    ///< (kv_heads * size)
  float const* value_bias = nullptr;  ///< (kv_heads * size)
  float const* query_norm = nullptr;  ///< (size): RMSNorm of each head (Qwen 3)
  float const* key_norm = nullptr;    ///< (size)
  float norm_epsilon = 0;
  float const* frequencies = nullptr;  ///< (size / 2) radians a position
};

/// One head of one row on its way.
template <class Number>
struct prepared_head {
  float const* from;
  float const* bias;
  float const* norm;
  bool turned;
  Number* to;

  __device__ float operator[](int i) const { return bias == nullptr ? from[i] : from[i] + bias[i]; }
};

/// The queries' heads are counted first, then the keys', then the values'.
template <class Number>
__device__ prepared_head<Number> prepared_head_of(projected_rows const& p, head_shape const& shape,
                                                  sequence_rows<Number> const& sequence, int kv_heads_before,
                                                  Number* queries, int row, int head) {
  std::int64_t const from = sequence.first_row + row;
  if (head < shape.heads) {
    std::int64_t const at = from * shape.heads * shape.size + head * shape.size;
    float const* const bias = p.query_bias == nullptr ? nullptr : p.query_bias + head * shape.size;
    return {p.query + at, bias, p.query_norm, true, queries + at};
  }
  bool const is_key = head < shape.heads + shape.kv_heads;
  int const own = head - shape.heads - (is_key ? 0 : shape.kv_heads);
  std::int64_t const at = from * shape.kv_heads * shape.size + own * shape.size;
  std::int64_t const to =
      (static_cast<std::int64_t>(kv_heads_before + own) * sequence.capacity + sequence.past + row) * shape.size;
  float const* const biases = is_key ? p.key_bias : p.value_bias;
  float const* const bias = biases == nullptr ? nullptr : biases + own * shape.size;
  if (is_key) return {p.key + at, bias, p.key_norm, true, sequence.keys + to};
  return {p.value + at, bias, nullptr, false, sequence.values + to};
}

/// 1 / sqrt(mean(x^2) + epsilon) of a head; a warp together.
template <class Number>
__device__ float norm_factor(prepared_head<Number> const& head, int size, float epsilon, int lane) {
  float squares = 0;
  for (int i = lane; i < size; i += 32) squares += head[i] * head[i];
  for (int step = 16; step > 0; step /= 2) squares += __shfl_xor_sync(0xffffffffu, squares, step);
  return 1 / sqrtf(squares / static_cast<float>(size) + epsilon);
}

/// A warp a head, a lane a pair of its elements.
template <class Number>
AMQ_CUDA_KERNEL void prepare_attention_kernel(projected_rows const p, head_shape const shape,
                                              sequence_batch<Number> const batch, Number* queries) {
  auto const sequence = batch.sequences[blockIdx.z];
  int const row = static_cast<int>(blockIdx.x), lane = static_cast<int>(threadIdx.x % 32);
  int const number = static_cast<int>(blockIdx.y * (blockDim.x / 32) + threadIdx.x / 32);
  if (row >= sequence.rows || number >= shape.heads + 2 * shape.kv_heads) return;
  auto const head = prepared_head_of(p, shape, sequence, batch.kv_heads_before, queries, row, number);
  float const factor = head.norm == nullptr ? 1 : norm_factor(head, shape.size, p.norm_epsilon, lane);
  int const half = shape.size / 2;
  for (int i = lane; i < half; i += 32) {
    float a = head[i], b = head[half + i];
    if (head.norm != nullptr) {
      a = head.norm[i] * (a * factor);
      b = head.norm[half + i] * (b * factor);
    }
    rotation turn{1, 0};
    if (head.turned) turn = rotation_at(sequence.past + row, p.frequencies[i]);
    head.to[i] = from_f32<Number>(turn.first(a, b));
    head.to[half + i] = from_f32<Number>(turn.second(a, b));
  }
}

/// Adds biases, normalises heads, and turns queries and keys to their positions; writes queries (rows, heads * size)
/// and appends keys and values to the caches. Rows that belong to no sequence are left alone. Number is float, f16 or
/// bf16. Asynchronous; throws cuda_error, and precondition_error when the shapes disagree.
template <class Number>
void prepare_attention(projected_rows const& projected, head_shape const& shape, sequence_batch<Number> const& batch,
                       Number* queries, cudaStream_t on) {
  expect_sequences(shape, batch);
  if (batch.count == 0 || batch.most_rows == 0) return;
  constexpr int warps = 4;
  dim3 const grid(static_cast<unsigned>(batch.most_rows), pieces(shape.heads + 2 * shape.kv_heads, warps),
                  static_cast<unsigned>(batch.count));
  launch({grid, dim3(32 * warps), 0, on}, prepare_attention_kernel<Number>, projected, shape, batch, queries);
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
