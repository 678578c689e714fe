// A layer's Hessian, ordered, damped and factorized on the device: what layers with one input share.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/quantize/gptq_triangle.cuh"
#include "amq/cuda/quantize/solver.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// As `gptq_options` of quantize/gptq.hpp; blocks are of 128 columns.
struct gptq_request {
  double damping = 0.01;       ///< added to the Hessian's diagonal, as a share of its mean; at least 0
  bool act_order = false;      ///< columns with the largest inputs first
  bool static_groups = false;  ///< scales and zeros from the weights as they are
  bool symmetric = false;
};

/// `triangle` (cols, cols) is lower triangular with H = triangle^T triangle for the damped Hessian H in processing
/// order. Position k of the recursion quantizes column order[k]. Move-only.
struct gptq_factor {
  int cols = 0;
  device_buffer<float> triangle;
  device_buffer<float> inverses;  ///< of its blocks on the diagonal, (blocks, 128, 128)
  device_buffer<std::int32_t> device_order;
  device_buffer<std::uint8_t> device_dropped;  ///< by column: 1 where the weights count for 0
  std::vector<std::int32_t> order;
  std::string note;  ///< what the user should know, as one sentence; mostly empty
};

namespace quantizing {

/// The diagonal of H (n, n), on the host. Waits for the stream.
template <class Real>
std::vector<float> diagonal_of(Real const* hessian, int n, cudaStream_t on) {
  std::vector<Real> values(static_cast<std::size_t>(n));
  check(cudaMemcpy2DAsync(values.data(), sizeof(Real), hessian, sizeof(Real) * (values.size() + 1), sizeof(Real),
                          values.size(), cudaMemcpyDeviceToHost, on),
        "cudaMemcpy2DAsync");
  check(cudaStreamSynchronize(on), "cudaStreamSynchronize");
  return {values.begin(), values.end()};
}

/// All columns as they are, or with the largest diagonal of the Hessian (dead columns count as 1) first.
inline std::vector<std::int32_t> processing_order(std::span<float const> diagonal, bool by_diagonal) {
  std::vector<std::int32_t> order(diagonal.size());
  std::iota(order.begin(), order.end(), 0);
  if (!by_diagonal) return order;
  // What is not a number is refused later, but must not upset the order before.
  auto const key = [&](std::int32_t j) {
    float const value = diagonal[static_cast<std::size_t>(j)];
    return value == 0 || value != value ? 1.0f : value;
  };
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return key(a) > key(b); });
  return order;
}

/// One try: whether H is positive definite with `added` on its diagonal. Waits for the stream. Throws input_error where
/// the Hessian is not finite.
template <class Real>
bool factorize_damped(Real const* hessian, double added, cholesky_solver& solver, gptq_factor& factor,
                      device_buffer<hessian_state>& state, cudaStream_t on) {
  int const n = factor.cols;
  hessian_state found{0, 1, ~0ull};
  upload(std::span<hessian_state const>(&found, 1), state.data(), on);
  launch({dim3(pieces(n, 256), static_cast<unsigned>(n)), 256, 0, on}, reverse_hessian_kernel<Real>, hessian,
         factor.device_order.data(), n, added, factor.triangle.data(), state.data());
  solver.factorize(factor.triangle.data(), n, &state.data()->info);
  long long const count = static_cast<long long>(n) * n;
  launch({pieces(count / 2 + 1, 256), 256, 0, on}, reverse_factor_kernel<float>, factor.triangle.data(), count);
  launch({pieces(n, gptq_columns), gptq_columns, sizeof(block_inverse_shared), on}, block_inverses_kernel<float>,
         factor.triangle.data(), n, factor.inverses.data(), state.data());
  download(state.data(), std::span(&found, 1), on);
  check(cudaStreamSynchronize(on), "cudaStreamSynchronize");
  if (found.bad_row != ~0ull)
    throw input_error("row " + std::to_string(found.bad_row) +
                      " of the Hessian is not finite; the activations overflow when squared, so check the model");
  return found.info == 0 && found.bad_pivot != 0;
}

inline std::string damping_note(double wanted, double used) {
  std::ostringstream text;
  text << "the Hessian is not positive definite with a damping of " << wanted << "; it was raised to " << used
       << "; more calibration tokens make it better posed";
  return text.str();
}

/// Order, dropped columns and memory, from the diagonal. Returns the diagonal's mean, dead columns counting as 1.
inline double begin_factor(std::span<float const> diagonal, bool act_order, gptq_factor& factor, cudaStream_t on) {
  factor.order = processing_order(diagonal, act_order);
  std::vector<std::uint8_t> dropped(diagonal.size());
  double sum = 0;
  for (std::size_t j = 0; j < diagonal.size(); ++j) {
    dropped[j] = diagonal[j] == 0;
    sum += diagonal[j] == 0 ? 1.0 : double{diagonal[j]};
  }
  if (std::all_of(dropped.begin(), dropped.end(), [](std::uint8_t one) { return one != 0; })) {
    factor.note = "no calibration token gives an input other than 0, so weights are rounded to nearest";
    std::fill(dropped.begin(), dropped.end(), std::uint8_t{0});
  }
  factor.device_order = uploaded(std::span<std::int32_t const>(factor.order), on);
  factor.device_dropped = uploaded(std::span<std::uint8_t const>(dropped), on);
  factor.triangle = device_buffer<float>(diagonal.size() * diagonal.size(), on);
  factor.inverses =
      device_buffer<float>(std::size_t{pieces(factor.cols, gptq_columns)} * gptq_columns * gptq_columns, on);
  return std::abs(sum) / static_cast<double>(diagonal.size());
}

}  // namespace quantizing

/// Orders and factorizes `hessian` (cols, cols), f32 or f64 on the device. Damps the diagonal by `damping` times its
/// mean, ten times as much where the Hessian is not positive definite then. Waits for the stream. cols^3 / 3 operations
/// each try; memory: 4 cols^2 bytes, which the result keeps. Throws input_error for a Hessian with values that are not
/// finite and for one that no damping makes positive definite.
template <class Real>
gptq_factor factorize_hessian(Real const* hessian, int cols, gptq_request const& how, cholesky_solver& solver,
                              cudaStream_t on) {
  constexpr double least_raised = 1e-3;
  constexpr int most_tries = 12;
  AMQ_EXPECTS(hessian != nullptr && cols > 0,
              "GPTQ needs a Hessian of at least one column, not " + std::to_string(cols));
  AMQ_EXPECTS(how.damping >= 0 && std::isfinite(how.damping),
              "gptq needs a damping of at least 0, not " + std::to_string(how.damping));
  gptq_factor factor;
  factor.cols = cols;
  double const mean = quantizing::begin_factor(quantizing::diagonal_of(hessian, cols, on), how.act_order, factor, on);
  device_buffer<quantizing::hessian_state> state(1, on);
  double damping = how.damping;
  for (int tries = 0; tries < most_tries; ++tries) {
    if (quantizing::factorize_damped(hessian, damping * mean, solver, factor, state, on)) {
      if (tries > 0 && factor.note.empty()) factor.note = quantizing::damping_note(how.damping, damping);
      return factor;
    }
    damping = std::max(10 * damping, least_raised);
  }
  throw input_error("the Hessian is not positive definite, not even with a damping of " + std::to_string(damping / 10) +
                    " times its mean diagonal; it is not X^T X of any inputs");
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
