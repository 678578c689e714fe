// The log marginal likelihood and its gradient against scikit-learn's values and against differences.
#include "amq/predict/gp_likelihood.hpp"

#include "amq/core/random.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"

namespace {

using amq::index;
using amq::matrix;
using amq::testing::golden_case;

template <class Kernel>
void check_golden(std::string const& name) {
  golden_case const golden("predictor", name);
  auto const points = golden.table("train_x");
  auto const targets = golden.values("train_y");
  for (std::string const run : {"isotropic.", "ard.", "short."}) {
    INFO(name << " " << run);
    amq::gp_hyperparameters const h{golden.values(run + "variance")[0], golden.values(run + "lengths"),
                                    golden.values(run + "noise")[0]};
    auto const got = amq::log_marginal_likelihood<Kernel>(points, targets, h);
    CHECK(got.value == Approx(golden.values(run + "log_marginal_likelihood")[0]).margin(1e-6).epsilon(0));
    CHECK(got.jitter == 0);
    auto const gradient = golden.values(run + "gradient");
    REQUIRE(got.gradient.size() == gradient.size());
    for (std::size_t i = 0; i < gradient.size(); ++i)
      CHECK(got.gradient[i] == Approx(gradient[i]).margin(1e-5).epsilon(0));
  }
}

TEST_CASE("likelihoods and gradients equal scikit-learn's", "[gp]") {
  check_golden<amq::squared_exponential>("gp_rbf");
  check_golden<amq::matern32>("gp_matern32");
  check_golden<amq::matern52>("gp_matern52");
}

struct sample {
  matrix<double> points;
  std::vector<double> targets;
};

sample random_genes(index n, index layers) {
  amq::random_stream random(3);
  sample s{matrix<double>(n, layers), {}};
  for (index i = 0; i < n; ++i) {
    double target = 0;
    for (index l = 0; l < layers; ++l) {
      s.points(i, l) = static_cast<double>(random.below(3));
      target += s.points(i, l) == 1 ? 0.5 : -0.2 * static_cast<double>(l);
    }
    s.targets.push_back(target + 0.1 * random.normal());
  }
  return s;
}

double shifted(sample const& s, amq::gp_hyperparameters h, std::size_t which, double factor) {
  if (which == 0)
    h.variance *= factor;
  else if (which == h.lengths.size() + 1)
    h.noise *= factor;
  else
    h.lengths[which - 1] *= factor;
  return amq::log_marginal_likelihood<amq::hamming>(s.points, s.targets, h).value;
}

TEST_CASE("the Hamming kernel's gradient is what differences say", "[gp]") {
  auto const s = random_genes(40, 4);
  for (auto const& lengths : {std::vector<double>{1.3}, std::vector<double>{0.6, 0.9, 1.5, 2.5}}) {
    amq::gp_hyperparameters const h{1.7, lengths, 0.05};
    auto const got = amq::log_marginal_likelihood<amq::hamming>(s.points, s.targets, h);
    for (std::size_t i = 0; i < got.gradient.size(); ++i) {
      double const step = 1e-5;
      double const difference = shifted(s, h, i, std::exp(step)) - shifted(s, h, i, std::exp(-step));
      CHECK(got.gradient[i] == Approx(difference / (2 * step)).epsilon(1e-6));
    }
  }
}

TEST_CASE("the Hamming kernel counts layers that differ, however far", "[gp]") {
  matrix<double> points(2, 3);
  for (double const other : {1.0, 2.0}) {
    points(1, 0) = points(1, 2) = other;
    auto const got = amq::log_marginal_likelihood<amq::hamming>(points, std::vector<double>{1, 1}, {2, {2, 1, 1}, 0.1});
    double const k = 2 * std::exp(-0.5 * (0.25 + 1)), d = 2.1;
    double const expected = -1 / (d + k) - 0.5 * std::log(d * d - k * k) - std::log(2 * std::numbers::pi);
    CHECK(got.value == Approx(expected));
  }
}

TEST_CASE("a singular covariance is lifted and says by how much", "[gp]") {
  matrix<double> const points(3, 2);  // three times the same point, without noise
  auto const got = amq::log_marginal_likelihood<amq::matern52>(points, std::vector<double>{1, 1, 2}, {1, {1}, 0});
  CHECK(got.jitter >= 1e-10);
  CHECK(got.jitter < 1e-6);
  CHECK(std::isfinite(got.value));
}

TEST_CASE("hyper-parameters and sizes that do not fit are refused", "[gp]") {
  matrix<double> const points(2, 3);
  std::vector<double> const targets{1, 2};
  auto const likelihood = [&](amq::gp_hyperparameters const& h) {
    return amq::log_marginal_likelihood<amq::matern52>(points, targets, h);
  };
  CHECK_THROWS_AS(likelihood({0, {1}, 0.1}), amq::precondition_error);
  CHECK_THROWS_AS(likelihood({1, {1, 1}, 0.1}), amq::precondition_error);
  CHECK_THROWS_AS(likelihood({1, {1, -1, 1}, 0.1}), amq::precondition_error);
  CHECK_THROWS_AS(likelihood({1, {1}, -0.1}), amq::precondition_error);
  CHECK_THROWS_AS(likelihood({1, {1}, std::nan("")}), amq::precondition_error);
  CHECK_THROWS_AS(amq::log_marginal_likelihood<amq::matern52>(points, std::vector<double>{1}, {}),
                  amq::precondition_error);
  matrix<double> odd(2, 1);
  odd(1, 0) = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(amq::log_marginal_likelihood<amq::matern52>(odd, targets, {}), amq::precondition_error);
}

}  // namespace
