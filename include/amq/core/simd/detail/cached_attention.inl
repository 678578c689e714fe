// Body of cached_attention.hpp; stands on attention.inl, whose panels a cache keeps.

/// Keys of new tokens into the panels, from position `first` on.
inline void append_keys(float const* k, index k_stride, index tokens, index first, index head_dim, float* panels) {
  for (index token = 0; token < tokens; ++token) {
    index const position = first + token;
    float* const column = panels + position / tile_cols * tile_cols * head_dim + position % tile_cols;
    for (index i = 0; i < head_dim; ++i) column[i * tile_cols] = k[token * k_stride + i];
  }
}

/// Values of new tokens into the panels, `capacity` rows each, from position `first` on.
inline void append_values(float const* v, index v_stride, index tokens, index first, index head_dim, index capacity,
                          float* panels) {
  for (index begin = 0; begin < head_dim; begin += tile_cols, panels += capacity * tile_cols) {
    index const width = head_dim - begin < tile_cols ? head_dim - begin : tile_cols;
    for (index token = 0; token < tokens; ++token)
      std::memcpy(panels + (first + token) * tile_cols, v + token * v_stride + begin,
                  sizeof(float) * static_cast<std::size_t>(width));
  }
}

/// `rows` queries; the one of row r stands at position first + step * r, step 0 or 1.
inline void attend_cached(attention_problem const& p, index first, index step, index rows, float const* keys,
                          float const* values, index capacity, float* scores) {
  int count = 0;
  for (index row = 0; row < rows; row += count) {
    count = next_tile_rows(rows - row);
    attend_rows(p, row, first + step * row, step, count, keys, values, capacity, scores);
  }
}
