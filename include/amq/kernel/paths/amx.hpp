// Products of many tokens with packed tiles by AMX, which multiplies 16 tokens with 16 rows an instruction.
//
// Nothing is laid out anew: the vectors that avx512_dot decodes 16 rows into follow each other as the lines of AMX's
// second operand, and a group's activations, token after token, are its first. Two by two tiles of dot products at a
// time run over one group; then, from the first-level cache, they are scaled and added up in f32 as avx512_dot does it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "amq/core/matrix.hpp"
#include "amq/core/tiled_matrix.hpp"
#include "amq/kernel/paths/avx512_dot.hpp"

namespace amq::paths {

/// Lines of AMX's eight tiles and bytes of a line, as `ldtilecfg` reads them: 16 lines of 64 bytes at most (palette 1).
struct amx_shapes {
  std::uint8_t palette = 1;
  std::uint8_t start_line = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t line_bytes[16] = {};
  std::uint8_t lines[16] = {};
};
static_assert(sizeof(amx_shapes) == 64);

}  // namespace amq::paths

#if defined(__x86_64__)

namespace amq::paths {

/// The processor's tiles, the calling thread's from construction to destruction. Assembly, because the compilers'
/// intrinsics take literals alone for a tile's number and do not tell that memory is read.
class amx_tiles {
 public:
  explicit amx_tiles(amx_shapes const& shapes) { asm volatile("ldtilecfg %0" : : "m"(shapes)); }
  amx_tiles(amx_tiles const&) = delete;
  amx_tiles& operator=(amx_tiles const&) = delete;
  ~amx_tiles() { asm volatile("tilerelease"); }

  template <int Tile>
  void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(Tile));
  }

  /// Lines begin `stride` bytes from each other.
  template <int Tile>
  void load(void const* from, index stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(Tile) : "memory");
  }
  template <int Tile>
  void store(void* to, index stride) const {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(Tile) : "memory");
  }

  /// Sums += X W of pairs of bf16.
  template <int Sums, int X, int W>
  void dot_bf16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(X), "i"(W));
  }
  /// Sums += X W of quads of bytes, signed in X and unsigned in W.
  template <int Sums, int X, int W>
  void dot_int8() {
    asm volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(X), "i"(W));
  }
};

#if defined(__clang__)
#pragma clang attribute push(                                                                                         \
        __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx512vbmi,avx2,fma,f16c"))), \
            apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx512vbmi,avx2,fma,f16c")
#endif

namespace detail {

/// Tiles 0 to 3: sums of tokens' tile t and rows' tile r in 2 t + r; 4 and 5: tokens; 6 and 7: rows' codes.
inline amx_shapes sum_shapes(index tokens, int words) {
  amx_shapes shapes;
  int const depth = std::min(words, 16);
  for (int tile = 0; tile < 8; ++tile) {
    shapes.lines[tile] = static_cast<std::uint8_t>(tile < 6 ? tokens : depth);
    shapes.line_bytes[tile] = static_cast<std::uint16_t>(tile == 4 || tile == 5 ? 4 * depth : 64);
  }
  return shapes;
}

template <class Dot, int Sums, int X, int W, class Unit>
void dot_tile(Unit& unit) {
  if constexpr (std::is_same_v<Dot, int8_dot>)
    unit.template dot_int8<Sums, X, W>();
  else
    unit.template dot_bf16<Sums, X, W>();
}

/// dots (a tile's tokens, 32) = a group of one or two tiles of tokens (`second` null: of one) times a panel; the
/// second tile's follow 16 lines after the first's.
template <class Dot, class Unit>
void dot_tiles(Unit& unit, dot_panel const& panel, int words, std::uint8_t const* first, std::uint8_t const* second,
               std::int32_t* dots) {
  constexpr index line = 128;  // bytes, of both tiles of rows
  index const token = 4 * index{words};
  unit.template zero<0>();
  unit.template zero<1>();
  unit.template zero<2>();
  unit.template zero<3>();
  for (int word = 0; word < words; word += 16) {
    unit.template load<6>(panel.vectors + line * word, line);
    unit.template load<7>(panel.vectors + line * word + 64, line);
    unit.template load<4>(first + 4 * word, token);
    dot_tile<Dot, 0, 4, 6>(unit);
    dot_tile<Dot, 1, 4, 7>(unit);
    if (second == nullptr) continue;
    unit.template load<5>(second + 4 * word, token);
    dot_tile<Dot, 2, 5, 6>(unit);
    dot_tile<Dot, 3, 5, 7>(unit);
  }
  unit.template store<0>(dots, line);
  unit.template store<1>(dots + 16, line);
  if (second == nullptr) return;
  unit.template store<2>(dots + 16 * 32, line);
  unit.template store<3>(dots + 16 * 32 + 16, line);
}

/// totals (x's tokens, 32) += a panel times one group, x, in tiles of `step` tokens. The last tile begins early enough
/// to be full; what it has in common with the one before is not added twice.
template <class Dot, class Unit>
void multiply_tokens(Unit& unit, dot_panel const& panel, int words, dot_rows const& x, index step, float* totals) {
  alignas(64) std::int32_t dots[2 * 16 * 32];
  index const last = x.tokens - step;
  for (index token = 0; token < x.tokens; token += 2 * step) {
    index const starts[] = {std::min(token, last), std::min(token + step, last)};
    int const count = token + step < x.tokens ? 2 : 1;
    std::uint8_t const* const values[] = {x.values + starts[0] * 4 * words, x.values + starts[1] * 4 * words};
    dot_tiles<Dot>(unit, panel, words, values[0], count == 2 ? values[1] : nullptr, dots);
    for (int t = 0; t < count; ++t)
      for (index i = token + t * step; i < starts[t] + step; ++i) {
        std::int32_t const* const sums = dots + 32 * (16 * t + i - starts[t]);
        store_token<Dot>((typename Dot::sum)_mm512_load_si512(sums), (typename Dot::sum)_mm512_load_si512(sums + 16),
                         panel, x.sums[i], x.scales + (Dot::scaled ? i : 0), totals + 32 * i);
      }
  }
}

}  // namespace detail

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

/// `Dot`: detail::bf16_dot or detail::int8_dot. `Unit` executes tiles: amx_tiles, or what stands in for it in a test.
template <class Dot, int Bits, class Unit = amx_tiles>
struct amx {
  /// y (tokens, rows) = x w^T for the rows of tiles [first, last). An element's bits depend on its token and its row;
  /// those of int8 are avx512_dot's.
  static void gemm(tiled_view const& w, dot_rows const& x, matrix_view<float> y, index first, index last) {
    constexpr index most = 128;  // tokens: their activations stay in the second-level cache, their totals in the first
    for (index token = 0; token < x.tokens; token += most)
      multiply_some(w, x, token, y.rows_from(token, std::min(most, x.tokens - token)), first, last);
  }

 private:
  static void multiply_some(tiled_view const& w, dot_rows const& x, index token, matrix_view<float> y, index first,
                            index last) {
    int const words = w.layout.group / 4 * Dot::quad_vectors;
    index const tiles = (y.rows + 15) / 16, step = (y.rows + tiles - 1) / tiles;
    matrix<float> totals(y.rows, 2 * tile_layout::tile_rows);
    detail::dot_panel panel{};
    Unit unit(detail::sum_shapes(step, words));
    for (index tile = first; tile < last; tile += 2) {
      std::fill_n(totals.data(), totals.size(), 0.0f);
      for (index g = 0; g < w.groups(); ++g) {
        for (int half = 0; half < 2; ++half)
          detail::decode_block<Dot, Bits>(w.block(std::min(tile + half, last - 1), g), w.layout.group, half, panel);
        index const at = g * x.tokens + token;
        dot_rows const group{x.values + 4 * words * at, x.scales + (Dot::scaled ? at : 0), x.sums + at, y.rows};
        detail::multiply_tokens<Dot>(unit, panel, words, group, step, totals.data());
      }
      index const row = tile * tile_layout::tile_rows;
      index const rows = std::min(std::min(last, tile + 2) * tile_layout::tile_rows, w.rows) - row;
      for (index i = 0; i < y.rows; ++i) std::copy_n(totals.row(i).data(), rows, y.data + i * y.stride + row);
    }
  }
};

}  // namespace amq::paths
#endif
