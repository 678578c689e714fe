// Predictions of ln loss: exact on a belief that is known, and what of a predictor passes through.
#include "amq/predict/log_target.hpp"

#include "amq/predict/gp.hpp"
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
using amq::testing::variances;

using space = amq::format_space;
static_assert(amq::diagnose_predictor<amq::log_target<amq::rbf<>>, space>());
static_assert(amq::uncertain_predictor<amq::log_target<amq::gp<>>, space>);
static_assert(amq::sampling_predictor<amq::log_target<amq::gp<>>, space>);
static_assert(!amq::uncertain_predictor<amq::log_target<amq::rbf<>>, space>);
static_assert(!amq::sampling_predictor<amq::log_target<amq::rbf<>>, space>);
static_assert(!amq::additive_predictor<amq::log_target<amq::gp<>>, space>);

/// Believes that ln loss is the first gene plus `shift`, with variance `spread`; remembers what it was taught.
struct believer {
  using policy_category = amq::predictor_category;
  double shift = 0;
  double spread = 0.25;
  std::vector<double> taught{};

  void fit(space const&, amq::matrix_view<gene const>, std::span<double const> losses) {
    taught.assign(losses.begin(), losses.end());
  }
  void predict(amq::matrix_view<gene const> genes, std::span<double> out) const {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = shift + genes(static_cast<index>(i), 0);
  }
  void variance(amq::matrix_view<gene const>, std::span<double> out) const { std::ranges::fill(out, spread); }
  void draw(amq::matrix_view<gene const>, amq::random_stream& random, std::span<double> out) const {
    std::ranges::fill(out, random.uniform());
  }
  matrix<double> layer_costs() const { return matrix<double>(3, 2); }
  matrix<double> draw_layer_costs(amq::random_stream&) const { return matrix<double>(2, 3); }
};
static_assert(amq::sampling_additive_predictor<amq::log_target<believer>, space>);

matrix<gene> first_genes(index count) {
  matrix<gene> genes(count, 1);
  for (index i = 0; i < count; ++i) genes(i, 0) = static_cast<gene>(i);
  return genes;
}

TEST_CASE("worked example: losses that span four orders of magnitude", "[log_target]") {
  auto const layers = equal_layers(10);
  auto measured = bent_sums(120, 10, 1), fresh = bent_sums(200, 10, 2);
  for (auto* data : {&measured, &fresh})
    for (double& loss : data->losses) loss = std::exp(loss - 8);

  auto const median_error = [&](auto model) {  // as a part of the loss
    model.fit(layers, measured.genes, measured.losses);
    auto errors = predictions(model, fresh.genes);
    for (std::size_t i = 0; i < errors.size(); ++i) errors[i] = std::abs(errors[i] / fresh.losses[i] - 1);
    std::ranges::nth_element(errors, errors.begin() + 100);
    return errors[100];
  };
  CHECK(median_error(amq::log_target<amq::gp<>>()) < 0.1);
  CHECK(median_error(amq::gp<>()) > 0.2);
}

TEST_CASE("ln is taught, exp predicted, and the variance is the log-normal's", "[log_target]") {
  amq::log_target model(believer{.shift = -2, .spread = 0.25});
  auto const genes = first_genes(2);
  model.fit(equal_layers(1), genes, std::vector<double>{0.5, 3});
  CHECK(model.inner().taught == std::vector<double>{std::log(0.5), std::log(3.0)});
  CHECK(predictions(model, genes)[1] == Approx(std::exp(-1.0)));
  CHECK(variances(model, genes)[1] == Approx((std::exp(0.25) - 1) * std::exp(2 * -1 + 0.25)));
}

TEST_CASE("beliefs without bounds and without doubt give finite losses", "[log_target]") {
  auto const genes = first_genes(1);
  amq::log_target const vast(believer{.shift = 1e6, .spread = 1e6});
  CHECK(std::isfinite(predictions(vast, genes)[0]));
  CHECK(std::isfinite(variances(vast, genes)[0]));
  amq::log_target const sure(believer{.shift = 0, .spread = 0});
  CHECK(variances(sure, genes)[0] == 0);
}

TEST_CASE("losses without a logarithm count as a tenth of the least that has one", "[log_target]") {
  amq::log_target<believer> model;
  model.fit(equal_layers(1), first_genes(4), std::vector<double>{0, 5, 2, -1});
  auto const& taught = model.inner().taught;
  CHECK(taught[0] == Approx(std::log(0.2)));
  CHECK(taught[3] == taught[0]);
  CHECK(taught[1] == std::log(5.0));
  model.fit(equal_layers(1), first_genes(2), std::vector<double>{0, -3});
  CHECK(model.inner().taught == std::vector<double>{0, 0});
}

TEST_CASE("draws are exp of draws, layer costs the predictor's own", "[log_target]") {
  amq::log_target<believer> const model;
  amq::random_stream a(1), b(1);
  std::vector<double> drawn(1);
  model.draw(first_genes(1), a, drawn);
  CHECK(drawn[0] == std::exp(b.uniform()));
  CHECK(model.layer_costs().rows() == 3);
  CHECK(model.draw_layer_costs(a).rows() == 2);
}

TEST_CASE("empty sets and losses that are not numbers are refused", "[log_target]") {
  amq::log_target<believer> model;
  CHECK_THROWS_AS(model.fit(equal_layers(1), matrix<gene>(0, 1), {}), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(equal_layers(1), first_genes(1), std::vector<double>{std::nan("")}),
                  amq::precondition_error);
}

}  // namespace
