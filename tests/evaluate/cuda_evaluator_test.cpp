// Evaluations on devices, by a device that is the host: the same losses, however many there are and whatever fails.
#include "amq/evaluate/cuda_evaluator.hpp"

#include "amq/core/random.hpp"
#include "amq/evaluate/any_evaluator.hpp"
#include "amq/evaluate/tied_evaluator.hpp"
#include "amq/space/format_space.hpp"
#include "support/files.hpp"
#include "support/host_device.hpp"

using namespace amq_test;

namespace {

template <class Quantizer, class Loss>
using on_device = amq::proxy_evaluator<amq::llama, Quantizer, Loss, amq::cuda_executor>;
template <class Quantizer, class Loss>
using on_host = amq::proxy_evaluator<amq::llama, Quantizer, Loss, amq::thread_executor>;
static_assert(amq::streaming_evaluator<on_device<amq::hqq, amq::jsd>> &&
              amq::partial_evaluator<on_device<amq::hqq, amq::jsd>>);

/// `hqq` that no device knows.
class unknown_quantizer : public amq::hqq {
 public:
  std::string name() const { return "unknown"; }
};
/// One whose matrices no kernel reads.
class scaled_quantizer {
 public:
  using policy_category = amq::quantizer_category;
  amq::quantized_matrix quantize(amq::matrix_view<float const> w, amq::format f, amq::layer_statistics const&) const {
    return {amq::rtn{}.quantize(w, f), std::vector<float>(static_cast<std::size_t>(w.cols), 1.0f)};
  }
  std::string name() const { return "scaled"; }
};

/// The embedded model on a few short sequences, and devices.
struct setting {
  amq::llama model = amq::llama::load(AMQ_SOURCE_FOLDER "/examples/models/tiny");
  amq::token_sequences tokens = amq::load_tokens(AMQ_SOURCE_FOLDER "/examples/models/tiny/calibration.npy",
                                                 {.sequences = 3, .sequence_length = 70});
  std::shared_ptr<device_script> script = std::make_shared<device_script>();

  amq::format_space space(std::vector<amq::format> formats = {{2, 128}, {4, 64}, amq::kept<amq::bf16>::value}) const {
    return {{model.linears().begin(), model.linears().end()}, std::move(formats), 0};
  }

  amq::cuda_executor devices(int count, amq::cuda::decoder_options options = {.numbers = amq::dtype::f32}) const {
    std::vector<std::shared_ptr<amq::cuda::device>> all;
    for (int number = 0; number < count; ++number) all.push_back(std::make_shared<host_device>(model, number, script));
    return amq::cuda_executor(std::move(all), options);
  }

  std::vector<amq::configuration> random_configurations(int count) const {
    amq::random_stream stream(3);
    std::vector<amq::configuration> drawn(static_cast<std::size_t>(count), space().highest());
    for (auto& genes : drawn)
      for (auto& gene : genes) gene = static_cast<amq::gene>(stream.below(3));
    return drawn;
  }
};

template <class Evaluator>
std::vector<amq::measurement> measure(Evaluator&& evaluator, std::span<amq::configuration const> batch) {
  std::vector<amq::measurement> measured(batch.size());
  evaluator.evaluate(batch, measured);
  return measured;
}

template <class Quantizer, class Loss>
void same_losses(setting const& given, Quantizer const& quantizer, Loss loss) {
  auto const batch = given.random_configurations(2);
  amq::thread_executor threads(2);
  auto const here =
      measure(on_host<Quantizer, Loss>(given.model, given.tokens, given.space(), quantizer, loss, threads), batch);
  auto const there = measure(
      on_device<Quantizer, Loss>(given.model, given.tokens, given.space(), quantizer, loss, given.devices(1)), batch);
  INFO(quantizer.name() << " " << loss.name());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    CHECK(there[i].sequence_losses == here[i].sequence_losses);
    CHECK(there[i].loss == here[i].loss);
    CHECK(there[i].error.empty());
  }
}

int count(std::vector<std::string> const& events, std::string const& what) {
  return static_cast<int>(std::ranges::count(events, what));
}

}  // namespace

TEST_CASE("on a device losses are the host's, by any loss and any quantizer") {
  setting const given;
  same_losses(given, amq::hqq{}, amq::jsd{});
  same_losses(given, amq::hqq(amq::hqq_options{.iterations = 3, .round_zero = amq::zero_rounding::never}), amq::kl{});
  same_losses(given, amq::hqq(amq::hqq_options{.lp_norm = 0.5, .beta = 5, .optimize = false}), amq::cross_entropy{});
  same_losses(given, amq::rtn{}, amq::jsd{});
  same_losses(given, amq::rtn(amq::rtn_options{amq::rtn_variant::symmetric}), amq::jsd{});
  same_losses(given, amq::rtn(amq::rtn_options{amq::rtn_variant::awq}), amq::jsd{});
  CHECK(given.script->options.numbers == amq::dtype::f32);
  CHECK(count(given.script->events, "store") ==
        12 * std::ssize(given.model.linears()));  // for the reference, and 16 bits
  given.script->events.clear();
  same_losses(given, unknown_quantizer(), amq::jsd{});
  CHECK(count(given.script->events, "quantize") == 0);
}

TEST_CASE("what devices say of a large bank is heard before anything is made") {
  setting const given;
  given.script->note = "7 of 8 matrices stay on the host";
  std::vector<std::string> heard;
  auto const hear = [&](std::string const& note) {
    CHECK(count(given.script->events, "quantize") == 0);
    CHECK(count(given.script->events, "store") == 0);
    heard.push_back(note);
  };
  auto const make = [&](int devices) {
    on_device<amq::rtn, amq::jsd>(given.model, given.tokens, given.space(), amq::rtn{}, amq::jsd{},
                                  given.devices(devices), {}, hear);
    given.script->events.clear();
  };
  make(1);
  make(2);
  CHECK(heard == std::vector<std::string>{"7 of 8 matrices stay on the host",
                                          "cuda:0: 7 of 8 matrices stay on the host",
                                          "cuda:1: 7 of 8 matrices stay on the host"});
}

TEST_CASE("the unquantized layers are gone from a device before the bank comes") {
  setting const given;
  on_device<amq::rtn, amq::jsd>(given.model, given.tokens, given.space({{2, 128}, {4, 64}}), amq::rtn{}, amq::jsd{},
                                given.devices(1));
  auto phases = given.script->events;
  phases.erase(std::ranges::unique(phases).begin(), phases.end());
  CHECK(phases == std::vector<std::string>{"announce", "store", "remember", "announce", "quantize"});
  CHECK(count(given.script->events, "announce") == 3);  // first of all the bank, for what the device says of it
  CHECK(count(given.script->events, "quantize") == 2 * std::ssize(given.model.linears()));
  CHECK(given.script->options.calibration_tokens == 210);
}

TEST_CASE("several devices measure what one does, in order, and stop where the sink says so") {
  setting const given;
  auto const batch = given.random_configurations(5);
  auto const make = [&](int devices) {
    return std::make_unique<on_device<amq::rtn, amq::jsd>>(given.model, given.tokens, given.space(), amq::rtn{},
                                                           amq::jsd{}, given.devices(devices));
  };
  auto const one = measure(*make(1), batch);
  auto three = make(3);
  auto const split = measure(*three, batch);
  for (std::size_t i = 0; i < batch.size(); ++i) CHECK(split[i].sequence_losses == one[i].sequence_losses);

  std::vector<std::size_t> seen;
  three->evaluate_each(batch, [&](std::size_t i, amq::measurement&& measured) {
    CHECK(measured.loss == one[i].loss);
    seen.push_back(i);
    return i < 3;
  });
  CHECK(seen == std::vector<std::size_t>{0, 1, 2, 3});

  std::vector<amq::measurement> part(batch.size());
  three->evaluate_part(batch, 2.0 / 3, part);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    REQUIRE(part[i].sequence_losses.size() == 2);
    CHECK(part[i].loss == amq::mean(std::span(one[i].sequence_losses).first(2)));
  }
  CHECK_THROWS_AS(three->evaluate_part(batch, 0.5, part), amq::precondition_error);

  amq::any_evaluator erased(std::move(three));
  CHECK(erased.measures_parts());
  CHECK(erased.sequences() == 3);
  CHECK(measure(erased, batch)[4].loss == one[4].loss);
}

TEST_CASE("tied layers are expanded for a device, too") {
  setting const given;
  std::vector<std::vector<amq::index>> groups{{0, 1, 2}};
  auto const tied = given.space().tie(groups);
  auto const make = [&] {
    return amq::any_evaluator(std::make_unique<on_device<amq::rtn, amq::jsd>>(
        given.model, given.tokens, given.space(), amq::rtn{}, amq::jsd{}, given.devices(1)));
  };
  amq::configuration genes = tied.highest();
  genes[0] = 0;
  amq::tied_evaluator evaluator(tied, make());
  auto each = make();
  std::vector<amq::configuration> const batch{genes}, expanded{tied.expand(genes)};
  CHECK(measure(evaluator, batch)[0].loss == measure(each, expanded)[0].loss);
}

TEST_CASE("a device that fails throws once the measurements before it are handed over") {
  for (bool const sticky : {true, false}) {
    setting const given;
    given.script->sticky = sticky;
    given.script->fails_at_measurement = 3;
    auto const batch = given.random_configurations(6);
    on_device<amq::rtn, amq::jsd> evaluator(given.model, given.tokens, given.space(), amq::rtn{}, amq::jsd{},
                                            given.devices(1));
    std::size_t handed_over = 0;
    auto const sink = [&](std::size_t, amq::measurement&&) { return ++handed_over, true; };
    try {
      evaluator.evaluate_each(batch, sink);
      FAIL("nothing was thrown");
    } catch (amq::cuda_error const& failure) {
      CHECK(failure.sticky() == sticky);
      CHECK(failure.code() == 700);
    }
    CHECK(handed_over == 3);
  }
}

TEST_CASE("of two devices one fails: what is handed over is what comes before, and the sentence says which") {
  for (int const failing : {0, 1}) {
    setting const given;
    given.script->fails_at_measurement = 1;
    given.script->failing_device = failing;
    on_device<amq::rtn, amq::jsd> evaluator(given.model, given.tokens, given.space(), amq::rtn{}, amq::jsd{},
                                            given.devices(2));
    int handed_over = 0;
    auto const batch = given.random_configurations(6);
    auto const sink = [&](std::size_t i, amq::measurement&&) {
      CHECK(i == static_cast<std::size_t>(handed_over));
      return ++handed_over, true;
    };
    auto const why = refusal<amq::cuda_error>([&] { evaluator.evaluate_each(batch, sink); });
    CHECK(lacks(why, {"cuda:" + std::to_string(failing) + ": cudaStreamSynchronize"}) == "");
    CHECK(handed_over == 2 + failing);
  }
}

TEST_CASE("logits that overflow are the configuration's own failure") {
  setting const given;
  given.script->overflows_at = 1;
  auto const batch = given.random_configurations(3);
  auto const measured = measure(
      on_device<amq::rtn, amq::jsd>(given.model, given.tokens, given.space(), amq::rtn{}, amq::jsd{}, given.devices(1)),
      batch);
  CHECK(measured[0].error.empty());
  CHECK(lacks(measured[1].error, {"not finite"}) == "");
  CHECK(measured[2].error.empty());
}

TEST_CASE("what no kernel reads is refused with the layer's name before anything is sent") {
  setting const given;
  auto const why = [&](auto const& quantizer, amq::format f) {
    given.script->events.clear();
    return refusal([&] {
      using quantizer_type = std::remove_cvref_t<decltype(quantizer)>;
      on_device<quantizer_type, amq::jsd>(given.model, given.tokens, given.space({f}), quantizer, amq::jsd{},
                                          given.devices(1));
    });
  };
  CHECK(lacks(why(amq::hqq{}, {7, 128}), {"layers.0.self_attn.q_proj", "7-bit", "cpu"}) == "");
  CHECK(given.script->events.empty());
  CHECK(lacks(why(amq::hqq{}, {4, 16}), {"layers.0.self_attn.q_proj", "groups of 16"}) == "");
  CHECK(lacks(why(scaled_quantizer{}, {4, 128}), {"layers.0.self_attn.q_proj at 4-bit", "scaled", "cpu"}) == "");
  given.script->without_memory = true;
  CHECK(lacks(why(amq::hqq{}, {4, 128}), {"9000 MiB", "--bits"}) == "");
  CHECK_THROWS_AS(amq::cuda_executor({}), amq::precondition_error);
  CHECK_THROWS_AS(amq::cuda_executor({nullptr}), amq::precondition_error);
}

TEST_CASE("a decoder's shape has a model's numbers, biases, windows and norms") {
  auto const folder = [](char const* name) { return std::string(AMQ_TESTS_FOLDER "/data/forward/") + name; };
  auto const shaped = [&](char const* name, auto const& check) {
    auto const model = amq::llama::load(folder(name));
    auto const shape = amq::decoder_shape_of(model);
    auto const& config = model.config();
    CHECK(shape.hidden == config.hidden);
    CHECK(shape.head_size == config.head_size);
    CHECK(shape.vocabulary == config.vocabulary);
    CHECK(shape.max_length == config.max_length);
    CHECK(shape.norm_epsilon == config.norm_epsilon);
    CHECK(std::ranges::equal(shape.rope_frequencies, amq::rope_frequencies(config.rope, config.head_size)));
    CHECK(std::ranges::equal(shape.final_norm, model.vector("model.norm.weight")));
    CHECK(shape.embeddings.rows == config.vocabulary);
    CHECK(shape.embeddings.cols == config.hidden);
    REQUIRE(std::ssize(shape.blocks) == config.blocks);
    auto const& last = shape.blocks.back();
    CHECK(last.heads == config.heads);
    CHECK(last.key_value_heads == config.key_value_heads);
    CHECK(last.intermediate == config.intermediate);
    auto const block = "model.layers." + std::to_string(config.blocks - 1) + ".";
    CHECK(std::ranges::equal(last.attention_norm, model.vector(block + "input_layernorm.weight")));
    CHECK(std::ranges::equal(last.feed_forward_norm, model.vector(block + "post_attention_layernorm.weight")));
    check(model, shape, block);
  };
  shaped("qwen2_bias_sharded_f32", [](auto const& model, auto const& shape, auto const& block) {
    CHECK(std::ranges::equal(shape.blocks.back().biases[1], model.vector(block + "self_attn.k_proj.bias")));
    CHECK(shape.blocks.back().biases[3].empty());
  });
  shaped("mistral_window_bf16", [](auto const& model, auto const& shape, auto const&) {
    CHECK(shape.blocks.back().window == model.config().windows.back());
    CHECK(shape.blocks.back().window > 0);
    CHECK(shape.embeddings.type == amq::dtype::bf16);
  });
  shaped("qwen3_qknorm_f16", [](auto const& model, auto const& shape, auto const& block) {
    CHECK(std::ranges::equal(shape.blocks.back().query_norm, model.vector(block + "self_attn.q_norm.weight")));
    CHECK(std::ranges::equal(shape.blocks.back().key_norm, model.vector(block + "self_attn.k_norm.weight")));
  });
  shaped("llama3_rope_untied_f32", [](auto const& model, auto const& shape, auto const&) {
    auto const& head = std::get<amq::cuda::plain_rows>(shape.head);
    CHECK(head.data == model.head_tensor().bytes.data());
    CHECK(head.data != shape.embeddings.data);
  });
}
