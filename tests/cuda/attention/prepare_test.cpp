#include "amq/cuda/attention/prepare.cuh"

#include <cmath>
#include <vector>

#include "cuda/support/device_values.hpp"
#include "cuda/support/host_library.hpp"
#include "support/catch.hpp"

namespace amq::cuda {
namespace {

constexpr float epsilon = 1e-6f;
constexpr int capacity = 70;

/// A pass of two sequences, with a row of nobody between and after them.
struct pass_case {
  head_shape shape;
  bool biases;
  bool norms;
  std::vector<int> rows{3, 2}, past{0, 61}, first_rows{0, 4};
  static constexpr int all_rows = 7;

  std::size_t query_width() const { return static_cast<std::size_t>(shape.heads * shape.size); }
  std::size_t key_width() const { return static_cast<std::size_t>(shape.kv_heads * shape.size); }
  std::vector<float> query() const { return wave(all_rows * query_width(), 0.1, 2); }
  std::vector<float> key() const { return wave(all_rows * key_width(), 0.5, 2); }
  std::vector<float> value() const { return wave(all_rows * key_width(), 0.9, 2); }
  std::vector<float> query_bias() const { return wave(query_width(), 1.3); }
  std::vector<float> key_bias() const { return wave(key_width(), 1.7); }
  std::vector<float> value_bias() const { return wave(key_width(), 2.1); }
  std::vector<float> query_norm() const { return wave(static_cast<std::size_t>(shape.size), 2.3); }
  std::vector<float> key_norm() const { return wave(static_cast<std::size_t>(shape.size), 2.7); }
  std::vector<float> frequencies() const { return host_rope_frequencies(1000, shape.size); }
  std::size_t cache_numbers() const { return 2 * key_width() * capacity; }  // of a block

  /// One row as the host's functions make it.
  std::vector<float> expected_row(std::vector<float> const& all, std::vector<float> const& bias,
                                  std::vector<float> const& norm, int row, int position, bool turned) const {
    auto const first = all.begin() + row * std::ssize(bias);
    std::vector<float> made(first, first + std::ssize(bias));
    for (std::size_t i = 0; i < made.size(); ++i) made[i] += biases ? bias[i] : 0;
    if (norms && !norm.empty()) made = host_rms_norm(made, norm, epsilon);
    return turned ? host_rotate(made, frequencies(), position) : made;
  }
};

template <class Number>
struct prepared {
  std::vector<float> queries, keys, values;
};

template <class Number>
prepared<Number> run(pass_case const& c) {
  stream const on;
  auto const query = on_device(c.query(), on), key = on_device(c.key(), on), value = on_device(c.value(), on);
  auto const query_bias = on_device(c.query_bias(), on), key_bias = on_device(c.key_bias(), on);
  auto const value_bias = on_device(c.value_bias(), on), frequencies = on_device(c.frequencies(), on);
  auto const query_norm = on_device(c.query_norm(), on), key_norm = on_device(c.key_norm(), on);
  std::vector<Number> const untouched(2 * c.cache_numbers(), from_f32<Number>(77));
  auto const keys = on_device(untouched, on), values = on_device(untouched, on);
  auto const queries = on_device(std::vector<Number>(pass_case::all_rows * c.query_width(), from_f32<Number>(77)), on);
  std::vector<sequence_rows<Number>> sequences;
  for (std::size_t s = 0; s < 2; ++s) {
    auto const offset = s * c.cache_numbers() / 2;
    sequences.push_back(
        {c.first_rows[s], c.rows[s], c.past[s], capacity, keys.data() + offset, values.data() + offset});
  }
  auto const there = on_device(sequences, on);
  projected_rows projected{.query = query.data(), .key = key.data(), .value = value.data()};
  if (c.biases) {
    projected.query_bias = query_bias.data();
    projected.key_bias = key_bias.data();
    projected.value_bias = value_bias.data();
  }
  if (c.norms) {
    projected.query_norm = query_norm.data();
    projected.key_norm = key_norm.data();
  }
  projected.norm_epsilon = epsilon;
  projected.frequencies = frequencies.data();
  sequence_batch<Number> const batch{there.data(), 2, 4, capacity, 2 * c.shape.kv_heads};
  prepare_attention(projected, c.shape, batch, queries.data(), on);
  return {as_f32(on_host(queries, on)), as_f32(on_host(keys, on)), as_f32(on_host(values, on))};
}

/// What the caches and queries hold in the end, 77 where nothing is written.
prepared<float> expected(pass_case const& c) {
  prepared<float> e{std::vector<float>(pass_case::all_rows * c.query_width(), 77),
                    std::vector<float>(2 * c.cache_numbers(), 77), std::vector<float>(2 * c.cache_numbers(), 77)};
  auto const size = static_cast<std::size_t>(c.shape.size);
  for (std::size_t s = 0; s < 2; ++s)
    for (int t = 0; t < c.rows[s]; ++t) {
      int const row = c.first_rows[s] + t, position = c.past[s] + t;
      auto const query = c.expected_row(c.query(), c.query_bias(), c.query_norm(), row, position, true);
      auto const key = c.expected_row(c.key(), c.key_bias(), c.key_norm(), row, position, true);
      auto const value = c.expected_row(c.value(), c.value_bias(), {}, row, position, false);
      std::copy(query.begin(), query.end(), e.queries.begin() + row * static_cast<std::ptrdiff_t>(c.query_width()));
      for (std::size_t i = 0; i < key.size(); ++i) {
        auto const at = c.cache_numbers() + s * c.cache_numbers() / 2 +
                        (i / size * capacity + static_cast<std::size_t>(position)) * size + i % size;
        e.keys[at] = key[i];
        e.values[at] = value[i];
      }
    }
  return e;
}

template <class Number>
void check_close(std::vector<float> const& got, std::vector<float> const& wanted) {
  CHECK(largest_difference(got, wanted) <= 4 * rounding<Number> + 1e-5);  // numbers up to 5 or so
}

}  // namespace

TEMPLATE_TEST_CASE("queries, keys and values are what the host makes of them, each in its place", "[cuda]", float, f16,
                   bf16) {
  for (head_shape const shape : {head_shape{1, 1, 2}, {4, 2, 16}, {3, 1, 64}, {5, 5, 36}, {2, 1, 128}, {1, 1, 160}})
    for (bool const biases : {false, true})
      for (bool const norms : {false, true}) {
        CAPTURE(shape.heads, shape.kv_heads, shape.size, biases, norms);
        pass_case const c{shape, biases, norms};
        auto const got = run<TestType>(c);
        auto const wanted = expected(c);
        check_close<TestType>(got.queries, wanted.queries);
        check_close<TestType>(got.keys, wanted.keys);
        check_close<TestType>(got.values, wanted.values);
      }
}

TEST_CASE("a pass without sequences prepares nothing, heads of odd sizes are refused", "[cuda]") {
  stream const on;
  float* const none = nullptr;
  prepare_attention<float>({}, {2, 2, 4}, {nullptr, 0, 0, 0, 0}, none, on);
  on.synchronize();
  CHECK_THROWS_AS(prepare_attention<float>({}, {2, 2, 5}, {nullptr, 1, 1, 1, 0}, none, on), precondition_error);
  CHECK_THROWS_AS(prepare_attention<float>({}, {3, 2, 4}, {nullptr, 1, 1, 1, 0}, none, on), precondition_error);
}

}  // namespace amq::cuda
