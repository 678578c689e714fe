#include "amq/core/statistics.hpp"

#include "support/catch.hpp"

TEST_CASE("mean, standard error, median and quantiles of a small sample") {
  std::vector<double> const sample{4, 1, 3, 2};
  CHECK(amq::mean(sample) == 2.5);
  CHECK(amq::standard_error(sample) == Approx(std::sqrt(5.0 / 3.0 / 4.0)));
  CHECK(amq::median(sample) == 2.5);
  CHECK(amq::quantile(sample, 0) == 1);
  CHECK(amq::quantile(sample, 1) == 4);
  CHECK(amq::quantile(sample, 0.99) == Approx(3.97));  // numpy.quantile([1, 2, 3, 4], .99)
  CHECK(amq::median(std::vector<double>{5, 1, 9}) == 5);
}

TEST_CASE("what a sample is too small for is not a number, or refused") {
  std::vector<double> const one{2};
  CHECK(std::isnan(amq::standard_error(one)));
  CHECK(std::isnan(amq::mean({})));
  CHECK_THROWS_AS(amq::quantile({}, 0.5), amq::precondition_error);
  CHECK_THROWS_AS(amq::quantile(one, 1.5), amq::precondition_error);
}
