// Attention: a long prompt, and one new token each of several sequences.
#include <string>
#include <vector>

#include "amq/cuda/attention/attention.cuh"
#include "amq/cuda/convert/convert.cuh"
#include "cuda/data.cuh"
#include "cuda/setting.hpp"
#include "cuda/timing.cuh"

namespace amq::bench {
namespace {

struct attention_case {
  char const* what;
  int sequences;
  int rows;  ///< new ones of each sequence
  int keys;  ///< of each, the new ones included
  cuda::head_shape shape;
};

/// Queries, keys and values of a case as Number.
template <class Number>
class operands {
 public:
  operands(attention_case const& c, cuda::stream const& on)
      : case_(c),
        queries_(random_numbers<Number>(query_numbers(), 7, 1, on)),
        keys_(random_numbers<Number>(cache_numbers(), 8, 1, on)),
        values_(random_numbers<Number>(cache_numbers(), 9, 1, on)),
        out_(query_numbers(), on) {
    std::vector<cuda::sequence_rows<Number>> rows;
    for (int i = 0; i < c.sequences; ++i) {
      auto const offset = cache_numbers() / static_cast<std::size_t>(c.sequences) * static_cast<std::size_t>(i);
      rows.push_back({i * c.rows, c.rows, c.keys - c.rows, c.keys, keys_.data() + offset, values_.data() + offset});
    }
    sequences_ = cuda::uploaded(std::span<cuda::sequence_rows<Number> const>(rows), on);
    poison(out_, on);
  }

  void attend(cuda::stream const& on) {
    cuda::attention(queries_.data(), case_.shape, 0,
                    cuda::sequence_batch<Number>{sequences_.data(), case_.sequences, case_.rows, case_.keys, 0},
                    out_.data(), workspace_, on);
  }
  cuda::device_buffer<float> out_as_f32(cuda::stream const& on) const {
    cuda::device_buffer<float> made(out_.size(), on);
    cuda::convert(out_.data(), made.data(), static_cast<std::int64_t>(out_.size()), on);
    return made;
  }

 private:
  std::size_t query_numbers() const {
    return static_cast<std::size_t>(case_.sequences) * case_.rows * case_.shape.heads * case_.shape.size;
  }
  std::size_t cache_numbers() const {
    return static_cast<std::size_t>(case_.sequences) * case_.keys * case_.shape.kv_heads * case_.shape.size;
  }

  attention_case case_;
  cuda::device_buffer<Number> queries_, keys_, values_, out_;
  cuda::device_buffer<cuda::sequence_rows<Number>> sequences_;
  cuda::attention_workspace workspace_;
};

void measure(attention_case const& c, setting const& s) {
  cuda::stream const on;
  operands<cuda::bf16> tested(c, on);
  operands<float> plain(c, on);
  tested.attend(on);
  plain.attend(on);
  auto const found = tested.out_as_f32(on), expected = plain.out_as_f32(on);
  // bf16 rounds queries, keys and values to 1/256 of themselves.
  expect_close(found, expected, found.size(), 0.2, c.what, on);
  auto const& [heads, kv_heads, size] = c.shape;
  double const past = c.keys - c.rows, pairs = c.rows * (past + (c.rows + 1) / 2.0);
  s.table.add(
      {.what = c.what,
       .shape = std::to_string(c.sequences) + " x " + std::to_string(c.keys) + " keys",
       .tokens = c.sequences * c.rows,
       .seconds = seconds_in_turn(on, 1, [&](int) { tested.attend(on); }),
       .bytes = 2.0 * size * c.sequences * (2.0 * c.keys * kv_heads + 2.0 * c.rows * heads),
       .operations = 4.0 * size * heads * c.sequences * pairs,
       .note = std::to_string(heads) + " heads, " + std::to_string(kv_heads) + " of keys, of " + std::to_string(size)});
}

}  // namespace

void measure_attention(setting const& s) {
  measure({"attention, prompts", 8, 2048, 2048, {32, 32, 128}}, s);
  measure({"attention, prompts", 8, 2048, 2048, {32, 8, 128}}, s);
  measure({"attention, a token", 8, 1, 16384, {32, 32, 128}}, s);
  measure({"attention, a token", 8, 1, 16384, {32, 8, 128}}, s);
}

}  // namespace amq::bench
