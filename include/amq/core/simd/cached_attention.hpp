// Attention of new tokens against the keys and values of all tokens before them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/simd/attention.hpp"

#define AMQ_SIMD_BODY "amq/core/simd/detail/cached_attention.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// Where keys and values of one sequence and one block lie, in the order that the kernels read; owns nothing. `data`
/// holds floats() zeroes at first.
struct cached_attention {
  float* data = nullptr;
  index capacity = 0;  ///< tokens
  index kv_heads = 1;
  index head_dim = 0;
  isa which = isa::portable;  ///< decides the order: append and attend with the set that the cache was made for

  index padded_capacity() const { return (capacity + panel_cols(which) - 1) / panel_cols(which) * panel_cols(which); }
  index key_floats() const { return padded_capacity() * head_dim; }
  index value_floats() const { return packed_size(head_dim, capacity, which); }
  index floats() const { return kv_heads * (key_floats() + value_floats()); }
  float* keys(index head) const { return data + head * (key_floats() + value_floats()); }
  float* values(index head) const { return keys(head) + key_floats(); }
};

/// Stores keys and values (tokens, kv_heads head_dim) of the tokens at positions first, first + 1, ...
inline void append(cached_attention const& cache, index first, matrix_view<float const> k, matrix_view<float const> v) {
  AMQ_EXPECTS(k.cols == cache.kv_heads * cache.head_dim && v.cols == k.cols && v.rows == k.rows,
              "a cache takes keys and values of kv_heads head_dim columns, one row a token");
  AMQ_EXPECTS(first >= 0 && first + k.rows <= cache.capacity,
              "a cache of " + std::to_string(cache.capacity) + " tokens cannot hold " + std::to_string(first + k.rows));
  for (index head = 0; head < cache.kv_heads; ++head) {
    index const column = head * cache.head_dim;
    AMQ_SIMD_CALL(cache.which, append_keys(k.data + column, k.stride, k.rows, first, cache.head_dim, cache.keys(head)));
    AMQ_SIMD_CALL(cache.which, append_values(v.data + column, v.stride, v.rows, first, cache.head_dim, cache.capacity,
                                             cache.values(head)));
  }
}

/// All that one cache holds into another of the same shape and a greater capacity.
inline void copy(cached_attention const& from, cached_attention const& to) {
  AMQ_EXPECTS(from.kv_heads == to.kv_heads && from.head_dim == to.head_dim && from.which == to.which &&
                  from.capacity <= to.capacity,
              "a cache is copied into one of its shape with at least its capacity");
  index const panel = panel_cols(from.which);
  for (index head = 0; head < from.kv_heads; ++head) {
    std::copy_n(from.keys(head), from.key_floats(), to.keys(head));
    for (index first = 0; first < from.head_dim; first += panel)
      std::copy_n(from.values(head) + first * from.capacity, panel * from.capacity,
                  to.values(head) + first * to.capacity);
  }
}

/// What causal_attention gives for the queries at positions first, first + 1, ..., bit for bit, from a cache that holds
/// all keys and values up to the last of them: the heads [shared * group, (shared + 1) * group) that read key and value
/// head `shared`. q and out are (tokens, heads head_dim). Work: 2 group tokens (first + tokens) head_dim multiply-adds;
/// a single token's heads read the keys once together. `scratch` is resized as needed.
inline void attend_cached_head(cached_attention const& cache, index shared, index first, matrix_view<float const> q,
                               matrix_view<float> out, attention_options const& options, std::vector<float>& scratch) {
  AMQ_EXPECTS(options.kv_heads == cache.kv_heads && options.heads % options.kv_heads == 0 &&
                  q.cols == options.heads * cache.head_dim && out.cols == q.cols && out.rows == q.rows,
              "attention against a cache needs heads that share its keys evenly, and outputs as wide as queries");
  AMQ_EXPECTS(first + q.rows <= cache.capacity, "queries stand beyond the cache's last token");
  index const group = options.heads / options.kv_heads, size = cache.head_dim;
  scratch.resize(static_cast<std::size_t>(max_tile_rows * cache.padded_capacity()));
  auto const attend = [&](index head, index q_stride, index out_stride, index step, index rows) {
    AMQ_SIMD_CALL(cache.which, attend_cached({q.data + head * size, q_stride, out.data + head * size, out_stride, size,
                                              options.scale, options.window},
                                             first, step, rows, cache.keys(shared), cache.values(shared),
                                             cache.capacity, scratch.data()));
  };
  if (q.rows == 1) return attend(shared * group, size, size, 0, group);
  for (index head = shared * group; head < (shared + 1) * group; ++head) attend(head, q.stride, out.stride, 1, q.rows);
}

}  // namespace amq::simd
