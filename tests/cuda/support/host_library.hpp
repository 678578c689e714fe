// The host's own functions, for tests that nvcc may compile: it cannot read the headers of their vector instructions,
// so host_library.cpp always is the host compiler's.
#pragma once

#include <vector>

namespace amq::cuda {

/// RMSNorm of each row of x (rows, weight.size()).
std::vector<float> host_rms_norm(std::vector<float> const& x, std::vector<float> const& weight, float epsilon);

std::vector<float> host_rope_frequencies(double theta, int size);

/// Turns all heads of a row to `position`.
std::vector<float> host_rotate(std::vector<float> const& row, std::vector<float> const& frequencies, int position);

/// q (tokens, heads * size), k and v (tokens, kv_heads * size).
std::vector<float> host_attention(std::vector<float> const& q, std::vector<float> const& k, std::vector<float> const& v,
                                  int heads, int kv_heads, int size, int window);

/// Of rows of `vocabulary` logits.
std::vector<double> host_jsd(std::vector<float> const& reference, std::vector<float> const& candidate, int vocabulary);

}  // namespace amq::cuda
