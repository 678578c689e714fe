#include "amq/evaluate/proxy_evaluator.hpp"

#include "amq/core/random.hpp"
#include "amq/evaluate/any_evaluator.hpp"
#include "amq/evaluate/quality.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/space/format_space.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

namespace {

using evaluator_under_test = amq::proxy_evaluator<amq::llama, amq::hqq, amq::jsd, amq::thread_executor>;
static_assert(amq::streaming_evaluator<evaluator_under_test> && amq::partial_evaluator<evaluator_under_test>);

/// The embedded model on a few short sequences, so that a measurement takes milliseconds.
struct setting {
  amq::llama model = amq::llama::load(AMQ_SOURCE_FOLDER "/examples/models/tiny");
  amq::token_sequences tokens = amq::load_tokens(AMQ_SOURCE_FOLDER "/examples/models/tiny/calibration.npy",
                                                 {.sequences = 3, .sequence_length = 70});
  amq::format_space space{{model.linears().begin(), model.linears().end()}, {{2, 128}, {3, 128}, {4, 128}}, 0};

  evaluator_under_test evaluator(amq::thread_executor& executor) const {
    return {model, tokens, space, amq::hqq{}, amq::jsd{}, executor};
  }

  std::vector<amq::configuration> random_configurations(int count) const {
    amq::random_stream stream(3);
    std::vector<amq::configuration> drawn(static_cast<std::size_t>(count), space.highest());
    for (auto& genes : drawn)
      for (auto& gene : genes) gene = static_cast<amq::gene>(stream.below(3));
    return drawn;
  }
};

std::vector<amq::measurement> measure(evaluator_under_test& evaluator, std::span<amq::configuration const> batch) {
  std::vector<amq::measurement> measured(batch.size());
  evaluator.evaluate(batch, measured);
  return measured;
}

}  // namespace

TEST_CASE("a loss has the same bits alone, in a batch, after other batches and with more threads") {
  setting const given;
  auto batch = given.random_configurations(4);
  // neighbours that agree in their first blocks, as sensitivities do, so that prefixes are shared and dropped again
  for (std::size_t layer : {0u, 6u, 20u, 21u, 48u, 55u}) {
    batch.push_back(given.space.highest());
    batch.back()[layer] = 0;
  }
  batch.push_back(batch[1]);
  batch.push_back(batch[1]);  // equal neighbours, at the end of one batch and the beginning of the next

  amq::thread_executor one(1);
  auto whole = given.evaluator(one);
  auto const in_batch = measure(whole, batch);
  amq::thread_executor three(3);
  auto threaded = given.evaluator(three);
  auto const on_threads = measure(threaded, batch);
  auto fresh = given.evaluator(one);
  for (std::size_t i = batch.size(); i-- > 0;) {
    auto const alone = measure(fresh, std::span(batch).subspan(i, 1));
    CHECK(alone[0].loss == in_batch[i].loss);
    CHECK(alone[0].sequence_losses == in_batch[i].sequence_losses);
    CHECK(on_threads[i].sequence_losses == in_batch[i].sequence_losses);
    CHECK(alone[0].error.empty());
  }
  CHECK(in_batch.back().loss == in_batch[1].loss);
  CHECK(in_batch[0].loss != in_batch[1].loss);
}

TEST_CASE("a configuration's loss is the mean over sequences, and fewer bits lose more") {
  setting const given;
  amq::thread_executor executor(2);
  auto evaluator = given.evaluator(executor);
  std::vector<amq::configuration> const uniform{given.space.uniform(0), given.space.uniform(1), given.space.uniform(2)};
  auto const measured = measure(evaluator, uniform);
  CHECK(measured[0].loss > 3 * measured[1].loss);
  CHECK(measured[1].loss > 2 * measured[2].loss);
  REQUIRE(measured[0].sequence_losses.size() == 3);
  CHECK(measured[0].loss == amq::mean(measured[0].sequence_losses));
}

TEST_CASE("the evaluator and the quality of a single measurement agree bit for bit") {
  setting const given;
  amq::thread_executor executor(2);
  auto evaluator = given.evaluator(executor);
  auto const batch = given.random_configurations(1);
  auto const measured = measure(evaluator, batch);

  amq::reference_model const reference(given.model, given.tokens, executor);
  auto const layer = [&](amq::index i) {
    auto const wanted = given.space.choices(i)[batch[0][static_cast<std::size_t>(i)]];
    return amq::dense_matrix(amq::quantized_weights(given.model, i, amq::hqq{}, wanted));
  };
  auto const hidden = amq::streamed_pass(given.model, given.tokens, layer, executor);
  auto const quality = amq::measure_quality(reference, given.tokens, hidden, executor);
  CHECK(quality.jsd.value == measured[0].loss);
  CHECK(quality.jsd.standard_error == amq::standard_error(measured[0].sequence_losses));
}

TEST_CASE("logits of the reference have the same bits whether they are cached or computed again") {
  setting const given;
  amq::serial_executor executor;
  amq::reference_model const cached(given.model, given.tokens, executor);
  amq::reference_model const computed(given.model, given.tokens, executor, 0);
  amq::matrix<float> const candidate(given.tokens.length(), 128);
  amq::head_scratch scratch;
  std::vector<float> first;
  cached.for_each_tile(1, candidate, scratch, [&](amq::index, auto reference, auto) {
    for (amq::index r = 0; r < reference.rows; ++r)
      first.insert(first.end(), reference.row(r).begin(), reference.row(r).end());
  });
  std::size_t at = 0;
  amq::index positions = 0;
  computed.for_each_tile(1, candidate, scratch, [&](amq::index, auto reference, auto) {
    positions += reference.rows;
    for (amq::index r = 0; r < reference.rows; ++r)
      for (float const logit : reference.row(r)) REQUIRE(logit == first[at++]);
  });
  CHECK(positions == given.tokens.length() - 1);  // the last position predicts nothing that is known
  CHECK(at == first.size());
}

TEST_CASE("a model compared with itself loses nothing") {
  setting const given;
  amq::thread_executor executor(2);
  amq::format_space const kept({given.model.linears().begin(), given.model.linears().end()},
                               std::vector<amq::format>{{16, 128}}, 0);
  evaluator_under_test evaluator(given.model, given.tokens, kept, amq::hqq{}, amq::jsd{}, executor);
  std::vector<amq::configuration> const batch{kept.highest()};
  auto const measured = measure(evaluator, batch);
  // AMQ's clamp of the mixture at 1e-7 counts tokens that are less probable than that as slightly below 0.
  CHECK(measured[0].loss <= 1e-7);
  CHECK(measured[0].loss > -2e-5);
}

TEST_CASE("measuring stops after the measurement whose sink says so") {
  setting const given;
  amq::thread_executor executor(2);
  auto evaluator = given.evaluator(executor);
  auto const batch = given.random_configurations(5);
  int seen = 0;
  evaluator.evaluate_each(batch, [&](std::size_t i, amq::measurement&&) {
    CHECK(i == static_cast<std::size_t>(seen));
    return ++seen < 2;
  });
  CHECK(seen == 2);

  amq::any_evaluator erased(
      std::make_unique<evaluator_under_test>(given.model, given.tokens, given.space, amq::hqq{}, amq::jsd{}, executor));
  std::vector<amq::measurement> measured(1);
  erased.evaluate(std::span(batch).first(1), measured);
  CHECK(measured[0].loss == measure(evaluator, std::span(batch).first(1))[0].loss);
}

TEST_CASE("on a part of the sequences a loss is exactly what the whole finds for them") {
  setting const given;
  amq::thread_executor executor(2);
  auto evaluator = given.evaluator(executor);
  auto batch = given.random_configurations(2);
  for (std::size_t layer : {50u, 55u}) {  // neighbours that share their first blocks
    batch.push_back(given.space.highest());
    batch.back()[layer] = 0;
  }
  batch.push_back(batch.back());
  auto const whole = measure(evaluator, batch);
  CHECK(evaluator.sequences() == 3);
  for (auto const& [fidelity, sequences] :
       {std::pair(1.0 / 3, std::size_t{1}), std::pair(2.0 / 3, std::size_t{2}), std::pair(1.0, std::size_t{3})}) {
    std::vector<amq::measurement> part(batch.size());
    evaluator.evaluate_part(batch, fidelity, part);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto const first = std::span(whole[i].sequence_losses).first(sequences);
      REQUIRE(std::ranges::equal(part[i].sequence_losses, first));
      CHECK(part[i].loss == amq::mean(first));
    }
  }
  // What a part left behind to begin with is too little for the whole.
  auto fresh = given.evaluator(executor);
  std::vector<amq::measurement> left(2);
  fresh.evaluate_part(std::span(batch).subspan(3), 1.0 / 3, left);
  CHECK(measure(fresh, std::span(batch).subspan(4))[0].sequence_losses == whole[4].sequence_losses);
  for (double const fidelity : {0.0, -1.0, 0.1, 0.5, 4.0 / 3})
    CHECK_THROWS_AS(evaluator.evaluate_part({}, fidelity, {}), amq::precondition_error);
}

TEST_CASE("an evaluator of any type says whether it measures on a part of the sequences") {
  setting const given;
  amq::thread_executor executor(2);
  auto const batch = given.random_configurations(1);
  std::vector<amq::measurement> part(1), whole(1);
  amq::any_evaluator proxy(
      std::make_unique<evaluator_under_test>(given.model, given.tokens, given.space, amq::hqq{}, amq::jsd{}, executor));
  CHECK(proxy.measures_parts());
  CHECK(proxy.sequences() == 3);
  proxy.evaluate_part(batch, 2.0 / 3, part);
  proxy.evaluate(batch, whole);
  CHECK(part[0].loss == amq::mean(std::span(whole[0].sequence_losses).first(2)));

  struct whole_only {
    void evaluate(std::span<amq::configuration const>, std::span<amq::measurement>) {}
  };
  amq::any_evaluator other(std::make_unique<whole_only>());
  CHECK_FALSE(other.measures_parts());
  CHECK(other.sequences() == 0);
  CHECK_THROWS_AS(other.evaluate_part(batch, 0.5, part), amq::precondition_error);
}

TEST_CASE("what cannot be quantized is refused with the layer's name") {
  setting const given;
  amq::matrix<float> const weights(1, 1);
  auto const refusing = [&] { return amq::quantized_weights(given.model, 3, amq::hqq{}, amq::format{3, 100}); };
  CHECK(amq_test::lacks(amq_test::refusal(refusing), {"model.layers.0.self_attn.o_proj", "100"}) == "");
}
