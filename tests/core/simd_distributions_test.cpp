#include "amq/core/simd/distributions.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/golden_case.hpp"

namespace amq {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

std::vector<float> logits(index n, double amplitude, double phase) {
  std::vector<float> row;
  for (index i = 0; i < n; ++i)
    row.push_back(static_cast<float>(amplitude * std::sin(0.73 * static_cast<double>(i * i % 4093) + phase)));
  return row;
}

double exact_log_sum_exp(std::vector<float> const& x) {
  double largest = -infinity, sum = 0;
  for (float const v : x) largest = std::max(largest, static_cast<double>(v));
  for (float const v : x) sum += std::exp(v - largest);
  return largest + std::log(sum);
}

std::vector<double> exact_logs(std::vector<float> const& x) {
  double const all = exact_log_sum_exp(x);
  std::vector<double> logs;
  for (float const v : x) logs.push_back(v - all);
  return logs;
}

double exact_jensen_shannon(std::vector<float> const& p, std::vector<float> const& q) {
  auto const log_p = exact_logs(p), log_q = exact_logs(q);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    double const a = std::exp(log_p[i]), b = std::exp(log_q[i]), log_m = std::log(std::max((a + b) / 2, 1e-7));
    sum += a * (log_p[i] - log_m) + b * (log_q[i] - log_m);
  }
  return sum / 2;
}

double exact_kl(std::vector<float> const& p, std::vector<float> const& q) {
  auto const log_p = exact_logs(p), log_q = exact_logs(q);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += std::exp(log_p[i]) * (log_p[i] - log_q[i]);
  return sum;
}

std::vector<index> const sizes{1, 3, 7, 8, 15, 16, 17, 31, 33, 100, 129, 2048, 5003};

}  // namespace

TEST_CASE("softmax, log_sum_exp, cross entropy and argmax equal their f64 references", "[simd]") {
  for (auto const which : simd::supported_isas())
    for (index const n : sizes)
      for (double const amplitude : {0.01, 5.0, 300.0}) {
        CAPTURE(to_string(which), n, amplitude);
        auto const x = logits(n, amplitude, 0.4);
        double const all = exact_log_sum_exp(x);
        CHECK(simd::log_sum_exp(x.data(), n, which) == Approx(all).epsilon(1e-6).margin(1e-6));
        CHECK(simd::cross_entropy(x.data(), n / 2, n, which) ==
              Approx(all - x[static_cast<std::size_t>(n / 2)]).epsilon(1e-6).margin(1e-6));
        CHECK(simd::argmax(x.data(), n, which) == std::max_element(x.begin(), x.end()) - x.begin());
        auto soft = x;
        soft.push_back(77);
        simd::softmax_row(soft.data(), n, which);
        double worst = 0;
        for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(soft[i] - std::exp(x[i] - all)));
        CHECK(worst < 2e-6);
        CHECK(soft.back() == 77);
      }
}

TEST_CASE("divergences equal their f64 references, prepared or not", "[simd]") {
  for (auto const which : simd::supported_isas())
    for (index const n : sizes)
      for (double const amplitude : {0.01, 5.0, 300.0}) {
        CAPTURE(to_string(which), n, amplitude);
        auto const p = logits(n, amplitude, 0.4), q = logits(n, amplitude, 0.5);
        double const jsd = exact_jensen_shannon(p, q), kl = exact_kl(p, q);
        CHECK(simd::jensen_shannon(p.data(), q.data(), n, which) == Approx(jsd).margin(1e-6));
        CHECK(simd::kl_divergence(p.data(), q.data(), n, which) == Approx(kl).epsilon(1e-6).margin(2e-6));
        auto e_p = p, e_q = q;
        auto const prepared = simd::exponentiate_row(e_p.data(), n, which);
        CHECK(prepared.summary.log_sum_exp == simd::log_sum_exp(p.data(), n, which));
        CHECK(simd::kl_divergence(prepared, q.data(), which) == simd::kl_divergence(p.data(), q.data(), n, which));
        CHECK(simd::jensen_shannon(prepared, simd::exponentiate_row(e_q.data(), n, which), which) ==
              simd::jensen_shannon(p.data(), q.data(), n, which));
      }
}

TEST_CASE("JSD stays within 2e-6 over a vocabulary of 150,001", "[simd]") {
  index const n = 150'001;
  for (auto const which : simd::supported_isas())
    for (double const amplitude : {0.0, 0.5, 4.0, 12.0, 40.0}) {
      CAPTURE(to_string(which), amplitude);
      auto const p = logits(n, amplitude, 0.4);
      for (double const phase : {0.4, 0.401, 0.6}) {
        auto const q = logits(n, amplitude, phase);
        CHECK(simd::jensen_shannon(p.data(), q.data(), n, which) == Approx(exact_jensen_shannon(p, q)).margin(1e-6));
      }
    }
}

TEST_CASE("JSD equals AMQ's own code on its golden cases", "[simd][golden]") {
  for (std::string const name : {"close", "far", "spiky", "disjoint", "identical", "large_offset"}) {
    testing::golden_case const golden("metrics", "jsd_" + name);
    auto const p = golden.values("logits_p"), q = golden.values("logits_q"), expected = golden.values("per_position");
    std::vector<float> const p32(p.begin(), p.end()), q32(q.begin(), q.end());
    for (auto const which : simd::supported_isas()) {
      CAPTURE(name, to_string(which));
      double total = 0;
      for (std::size_t row = 0; row < expected.size(); ++row) {
        double const jsd = simd::jensen_shannon(p32.data() + row * 50, q32.data() + row * 50, 50, which);
        CHECK(std::abs(jsd - expected[row]) <= 2e-6);
        total += jsd;
      }
      CHECK(std::abs(total / static_cast<double>(expected.size()) - golden.values("mean_all_positions")[0]) <= 1e-6);
    }
  }
}

TEST_CASE("logits of minus infinity are probabilities of zero, NaN stays NaN", "[simd]") {
  for (auto const which : simd::supported_isas()) {
    CAPTURE(to_string(which));
    std::vector<float> const p{1, -infinity, 2, -infinity}, q{2, 0, 1, -infinity}, with_nan{1, NAN, 0, 2};
    std::vector<float> const few{1, 2}, most{-infinity, -infinity, -infinity, 5};
    CHECK(simd::log_sum_exp(p.data(), 4, which) == Approx(exact_log_sum_exp(few)));
    CHECK(simd::log_sum_exp(most.data(), 4, which) == 5);
    CHECK(simd::argmax(most.data(), 4, which) == 3);
    double const jsd = simd::jensen_shannon(p.data(), q.data(), 4, which);
    CHECK((jsd > 0 && jsd < std::log(2.0)));
    CHECK(simd::jensen_shannon(p.data(), most.data(), 4, which) == Approx(std::log(2.0)));
    CHECK(std::isfinite(simd::kl_divergence(p.data(), q.data(), 4, which)));
    CHECK(simd::kl_divergence(q.data(), p.data(), 4, which) == infinity);
    CHECK(std::isnan(simd::log_sum_exp(with_nan.data(), 4, which)));
    CHECK(std::isnan(simd::jensen_shannon(p.data(), with_nan.data(), 4, which)));
    CHECK(std::isnan(simd::kl_divergence(q.data(), with_nan.data(), 4, which)));
  }
}

}  // namespace amq
