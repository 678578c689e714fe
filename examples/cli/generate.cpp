// amq generate: what a model writes after prompts, as it writes it, and how fast that was.
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "amq/core/team_executor.hpp"
#include "amq/generate/device_passes.hpp"
#include "amq/generate/generator.hpp"
#include "amq/generate/running_model.hpp"
#include "amq/generate/stop_tokens.hpp"
#include "amq/text/text_stream.hpp"
#include "amq/text/tokenizer.hpp"
#include "devices.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "precisions.hpp"
#include "running.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

/// Texts that grow token by token. The first is printed as it grows, the others when all is done.
class growing_texts {
 public:
  growing_texts(tokenizer const& words, std::vector<std::string> const& prompts,
                std::vector<std::vector<std::int32_t>> const& tokens, bool prints)
      : texts_(prompts), prints_(prints) {
    for (auto const& prompt : tokens) streams_.emplace_back(words, prompt);
    say(texts_.front());
  }

  void add(index prompt, std::int32_t token) {
    if (interrupt_requested()) throw interrupted{};
    grow(prompt, streams_[static_cast<std::size_t>(prompt)].add(token));
  }

  void finish() {
    for (index i = 0; i < std::ssize(texts_); ++i) grow(i, streams_[static_cast<std::size_t>(i)].finish());
    for (std::size_t i = 1; i < texts_.size(); ++i) say("\n\n" + texts_[i]);
    say("\n");
  }

  std::vector<std::string> const& texts() const { return texts_; }

 private:
  void grow(index prompt, std::string const& piece) {
    texts_[static_cast<std::size_t>(prompt)] += piece;
    if (prompt == 0) say(piece);
  }

  void say(std::string const& text) const {
    if (!prints_ || text.empty()) return;
    std::fputs(text.c_str(), stdout);
    if (std::fflush(stdout) != 0) throw input_error("standard output cannot be written");
  }

  std::vector<std::string> texts_;
  std::vector<text_stream> streams_;
  bool prints_;
};

char const* to_string(ending end) {
  switch (end) {
    case ending::enough:
      return "enough";
    case ending::stop_token:
      return "stop_token";
    case ending::context_full:
      return "context_full";
  }
  return "unknown";
}

nlohmann::ordered_json described(generation const& made, std::vector<std::string> const& texts) {
  auto const& figures = made.figures;
  nlohmann::ordered_json json;
  for (std::size_t i = 0; i < texts.size(); ++i)
    json["texts"].push_back(
        {{"text", texts[i]}, {"tokens", made.sequences[i].tokens}, {"end", to_string(made.sequences[i].end)}});
  json["prompt_tokens"] = figures.prompt_tokens;
  json["decoded_tokens"] = figures.decoded_tokens;
  json["prefill_tokens_per_second"] = figures.prefill_rate();
  json["decode_tokens_per_second"] = figures.decode_rate();
  json["bytes_per_pass"] = figures.bytes_per_pass;
  return json;
}

void print_figures(generation const& made, std::string const& used) {
  auto const& figures = made.figures;
  double const read = static_cast<double>(figures.decode_passes) * static_cast<double>(figures.bytes_per_pass);
  std::fprintf(stderr, "amq: read %td tokens, %.0f a second; wrote on at %.1f a second (%s)\n", figures.prompt_tokens,
               figures.prefill_rate(), figures.decode_rate(), used.c_str());
  std::fprintf(stderr, "amq: %.2f MB of weights are read for each token of a sequence, %.1f GB a second\n",
               static_cast<double>(figures.bytes_per_pass) / 1e6,
               figures.decode_seconds > 0 ? read / figures.decode_seconds / 1e9 : 0.0);
}

/// Where the model runs: a device, or the host where there is none.
struct place {
  std::shared_ptr<cuda::device> device;
  precision rounded = precision::f32;  ///< on the host
  dtype numbers = dtype::bf16;         ///< on the device
  int threads = 1;

  std::string name() const {
    return device ? device->facts().name + ", " + precision_name(numbers) : amq::to_string(rounded);
  }
};

place place_of(generate_options const& options) {
  place where{open_one_device(options.device)};
  if (where.device)
    where.numbers = numbers_of(options.precision);
  else
    where.rounded = precision_of(options.precision, 1);
  where.threads = threads_to_use(options.threads);
  return where;
}

template <class OnToken>
generation write_on(place const& where, running_model const& model, std::span<std::vector<std::int32_t> const> prompts,
                    generation_options const& how, OnToken const& on_token) {
  if (where.device) {
    device_passes there(model, *where.device, {.numbers = where.numbers});
    if (!there.note().empty()) std::fprintf(stderr, "amq: %s\n", there.note().c_str());
    return generate(there, prompts, how, on_token);
  }
  team_executor executor(where.threads);
  return generate(model, prompts, how, executor, on_token);
}

}  // namespace

int generate(generate_options const& options) {
  auto const where = place_of(options);
  generation_options how{.tokens = options.tokens,
                         .sampling = {options.temperature, options.top_k, options.top_p},
                         .seed = options.seed,
                         .precision = where.rounded};
  check_sampling(how.sampling);
  auto const model = running_model::load(options.model);
  for (auto const& note : model.notes()) std::fprintf(stderr, "amq: %s\n", note.c_str());
  auto const words = tokenizer::load(options.model);
  how.stop = load_stop_tokens(options.model);
  std::vector<std::vector<std::int32_t>> prompts;
  for (auto const& prompt : options.prompts) prompts.push_back(words.encode(prompt));
  check_prompts(model.config(), prompts);
  growing_texts texts(words, options.prompts, prompts, !options.json);
  try {
    auto const made =
        write_on(where, model, prompts, how, [&](index prompt, std::int32_t token) { texts.add(prompt, token); });
    texts.finish();
    if (options.json) std::printf("%s\n", described(made, texts.texts()).dump().c_str());
    print_figures(made, where.name());
    for (auto const& sequence : made.sequences)
      if (sequence.end == ending::context_full)
        std::fprintf(stderr, "amq: a text ends after %zu tokens, where the model's %td positions do\n",
                     sequence.tokens.size(), model.config().max_length);
  } catch (interrupted const&) {
    std::fputs("\namq: interrupted\n", stderr);
    return exit_interrupted;
  } catch (input_error const&) {  // its sentence begins a line
    if (!options.json) std::fputs("\n", stdout);
    throw;
  }
  return exit_done;
}

}  // namespace amq::cli
