#include "amq/cuda/head/losses.cuh"

#include <cmath>
#include <limits>
#include <vector>

#include "cuda/support/device_values.hpp"
#include "cuda/support/host_library.hpp"
#include "support/catch.hpp"

namespace amq::cuda {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

std::vector<double> exact_logs(float const* x, int n) {
  double largest = -static_cast<double>(infinity), sum = 0;
  for (int i = 0; i < n; ++i) largest = std::max(largest, static_cast<double>(x[i]));
  for (int i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[i]) - largest);
  std::vector<double> logs;
  for (int i = 0; i < n; ++i) logs.push_back(static_cast<double>(x[i]) - largest - std::log(sum));
  return logs;
}

/// p (ln p - other), 0 where p is 0.
double term(double log_p, double other) { return std::exp(log_p) == 0 ? 0 : std::exp(log_p) * (log_p - other); }

double exact_loss(device_loss loss, float const* p, float const* q, std::int32_t next, int n) {
  auto const log_q = exact_logs(q, n);
  if (loss == device_loss::cross_entropy) return -log_q[static_cast<std::size_t>(next)];
  auto const log_p = exact_logs(p, n);
  double sum = 0;
  for (std::size_t i = 0; i < log_p.size(); ++i) {
    double const log_m = std::log(std::max((std::exp(log_p[i]) + std::exp(log_q[i])) / 2, 1e-7));
    sum += loss == device_loss::kl ? term(log_p[i], log_q[i]) : (term(log_p[i], log_m) + term(log_q[i], log_m)) / 2;
  }
  return sum;
}

/// Rows of logits on the device, and what position_losses makes of them.
struct rows_of_logits {
  stream on;
  int vocabulary;
  std::vector<float> reference, candidate;
  std::vector<std::int32_t> next;

  int rows() const { return static_cast<int>(next.size()); }

  void add(std::vector<float> const& p, std::vector<float> const& q, std::int32_t token) {
    reference.insert(reference.end(), p.begin(), p.end());
    candidate.insert(candidate.end(), q.begin(), q.end());
    next.push_back(token);
  }

  std::vector<double> losses(device_loss loss) const {
    auto const p = on_device(reference, on), q = on_device(candidate, on);
    auto const tokens = on_device(next, on);
    device_buffer<double> out(next.size(), on);
    position_losses(loss, p.data(), q.data(), tokens.data(), rows(), vocabulary, out.data(), on);
    return on_host(out, on);
  }

  double exact(device_loss loss, int row) const {
    auto const first = static_cast<std::size_t>(row) * static_cast<std::size_t>(vocabulary);
    return exact_loss(loss, reference.data() + first, candidate.data() + first, next[static_cast<std::size_t>(row)],
                      vocabulary);
  }
};

constexpr auto all_losses = {device_loss::jsd, device_loss::kl, device_loss::cross_entropy};

}  // namespace

TEST_CASE("losses of positions are within 2e-6 nats of their formulas", "[cuda]") {
  for (int const vocabulary : {1, 2, 5, 8, 100, 511, 2049, 8192, 32003}) {
    auto const n = static_cast<std::size_t>(vocabulary);
    rows_of_logits made{{}, vocabulary, {}, {}, {}};
    for (double const amplitude : {0.1, 3.0, 12.0})
      made.add(wave(n, 0.3, amplitude), wave(n, 0.3 + 0.2 * amplitude, amplitude), vocabulary / 3);
    for (auto const loss : all_losses) {
      auto const got = made.losses(loss);
      for (int row = 0; row < made.rows(); ++row) {
        CAPTURE(vocabulary, static_cast<int>(loss), row);
        double const exact = made.exact(loss, row);
        CHECK(std::abs(got[static_cast<std::size_t>(row)] - exact) < 2e-6 * std::max(1.0, std::abs(exact)));
      }
    }
  }
}

TEST_CASE("losses of a vocabulary of 150,000 logits", "[cuda]") {
  constexpr int vocabulary = 151936;
  rows_of_logits made{{}, vocabulary, {}, {}, {}};
  made.add(wave(vocabulary, 0.3, 8), wave(vocabulary, 0.35, 8), 77);
  for (auto const loss : all_losses)
    CHECK(made.losses(loss)[0] == Approx(made.exact(loss, 0)).epsilon(2e-6).margin(2e-6));
}

TEST_CASE("logits of minus infinity, one huge logit, equal and opposite rows", "[cuda]") {
  constexpr int vocabulary = 2000;
  auto const plain = wave(vocabulary, 0.3, 4);
  auto masked = plain, huge = plain, rising = plain, shifted = plain;
  for (std::size_t i = 0; i < vocabulary; i += 3) masked[i] = -infinity;
  for (std::size_t i = 0; i < 1500; ++i) masked[i] = -infinity;  // whole threads see nothing
  huge[1700] = 1e4f;
  std::sort(rising.begin(), rising.end());  // the largest logit changes all the time
  for (float& x : shifted) x += 300;
  rows_of_logits made{{}, vocabulary, {}, {}, {}};
  made.add(plain, plain, 5);
  made.add(plain, shifted, 5);
  made.add(masked, plain, 5);
  made.add(masked, masked, 1999);
  made.add(huge, plain, 1700);
  made.add(plain, huge, 1700);
  made.add(huge, huge, 1700);
  made.add(rising, plain, 1);
  for (auto const loss : all_losses) {
    auto const got = made.losses(loss);
    for (int row = 0; row < made.rows(); ++row) {
      CAPTURE(static_cast<int>(loss), row);
      double const exact = made.exact(loss, row);
      CHECK(std::abs(got[static_cast<std::size_t>(row)] - exact) < 2e-6 * std::max(1.0, std::abs(exact)));
    }
  }
  CHECK(std::abs(made.losses(device_loss::jsd)[0]) < 1e-6);
}

TEST_CASE("probabilities of 0 in the candidate, and what is no number", "[cuda]") {
  auto const plain = wave(600, 0.3, 4);
  auto masked = plain, nan = plain;
  masked[7] = -infinity;
  nan[599] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> const nothing(600, -infinity);
  rows_of_logits made{{}, 600, {}, {}, {}};
  made.add(plain, masked, 7);
  made.add(plain, nan, 7);
  made.add(plain, nothing, 7);
  CHECK(made.losses(device_loss::kl)[0] == static_cast<double>(infinity));
  CHECK(made.losses(device_loss::cross_entropy)[0] == static_cast<double>(infinity));
  CHECK(std::isfinite(made.losses(device_loss::jsd)[0]));
  for (auto const loss : all_losses)
    for (std::size_t const row : {1u, 2u}) CHECK(std::isnan(made.losses(loss)[row]));
}

TEST_CASE("losses of positions are the host's, whatever rows are beside them", "[cuda]") {
  constexpr int vocabulary = 1003;
  rows_of_logits many{{}, vocabulary, {}, {}, {}};
  for (int row = 0; row < 5; ++row) many.add(wave(vocabulary, row, 5), wave(vocabulary, row + 0.4, 5), row);
  auto const host = host_jsd(many.reference, many.candidate, vocabulary);
  auto const got = many.losses(device_loss::jsd);
  for (std::size_t row = 0; row < 5; ++row) CHECK(got[row] == Approx(host[row]).margin(4e-6));
  CHECK(many.losses(device_loss::jsd) == got);

  rows_of_logits alone{{}, vocabulary, {}, {}, {}};
  alone.add(wave(vocabulary, 3, 5), wave(vocabulary, 3.4, 5), 3);
  for (auto const loss : all_losses) CHECK(alone.losses(loss)[0] == many.losses(loss)[3]);
}

TEST_CASE("cross entropy needs no reference, divergences do", "[cuda]") {
  stream const on;
  auto const logits = on_device(wave(40, 0.3), on);
  auto const next = on_device(std::vector<std::int32_t>{3, 4}, on);
  device_buffer<double> out(2, on);
  auto const lose = [&](device_loss loss, std::int32_t const* tokens) {
    position_losses(loss, nullptr, logits.data(), tokens, 2, 20, out.data(), on);
  };
  lose(device_loss::cross_entropy, next.data());
  auto const got = on_host(out, on);
  CHECK(got[1] == Approx(exact_loss(device_loss::cross_entropy, nullptr, wave(40, 0.3).data() + 20, 4, 20)));
  CHECK_THROWS_AS(lose(device_loss::cross_entropy, nullptr), precondition_error);
  CHECK_THROWS_AS(lose(device_loss::jsd, next.data()), precondition_error);
  CHECK_THROWS_AS(lose(device_loss::kl, next.data()), precondition_error);
}

}  // namespace amq::cuda
