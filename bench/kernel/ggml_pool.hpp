// ggml's quantized products as llama.cpp runs them; in a unit of its own, which is built where ggml is installed.
#pragma once

#include <memory>
#include <string>

#include "amq/core/matrix.hpp"

namespace amq::bench {

/// Matrices in one of ggml's types, and for each a graph of its product with the same activations. Weights lie in the
/// first buffer type whose kernels take them ("CPU_REPACK" for some), which is where llama.cpp loads them to.
class ggml_pool {
 public:
  /// `count` matrices (rows, x.cols) and activations x.
  ggml_pool(std::string const& type, index rows, matrix_view<float const> x, index count, int threads);
  ~ggml_pool();

  /// The product with matrix i.
  void run(index i);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Bytes of a matrix in one of ggml's types.
index ggml_bytes(std::string const& type, index rows, index cols);

}  // namespace amq::bench
