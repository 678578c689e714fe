// The Gaussian process against scikit-learn's values, against itself without a point, and on data that teach nothing.
#include "amq/predict/gp.hpp"

#include "support/catch.hpp"
#include "support/feature_table_space.hpp"
#include "support/fitting_data.hpp"
#include "support/golden_case.hpp"

namespace {

using amq::gene;
using amq::index;
using amq::matrix;
using amq::testing::bent_sums;
using amq::testing::equal_layers;
using amq::testing::feature_table_space;
using amq::testing::golden_case;
using amq::testing::predictions;
using amq::testing::variances;

using space = amq::format_space;
static_assert(amq::diagnose_predictor<amq::gp<>, space>());
static_assert(amq::uncertain_predictor<amq::gp<amq::hamming>, space> && amq::sampling_predictor<amq::gp<>, space>);

matrix<double> stacked_rows(matrix<double> const& above, matrix<double> const& below) {
  matrix<double> all(above.rows() + below.rows(), above.cols());
  std::copy_n(above.data(), above.size(), all.data());
  std::copy_n(below.data(), below.size(), all.data() + above.size());
  return all;
}

template <class Kernel>
void check_golden(std::string const& name) {
  golden_case const golden("predictor", name);
  auto const train = golden.table("train_x");
  auto const test = golden.table("test_x");
  feature_table_space const table(stacked_rows(train, test));
  auto const queries = feature_table_space::rows(train.rows(), test.rows());
  for (std::string const run : {"isotropic.", "ard.", "short."}) {
    INFO(name << " " << run);
    double const noise = golden.values(run + "noise")[0];
    amq::gp<Kernel> model(
        {.fixed = amq::gp_hyperparameters{golden.values(run + "variance")[0], golden.values(run + "lengths"), noise},
         .standardize = false});
    model.fit(table, feature_table_space::rows(0, train.rows()), golden.values("train_y"));
    auto const mean = predictions(model, queries), variance = variances(model, queries);
    auto const expected_mean = golden.values(run + "mean"), noisy = golden.values(run + "std"),
               latent = golden.values(run + "std_latent");
    for (std::size_t i = 0; i < mean.size(); ++i) {
      CHECK(mean[i] == Approx(expected_mean[i]).margin(1e-8).epsilon(0));
      CHECK(std::sqrt(variance[i]) == Approx(latent[i]).margin(1e-7).epsilon(0));
      CHECK(std::sqrt(variance[i] + noise) == Approx(noisy[i]).margin(1e-7).epsilon(0));
    }
    auto const covariance = model.covariance(queries.view().rows_from(0, 8));
    auto const expected = golden.values(run + "covariance");
    for (index i = 0; i < 64; ++i)
      CHECK(covariance.data()[i] + (i % 9 == 0 ? noise : 0) ==
            Approx(expected[static_cast<std::size_t>(i)]).margin(1e-8).epsilon(0));
  }
}

TEST_CASE("means, deviations and covariances equal scikit-learn's", "[gp]") {
  check_golden<amq::squared_exponential>("gp_rbf");
  check_golden<amq::matern32>("gp_matern32");
  check_golden<amq::matern52>("gp_matern52");
}

TEST_CASE("worked example: a predictor that says how far it may be trusted", "[gp]") {
  auto const layers = equal_layers(12);
  auto const measured = bent_sums(120, 12, 1);
  auto const fresh = bent_sums(200, 12, 2);

  amq::gp<amq::matern52> model({.seed = 7});
  model.fit(layers, measured.genes, measured.losses);
  auto const loss = predictions(model, fresh.genes);
  auto const variance = variances(model, fresh.genes);

  int within_two_deviations = 0;
  for (std::size_t i = 0; i < loss.size(); ++i)
    within_two_deviations += std::abs(loss[i] - fresh.losses[i]) <= 2 * std::sqrt(variance[i] + 1e-4);
  CHECK(within_two_deviations >= 180);
  CHECK(amq::testing::root_mean_square_error(loss, fresh.losses) < 0.05);  // of losses that deviate by 1.3
}

/// k = 1 / (1 + q / 2): a kernel of a user's own.
struct rational_quadratic {
  static constexpr bool of_genes = false;
  static double of_square(double q) { return 1 / (1 + q / 2); }
  static double slope(double q) { return -0.5 * of_square(q) * of_square(q); }
};

TEST_CASE("every kernel learns, a user's own and one that sees no order among choices", "[gp]") {
  auto const layers = equal_layers(6);
  auto const measured = bent_sums(150, 6, 3), fresh = bent_sums(100, 6, 4);
  auto const error = [&](auto model) {
    model.fit(layers, measured.genes, measured.losses);
    return amq::testing::root_mean_square_error(predictions(model, fresh.genes), fresh.losses);
  };
  CHECK(error(amq::gp<amq::squared_exponential>()) < 0.05);
  CHECK(error(amq::gp<amq::matern32>()) < 0.1);
  CHECK(error(amq::gp<rational_quadratic>()) < 0.05);
  CHECK(error(amq::gp<amq::hamming>()) < 0.2);
}

double likelihood_of(matrix<double> const& points, std::vector<double> const& losses,
                     amq::gp_hyperparameters const& h) {
  auto const frame = amq::detail::target_frame::of(losses);
  return amq::log_marginal_likelihood<amq::matern52>(points, frame.targets(losses), h).value;
}

TEST_CASE("learned hyper-parameters are where the likelihood is greatest", "[gp]") {
  auto const layers = equal_layers(3);
  auto const data = bent_sums(60, 3, 5, 0.3);  // 60 is a term of the learning's sequence: all rows count
  matrix<double> points(60, 3);
  for (index i = 0; i < 60; ++i) layers.features(data.genes.row(i), points.row(i));
  amq::gp<> model({.restarts = 0});
  model.fit(layers, data.genes, data.losses);
  auto const best = model.hyperparameters();
  REQUIRE(best.lengths.size() == 3);
  double const value = likelihood_of(points, data.losses, best);
  for (double const factor : {0.5, 0.9, 1.1, 2.0}) {
    CHECK(likelihood_of(points, data.losses, {best.variance * factor, best.lengths, best.noise}) < value);
    CHECK(likelihood_of(points, data.losses, {best.variance, best.lengths, best.noise * factor}) < value);
    auto longer = best.lengths;
    longer[1] *= factor;
    CHECK(likelihood_of(points, data.losses, {best.variance, longer, best.noise}) < value);
  }
}

TEST_CASE("a length for each dimension, or one for all of many", "[gp]") {
  auto const lengths = [](index layers, amq::gp_lengths choice) {
    auto const data = bent_sums(20, layers, 6);
    amq::gp<> model({.lengths = choice, .evaluations = 3});
    model.fit(equal_layers(layers), data.genes, data.losses);
    return model.hyperparameters().lengths.size();
  };
  CHECK(lengths(32, amq::gp_lengths::automatic) == 32);
  CHECK(lengths(33, amq::gp_lengths::automatic) == 1);
  CHECK(lengths(33, amq::gp_lengths::each) == 33);
  CHECK(lengths(4, amq::gp_lengths::shared) == 1);
}

TEST_CASE("fits in steps give the same bits as one fit, and so do changed losses", "[gp]") {
  auto const layers = equal_layers(9);
  auto data = bent_sums(160, 9, 7);
  auto const queries = bent_sums(20, 9, 8);
  amq::gp<> grown({.evaluations = 20});
  auto const check = [&](index n) {
    grown.fit(layers, data.rows(0, n), data.values(0, n));
    amq::gp<> fresh({.evaluations = 20});
    fresh.fit(layers, data.rows(0, n), data.values(0, n));
    CHECK(grown.hyperparameters() == fresh.hyperparameters());
    CHECK(predictions(grown, queries.genes) == predictions(fresh, queries.genes));
    CHECK(variances(grown, queries.genes) == variances(fresh, queries.genes));
  };
  for (index const n : {1, 2, 7, 60, 61, 70, 128, 129, 160}) check(n);
  data.losses[158] += 1;  // past the rows that hyper-parameters are learned from
  check(160);
  data.losses[3] += 1;
  check(160);
  data.genes(5, 5) = static_cast<gene>(2 - data.genes(5, 5) / 2);
  check(160);
  check(40);
}

TEST_CASE("hyper-parameters wait until the data have grown", "[gp]") {
  auto const layers = equal_layers(4);
  auto const data = bent_sums(80, 4, 9, 0.2);
  amq::gp<> model;
  auto const learned = [&](index n) {
    model.fit(layers, data.rows(0, n), data.values(0, n));
    return model.hyperparameters();
  };
  auto const first = learned(60);
  CHECK(learned(74) == first);
  CHECK(learned(75) != first);
}

TEST_CASE("the seed chooses the rows that hyper-parameters are learned from", "[gp]") {
  auto const layers = equal_layers(3);
  auto const data = bent_sums(60, 3, 22, 0.3);
  auto const learned = [&](index rows, std::uint64_t seed) {
    amq::gp<> model({.learned_rows = rows, .restarts = 0, .seed = seed});
    model.fit(layers, data.genes, data.losses);
    return model.hyperparameters();
  };
  CHECK(learned(30, 1) == learned(30, 1));
  CHECK(learned(30, 1) != learned(30, 2));
  CHECK(learned(60, 1) == learned(60, 2));
}

TEST_CASE("a process predicts the same bits whatever batch it is in", "[gp]") {
  auto const data = bent_sums(100, 5, 10);
  amq::gp<> model({.evaluations = 5});
  model.fit(equal_layers(5), data.genes, data.losses);
  auto const queries = bent_sums(70, 5, 11);
  auto const mean = predictions(model, queries.genes), variance = variances(model, queries.genes);
  for (index i = 0; i < 70; ++i) {
    CHECK(predictions(model, queries.rows(i, 1))[0] == mean[static_cast<std::size_t>(i)]);
    CHECK(variances(model, queries.rows(i, 1))[0] == variance[static_cast<std::size_t>(i)]);
  }
}

TEST_CASE("leave-one-out is what a fit without the point says", "[gp]") {
  auto const layers = equal_layers(5);
  auto const data = bent_sums(70, 5, 12);
  amq::gp_options const options{.fixed = amq::gp_hyperparameters{2, {1.5}, 0.01}, .standardize = false};
  amq::gp<> model(options);
  model.fit(layers, data.genes, data.losses);
  auto const all = model.leave_one_out();
  for (index const left : {0, 31, 64, 69}) {
    matrix<gene> genes(69, 5);
    std::vector<double> losses;
    for (index i = 0; i < 70; ++i) {
      if (i == left) continue;
      std::ranges::copy(data.genes.row(i), genes.row(std::ssize(losses)).begin());
      losses.push_back(data.losses[static_cast<std::size_t>(i)]);
    }
    amq::gp<> without(options);
    without.fit(layers, genes, losses);
    CHECK(all.means[static_cast<std::size_t>(left)] == Approx(predictions(without, data.rows(left, 1))[0]));
    CHECK(all.variances[static_cast<std::size_t>(left)] == Approx(variances(without, data.rows(left, 1))[0]));
  }
}

TEST_CASE("standardised leave-one-out is in units of loss", "[gp]") {
  auto data = bent_sums(60, 4, 13);
  amq::gp<> small({.evaluations = 20}), large({.evaluations = 20});
  small.fit(equal_layers(4), data.genes, data.losses);
  auto const before = small.leave_one_out();
  for (double& loss : data.losses) loss = 1024 * loss + 4096;
  large.fit(equal_layers(4), data.genes, data.losses);
  auto const after = large.leave_one_out();
  for (std::size_t i = 0; i < 60; ++i) {
    CHECK(after.means[i] == Approx(1024 * before.means[i] + 4096).epsilon(1e-4));
    CHECK(after.variances[i] == Approx(1024 * 1024 * before.variances[i]).epsilon(0.02));
  }
}

TEST_CASE("draws have the posterior's mean and covariance", "[gp]") {
  auto const data = bent_sums(20, 4, 14);
  auto const queries = bent_sums(3, 4, 15);
  amq::gp<> model;
  model.fit(equal_layers(4), data.genes, data.losses);
  auto const mean = predictions(model, queries.genes);
  auto const covariance = model.covariance(queries.genes);
  index const count = 4000;
  amq::random_stream random(16);
  matrix<double> sums(3, 3);
  std::vector<double> drawn(3), total(3);
  for (index k = 0; k < count; ++k) {
    model.draw(queries.genes, random, drawn);
    for (index i = 0; i < 3; ++i) {
      auto const a = static_cast<std::size_t>(i);
      total[a] += drawn[a] / count;
      for (index j = 0; j < 3; ++j) {
        auto const b = static_cast<std::size_t>(j);
        sums(i, j) += (drawn[a] - mean[a]) * (drawn[b] - mean[b]) / count;
      }
    }
  }
  for (index i = 0; i < 3; ++i) {
    double const deviation = std::sqrt(covariance(i, i));
    CHECK(total[static_cast<std::size_t>(i)] == Approx(mean[static_cast<std::size_t>(i)]).margin(0.06 * deviation));
    for (index j = 0; j < 3; ++j)
      CHECK(sums(i, j) == Approx(covariance(i, j)).margin(0.1 * deviation * std::sqrt(covariance(j, j))));
  }
}

TEST_CASE("a draw gives equal rows equal losses, and equal seeds equal draws", "[gp]") {
  auto const data = bent_sums(30, 4, 17);
  amq::gp<> model;
  model.fit(equal_layers(4), data.genes, data.losses);
  matrix<gene> twice(2, 4);
  std::vector<double> first(2), second(2);
  amq::random_stream a(18), b(18);
  model.draw(twice, a, first);
  model.draw(twice, b, second);
  CHECK(first == second);
  CHECK(first[0] == Approx(first[1]).margin(1e-3));
}

template <class P>
void check_finite(P const& model, matrix<gene> const& queries) {
  for (double const loss : predictions(model, queries)) CHECK(std::isfinite(loss));
  for (double const variance : variances(model, queries)) CHECK((std::isfinite(variance) && variance >= 0));
}

TEST_CASE("training sets that teach little keep predictions finite", "[gp]") {
  auto const layers = equal_layers(8);
  auto const queries = bent_sums(10, 8, 19);
  auto data = bent_sums(40, 8, 20);
  amq::gp<> model;
  SECTION("one point") {
    model.fit(layers, data.rows(0, 1), data.values(0, 1));
    CHECK(predictions(model, data.rows(0, 1))[0] == data.losses[0]);
  }
  SECTION("fewer points than variables") { model.fit(layers, data.rows(0, 6), data.values(0, 6)); }
  SECTION("constant losses, rounding aside") {
    for (double& loss : data.losses) loss = 0.1;
    model.fit(layers, data.genes, data.losses);
    for (double const loss : predictions(model, queries.genes)) CHECK(loss == Approx(0.1));
  }
  SECTION("all rows equal, losses different") {
    model.fit(layers, matrix<gene>(40, 8), data.losses);
    double mean = 0;
    for (double const loss : data.losses) mean += loss / 40;
    CHECK(predictions(model, matrix<gene>(1, 8))[0] == Approx(mean).epsilon(0.02));
  }
  SECTION("losses of any size") {
    for (double& loss : data.losses) loss *= 1e148;
    model.fit(layers, data.genes, data.losses);
  }
  check_finite(model, queries.genes);
}

TEST_CASE("all layers pinned is one point with one loss", "[gp]") {
  auto const layers = equal_layers(3).pin(std::vector<index>{0, 1, 2});
  amq::gp<> model;
  model.fit(layers, matrix<gene>(5, 3), std::vector<double>{1, 3, 2, 1, 3});
  CHECK(predictions(model, matrix<gene>(1, 3))[0] == Approx(2));
}

TEST_CASE("repeated rows without noise are lifted, and the fit says so", "[gp]") {
  auto const layers = equal_layers(3);
  matrix<gene> genes(5, 3);
  genes(1, 0) = genes(2, 1) = genes(3, 2) = 2;  // and the last is the first again
  std::vector<double> const losses{1, 2, 3, 5, 1.5};
  amq::gp<> model({.fixed = amq::gp_hyperparameters{1, {1}, 0}});
  model.fit(layers, genes.view().rows_from(0, 4), std::span(losses).first(4));
  CHECK(model.lifted() == 0);
  model.fit(layers, genes, losses);
  CHECK(model.lifted() == 1);
  check_finite(model, genes);
  CHECK(predictions(model, genes)[3] == Approx(5));
}

TEST_CASE("what cannot be used is refused", "[gp]") {
  auto const layers = equal_layers(2);
  amq::gp<> model;
  std::vector<double> one(1);
  amq::random_stream random(1);
  CHECK_THROWS_AS(model.predict(matrix<gene>(1, 2), one), amq::precondition_error);
  CHECK_THROWS_AS(model.variance(matrix<gene>(1, 2), one), amq::precondition_error);
  CHECK_THROWS_AS(model.draw(matrix<gene>(1, 2), random, one), amq::precondition_error);
  CHECK_THROWS_AS(model.covariance(matrix<gene>(1, 2)), amq::precondition_error);
  CHECK_THROWS_AS(model.leave_one_out(), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(layers, matrix<gene>(0, 2), {}), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(layers, matrix<gene>(1, 2), std::vector<double>{std::nan("")}), amq::precondition_error);
  CHECK_THROWS_AS(model.fit(layers, matrix<gene>(1, 2), std::vector<double>{1e200}), amq::precondition_error);
  CHECK_THROWS_AS(amq::gp<>({.growth = 0.5}), amq::precondition_error);
  CHECK_THROWS_AS(amq::gp<>({.noise = {1, 0.1}}), amq::precondition_error);
  amq::gp<> fixed({.fixed = amq::gp_hyperparameters{1, {1, 1, 1}, 0.1}});
  CHECK_THROWS_AS(fixed.fit(layers, matrix<gene>(1, 2), std::vector<double>{1}), amq::precondition_error);
}

}  // namespace
