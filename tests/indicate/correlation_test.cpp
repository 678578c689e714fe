// Correlations against scipy and scikit-learn, and what constant inputs give.
#include "amq/indicate/correlation.hpp"

#include "amq/core/random.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"

namespace {

using amq::testing::golden_case;

TEST_CASE("rmse, rho, tau and R2 equal scipy's and scikit-learn's", "[correlation]") {
  golden_case const golden("metrics", "correlation");
  for (std::string const name : {"no_ties", "ties_in_both", "heavy_ties", "tiny"}) {
    INFO(name);
    auto const predictions = golden.values(name + ".prediction");
    auto const targets = golden.values(name + ".target");
    auto const expected = golden.values(name + ".rmse_rho_tau_r2");
    CHECK(amq::rmse(predictions, targets) == Approx(expected[0]).margin(1e-10).epsilon(0));
    CHECK(amq::spearman(predictions, targets).value() == Approx(expected[1]).margin(1e-10).epsilon(0));
    CHECK(amq::kendall_tau(predictions, targets).value() == Approx(expected[2]).margin(1e-10).epsilon(0));
    CHECK(amq::r_squared(predictions, targets).value() == Approx(expected[3]).margin(1e-10).epsilon(0));
  }
}

TEST_CASE("a constant side has no correlation", "[correlation]") {
  golden_case const golden("metrics", "correlation");
  auto const constant = golden.values("constant.prediction");
  auto const varying = golden.values("constant.target");
  for (auto const& [a, b] : {std::pair(constant, varying), std::pair(varying, constant)}) {
    CHECK_FALSE(amq::spearman(a, b).has_value());
    CHECK_FALSE(amq::kendall_tau(a, b).has_value());
  }
  CHECK_FALSE(amq::r_squared(varying, constant).has_value());
  CHECK_THROWS_AS(amq::rmse(std::vector<double>{}, std::vector<double>{}), amq::precondition_error);
}

TEST_CASE("tau equals counting all pairs", "[correlation]") {
  amq::random_stream random(5);
  std::vector<double> a, b;
  for (int i = 0; i < 101; ++i) {
    a.push_back(static_cast<double>(random.below(9)));
    b.push_back(a.back() + static_cast<double>(random.below(7)));
  }
  double agreement = 0, a_pairs = 0, b_pairs = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      double const da = a[i] - a[j], db = b[i] - b[j];
      agreement += double((da * db > 0) - (da * db < 0));
      a_pairs += da != 0;
      b_pairs += db != 0;
    }
  CHECK(amq::kendall_tau(a, b).value() == Approx(agreement / std::sqrt(a_pairs) / std::sqrt(b_pairs)).epsilon(1e-12));
}

}  // namespace
