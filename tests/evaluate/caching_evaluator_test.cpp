// Answers are given once and remembered, in order, whoever asks.
#include "amq/evaluate/caching_evaluator.hpp"

#include <atomic>
#include <string>
#include <vector>

#include "amq/core/executor.hpp"
#include "support/catch.hpp"

namespace amq::testing {
namespace {

/// Fails for genes that begin with 9.
struct counting_evaluator {
  std::vector<configuration>* asked;

  void evaluate(std::span<configuration const> batch, std::span<measurement> out) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      asked->push_back(batch[i]);
      out[i].loss = batch[i][0] + 0.5;
      out[i].seconds = static_cast<double>(asked->size());
      if (batch[i][0] == 9) out[i].error = "nine";
    }
  }
};

struct partial_counter : counting_evaluator {
  void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<measurement> out) {
    evaluate(batch, out);
    for (auto& m : out) m.loss *= fidelity;
  }
};

struct streaming_counter : counting_evaluator {
  template <class Sink>
  void evaluate_each(std::span<configuration const> batch, Sink&& sink) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      measurement m;
      evaluate(batch.subspan(i, 1), std::span(&m, 1));
      if (!sink(i, std::move(m))) return;
    }
  }
};

TEMPLATE_TEST_CASE("each configuration is measured once, failures again", "[caching]", counting_evaluator,
                   streaming_counter) {
  std::vector<configuration> asked;
  TestType inner;
  inner.asked = &asked;
  caching_evaluator<TestType> cached(inner);
  int kept = 0;
  cached.on_measured = [&](configuration const&, measurement const& m) { kept += m.error.empty() ? 1 : 100; };
  cached.remember({4, 4}, {.loss = 0.25, .sequence_losses = {}, .seconds = 0, .error = {}});
  std::vector<configuration> const batch{{1, 0}, {2, 0}, {1, 0}, {4, 4}, {9, 0}, {3, 0}};
  std::vector<measurement> first(batch.size()), second(batch.size());
  cached.evaluate(batch, first);
  CHECK(asked.size() == 4);
  CHECK(kept == 3);
  CHECK(cached.size() == 4);
  cached.evaluate(batch, second);
  CHECK(asked.size() == 5);
  CHECK(asked.back() == configuration{9, 0});
  for (std::size_t i = 0; i < batch.size(); ++i) {
    CHECK(second[i].loss == first[i].loss);
    CHECK(first[i].error.empty() == (i != 4));
    if (i != 4) CHECK(second[i].seconds == first[i].seconds);
  }
  CHECK(first[3].loss == 0.25);
  CHECK(first[5].loss == 3.5);
}

TEST_CASE("a caller that stops early leaves the rest unmeasured", "[caching]") {
  std::vector<configuration> asked;
  streaming_counter inner;
  inner.asked = &asked;
  caching_evaluator<streaming_counter> cached(inner);
  std::vector<configuration> const batch{{1}, {2}, {3}, {4}};
  std::vector<std::size_t> seen;
  cached.evaluate_each(batch, [&](std::size_t i, measurement&&) { return seen.push_back(i), i < 1; });
  CHECK(seen == std::vector<std::size_t>{0, 1});
  CHECK(asked.size() == 2);
  seen.clear();
  cached.evaluate_each(batch, [&](std::size_t i, measurement&&) { return seen.push_back(i), i < 2; });
  CHECK(seen == std::vector<std::size_t>{0, 1, 2});
  CHECK(asked.size() == 3);
}

TEST_CASE("parts of the tokens are remembered apart", "[caching]") {
  std::vector<configuration> asked;
  partial_counter inner;
  inner.asked = &asked;
  caching_evaluator<partial_counter> cached(inner);
  static_assert(partial_evaluator<caching_evaluator<partial_counter>>);
  static_assert(!partial_evaluator<caching_evaluator<counting_evaluator>>);
  std::vector<configuration> const batch{{1}, {1}, {9}};
  std::vector<measurement> out(3);
  for (int round = 0; round < 2; ++round) cached.evaluate_part(batch, 0.5, out);
  CHECK(asked.size() == 3);  // what fails is asked for again
  CHECK(out[1].loss == 0.75);
  CHECK(out[2].error == "nine");
  cached.evaluate_part(batch, 0.25, out);
  CHECK(out[0].loss == 0.375);
  cached.evaluate(batch, out);
  CHECK(out[0].loss == 1.5);
}

TEST_CASE("threads share one cache", "[caching]") {
  std::vector<configuration> asked;
  caching_evaluator<counting_evaluator> cached(counting_evaluator{&asked});
  thread_executor threads(4);
  std::atomic<int> wrong{0};
  threads.for_each(400, [&](index i, int) {
    std::vector<configuration> const batch{{static_cast<gene>(i % 7)}, {static_cast<gene>(i % 5)}};
    std::vector<measurement> out(2);
    cached.evaluate(batch, out);
    wrong += out[0].loss != batch[0][0] + 0.5 || out[1].loss != batch[1][0] + 0.5;
  });
  CHECK(wrong == 0);
  CHECK(cached.size() == 7);
  CHECK(asked.size() == 7);
}

}  // namespace
}  // namespace amq::testing
