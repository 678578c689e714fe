// Tests between strategies against scipy 1.17's values, and the running time and quartiles of a few runs.
#include <cmath>
#include <limits>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/indicate/bands.hpp"
#include "amq/indicate/expected_running_time.hpp"
#include "amq/indicate/friedman.hpp"
#include "amq/indicate/wilcoxon.hpp"
#include "support/catch.hpp"

namespace amq::testing {
namespace {

using values = std::vector<double>;

TEST_CASE("signed ranks are exact for few pairs without ties, as scipy's", "[wilcoxon]") {
  values const a6{-0.8019, -1.3244, -0.2484, 0.4204, 1.136, 0.1097};
  values const b6{-1.544, -2.2522, 0.0506, 1.4282, 1.0542, -1.177};
  auto const six = wilcoxon_signed_rank(a6, b6);
  CHECK(six.exact);
  CHECK(six.rank_sum_other == 7);
  CHECK(six.rank_sum == 14);
  CHECK(six.p_value == Approx(0.5625).epsilon(1e-12));
  values const a10{-0.9583, 1.6, 0.2029, -1.7321, -0.0837, -1.1632, -0.6293, -0.488, -0.7133, 0.5534};
  values const b10{-1.3088, 0.8285, 0.2306, -1.3682, -1.6981, -1.6686, -1.7139, -0.9265, -2.0448, 0.27};
  auto const ten = wilcoxon_signed_rank(a10, b10);
  CHECK(ten.p_value == Approx(0.01953125).epsilon(1e-12));
  CHECK(wilcoxon_signed_rank(b10, a10).p_value == ten.p_value);
  values rising, zeros(50, 0.0);
  for (int i = 1; i <= 50; ++i) rising.push_back(i);
  CHECK(wilcoxon_signed_rank(rising, zeros).p_value == Approx(std::pow(0.5, 49)).epsilon(1e-12));
}

TEST_CASE("signed ranks with ties or many pairs are normal with corrections, as scipy's", "[wilcoxon]") {
  values const d12{1, -1, 2, 2, 3, 0, 4, -2, 5, 5, 6, 1};
  auto const tied = wilcoxon_signed_rank(d12, values(12, 0.0));
  CHECK_FALSE(tied.exact);
  CHECK(tied.pairs == 11);
  CHECK(tied.rank_sum_other == 7);
  CHECK(tied.p_value == Approx(0.022763792078605412).epsilon(1e-10));
  values d60;
  for (int i = 0; i < 60; ++i) d60.push_back(((i * 37) % 61 - 22) / 10.0);
  auto const many = wilcoxon_signed_rank(d60, values(60, 0.0));
  CHECK(many.rank_sum_other == 474.5);
  CHECK(many.p_value == Approx(0.001968782136114518).epsilon(1e-10));
}

TEST_CASE("differences below the threshold are ties", "[wilcoxon]") {
  values const a{0.5, 0.9, 0.3, 0.7}, b{0.4995, 0.8, 0.3005, 0.5};
  CHECK(wilcoxon_signed_rank(a, b).pairs == 4);
  auto const coarse = wilcoxon_signed_rank(a, b, 0.001);
  CHECK(coarse.pairs == 2);
  CHECK(coarse.p_value == Approx(0.5));
  CHECK(wilcoxon_signed_rank(a, b, 1).p_value == 1);
  CHECK(wilcoxon_signed_rank({}, {}).p_value == 1);
  CHECK_THROWS_AS(wilcoxon_signed_rank(a, values{1}), precondition_error);
  CHECK_THROWS_AS(wilcoxon_signed_rank(values{std::nan("")}, values{1}), precondition_error);
}

TEST_CASE("Friedman's test equals scipy's, pairs are corrected by Holm", "[friedman]") {
  double v[] = {.81, .72, .65, .70, .71, .60, .92, .90, .90, .55, .50, .52, .77, .60, .61, .66, .64, .60};
  auto const result = friedman_test(matrix_view<double const>(v, 6, 3));
  CHECK(result.statistic == Approx(6.869565217391299).epsilon(1e-12));
  CHECK(result.p_value == Approx(0.03223241651740552).epsilon(1e-10));
  CHECK(result.f_p_value == Approx(0.014284486278382202).epsilon(1e-10));
  CHECK(result.mean_ranks[0] == Approx(7.0 / 6));
  CHECK(result.mean_ranks[1] == Approx(2.25));
  REQUIRE(result.pairs.size() == 3);
  CHECK(result.pairs[0].p_value == Approx(2 * 0.06060196971200607).epsilon(1e-10));
  CHECK(result.pairs[1].p_value == Approx(3 * 0.014137969455911462).epsilon(1e-10));
  CHECK(result.pairs[2].p_value == Approx(0.5637028616507728).epsilon(1e-10));
  CHECK(result.pairs[2].second == 2);
}

TEST_CASE("Friedman's test of equal and of identically ordered treatments", "[friedman]") {
  double equal[] = {1, 1, 2, 2};
  CHECK(friedman_test(matrix_view<double const>(equal, 2, 2)).p_value == 1);
  double ordered[] = {3, 2, 1, 9, 8, 7};
  auto const result = friedman_test(matrix_view<double const>(ordered, 2, 3));
  CHECK(result.statistic == Approx(4));
  CHECK(result.f_p_value == 0);
  CHECK_THROWS_AS(friedman_test(matrix_view<double const>(ordered, 1, 6)), precondition_error);
  ordered[0] = std::nan("");
  CHECK_THROWS_AS(friedman_test(matrix_view<double const>(ordered, 2, 3)), precondition_error);
}

TEST_CASE("Holm's steps never fall and stop at 1", "[friedman]") {
  CHECK(holm_adjusted(values{0.01, 0.04, 0.03}) == values{0.03, 0.06, 0.06});
  CHECK(holm_adjusted(values{0.9, 0.6}) == values{1, 1});
  CHECK(holm_adjusted({}).empty());
}

TEST_CASE("expected running time counts the evaluations of runs that failed", "[running_time]") {
  values const evaluations{10, 20, 30};
  std::vector<attempt> const attempts{first_reach(evaluations, values{0.1, 0.5, 0.9}, 0.5),
                                      first_reach(evaluations, values{0.1, 0.2, 0.3}, 0.5),
                                      first_reach(evaluations, values{0.6, 0.7, 0.8}, 0.5)};
  CHECK(attempts[0].evaluations == 20);
  CHECK_FALSE(attempts[1].reached);
  CHECK(expected_running_time(attempts).value() == Approx((20 + 30 + 10) / 2.0));
  CHECK_FALSE(expected_running_time(std::span(attempts).subspan(1, 1)).has_value());
  CHECK_FALSE(expected_running_time({}).has_value());
  CHECK_THROWS_AS(first_reach({}, {}, 1), precondition_error);
}

TEST_CASE("bands are the quartiles of each column", "[bands]") {
  double v[] = {1, 40, 2, 30, 3, 20, 4, 10, 5, 0};
  auto const bands = quartile_bands(matrix_view<double const>(v, 5, 2));
  REQUIRE(bands.size() == 2);
  CHECK(bands[0].lower == 2);
  CHECK(bands[0].median == 3);
  CHECK(bands[0].upper == 4);
  CHECK(bands[1].lower == 10);
  CHECK(bands[1].upper == 30);
}

}  // namespace
}  // namespace amq::testing
