#include "amq/compose/pipeline.hpp"

#include "amq/calibrate/awq.hpp"
#include "amq/quantize/gptq.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/rtn.hpp"
#include "amq/space/bit_space.hpp"
#include "amq/space/choices.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

namespace {

using widths = amq::bit_space<amq::bits<2, 3, 4>, amq::group<128>>;
using pipeline_under_test = amq::pipeline<widths, amq::hqq, amq::rbf<>, amq::nsga2<>>;

struct setting {
  amq::llama model = amq::llama::load(AMQ_SOURCE_FOLDER "/examples/models/tiny");
  amq::token_sequences tokens = amq::load_tokens(AMQ_SOURCE_FOLDER "/examples/models/tiny/calibration.npy",
                                                 {.sequences = 2, .sequence_length = 24});
};

}  // namespace

TEST_CASE("a pipeline finds a front that no uniform configuration dominates, the same one for the same seed") {
  setting const given;
  pipeline_under_test first(given.model, given.tokens, {.seed = 7, .threads = 2});
  auto const front = first.search({.iterations = 2, .candidates = 10, .initial = 30});
  CHECK(first.archive().evaluations().size() == 56 + 30 + 20);
  for (auto const& e : first.archive().evaluations())
    if (e.phase == amq::phase::uniform) CHECK(front.best_within(e.average_bits).loss <= e.loss);

  pipeline_under_test second(given.model, given.tokens, {.seed = 7});
  auto const again = second.search({.iterations = 2, .candidates = 10, .initial = 30});
  REQUIRE(again.size() == front.size());
  for (std::size_t i = 0; i < front.size(); ++i) {
    CHECK(again[i].configuration == front[i].configuration);
    CHECK(again[i].loss == front[i].loss);
  }
}

TEST_CASE("a pipeline deploys what it found: read back, the model has the loss of the search") {
  setting const given;
  pipeline_under_test job(given.model, given.tokens, {.seed = 1});
  auto const front = job.search({.iterations = 1, .candidates = 5, .initial = 10});
  amq_test::scratch_folder const scratch;
  auto const& point = front.best_within(3.5);
  auto const made = job.deploy<amq::hqq>(point, scratch.path() / "out");
  CHECK(made.average_bits == point.average_bits);
  CHECK(made.model_bytes == point.model_bytes);
  CHECK(made.calibration.jsd.value == Approx(point.loss).epsilon(0.02));  // rounded to the source's bfloat16
  CHECK(std::filesystem::exists(scratch.path() / "out" / "tokenizer.json"));
  CHECK(amq::llama::load(scratch.path() / "out").fingerprint() != given.model.fingerprint());
}

TEST_CASE("GPTQ fills a pipeline's bank with the unquantized model's statistics, AWQ deploys") {
  setting const given;
  using mixed = amq::choices<amq::affine<2, 64>, amq::affine<3, 128>, amq::affine<4, 128>>;
  amq::pipeline<mixed, amq::gptq> job(given.model, given.tokens, {.seed = 1});
  auto const front = job.search({.iterations = 1, .candidates = 3, .initial = 5});
  amq::pipeline<mixed, amq::rtn> plain(given.model, given.tokens, {.seed = 1});
  auto const rounded = plain.search({.iterations = 1, .candidates = 3, .initial = 5});
  CHECK(front[0].average_bits == rounded[0].average_bits);
  CHECK(front[0].loss < rounded[0].loss);
  amq_test::scratch_folder const scratch;
  auto const& point = front.best_within(3.5);
  auto const by_gptq = job.deploy<amq::gptq>(point, scratch.path() / "gptq");
  auto const by_awq = job.deploy<amq::awq>(point, scratch.path() / "awq");
  CHECK(by_gptq.calibration.jsd.value < 0.2);
  CHECK(by_awq.calibration.jsd.value < 0.2);
  CHECK(amq::llama::load(scratch.path() / "awq").vector("model.layers.0.input_layernorm.weight") !=
        given.model.vector("model.layers.0.input_layernorm.weight"));
}
