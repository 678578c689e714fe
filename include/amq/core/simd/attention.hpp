// Causal attention with grouped queries and an optional sliding window.
#pragma once

#include <cstddef>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/simd/elementwise.hpp"
#include "amq/core/simd/tile_product.hpp"

#define AMQ_SIMD_BODY "amq/core/simd/detail/attention.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// What attention needs besides its operands.
struct attention_options {
  index heads = 1;     ///< heads of the queries
  index kv_heads = 1;  ///< heads of keys and values; divides `heads` (grouped queries, arXiv 2305.13245)
  float scale = 1;     ///< factor of the scores, usually 1 / sqrt(head_dim)
  index window = 0;    ///< keys that a query sees, its own included (Mistral's sliding window); 0: all before it
};

/// out_i = sum_j softmax_j(scale q_i . k_j) v_j over the keys j <= i, for each head of one sequence: query head h reads
/// key and value head h kv_heads / heads.
///
/// q and out are (tokens, heads head_dim), k and v (tokens, kv_heads head_dim); out overlaps none of them. Work: about
/// 2 heads tokens^2 head_dim multiply-adds halved by causality; the scores of a few rows at a time are held (two
/// passes: exact maximum, then exponentials, 0 below e^-87). A row's result has the same bits whatever finite values
/// follow it. `scratch` is resized as needed: about 2 tokens head_dim + 14 tokens floats; keep it from call to call.
/// Throws precondition_error when the shapes disagree.
inline void causal_attention(matrix_view<float const> q, matrix_view<float const> k, matrix_view<float const> v,
                             matrix_view<float> out, attention_options const& options, std::vector<float>& scratch,
                             isa which = best_isa()) {
  AMQ_EXPECTS(options.kv_heads > 0 && options.heads % options.kv_heads == 0 && q.cols % options.heads == 0,
              "attention needs heads that share keys evenly and queries that divide into heads");
  index const tokens = q.rows, head_dim = q.cols / options.heads, group = options.heads / options.kv_heads;
  AMQ_EXPECTS(k.cols == options.kv_heads * head_dim && v.cols == k.cols && out.cols == q.cols,
              "attention needs keys and values of kv_heads and outputs of heads times the queries' head_dim columns");
  AMQ_EXPECTS(k.rows == tokens && v.rows == tokens && out.rows == tokens,
              "attention needs one row of queries, keys, values and outputs for each token");
  if (tokens == 0) return;
  index const width = panel_cols(which), padded = (tokens + width - 1) / width * width;
  index const key_floats = padded * head_dim, value_floats = packed_size(head_dim, tokens, which);
  scratch.resize(static_cast<std::size_t>(key_floats + value_floats + max_tile_rows * padded));
  float* const keys = scratch.data();
  float* const values = keys + key_floats;
  float* const scores = values + value_floats;
  for (index shared = 0; shared < options.kv_heads; ++shared) {
    AMQ_SIMD_CALL(which, pack_keys(k.data + shared * head_dim, k.stride, tokens, head_dim, keys));
    AMQ_SIMD_CALL(which, pack_values(v.data + shared * head_dim, v.stride, tokens, head_dim, values));
    for (index head = shared * group; head < (shared + 1) * group; ++head) {
      index const column = head * head_dim;
      AMQ_SIMD_CALL(which, attend({q.data + column, q.stride, out.data + column, out.stride, head_dim, options.scale,
                                   options.window},
                                  keys, values, tokens, scores));
    }
  }
}

}  // namespace amq::simd
