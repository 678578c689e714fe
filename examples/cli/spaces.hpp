// The space that options describe: choices, layers left alone, ties, and the target's bytes.
#pragma once

#include <algorithm>
#include <regex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/compose/targets.hpp"
#include "amq/space/choices.hpp"
#include "amq/space/device_check.hpp"
#include "amq/space/format_space.hpp"
#include "amq/space/tied_layers.hpp"
#include "devices.hpp"
#include "options.hpp"

namespace amq::cli {

/// One format for each width, fewest bits first; a width given twice counts once.
inline std::vector<format> formats_of(std::vector<int> bits, int group) {
  std::sort(bits.begin(), bits.end());
  bits.erase(std::unique(bits.begin(), bits.end()), bits.end());
  std::vector<format> formats;
  for (int const width : bits) {
    check_bits(width);
    formats.push_back({width, group});
  }
  if (formats.empty()) throw input_error("--bits names no width; expected some of 2 to 8, for example --bits 2,3,4");
  return formats;
}

inline std::vector<format> formats_of(space_options const& options) {
  if (options.formats.empty()) return formats_of(options.bits, options.group);
  std::vector<format> formats;
  for (auto const& text : options.formats) {
    auto const parsed = parse_format(text);
    if (!parsed)
      throw input_error("--formats: '" + text.substr(0, 40) +
                        "' is no format; expected spellings such as 3g128, 4grow, 3g128+8, stack4 or kept16");
    formats.push_back(*parsed);
  }
  return formats;
}

/// Which layers any of the expressions matches by their whole names. Throws input_error for an expression that is none,
/// or matches nothing.
inline std::vector<bool> kept_layers(std::span<linear_layer const> layers,
                                     std::vector<std::string> const& expressions) {
  std::vector<bool> kept(layers.size(), false);
  for (auto const& expression : expressions) try {
      std::regex const compiled(expression);
      bool matches = false;
      for (std::size_t i = 0; i < layers.size(); ++i) {
        if (!std::regex_match(layers[i].name, compiled)) continue;
        kept[i] = matches = true;
      }
      if (!matches)
        throw input_error("--keep: '" + expression + "' matches the name of no linear layer; `amq inspect` lists them");
    } catch (std::regex_error const& failure) {
      throw input_error("--keep: '" + expression + "' is not a regular expression (" + failure.what() + ")");
    }
  return kept;
}

/// `model` has `other_bytes()`, with or without another format's bits of a tensor.
template <class Model>
format_space space_of(Model const& model, std::span<linear_layer const> linears, space_options const& options) {
  std::vector<linear_layer> const layers(linears.begin(), linears.end());
  auto const formats = formats_of(options);
  expect_kernels(parse_device(options.device).kind, formats);
  auto const left_alone = kept_layers(layers, options.keep);
  std::vector<std::vector<format>> choices;
  for (std::size_t i = 0; i < layers.size(); ++i)
    choices.push_back(left_alone[i] ? std::vector{kept<bf16>::value}
                                    : rising_choices(formats, layers[i].rows, layers[i].cols));
  auto const files = find_target(options.target);
  format_space const whole(layers, std::move(choices), 0);
  auto patterns = options.ties;
  for (auto& pattern : fused_patterns(files)) patterns.push_back(std::move(pattern));
  return whole.tie(tied_layers(layers, patterns)).in_target(files, other_bytes(model, files));
}

}  // namespace amq::cli
