// Matrices spread over the lanes of a warp: read from shared memory, and multiplied.
#pragma once

#include <cstdint>
#include <cstring>

#include "shim/copies.hpp"
#include "shim/half.hpp"
#include "shim/meeting.hpp"

namespace shim {

/// A lane's row of eight 16-bit numbers, and the four pairs that it gets.
struct matrix_record {
  std::uint16_t row[8];
  std::uint32_t* result;
};

inline std::uint32_t joined(std::uint32_t low, std::uint32_t high) { return low | high << 16; }

inline matrix_record& matrix_of(meeting& all, unsigned lane) { return *static_cast<matrix_record*>(all.records[lane]); }

inline void rows_to_fragments(meeting& all) {
  for (unsigned lane = 0; lane < warp_lanes; ++lane)
    for (unsigned m = 0; m < 4; ++m) {
      auto const* const row = matrix_of(all, m * 8 + lane / 4).row + lane % 4 * 2;
      matrix_of(all, lane).result[m] = joined(row[0], row[1]);
    }
}

inline void columns_to_fragments(meeting& all) {
  for (unsigned lane = 0; lane < warp_lanes; ++lane)
    for (unsigned m = 0; m < 4; ++m) {
      unsigned const first = m * 8 + lane % 4 * 2, column = lane / 4;
      matrix_of(all, lane).result[m] = joined(matrix_of(all, first).row[column], matrix_of(all, first + 1).row[column]);
    }
}

/// Each lane reads its own row, so that sanitizers know whose read it is.
inline void load_fragments(std::uint32_t (&r)[4], void const* row, void (*operation)(meeting&),
                           std::source_location const& where) {
  require_aligned(row, 16, "load_matrices");
  matrix_record record{{}, r};
  std::memcpy(record.row, row, sizeof(record.row));
  detail::meet(~0u, &record, operation, {where, "load_matrices"});
}

struct product_record {
  float* d;
  std::uint32_t const* a;
  std::uint32_t const* b;
};

/// The fragments of a warp as whole matrices in f32.
template <bool IsF16>
void multiply_all(meeting& all) {
  typedef float row_of_8 __attribute__((vector_size(32), aligned(32)));
  float a[16][16];
  row_of_8 b[16], d[16];
  [[maybe_unused]] float const* const values = f16_values();
  auto const low = [&](std::uint32_t pair) {
    return IsF16 ? values[pair & 0xffffu] : std::bit_cast<float>(pair << 16);
  };
  auto const high = [&](std::uint32_t pair) {
    return IsF16 ? values[pair >> 16] : std::bit_cast<float>(pair & 0xffff0000u);
  };
  for (unsigned lane = 0; lane < warp_lanes; ++lane) {
    auto const& mine = *static_cast<product_record const*>(all.records[lane]);
    unsigned const g = lane / 4, t = lane % 4 * 2;
    for (unsigned i = 0; i < 4; ++i) {
      float* const at = a[g + i % 2 * 8] + t + i / 2 * 8;
      at[0] = low(mine.a[i]);
      at[1] = high(mine.a[i]);
    }
    for (unsigned i = 0; i < 2; ++i) {
      b[t + i * 8][g] = low(mine.b[i]);
      b[t + i * 8 + 1][g] = high(mine.b[i]);
    }
    for (unsigned i = 0; i < 4; ++i) d[g + i / 2 * 8][t + i % 2] = mine.d[i];
  }
  for (unsigned row = 0; row < 16; ++row) {
    row_of_8 sum{};
    for (unsigned k = 0; k < 16; ++k) sum += a[row][k] * b[k];
    d[row] += sum;
  }
  for (unsigned lane = 0; lane < warp_lanes; ++lane) {
    auto const& mine = *static_cast<product_record const*>(all.records[lane]);
    unsigned const g = lane / 4, t = lane % 4 * 2;
    for (unsigned i = 0; i < 4; ++i) mine.d[i] = d[g + i / 2 * 8][t + i % 2];
  }
}

inline void multiply_fragments(float (&d)[4], std::uint32_t const (&a)[4], std::uint32_t const (&b)[2], bool is_f16,
                               std::source_location const& where) {
  product_record record{d, a, b};
  detail::meet(~0u, &record, is_f16 ? &multiply_all<true> : &multiply_all<false>, {where, "multiply_add"});
}

}  // namespace shim
