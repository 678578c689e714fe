// What a transformer does to its rows between two products, vectorised for the processor at hand.
//
// Rows are of n floats and need no alignment. `which` chooses the instruction set; it must be supported. Results are
// the same bits for the same row, whatever was computed before; between sets they differ by rounding.
#pragma once

#define AMQ_SIMD_BODY "amq/core/simd/detail/elementwise.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// out = e^x, elementwise, within 1 ulp (`exp` in detail/vector_math.inl has the corner cases). In place is fine.
inline void exp_row(float const* x, float* out, index n, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, exp_row(x, out, n));
}

/// out = ln x, elementwise, within 1 ulp. In place is fine.
inline void log_row(float const* x, float* out, index n, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, log_row(x, out, n));
}

/// out = x^power, elementwise for x >= 0, within 2 + 2 |power| ulp. In place is fine.
inline void pow_row(float const* x, float power, float* out, index n, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, pow_row(x, power, out, n));
}

/// out = 1 / (1 + e^-x), elementwise, within 2.1 ulp. In place is fine.
inline void sigmoid_row(float const* x, float* out, index n, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, sigmoid_row(x, out, n));
}

/// out = silu(gate) * up, elementwise: SwiGLU (arXiv 2002.05202). `out` may be `gate` or `up`.
inline void silu_multiply(float const* gate, float const* up, float* out, index n, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, silu_multiply(gate, up, out, n));
}

/// y += x: the residual connection.
inline void add(float const* x, float* y, index n, isa which = best_isa()) { AMQ_SIMD_CALL(which, add(x, y, n)); }

/// out = weight * x / sqrt(mean(x^2) + epsilon): RMSNorm (arXiv 1910.07467). `out` may be `x`.
inline void rms_norm(float const* x, float const* weight, float epsilon, float* out, index n, isa which = best_isa()) {
  AMQ_SIMD_CALL(which, rms_norm(x, weight, epsilon, out, n));
}

/// Rotary position embedding (arXiv 2104.09864) of one head of one token in place, in the order of Hugging Face's
/// checkpoints: element i turns with element i + head_dim/2 by the angle whose cosine and sine are `cosines[i]` and
/// `sines[i]`, i < head_dim/2. head_dim is even.
inline void rotate_halves(float* head, float const* cosines, float const* sines, index head_dim,
                          isa which = best_isa()) {
  AMQ_SIMD_CALL(which, rotate_halves(head, cosines, sines, head_dim));
}

}  // namespace amq::simd
