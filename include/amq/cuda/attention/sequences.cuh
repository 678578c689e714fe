// Which rows of a pass belong to which sequence, and where each sequence's keys and values are.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Rows [first_row, first_row + rows) of a pass stand at the positions past, past + 1, ... of one sequence. Its keys
/// and values are (kv_heads, capacity, size) each, in every block; `keys` and `values` are those of block 0, aligned to
/// 16 bytes. past + rows <= capacity.
template <class Number>
struct sequence_rows {
  int first_row;
  int rows;
  int past;
  int capacity;
  Number* keys;
  Number* values;
};

/// The sequences of a pass, as one block of the model meets them. What lies on the device may change between two starts
/// of a recorded graph; what is here is baked into it.
template <class Number>
struct sequence_batch {
  sequence_rows<Number> const* sequences;  ///< (count) on the device
  int count;
  int most_rows;        ///< no sequence has more rows than this; rows of 0 are fine
  int most_keys;        ///< nor more keys in the end, past + rows
  int kv_heads_before;  ///< heads of keys in each cache that come before this block's: of the blocks before it
};

/// How queries divide into heads of `size` numbers; `heads / kv_heads` of them share one head of keys and values.
struct head_shape {
  int heads;
  int kv_heads;
  int size;

  __host__ __device__ int group() const { return heads / kv_heads; }
};

template <class Number>
void expect_sequences(head_shape const& shape, sequence_batch<Number> const& batch) {
  AMQ_EXPECTS(shape.kv_heads >= 1 && shape.heads >= 1 && shape.heads % shape.kv_heads == 0,
              "attention needs heads that share keys evenly");
  AMQ_EXPECTS(shape.size >= 2 && shape.size % 2 == 0, "heads are of an even number of elements, which turn in pairs");
  AMQ_EXPECTS(batch.count >= 0 && batch.count <= 65535 && batch.most_rows >= 0 && batch.most_keys >= batch.most_rows,
              "a pass has 0 to 65535 sequences, none with more rows than keys");
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
