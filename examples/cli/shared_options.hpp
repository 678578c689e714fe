// Options that several commands declare alike, and what their values must be.
#pragma once

#include <CLI/CLI.hpp>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "options.hpp"

namespace amq::cli {

inline void add_model(CLI::App& command, std::filesystem::path& model) {
  command.add_option("MODEL", model, "Hugging Face folder: config.json and safetensors")->required();
}

inline void add_json(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print one JSON object on standard output");
}

inline void add_threads(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads to use (default: all cores); results do not depend on it")
      ->check(CLI::Range(1, 1024));
}

inline void add_bits(CLI::App& command, std::vector<int>& bits) {
  command.add_option("--bits", bits, "Widths a layer may take, 2 to 8")->delimiter(',')->capture_default_str();
}

inline void add_group(CLI::App& command, int& group) {
  command.add_option("--group", group, "Inputs that share a scale and a zero; -1 for whole rows")
      ->capture_default_str();
}

inline void add_space(CLI::App& command, space_options& space) {
  add_bits(command, space.bits);
  add_group(command, space.group);
  command.add_option("--formats", space.formats, "Instead of bits and group: 2g64,3g128,3g128+8,stack4,kept16")
      ->delimiter(',');
  command
      .add_option("--tie", space.ties,
                  "Layers that share a choice: qkv, gate_up, block, experts, or a regular expression whose captures "
                  "tell groups apart")
      ->delimiter(',');
  command.add_option("--keep", space.keep, "Regular expression of layers that stay in 16 bits; may be repeated");
  command
      .add_option("--target", space.target,
                  "Format of files whose bytes, choices and fused layers count: amq, compressed-tensors, "
                  "compressed-tensors-symmetric, gptq, gptq-symmetric, awq, mlx or gguf")
      ->capture_default_str();
  command
      .add_option(
          "--device", space.device,
          "What measures: any (this processor, formats without a kernel, too), cpu (formats with one alone), or "
          "GPUs: cuda, cuda:1, cuda:0,1")
      ->capture_default_str();
}

inline void add_measuring(CLI::App& command, measuring& measure, bool required = true) {
  command.add_option("--tokens", measure.tokens, "Calibration tokens: a .txt, .npy of integers, or raw .u16 / .u32")
      ->required(required);
  command.add_option("--sequences", measure.sequences, "Sequences to take from the tokens")->capture_default_str();
  command.add_option("--length", measure.length, "Tokens in a sequence")->capture_default_str();
  command.add_option("--loss", measure.loss, "jsd, kl or cross_entropy")->capture_default_str();
  command.add_option("--proxy", measure.proxy,
                     "Quantizer used while measuring: hqq (default), rtn, rtn_symmetric, rtn_awq, gptq, awq or gguf");
  command
      .add_option("--precision", measure.precision,
                  "Of activations in products with quantized layers: f32, bf16, int8 (cpu), f16 (cuda), or automatic: "
                  "bf16 where that is fast, else f32")
      ->capture_default_str();
  add_threads(command, measure.threads);
}

/// Whole numbers that the type holds: the command-line library lets them wrap around.
template <class Number>
std::string whole_number(std::string const& text) {
  Number value{};
  auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc{} && end == text.data() + text.size()) return "";
  return "'" + text + "' is not a whole number from " + std::to_string(std::numeric_limits<Number>::min()) + " to " +
         std::to_string(std::numeric_limits<Number>::max());
}

inline std::string positive_number(std::string const& text) {
  char* end = nullptr;
  double const value = std::strtod(text.c_str(), &end);
  return *end == '\0' && value > 0 && std::isfinite(value) ? "" : "'" + text + "' is not a number above 0";
}

}  // namespace amq::cli
