// Body of attention.hpp.

struct attention_problem {
  float const* q;
  index q_stride;
  float* out;
  index out_stride;
  index head_dim;
  float scale;
  index window;
};

/// Keys of all tokens as panels of tile_cols keys, element (k, key), so that scores are a product with them.
inline void pack_keys(float const* k, index k_stride, index tokens, index head_dim, float* panels) {
  for (index first = 0; first < tokens; first += tile_cols, panels += tile_cols * head_dim) {
    index const left = tokens - first;
    pack_panel(k + first * k_stride, k_stride, left < tile_cols ? static_cast<int>(left) : tile_cols, head_dim, panels);
  }
}

/// Values as panels of tile_cols elements of the head, element (token, i), so that outputs are a product with them.
inline void pack_values(float const* v, index v_stride, index tokens, index head_dim, float* panels) {
  for (index first = 0; first < head_dim; first += tile_cols) {
    int const width = head_dim - first < tile_cols ? static_cast<int>(head_dim - first) : tile_cols;
    int const low = lanes_of_vector(width, 0), high = lanes_of_vector(width, 1);
    for (index token = 0; token < tokens; ++token, panels += tile_cols) {
      float const* const source = v + token * v_stride + first;
      load_some(source, low).store(panels);
      load_some(source + low, high).store(panels + f32::width);
    }
  }
}

/// Scores [i, i + width), those outside [first, end) as -infinity.
AMQ_SIMD_INLINE f32 visible_scores(float const* scores, index i, index first, index end) {
  f32 const all = f32::load(scores + i), hidden = f32::broadcast(-std::numeric_limits<float>::infinity());
  if (i >= first && i + f32::width <= end) return all;
  f32 const begun = first > i ? select(first_lanes(lanes(first - i)), hidden, all) : all;
  return select(first_lanes(lanes(end - i)), begun, hidden);
}

/// The largest of the scores [first, end) of one row.
inline float largest_score(float const* scores, index first, index end) {
  f32 largest = f32::broadcast(-std::numeric_limits<float>::infinity());
  for (index i = first / f32::width * f32::width; i < end; i += f32::width)
    largest = max(largest, visible_scores(scores, i, first, end));
  return reduce_max(largest);
}

/// e^x for x <= 0, 0 below -87: results that are not normal numbers take processors a hundred times as long, and what a
/// query does not see is one of them in every row.
AMQ_SIMD_INLINE f32 normal_exp(f32 x) {
  f32 const lowest = f32::broadcast(-87);
  return select(x < lowest, f32::zero(), exp(max(lowest, x)));
}

/// Turns the scores [first, end) of one row into e^(scale (score - largest)), the others of [0, n) into 0, and returns
/// the sum. n is a multiple of f32::width, and a lane always sums the same keys, wherever the row begins and ends.
inline float exponentiate_scores(float* scores, index n, index first, index end, float largest, float scale) {
  index const begin = first / f32::width * f32::width;
  f32 const shift = f32::broadcast(largest), factor = f32::broadcast(scale);
  f32 sum = f32::zero();
  for (index i = begin; i < end; i += f32::width) {
    f32 const e = normal_exp((visible_scores(scores, i, first, end) - shift) * factor);
    e.store(scores + i);
    sum = sum + e;
  }
  for (index i = 0; i < begin; i += f32::width) f32::zero().store(scores + i);
  for (index i = (end + f32::width - 1) / f32::width * f32::width; i < n; i += f32::width)
    f32::zero().store(scores + i);
  return reduce_add(sum);
}

/// One head's outputs for the rows [row, row + rows) of q, rows <= tile_rows; the first of them stands at position
/// `first`, the next `step` (0 or 1) later. Value panels are `capacity` tokens apart. `scores` holds tile_rows rows.
inline void attend_rows(attention_problem const& p, index row, index first, index step, int rows, float const* keys,
                        float const* values, index capacity, float* scores) {
  index const last = first + step * (rows - 1);
  index const oldest = p.window > 0 && first - p.window + 1 > 0 ? first - p.window + 1 : 0;
  index const begin = oldest / tile_cols * tile_cols;  // a panel's first key, hence the same lanes for any tile
  index const count = last + 1 - begin, padded = (count + tile_cols - 1) / tile_cols * tile_cols;
  multiply_panels(p.q + row * p.q_stride, p.q_stride, rows, keys + begin * p.head_dim, tile_cols * p.head_dim,
                  p.head_dim, scores, padded, padded, false);
  // All rows' maxima first: a row's own would be waited for before its exponentials can start.
  float largest[tile_rows], sums[tile_rows];
  index visible[tile_rows];
  for (int r = 0; r < rows; ++r) {
    index const query = first + step * r;
    visible[r] = p.window > 0 && query - p.window + 1 > begin ? query - p.window + 1 - begin : 0;
    largest[r] = largest_score(scores + r * padded, visible[r], query - begin + 1);
  }
  for (int r = 0; r < rows; ++r)
    sums[r] =
        exponentiate_scores(scores + r * padded, padded, visible[r], first + step * r - begin + 1, largest[r], p.scale);
  float* const out = p.out + row * p.out_stride;
  multiply_panels(scores, padded, rows, values + begin * tile_cols, tile_cols * capacity, count, out, p.out_stride,
                  p.head_dim, false);
  for (int r = 0; r < rows; ++r)
    map_rows(multiply_operation{f32::broadcast(1 / sums[r])}, out + r * p.out_stride, p.head_dim,
             out + r * p.out_stride);
}

inline void attend(attention_problem const& p, float const* keys, float const* values, index tokens, float* scores) {
  int rows = 0;
  for (index first = 0; first < tokens; first += rows) {
    rows = next_tile_rows(tokens - first);
    attend_rows(p, first, first, 1, rows, keys, values, tokens, scores);
  }
}
