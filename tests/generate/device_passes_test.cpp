// A model that writes on a device, by a device that is the host: the same texts, and nothing left open.
#include "amq/generate/device_passes.hpp"

#include "amq/generate/device_speed.hpp"
#include "amq/generate/generator.hpp"
#include "support/host_device.hpp"
#include "support/packed_embedded.hpp"

using namespace amq_test;
using token_list = std::vector<std::int32_t>;

namespace {

/// The embedded model in our files, on the host and on a device.
struct setting {
  packed_embedded packed{[](std::vector<amq::format>& formats) {
    formats[1] = {2, 64};
    formats[9] = amq::kept<amq::bf16>::value;
  }};
  amq::running_model model = amq::running_model::load(packed.folder.path());
  std::shared_ptr<device_script> script = std::make_shared<device_script>();
  host_device device{packed.source, 0, script};
  std::vector<token_list> prompts{{1, 5, 9, 30}, {7}, {2, 3, 4, 5, 6, 7, 8, 9, 10}};
};

constexpr auto nobody = [](amq::index, std::int32_t) {};

std::vector<token_list> tokens_of(amq::generation const& made) {
  std::vector<token_list> all;
  for (auto const& sequence : made.sequences) all.push_back(sequence.tokens);
  return all;
}

}  // namespace

TEST_CASE("a device writes what the host writes, drawn or most likely, in passes of any size") {
  setting given;
  amq::device_passes there(given.model, given.device, {.numbers = amq::dtype::f32});
  amq::serial_executor here;
  for (double const temperature : {0.0, 0.9}) {
    amq::generation_options const how{
        .tokens = 12, .sampling = {temperature, 20, 0.9}, .seed = 4, .stop = {11}, .pass_tokens = 5};
    auto const host = generate(given.model, given.prompts, how, here, nobody);
    std::vector<token_list> heard(given.prompts.size());
    auto const made = generate(there, given.prompts, how, [&](amq::index prompt, std::int32_t token) {
      heard[static_cast<std::size_t>(prompt)].push_back(token);
    });
    CHECK(tokens_of(made) == tokens_of(host));
    CHECK(heard == tokens_of(host));
    for (std::size_t i = 0; i < given.prompts.size(); ++i) CHECK(made.sequences[i].end == host.sequences[i].end);
    CHECK(made.figures.prompt_tokens == 14);
    CHECK(made.figures.bytes_per_pass == given.model.bytes_per_token());
    CHECK(given.script->open_sequences == 0);
  }
  CHECK(given.script->options.numbers == amq::dtype::f32);
}

TEST_CASE("sequences on a device are closed whatever ends a text") {
  setting given;
  amq::device_passes there(given.model, given.device);
  auto const stop = [](amq::index, std::int32_t) { throw 1; };
  CHECK_THROWS_AS(generate(there, given.prompts, {.tokens = 3}, stop), int);
  CHECK(given.script->open_sequences == 0);
  CHECK_THROWS_AS(generate(there, std::vector<token_list>{{}}, {.tokens = 3}, nobody), amq::input_error);
  CHECK(there.note().empty());
  given.script->note = "3 of 4 matrices stay on the host";
  CHECK(amq::device_passes(given.model, given.device).note() == given.script->note);
}

TEST_CASE("a device is timed as the host is, in whole passes") {
  setting given;
  amq::device_passes there(given.model, given.device);
  int passes = 0;
  auto const speed = measure_speed(
      there,
      {.prompt_tokens = 4, .decode_tokens = 3, .repeats = 2, .least_seconds = 0, .before_pass = [&] { ++passes; }});
  CHECK(passes == 12);
  CHECK(speed.prompt_tokens == 4);
  CHECK(speed.prefill_rate() > 0);
  CHECK(speed.decode_rate() > 0);
  CHECK(speed.decode.head == 0);
  CHECK(given.script->open_sequences == 0);
  CHECK_THROWS_AS(measure_speed(there, {.prompt_tokens = 100000}), amq::input_error);
}

TEST_CASE("a layer that the host turns into f32 is refused for a device by its name") {
  packed_embedded const packed([](std::vector<amq::format>& formats) { formats[2] = {7, 128}; });
  auto const model = amq::running_model::load(packed.folder.path());
  host_device device(packed.source, 0, std::make_shared<device_script>());
  CHECK(lacks(refusal([&] { amq::device_passes there(model, device); }), {"layers.0.self_attn.v_proj", "cpu"}) == "");
}
