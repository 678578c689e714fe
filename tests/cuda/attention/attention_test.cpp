#include "amq/cuda/attention/attention.cuh"

#include <cmath>
#include <vector>

#include "cuda/attention/attention_case.hpp"
#include "cuda/support/host_library.hpp"
#include "support/catch.hpp"

namespace amq::cuda {

/// Smaller pieces than by default, so that small cases have many of them.
struct fine_tuning {
  struct many_rows {
    static constexpr int row_warps = 2, key_warps = 1, tile_keys = 32;
    static constexpr bool splits = false;
    static constexpr int most_splits = 1, least_split = 0;
  };
  struct few_rows {
    static constexpr int row_warps = 1, key_warps = 2, tile_keys = 32;
    static constexpr bool splits = true;
    static constexpr int most_splits = 3, least_split = 32;
  };
  static constexpr int few = 40;
};

namespace {

/// Values are up to 1.5; weights and outputs are rounded.
template <class Number>
constexpr double tolerance = 3 * rounding<Number> + 3e-6;

template <class Number, class Tuning = attention_tuning>
void check_attention(head_shape const& shape, int window, std::vector<part> const& parts) {
  CAPTURE(shape.heads, shape.kv_heads, shape.size, window, parts.size(), parts[0].rows, parts[0].past);
  attention_case<Number> const made(shape, window, parts);
  CHECK(largest_difference(made.template attended<Tuning>(), made.expected()) <= tolerance<Number>);
}

}  // namespace

TEMPLATE_TEST_CASE("attention of many rows equals its definition", "[cuda]", float, f16, bf16) {
  check_attention<TestType>({1, 1, 32}, 0, {{17, 0}});
  check_attention<TestType>({2, 2, 64}, 0, {{65, 0}, {64, 0}});
  check_attention<TestType>({4, 2, 64}, 0, {{70, 31}, {1, 0}, {33, 100}});
  check_attention<TestType>({8, 1, 128}, 0, {{20, 3}, {0, 5}, {1, 140}});
  check_attention<TestType>({2, 2, 96}, 0, {{40, 64}});
  check_attention<TestType, fine_tuning>({2, 1, 64}, 0, {{50, 0}, {50, 17}});
}

TEMPLATE_TEST_CASE("attention of few rows to many keys equals its definition", "[cuda]", float, f16, bf16) {
  check_attention<TestType>({2, 2, 64}, 0, {{1, 0}, {1, 63}, {1, 64}, {1, 127}, {1, 128}, {1, 300}});
  check_attention<TestType>({8, 1, 128}, 0, {{2, 130}, {1, 255}});
  check_attention<TestType>({4, 2, 32}, 0, {{3, 70}, {0, 0}, {8, 0}});
  check_attention<TestType>({3, 3, 96}, 0, {{5, 200}});
  check_attention<TestType, fine_tuning>({8, 2, 64}, 0, {{10, 200}, {3, 33}, {1, 0}});  // more than a tile of queries
}

TEMPLATE_TEST_CASE("attention with a window equals its definition", "[cuda]", float, f16, bf16) {
  for (int const window : {1, 2, 16, 37, 64, 65, 1000}) {
    check_attention<TestType>({2, 1, 64}, window, {{100, 0}, {9, 90}});
    check_attention<TestType>({2, 1, 64}, window, {{3, 150}, {1, 0}, {2, 64}});
    check_attention<TestType, fine_tuning>({2, 2, 32}, window, {{40, 37}});
    // Rows of one tile stand on both sides of a tile of keys: some see nothing of the first.
    check_attention<TestType>({2, 1, 64}, window, {{100, 5}});
    check_attention<TestType>({2, 1, 64}, window, {{4, 62}});
  }
}

TEMPLATE_TEST_CASE("heads of other sizes are attended too", "[cuda]", float, f16, bf16) {
  for (int const size : {2, 8, 16, 34, 80, 160, 256}) {
    check_attention<TestType>({2, 1, size}, 0, {{20, 0}, {1, 45}});
    check_attention<TestType>({2, 2, size}, 5, {{7, 40}});
  }
}

TEST_CASE("attention in f32 equals the host's", "[cuda]") {
  constexpr int tokens = 75, heads = 4, kv_heads = 2, size = 48, window = 40;
  attention_case<float> const made({heads, kv_heads, size}, window, {{tokens, 0}});
  std::vector<float> k, v;
  for (int t = 0; t < tokens; ++t)
    for (int head = 0; head < kv_heads; ++head)
      for (int d = 0; d < size; ++d) {
        k.push_back(made.keys[made.cache_index(0, head, t, d)]);
        v.push_back(made.values[made.cache_index(0, head, t, d)]);
      }
  std::vector<float> const q(made.queries.begin(), made.queries.begin() + tokens * heads * size);
  auto const expected = host_attention(q, k, v, heads, kv_heads, size, window);
  auto got = made.attended();
  got.resize(expected.size());  // without the row of nobody
  CHECK(largest_difference(got, expected) < 2e-6);
}

TEMPLATE_TEST_CASE("large scores do not overflow", "[cuda]", float, f16, bf16) {
  attention_case<TestType> made({2, 2, 64}, 0, {{30, 50}, {1, 90}});
  for (auto& x : made.queries) x = from_f32<TestType>(40 * to_f32(x));
  CHECK(largest_difference(made.attended(), made.expected()) <= 3 * tolerance<TestType> + 1e-4);
}

TEMPLATE_TEST_CASE("a sequence's bits depend neither on its neighbours nor on what is announced", "[cuda]", float, f16,
                   bf16) {
  for (int const rows : {1, 33}) {
    CAPTURE(rows);
    attention_case<TestType> const alone({4, 2, 64}, 0, {{rows, 70}});
    auto const expected = alone.attended();
    CHECK(alone.attended(0, 1000) == expected);
    if (rows > 16) CHECK(alone.attended(90, 0) == expected);

    attention_case<TestType> beside({4, 2, 64}, 0, {{rows, 70}, {rows / 2, 200}});
    std::copy_n(alone.queries.begin(), rows * 4 * 64, beside.queries.begin());
    for (int head = 0; head < 2; ++head)
      for (int position = 0; position < 70 + rows; ++position)
        for (int d = 0; d < 64; ++d) {
          auto const from = alone.cache_index(0, head, position, d), to = beside.cache_index(0, head, position, d);
          beside.keys[to] = alone.keys[from];
          beside.values[to] = alone.values[from];
        }
    auto const got = beside.attended();
    CHECK(std::equal(expected.begin(), expected.begin() + rows * 4 * 64, got.begin()));
  }
}

TEST_CASE("a recorded graph attends to whatever the device's array says when it runs", "[cuda]") {
  attention_case<f16> const first({2, 1, 64}, 0, {{1, 20}, {2, 3}}), later({2, 1, 64}, 0, {{2, 280}, {1, 131}});
  stream const on;
  device_buffer<f16> out(later.out_numbers(), on);
  device_buffer<f16> q(later.queries.size(), on), k(later.keys.size(), on), v(later.values.size(), on);
  device_buffer<sequence_rows<f16>> there(2, on);
  attention_workspace workspace;
  sequence_batch<f16> const batch{there.data(), 2, 2, 400, 0};
  workspace.reserve(first.shape, batch, on);
  auto const recorded =
      graph::record(on, [&] { attention(q.data(), first.shape, 0, batch, out.data(), workspace, on); });
  for (auto const* made : {&first, &later}) {
    upload(std::span<f16 const>(made->queries), q.data(), on);
    upload(std::span<f16 const>(made->keys), k.data(), on);
    upload(std::span<f16 const>(made->values), v.data(), on);
    auto sequences = made->sequences(k.data() + made->block_numbers(), v.data() + made->block_numbers());
    upload(std::span<sequence_rows<f16> const>(sequences), there.data(), on);
    recorded.launch(on);
    auto got = as_f32(on_host(out, on));
    auto const expected = made->attended();
    for (std::size_t s = 0; s < 2; ++s) {
      auto const at = made->first_rows[s] * 2 * 64, count = made->parts[s].rows * 2 * 64;
      CHECK(std::equal(got.begin() + at, got.begin() + at + count, expected.begin() + at));
    }
  }
}

TEST_CASE("attention refuses what it has no kernel for", "[cuda]") {
  stream const on;
  attention_workspace workspace;
  sequence_batch<f16> const batch{nullptr, 1, 1, 1, 0};
  f16* const none = nullptr;
  CHECK_THROWS_AS(attention(none, {3, 2, 64}, 0, batch, none, workspace, on), precondition_error);
  CHECK_THROWS_AS(attention(none, {2, 2, 63}, 0, batch, none, workspace, on), precondition_error);
  CHECK_THROWS_AS(attention(none, {2, 2, 258}, 0, batch, none, workspace, on), precondition_error);
  CHECK_THROWS_AS(attention(none, {2, 2, 64}, -1, batch, none, workspace, on), precondition_error);
  attention(none, {2, 2, 64}, 0, {nullptr, 0, 0, 0, 0}, none, workspace, on);
  on.synchronize();
}

TEST_CASE("keys are cut into parts from their number alone", "[cuda]") {
  using tuning = few_rows_tuning;
  auto const parts = [](int begin, int end) { return key_splits<tuning>({begin, end}); };
  STATIC_REQUIRE(parts(0, 1).count() == 1);
  STATIC_REQUIRE(parts(0, 128).count() == 1);
  STATIC_REQUIRE(parts(0, 129).count() == 2);
  STATIC_REQUIRE(parts(0, 64 * 128).count() == 64);
  STATIC_REQUIRE(parts(0, 64 * 128 + 1).part == 192);
  STATIC_REQUIRE(parts(0, 131072).count() == 64);
  for (int const end : {1, 127, 128, 129, 1000, 8191, 8192, 8193, 100001}) {
    auto const cut = parts(64, 64 + end);
    int next = 64;
    for (int i = 0; i < cut.count(); ++i) {
      CHECK(cut[i].begin == next);
      CHECK(cut[i].begin % tuning::tile_keys == 0);
      next = cut[i].end;
    }
    CHECK(next == 64 + end);
    CHECK(attention_workspace::shares_of<tuning>(end) >= cut.count() * tuning::key_warps);
  }
}

}  // namespace amq::cuda
