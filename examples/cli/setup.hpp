// What several commands begin with: checked options, threads, tokens, the space of a model.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/format_check.hpp"
#include "amq/model/llama.hpp"
#include "amq/space/format_space.hpp"
#include "amq/text/text_tokens.hpp"
#include "devices.hpp"
#include "options.hpp"
#include "precisions.hpp"
#include "spaces.hpp"

namespace amq::cli {

inline int threads_to_use(int asked) {
  return asked > 0 ? asked : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

inline void create_folder(std::filesystem::path const& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure)
    throw input_error(folder.string() + " cannot be created: " + failure.message() +
                      "; choose a place that you may write to");
}

/// What measures a space; formats that it cannot run are refused before it is looked for.
inline device_list open_devices(space_options const& options) {
  auto const choice = parse_device(options.device);
  expect_kernels(choice.kind, formats_of(options));
  return open_devices(choice);
}

inline void check_measuring(measuring const& measure, std::string const& device = "cpu") {
  if (parse_device(device).kind == device::cuda)
    numbers_of(measure.precision);
  else
    precision_of(measure.precision, measure.length);
  if (measure.length < 2)
    throw input_error("--length " + std::to_string(measure.length) +
                      " leaves no position to compare: a sequence needs at least 2 tokens");
}

/// Tokens that the model can read, or a sentence about why not. Texts go through the model's tokenizer.
inline token_sequences load_checked_tokens(std::filesystem::path const& file, token_options options,
                                           llama const& model) {
  auto tokens = load_any_tokens(file, options, model.checkpoint().folder());
  check_tokens(tokens, model.config().vocabulary, model.config().max_length, file);
  return tokens;
}

/// The proxy asked for; else what measures the target's files exactly, or hqq.
inline std::string proxy_of(measuring const& measure, std::string const& target) {
  if (!measure.proxy.empty()) return measure.proxy;
  return target == "gguf" ? "gguf" : "hqq";
}

inline format_space space_of(llama const& model, space_options const& options) {
  return space_of(model, model.linears(), options);
}

}  // namespace amq::cli
