// Landscapes against the prototype's tables, formulas written out once more, and what makes them reproducible.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "amq/concepts/evaluator.hpp"
#include "amq/io/safetensors.hpp"
#include "amq/landscape/chain.hpp"
#include "amq/landscape/error_vectors.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

namespace amq::testing {
namespace {

/// Two blocks of four layers and one of three, one layer very sensitive.
sensitivity_table made_up() {
  sensitivity_table table;
  for (int l = 0; l < 11; ++l) {
    table.layers.push_back(
        {"model.layers." + std::to_string(l / 4) + ".l" + std::to_string(l % 4), 128, 128, l / 4, l % 4});
    table.sensitivities.push_back(l == 5 ? 0.2 : 0.01 + 0.001 * l);
  }
  return table;
}

configuration draw(random_stream& random, index layers) {
  configuration genes(static_cast<std::size_t>(layers));
  for (gene& g : genes) g = static_cast<gene>(random.below(3));
  return genes;
}

template <class T>
std::vector<T> tensor(safetensors_file const& file, std::string const& name) {
  for (auto const& t : file.tensors()) {
    if (t.name != name) continue;
    std::vector<T> values(t.bytes.size() / sizeof(T));
    std::memcpy(values.data(), t.bytes.data(), t.bytes.size());
    return values;
  }
  FAIL("no tensor " << name);
  return {};
}

TEST_CASE("unlink undoes link, which is close to its argument at first and ln 2 at last", "[landscape]") {
  for (double const growth : {6.0, 7.0}) {
    for (double const loss : {1e-6, 0.01, 0.2, 0.6}) CHECK(link(unlink(loss, growth), growth) == Approx(loss));
    CHECK(link(1e-6, growth) == Approx(1e-6).epsilon(1e-4));
    CHECK(link(100, growth) == Approx(std::log(2.0)).epsilon(1e-14));
    CHECK(link(0.1, growth) > 0.1);
  }
}

TEST_CASE("the prototype's landscapes are reproduced from their tables", "[landscape][golden]") {
  std::string const data = AMQ_TEST_DATA;
  if (data.empty()) {
    WARN("skipped: no landscapes without AMQ_TEST_DATA");
    return;
  }
  auto const model = read_sensitivities(std::filesystem::path(data + "/data/sensitivity/Llama-2-7b-hf.csv"));
  auto const space = landscape_space(model.layers);
  for (bool const deep : {false, true}) {
    auto options = deep ? deep_landscape : flat_landscape;
    options.noise = 0;
    safetensors_file const file(data + "/golden/landscapes/" + (deep ? "deep" : "flat") + ".safetensors");
    auto const effects = tensor<float>(file, "effects");
    auto const vectors = tensor<float>(file, "vectors");
    error_vector_tables tables{matrix<double>(224, 3), matrix<float>(224 * 3, options.dimensions)};
    std::copy(effects.begin(), effects.end(), tables.effects.data());
    REQUIRE(std::ssize(vectors) == tables.vectors.size());
    std::copy(vectors.begin(), vectors.end(), tables.vectors.data());
    error_vector_landscape const landscape(std::move(tables), model.layers, 1, options);
    auto const genes = tensor<std::uint8_t>(file, "genes");
    auto const bits = tensor<float>(file, "average_bits");
    auto const losses = tensor<float>(file, "loss");
    REQUIRE(losses.size() == 63);
    for (std::size_t i = 0; i < losses.size(); ++i) {
      auto const row = std::span(genes).subspan(224 * i, 224);
      CHECK(landscape.loss(row) == Approx(losses[i]).epsilon(1e-4));
      CHECK(space.average_bits(row) == Approx(bits[i]).epsilon(1e-6));
    }
  }
}

TEST_CASE("effects give each layer alone about its measured loss", "[landscape]") {
  auto const model = made_up();
  random_stream random(3);
  auto const a = layer_effects(model.sensitivities, 6, random);
  double lowest = 0;
  for (index l = 0; l < a.rows(); ++l) {
    CHECK(a(l, 0) >= 1.5 * a(l, 1));
    CHECK(a(l, 1) >= 1.3 * a(l, 2));
    lowest += a(l, 2);
  }
  CHECK(lowest == Approx(unlink(0.01, 6)));
  CHECK(a(5, 0) == Approx(unlink(0.2, 6) - unlink(0.01, 6) + a(5, 2)));
  CHECK(a(5, 1) < a(5, 0) / 6);  // an outlier collapses at 2 bits only
  CHECK_THROWS_AS(layer_effects(std::vector<double>{0.1, 0.7}, 6, random), precondition_error);
  CHECK_THROWS_AS(layer_effects({}, 6, random), precondition_error);
}

TEST_CASE("an error vector landscape sums amplified vectors block by block", "[landscape]") {
  std::vector<linear_layer> const layers{{"a", 1, 1, 0, 0}, {"b", 1, 1, 0, 1}, {"c", 1, 1, 1, 0}};
  error_vector_tables tables{matrix<double>(3, 2), matrix<float>(6, 2)};
  for (index l = 0; l < 3; ++l) {
    tables.effects(l, 0) = 0.04 * static_cast<double>(l + 1);
    tables.effects(l, 1) = 0.01;
    for (index g = 0; g < 2; ++g)
      tables.vectors(2 * l + g, l % 2) = static_cast<float>(std::sqrt(tables.effects(l, g)));
  }
  error_vector_landscape const landscape(std::move(tables), layers, 1, {.growth = 6, .depth = 1.5, .noise = 0});
  double const late = std::exp(0.75 * (0.04 + 0.01)) * std::sqrt(0.12);
  double const first = std::sqrt(0.04) + late, second = std::sqrt(0.01);
  CHECK(landscape.loss(configuration{0, 1, 0}) == Approx(link(first * first + second * second, 6)).epsilon(1e-6));
  CHECK_THROWS_AS(landscape.loss(configuration{0, 1}), precondition_error);
  CHECK_THROWS_AS(landscape.loss(configuration{0, 1, 2}), precondition_error);
}

TEST_CASE("a chain landscape applies pairs, thresholds and the recursion over blocks", "[landscape]") {
  std::vector<linear_layer> const layers{{"a", 1, 1, 0, 0}, {"b", 1, 1, 0, 1}, {"c", 1, 1, 1, 0}};
  auto const with = [&](double weight) {
    chain_tables tables{matrix<double>(3, 2), {{{1, weight}}, {}, {}}, {1}, {0.5, -1}};
    for (index l = 0; l < 3; ++l) tables.effects(l, 0) = 0.02 * static_cast<double>(l + 1), tables.effects(l, 1) = 0.01;
    return chain_landscape(std::move(tables), layers, 1, {.growth = 6, .noise = 0});
  };
  auto const chained = [](double e0, double e1) {
    return link(e0 * (1 - 0.02) + e1 * (1 - 0.3 * std::tanh(4 * e0)), 6);
  };
  CHECK(with(0.5).loss(configuration{0, 0, 1}) == Approx(chained(0.02 * 1.5 + 3 * 0.04, 0.01)));
  CHECK(with(0.5).loss(configuration{0, 1, 0}) == Approx(chained(0.02 + 0.01, 0.06)));
  CHECK(with(0.5).loss(configuration{1, 0, 0}) == Approx(chained(0.01 + 0.04, 0.06)));
  CHECK(with(-2).loss(configuration{0, 0, 1}) == Approx(chained(0.02 * 0.1 + 3 * 0.04, 0.01)));
}

TEST_CASE("what a chain draws lies within its block and the next", "[landscape]") {
  auto const model = made_up();
  auto const tables = detail::draw_chain(model, {}, 4);
  REQUIRE(tables.pairs.size() == 11);
  for (std::size_t l = 0; l < 11; ++l) {
    CHECK(tables.pairs[l].size() == (l < 8 ? 3 : 2));
    for (auto const& [partner, weight] : tables.pairs[l]) {
      CHECK(partner != static_cast<index>(l));
      int const ahead = model.layers[static_cast<std::size_t>(partner)].block - model.layers[l].block;
      CHECK((ahead == 0 || ahead == 1));
      CHECK((weight >= -0.6 && weight <= 1.5));
    }
  }
  REQUIRE(tables.thresholds.size() == 4);
  for (index const l : tables.thresholds) CHECK(l % 4 != 0);
  CHECK(tables.drift.size() == 3);
}

TEMPLATE_TEST_CASE("a landscape is a function of seed and genes, batch or not", "[landscape]", error_vector_landscape,
                   chain_landscape) {
  auto const make = [](std::uint64_t seed) {
    if constexpr (std::is_same_v<TestType, chain_landscape>)
      return chain_landscape(made_up(), seed);
    else
      return error_vector_landscape(made_up(), seed, deep_landscape);
  };
  static_assert(streaming_evaluator<TestType>);
  auto const landscape = make(7), again = make(7), other = make(8);
  random_stream random(1);
  std::vector<configuration> batch;
  for (int i = 0; i < 20; ++i) batch.push_back(draw(random, 11));
  std::vector<measurement> measured(batch.size());
  again.evaluate(batch, measured);
  int different = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    CHECK(landscape.loss(batch[i]) == measured[i].loss);
    CHECK((measured[i].loss > 0 && measured[i].loss < 0.71 && measured[i].error.empty()));
    different += other.loss(batch[i]) != measured[i].loss;
  }
  CHECK(different == 20);
  static_assert(partial_evaluator<TestType>);
  std::vector<measurement> parts(batch.size());
  landscape.evaluate_part(batch, 0.25, parts);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    CHECK(parts[i].loss != measured[i].loss);
    CHECK(parts[i].loss == Approx(measured[i].loss).epsilon(0.05));
  }
  landscape.evaluate_part(batch, 1, parts);
  CHECK(parts[3].loss == measured[3].loss);
  CHECK_THROWS_AS(landscape.evaluate_part(batch, 0, parts), precondition_error);
  std::size_t seen = 0;
  landscape.evaluate_each(batch, [&](std::size_t i, measurement&& m) {
    CHECK(m.loss == measured[i].loss);
    return ++seen < 5;
  });
  CHECK(seen == 5);
}

TEST_CASE("noise has the spread it is given", "[landscape]") {
  auto const model = made_up();
  auto silent = deep_landscape;
  silent.noise = 0;
  error_vector_landscape const noisy(model, 5, deep_landscape), plain(model, 5, silent);
  random_stream random(2);
  double squares = 0;
  int const n = 2000;
  for (int i = 0; i < n; ++i) {
    auto const genes = draw(random, 11);
    squares += std::pow(std::log(noisy.loss(genes) / plain.loss(genes)), 2);
  }
  CHECK(std::sqrt(squares / n) == Approx(deep_landscape.noise).epsilon(0.06));
}

}  // namespace
}  // namespace amq::testing
