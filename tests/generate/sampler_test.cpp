#include "amq/generate/sampler.hpp"

#include <array>

#include "support/catch.hpp"
#include "support/files.hpp"

using amq::likely_token;
using amq_test::lacks;
using amq_test::refusal;

namespace {

std::vector<float> const logits{0.0f, 2.0f, -1.0f, 2.0f, 1.0f};

std::vector<std::int32_t> tokens(std::vector<likely_token> const& candidates) {
  std::vector<std::int32_t> all;
  for (auto const& each : candidates) all.push_back(each.token);
  return all;
}

std::vector<std::int32_t> drawn(amq::sampling options, std::uint64_t seed, int count) {
  amq::sampler choose(options, seed);
  std::vector<std::int32_t> all;
  for (int i = 0; i < count; ++i) all.push_back(choose(logits));
  return all;
}

}  // namespace

TEST_CASE("the most likely tokens come first, the lower id among equals", "[generate]") {
  CHECK(tokens(amq::most_likely(logits, 0)) == std::vector<std::int32_t>{1, 3, 4, 0, 2});
  CHECK(tokens(amq::most_likely(logits, 3)) == std::vector<std::int32_t>{1, 3, 4});
  CHECK(tokens(amq::most_likely(logits, 99)).size() == 5);
}

TEST_CASE("temperature divides logits before they are exponentiated", "[generate]") {
  std::vector<likely_token> sorted{{0, 3.0}, {1, 1.0}};
  amq::exponentiate(sorted, 2.0);
  CHECK(sorted[0].weight == 1.0);
  CHECK(sorted[1].weight == Approx(std::exp(-1.0)).epsilon(1e-12));
}

TEST_CASE("the nucleus is the fewest tokens that reach the share", "[generate]") {
  std::vector<likely_token> const sorted{{0, 4.0}, {1, 3.0}, {2, 2.0}, {3, 1.0}};
  CHECK(amq::nucleus(sorted, 0.01) == 1);
  CHECK(amq::nucleus(sorted, 0.4) == 1);
  CHECK(amq::nucleus(sorted, 0.41) == 2);
  CHECK(amq::nucleus(sorted, 0.7) == 2);
  CHECK(amq::nucleus(sorted, 1.0) == 4);
}

TEST_CASE("a uniform number picks the token in whose share it falls", "[generate]") {
  std::vector<likely_token> const candidates{{7, 1.0}, {5, 2.0}, {6, 1.0}};
  CHECK(amq::pick(candidates, 0.0) == 7);
  CHECK(amq::pick(candidates, 0.2499) == 7);
  CHECK(amq::pick(candidates, 0.25) == 5);
  CHECK(amq::pick(candidates, 0.7499) == 5);
  CHECK(amq::pick(candidates, 0.75) == 6);
  CHECK(amq::pick(candidates, 0.999999) == 6);
}

TEST_CASE("the greedy sampler takes the first of the most likely tokens", "[generate]") {
  CHECK(drawn({}, 1, 3) == std::vector<std::int32_t>{1, 1, 1});
}

TEST_CASE("the same seed draws the same tokens, another one others", "[generate]") {
  CHECK(drawn({.temperature = 1}, 5, 50) == drawn({.temperature = 1}, 5, 50));
  CHECK(drawn({.temperature = 1}, 5, 50) != drawn({.temperature = 1}, 6, 50));
}

TEST_CASE("tokens are drawn as often as they are likely, of those that top-k and top-p leave", "[generate]") {
  auto const shares = [](amq::sampling options) {
    std::array<double, 5> share{};
    constexpr int count = 20000;
    for (auto const token : drawn(options, 3, count)) share[static_cast<std::size_t>(token)] += 1.0 / count;
    return share;
  };
  double const all = 2 * std::exp(2.0) + std::exp(1.0) + 1 + std::exp(-1.0);
  auto const plain = shares({.temperature = 1});
  for (std::size_t i = 0; i < logits.size(); ++i)
    CHECK(plain[i] == Approx(std::exp(double{logits[i]}) / all).margin(0.015));
  auto const two = shares({.temperature = 1, .top_k = 2});
  CHECK(two[1] == Approx(0.5).margin(0.015));
  CHECK(two[1] + two[3] == Approx(1.0));
  CHECK(shares({.temperature = 1, .top_p = 0.3})[1] == Approx(1.0));
  CHECK(shares({.temperature = 0.01})[4] == 0.0);
}

TEST_CASE("samplers refuse options out of range and logits that are not numbers", "[generate]") {
  auto const said = [](amq::sampling options) { return refusal([&] { amq::check_sampling(options); }); };
  CHECK(lacks(said({.temperature = -1}), {"temperature of -1", "0"}) == "");
  CHECK(lacks(said({.top_k = -1}), {"top-k is -1"}) == "");
  CHECK(lacks(said({.top_p = 0}), {"top-p is 0"}) == "");
  CHECK(lacks(said({.top_p = 1.5}), {"top-p is 1.5"}) == "");
  std::vector<float> const broken{1.0f, NAN};
  CHECK(lacks(refusal([&] { amq::sampler({}, 1)(broken); }), {"NaN"}) == "");
}
