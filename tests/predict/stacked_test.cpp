// A predictor on another's residual: better than either alone where a sum is bent, and true to its parts.
#include "amq/predict/stacked.hpp"

#include "amq/predict/additive.hpp"
#include "amq/predict/gp.hpp"
#include "amq/predict/log_target.hpp"
#include "amq/predict/rbf.hpp"
#include "support/catch.hpp"
#include "support/fitting_data.hpp"

namespace {

using amq::gene;
using amq::index;
using amq::matrix;
using amq::testing::bent_sums;
using amq::testing::equal_layers;
using amq::testing::predictions;
using amq::testing::root_mean_square_error;
using amq::testing::variances;

using space = amq::format_space;
using additive_and_gp = amq::stacked<amq::additive, amq::gp<>>;
static_assert(amq::diagnose_predictor<additive_and_gp, space>());
static_assert(amq::uncertain_predictor<additive_and_gp, space> && amq::sampling_predictor<additive_and_gp, space>);
static_assert(amq::sampling_additive_predictor<additive_and_gp, space>);
static_assert(amq::additive_predictor<amq::log_target<additive_and_gp>, space>);
static_assert(!amq::uncertain_predictor<amq::stacked<amq::gp<>, amq::rbf<>>, space>);
static_assert(!amq::additive_predictor<amq::stacked<amq::gp<>, amq::rbf<>>, space>);

/// Like bent_sums with layers that matter very unequally, and most at their lowest choice, as measured ones do.
amq::testing::fitting_data uneven_sums(index count, index layers, std::uint64_t seed) {
  amq::random_stream importance(99), noise(seed);
  std::vector<double> weights;
  for (index l = 0; l < layers; ++l) weights.push_back(std::exp(1.5 * importance.normal()));
  auto data = bent_sums(count, layers, seed);
  for (index i = 0; i < count; ++i) {
    double sum = 0;
    for (index l = 0; l < layers; ++l) sum += weights[static_cast<std::size_t>(l)] * std::pow(0.25, data.genes(i, l));
    sum /= static_cast<double>(layers);
    data.losses[static_cast<std::size_t>(i)] = sum + 0.5 * sum * sum + 0.005 * noise.normal();
  }
  return data;
}

TEST_CASE("worked example: a process on what a sum over layers leaves", "[stacked]") {
  auto const layers = equal_layers(40);
  auto const measured = uneven_sums(300, 40, 1), fresh = uneven_sums(200, 40, 2);
  auto const error = [&](auto model) {
    model.fit(layers, measured.genes, measured.losses);
    return root_mean_square_error(predictions(model, fresh.genes), fresh.losses);
  };
  double const both = error(amq::stacked<amq::additive, amq::gp<>>());
  CHECK(both < 0.9 * error(amq::additive()));
  CHECK(both < 0.75 * error(amq::gp<>()));
}

/// Predicts the first loss it was taught, everywhere; draws 100 more.
struct first_loss {
  using policy_category = amq::predictor_category;
  std::vector<double> taught{};

  void fit(space const&, amq::matrix_view<gene const>, std::span<double const> losses) {
    taught.assign(losses.begin(), losses.end());
  }
  void predict(amq::matrix_view<gene const>, std::span<double> out) const { std::ranges::fill(out, taught[0]); }
  void variance(amq::matrix_view<gene const>, std::span<double> out) const { std::ranges::fill(out, taught[1]); }
  void draw(amq::matrix_view<gene const>, amq::random_stream&, std::span<double> out) const {
    std::ranges::fill(out, taught[0] + 100);
  }
};

TEST_CASE("the second predictor learns what the first gets wrong, and speaks for the doubt", "[stacked]") {
  amq::stacked<first_loss, first_loss> model;
  matrix<gene> const genes(2, 1);
  model.fit(equal_layers(1), genes, std::vector<double>{3, 10});
  CHECK(model.base().taught == std::vector<double>{3, 10});
  CHECK(model.residual().taught == std::vector<double>{0, 7});
  CHECK(predictions(model, genes) == std::vector<double>{3, 3});
  CHECK(variances(model, genes) == std::vector<double>{7, 7});
  amq::random_stream random(1);
  std::vector<double> drawn(2);
  model.draw(genes, random, drawn);
  CHECK(drawn == std::vector<double>{103, 103});
}

TEST_CASE("layer costs are the base's", "[stacked]") {
  auto const layers = equal_layers(6);
  auto const data = bent_sums(40, 6, 3);
  additive_and_gp model;
  amq::additive alone;
  model.fit(layers, data.genes, data.losses);
  alone.fit(layers, data.genes, data.losses);
  auto const got = model.layer_costs(), expected = alone.layer_costs();
  REQUIRE(got.size() == expected.size());
  CHECK(std::equal(got.data(), got.data() + got.size(), expected.data()));
  amq::random_stream a(4), b(4);
  auto const drawn = model.draw_layer_costs(a), also = alone.draw_layer_costs(b);
  CHECK(std::equal(drawn.data(), drawn.data() + drawn.size(), also.data()));
}

TEST_CASE("fits in steps give the same bits as one fit of a stack", "[stacked]") {
  auto const layers = equal_layers(6);
  auto const data = bent_sums(60, 6, 5);
  additive_and_gp grown, fresh;
  for (index const n : {20, 45, 60}) grown.fit(layers, data.rows(0, n), data.values(0, n));
  fresh.fit(layers, data.genes, data.losses);
  CHECK(predictions(grown, data.genes) == predictions(fresh, data.genes));
}

TEST_CASE("one point, constant losses and no points at all", "[stacked]") {
  auto const layers = equal_layers(5);
  additive_and_gp model;
  model.fit(layers, matrix<gene>(1, 5), std::vector<double>{2});
  CHECK(predictions(model, matrix<gene>(1, 5))[0] == Approx(2));
  auto const data = bent_sums(30, 5, 6);
  model.fit(layers, data.genes, std::vector<double>(30, 0.7));
  for (double const loss : predictions(model, bent_sums(10, 5, 7).genes)) CHECK(loss == Approx(0.7));
  CHECK_THROWS_AS(model.fit(layers, matrix<gene>(0, 5), {}), amq::precondition_error);
}

}  // namespace
