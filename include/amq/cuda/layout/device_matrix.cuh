// A packed matrix on the device.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/cuda/device_memory.cuh"
#include "amq/cuda/layout/device_layout.hpp"

namespace amq::cuda {

/// A matrix of this width holds rows of the activations' numbers, not codes: a layer that is kept.
inline constexpr int kept_bits = 16;

/// (rows, cols) codes, scales and zeros in the device layout; owns nothing, trivially copyable. `data` is on the device
/// and aligned to 16 bytes.
struct device_matrix {
  std::uint8_t const* data = nullptr;
  int rows = 0;
  int cols = 0;
  int bits = 0;
  int group = 0;

  __host__ __device__ constexpr int tiles() const {
    return (rows + device_layout::tile_rows - 1) / device_layout::tile_rows;
  }
  __host__ __device__ constexpr int spans() const {
    return (cols + device_layout::span_inputs - 1) / device_layout::span_inputs;
  }
};

inline tile_layout layout_of(device_matrix const& w) { return {w.bits, w.group}; }

inline void expect_aligned(void const* pointer, char const* name) { expect_on_device(pointer, 16, name); }

/// Throws precondition_error unless kernels can read the matrix: a width and a group that there are, a shape that the
/// group divides, data that is there and aligned.
inline void expect_readable(device_matrix const& w) {
  AMQ_EXPECTS(w.rows > 0 && w.cols > 0, "a matrix on the device has at least one row and one input, not (" +
                                            std::to_string(w.rows) + ", " + std::to_string(w.cols) + ")");
  AMQ_EXPECTS(tile_layout::refusal(format{w.bits, w.group}, w.cols).empty(),
              tile_layout::refusal(format{w.bits, w.group}, w.cols));
  expect_aligned(w.data, "the data of a matrix on the device");
}

}  // namespace amq::cuda
