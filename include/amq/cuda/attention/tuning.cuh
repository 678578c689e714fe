// How attention's work is cut up.
#pragma once

namespace amq::cuda {

/// Queries are cut into tiles of 16 * row_warps, a query head of one row each; keys pass in tiles of `tile_keys`, of
/// which key_warps warps take equal shares. Where `splits` is false a block sees all keys of its queries; where it is
/// true keys are cut into at most `most_splits` parts of at least `least_split` keys, a block each.
struct many_rows_tuning {
  static constexpr int row_warps = 4, key_warps = 1, tile_keys = 64;
  static constexpr bool splits = false;
  static constexpr int most_splits = 1, least_split = 0;
};
struct few_rows_tuning {
  static constexpr int row_warps = 1, key_warps = 4, tile_keys = 64;
  static constexpr bool splits = true;
  static constexpr int most_splits = 64, least_split = 128;
};

struct attention_tuning {
  using many_rows = many_rows_tuning;
  using few_rows = few_rows_tuning;  ///< while a sequence's rows, times heads that share keys, are at most few
  static constexpr int few = 16;
};

}  // namespace amq::cuda
