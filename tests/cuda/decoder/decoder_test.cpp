#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/cuda/device.hpp"
#include "amq/evaluate/cuda_evaluator.hpp"
#include "amq/evaluate/decoder_shape.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/generate/device_passes.hpp"
#include "amq/generate/generator.hpp"
#include "amq/indicate/correlation.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/rtn.hpp"
#include "amq/space/format_space.hpp"
#include "cuda/support/small_device.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

namespace {

amq::token_sequences random_tokens(amq::index vocabulary, amq::index count, amq::index length) {
  amq::random_stream stream(11);
  amq::matrix<std::int32_t> ids(count, length);
  for (amq::index i = 0; i < ids.size(); ++i)
    ids.data()[i] = static_cast<std::int32_t>(stream.below(static_cast<std::uint64_t>(vocabulary)));
  return amq::token_sequences(std::move(ids));
}

/// A model on some short sequences.
struct setting {
  explicit setting(std::string const& folder, amq::index sequences = 3)
      : model(amq::llama::load(folder)), tokens(random_tokens(model.config().vocabulary, sequences, 11)) {}

  amq::llama model;
  amq::token_sequences tokens;

  amq::format_space space(std::vector<amq::format> formats) const {
    return {{model.linears().begin(), model.linears().end()}, std::move(formats), 0};
  }

  template <class Loss = amq::jsd>
  std::vector<amq::measurement> on_device(amq::format_space const& choices,
                                          std::vector<amq::configuration> const& batch,
                                          amq::cuda::decoder_options options, double part = 1,
                                          std::string* note = nullptr) const {
    amq::proxy_evaluator<amq::llama, amq::rtn, Loss, amq::cuda_executor> evaluator(
        model, tokens, choices, amq::rtn{}, Loss{}, amq::cuda_executor({cuda_test::small_device()}, options),
        amq::no_statistics{}, [note](std::string const& said) {
          if (note != nullptr) *note = said;
        });
    std::vector<amq::measurement> measured(batch.size());
    evaluator.evaluate_part(batch, part, measured);
    return measured;
  }

  template <class Loss = amq::jsd>
  std::vector<amq::measurement> on_host(amq::format_space const& choices,
                                        std::vector<amq::configuration> const& batch) const {
    amq::proxy_evaluator<amq::llama, amq::rtn, Loss, amq::serial_executor const> evaluator(
        model, tokens, choices, amq::rtn{}, Loss{}, amq::on_this_thread);
    std::vector<amq::measurement> measured(batch.size());
    evaluator.evaluate(batch, measured);
    return measured;
  }
};

void check_close(amq::measurement const& found, amq::measurement const& expected, double tolerance) {
  INFO(found.loss << " against " << expected.loss << ' ' << found.error);
  CHECK(std::abs(found.loss - expected.loss) <= tolerance * std::abs(expected.loss));
}

std::vector<double> sequence_losses(std::vector<amq::measurement> const& measured) {
  std::vector<double> all;
  for (auto const& one : measured) all.insert(all.end(), one.sequence_losses.begin(), one.sequence_losses.end());
  return all;
}

std::string const tiny = AMQ_SOURCE_FOLDER "/examples/models/tiny";

/// Two configurations that have all widths between them.
std::vector<amq::configuration> mixed(amq::format_space const& space) {
  amq::random_stream stream(5);
  std::vector<amq::configuration> drawn(2, space.highest());
  for (auto& genes : drawn)
    for (amq::index layer = 0; layer < space.size(); ++layer)
      genes[static_cast<std::size_t>(layer)] =
          static_cast<amq::gene>(stream.below(static_cast<std::uint64_t>(space.choices(layer).size())));
  return drawn;
}

}  // namespace

TEST_CASE("every architecture passes the device as it passes the host") {
  auto const name = GENERATE(as<std::string>{}, "llama3_rope_untied_f32", "mistral_window_bf16",
                             "qwen2_bias_sharded_f32", "qwen3_qknorm_f16");
  setting const given(AMQ_TESTS_FOLDER "/data/forward/" + name);
  auto const kept = given.space({amq::kept<amq::bf16>::value});
  INFO(name);
  auto const here = given.on_host<amq::cross_entropy>(kept, {kept.highest()});
  check_close(given.on_device<amq::cross_entropy>(kept, {kept.highest()},
                                                  {.numbers = amq::dtype::f32, .pass_tokens = 2 * 11})[0],
              here[0], 1e-5);
  check_close(given.on_device<amq::cross_entropy>(kept, {kept.highest()}, {.numbers = amq::dtype::f16})[0], here[0],
              1e-2);
}

TEST_CASE("in f32 losses on the device are the host's within a thousandth") {
  setting const given(tiny);
  auto const space = given.space({{2, 64}, {3, 128}, {4, 32}, amq::kept<amq::bf16>::value});
  auto const batch = mixed(space);
  // Two sequences pass together, so the third is alone in a chunk of its own.
  auto const there = given.on_device(space, batch, {.numbers = amq::dtype::f32, .pass_tokens = 2 * 11});
  auto const here = given.on_host(space, batch);
  for (std::size_t i = 0; i < batch.size(); ++i) check_close(there[i], here[i], 1e-3);
}

TEST_CASE("in 16 bits losses at 4 bits are the host's within a fiftieth, by packed products and by dense ones") {
  auto const sequences = GENERATE(amq::index{3}, amq::index{5});
  setting const given(tiny, sequences);
  CHECK((11 * sequences <= cuda_test::most_packed_tokens) == (sequences == 3));
  auto const space = given.space({{4, 128}});
  auto const here = given.on_host(space, {space.highest()});
  for (auto const numbers : {amq::dtype::f16, amq::dtype::bf16})
    check_close(given.on_device(space, {space.highest()}, {.numbers = numbers})[0], here[0], 0.02);
}

TEST_CASE("bf16 ranks configurations of the same bits as f32 does") {
  setting const given(tiny, 5);
  auto const space = given.space({{2, 128}, {4, 128}});
  amq::random_stream stream(7);
  std::vector<amq::configuration> batch(10, space.highest());
  for (auto& genes : batch)
    for (int lowered = 0; lowered < 28;) {
      auto& gene = genes[static_cast<std::size_t>(stream.below(genes.size()))];
      lowered += gene;
      gene = 0;
    }
  std::vector<double> here, there;
  for (auto const& one : given.on_host(space, batch)) here.push_back(one.loss);
  for (auto const& one : given.on_device(space, batch, {.numbers = amq::dtype::bf16})) there.push_back(one.loss);
  CHECK(amq::kendall_tau(there, here).value() >= 0.95);
}

TEST_CASE("a recorded pass and one whose matrices stream give the same bits, whole and in parts") {
  setting const given(tiny);
  auto const space = given.space({{2, 64}, {4, 128}});
  auto const batch = mixed(space);
  amq::cuda::decoder_options options{.numbers = amq::dtype::f32, .pass_tokens = 2 * 11};
  std::string note;
  auto const recorded = sequence_losses(given.on_device(space, batch, options, 1, &note));
  CHECK(note.empty());
  auto const part = sequence_losses(given.on_device(space, {batch[1]}, options, 2.0 / 3.0));
  CHECK(part == std::vector<double>(recorded.begin() + 3, recorded.begin() + 5));
  options.most_bank_bytes = 400'000;
  auto const streamed = sequence_losses(given.on_device(space, batch, options, 1, &note));
  CHECK(note.find("stream from the host's memory") != std::string::npos);
  CHECK(streamed == recorded);
}

TEST_CASE("texts are written on the device as on the host") {
  auto const model = amq::running_model::load(tiny);
  std::vector<std::vector<std::int32_t>> const prompts{{5, 17, 100, 3}, {40}};
  amq::generation_options const how{.tokens = 6};
  auto const quiet = [](amq::index, std::int32_t) {};
  auto const here = amq::generate(model, prompts, how, amq::on_this_thread, quiet);
  auto const device = cuda_test::small_device();
  amq::device_passes passes(model, *device, {.numbers = amq::dtype::f32});
  auto const there = amq::generate(passes, prompts, how, quiet);
  for (std::size_t i = 0; i < prompts.size(); ++i) CHECK(there.sequences[i].tokens == here.sequences[i].tokens);
}

TEST_CASE("a recorded pass of one token is made anew when longer passes have moved its memory") {
  auto const model = amq::llama::load(tiny);
  auto const made = [&] {
    auto decoder = cuda_test::small_device()->make_decoder(amq::decoder_shape_of(model), {.numbers = amq::dtype::f16});
    std::vector<amq::cuda::bank_cell> cells;
    for (amq::index layer = 0; layer < std::ssize(model.linears()); ++layer) cells.push_back({layer, {4, 128}});
    decoder->announce(cells);
    for (amq::index layer = 0; layer < std::ssize(cells); ++layer)
      decoder->quantize(layer, amq::matrix_view<float const>(model.weight(layer)), amq::cuda::rtn_request::asymmetric);
    return decoder;
  };
  std::vector<amq::index> cells(model.linears().size());
  std::iota(cells.begin(), cells.end(), amq::index{0});
  std::vector<std::int32_t> const text{5,  17, 100, 3,  40, 41, 42, 43, 44, 45, 46,
                                       47, 48, 49,  50, 51, 52, 53, 54, 55, 9};
  auto const logits_after = [&](std::vector<amq::index> const& passes) {
    auto const decoder = made();
    auto const sequence = decoder->open_sequence(64);
    amq::matrix<float> logits(1, model.config().vocabulary);
    std::span<std::int32_t const> left(text);
    for (auto const tokens : passes) {
      amq::cuda::device_part const part{sequence, tokens};
      decoder->pass({&part, 1}, left.first(static_cast<std::size_t>(tokens)), cells, logits);
      left = left.subspan(static_cast<std::size_t>(tokens));
    }
    CHECK(left.empty());
    return std::vector<float>(logits.data(), logits.data() + logits.size());
  };
  // One token is recorded at its second pass; attention of seven rows then needs more memory than that of one did,
  // while buffers for eleven rows are there already.
  auto const moved = logits_after({11, 1, 1, 7, 1}), plain = logits_after({13, 7, 1});
  double worst = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) worst = std::max(worst, std::abs(double{moved[i]} - double{plain[i]}));
  CHECK(worst < 0.02);
}
