// What a model does between its products, on small inputs: no access races with another.
#include "amq/cuda/attention/attention.cuh"
#include "amq/cuda/head/losses.cuh"
#include "amq/cuda/norm/rms_norm.cuh"
#include "cuda/attention/attention_case.hpp"
#include "cuda/races/reports.hpp"
#include "support/catch.hpp"

namespace amq::cuda {

TEST_CASE("attention races nowhere", "[cuda][races]") {
  races::reported();
  for (unsigned const seed : {0u, 1u}) {
    shim::permuted const order(seed);
    CAPTURE(seed);
    CHECK_FALSE(attention_case<f16>({2, 1, 64}, 0, {{70, 31}, {1, 0}}).attended<attention_tuning>().empty());
    CHECK_FALSE(attention_case<bf16>({2, 1, 64}, 0, {{1, 300}, {2, 64}}).attended<attention_tuning>().empty());
    CHECK_FALSE(attention_case<float>({1, 1, 16}, 5, {{20, 3}}).attended<attention_tuning>().empty());
    CHECK(races::reported() == 0);
  }
}

TEST_CASE("norms and losses race nowhere", "[cuda][races]") {
  constexpr int rows = 3, cols = 700;
  stream const on;
  auto const x = on_device(wave(rows * cols, 1), on), y = on_device(wave(rows * cols, 2), on);
  auto const next = on_device(std::vector<std::int32_t>{0, 5, 699}, on);
  device_buffer<f16> const normed(rows * cols, on);
  device_buffer<double> const losses(rows, on);
  races::reported();
  for (unsigned const seed : {0u, 1u}) {
    shim::permuted const order(seed);
    rms_norm(x.data(), y.data(), 1e-5f, rows, cols, normed.data(), on);
    for (auto const loss : {device_loss::jsd, device_loss::kl, device_loss::cross_entropy})
      position_losses(loss, x.data(), y.data(), next.data(), rows, cols, losses.data(), on);
    on.synchronize();
    CHECK(races::reported() == 0);
  }
}

}  // namespace amq::cuda
