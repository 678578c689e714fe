#include "amq/compose/pipeline.hpp"

#include "amq/quantize/hqq.hpp"
#include "amq/space/bit_space.hpp"
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
