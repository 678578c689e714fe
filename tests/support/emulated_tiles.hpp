// AMX's tiles in plain C++, for kernels that take them as a parameter, after the definition in Intel's manual of its
// instruction set. What a processor refuses throws std::logic_error.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/kernel/paths/amx.hpp"

namespace amq::test {

/// What `Unit` of paths::amx has to offer; each operation is there for a tile's number known at run time, too.
class emulated_tiles {
 public:
  explicit emulated_tiles(paths::amx_shapes const& shapes) {
    require(shapes.palette == 1, "palette 1");
    require(shapes.start_line == 0, "no interrupted load to go on with");
    for (std::uint8_t const byte : shapes.reserved) require(byte == 0, "zeros where nothing is defined");
    for (std::size_t i = 0; i < 16; ++i) {
      int const lines = shapes.lines[i], bytes = shapes.line_bytes[i];
      require(lines <= 16 && bytes <= 64, "16 lines of 64 bytes at most");
      require((lines == 0) == (bytes == 0), "lines and bytes, or neither");
      require(i < tiles_.size() || lines == 0, "eight tiles");
      if (i < tiles_.size()) tiles_[i].lines = lines, tiles_[i].bytes = bytes;
    }
  }

  void zero(int number) { usable(number).clear(); }

  void load(int number, void const* from, index stride) {
    auto& to = usable(number);
    to.clear();
    for (int i = 0; i < to.lines; ++i)
      std::memcpy(to.line(i), static_cast<char const*>(from) + i * stride, static_cast<std::size_t>(to.bytes));
  }

  void store(int number, void* to, index stride) const {
    auto const& from = usable(number);
    for (int i = 0; i < from.lines; ++i)
      std::memcpy(static_cast<char*>(to) + i * stride, from.line(i), static_cast<std::size_t>(from.bytes));
  }

  /// Even products and odd ones are summed apart, from zero on, each with one rounding (which sums in f64 have: they
  /// are exact, or one addend is too small to matter); then both, then with the tile. Subnormal numbers count for zero,
  /// before and after.
  void dot_bf16(int sums, int x, int w) {
    auto const [to, a, b] = operands(sums, x, w);
    items<std::uint16_t, double> const left(*a), right(*b);
    for (int i = 0; i < to->lines; ++i)
      for (int j = 0; j < to->bytes / 4; ++j) {
        float apart[2] = {0, 0};
        for (int k = 0; k < a->bytes / 4; ++k)
          for (int odd = 0; odd < 2; ++odd)
            apart[odd] = flushed(static_cast<float>(left[i][2 * k + odd] * right[k][2 * j + odd] + apart[odd]));
        put(*to, i, j, flushed(flushed(get<float>(*to, i, j)) + flushed(apart[0] + apart[1])));
      }
  }

  /// Sums wrap around.
  void dot_int8(int sums, int x, int w) {
    auto const [to, a, b] = operands(sums, x, w);
    items<std::int8_t, int> const left(*a);
    items<std::uint8_t, int> const right(*b);
    for (int i = 0; i < to->lines; ++i)
      for (int j = 0; j < to->bytes / 4; ++j) {
        int sum = 0;
        for (int k = 0; k < a->bytes / 4; ++k)
          for (int byte = 0; byte < 4; ++byte) sum += left[i][4 * k + byte] * right[k][4 * j + byte];
        put(*to, i, j, get<std::uint32_t>(*to, i, j) + static_cast<std::uint32_t>(sum));
      }
  }

  template <int Tile>
  void zero() {
    zero(Tile);
  }
  template <int Tile>
  void load(void const* from, index stride) {
    load(Tile, from, stride);
  }
  template <int Tile>
  void store(void* to, index stride) const {
    store(Tile, to, stride);
  }
  template <int Sums, int X, int W>
  void dot_bf16() {
    dot_bf16(Sums, X, W);
  }
  template <int Sums, int X, int W>
  void dot_int8() {
    dot_int8(Sums, X, W);
  }

 private:
  struct tile {
    int lines = 0;
    int bytes = 0;  ///< of a line
    std::array<std::uint8_t, 16 * 64> data{};

    void clear() { data.fill(0); }
    std::uint8_t* line(int i) { return data.data() + 64 * i; }
    std::uint8_t const* line(int i) const { return data.data() + 64 * i; }
  };

  template <class T>
  static T get(tile const& from, int line, int item) {
    T value;
    std::memcpy(&value, from.line(line) + sizeof(T) * static_cast<std::size_t>(item), sizeof value);
    return value;
  }
  template <class T>
  static void put(tile& to, int line, int item, T value) {
    std::memcpy(to.line(line) + sizeof(T) * static_cast<std::size_t>(item), &value, sizeof value);
  }

  /// A tile's items of type Stored as values.
  template <class Stored, class Value>
  struct items {
    static constexpr int count = 64 / sizeof(Stored);
    Value values[16][count];

    explicit items(tile const& from) {
      for (int i = 0; i < 16; ++i)
        for (int item = 0; item < count; ++item) values[i][item] = value_of(get<Stored>(from, i, item));
    }
    Value const* operator[](int line) const { return values[line]; }
  };

  static void require(bool met, char const* what) {
    if (!met) throw std::logic_error(std::string("an instruction on tiles wants ") + what);
  }

  static float flushed(float v) {
    return std::fabs(v) < std::numeric_limits<float>::min() ? std::copysign(0.0f, v) : v;
  }
  static double value_of(std::uint16_t brain) { return flushed(bf16_to_f32(brain)); }
  static int value_of(std::int8_t byte) { return byte; }
  static int value_of(std::uint8_t byte) { return byte; }

  tile const& usable(int number) const {
    require(number >= 0 && number < 8, "one of eight tiles");
    auto const& found = tiles_[static_cast<std::size_t>(number)];
    require(found.lines > 0, "a tile that has a shape");
    return found;
  }
  tile& usable(int number) { return const_cast<tile&>(std::as_const(*this).usable(number)); }

  struct triple {
    tile* to;
    tile const* a;
    tile const* b;
  };
  triple operands(int sums, int x, int w) {
    require(sums != x && x != w && sums != w, "three different tiles");
    triple const all{&usable(sums), &usable(x), &usable(w)};
    for (tile const* each : {static_cast<tile const*>(all.to), all.a, all.b})
      require(each->bytes % 4 == 0, "lines of whole pairs or quads");
    require(all.to->lines == all.a->lines, "as many lines of sums as of the first operand");
    require(all.to->bytes == all.b->bytes, "as long lines of sums as of the second operand");
    require(all.a->bytes == 4 * all.b->lines, "a line of the second operand for each pair or quad of the first");
    return all;
  }

  std::array<tile, 8> tiles_;
};

}  // namespace amq::test
