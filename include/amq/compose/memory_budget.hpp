// Budgets of memory: what of it weights may take, and whether there is anything to decide.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Bytes of the key/value cache for one sequence of `context` tokens, 16 bits a number: 2 x key/value width x 2 bytes a
/// token and block; blocks with a sliding window hold no more than it.
template <class Config>
std::int64_t cache_bytes(Config const& config, index context) {
  std::int64_t bytes = 0;
  for (int block = 0; block < config.blocks; ++block) {
    index const window = config.windows[static_cast<std::size_t>(block)];
    index const tokens = window > 0 ? std::min(window, context) : context;
    bytes += 2 * std::int64_t{2} * tokens * config.key_value_width(block);
  }
  return bytes;
}

/// What a deployment may cost: average bits of the linear layers, or bytes of the whole model. Exactly one is set.
struct size_budget {
  std::optional<double> average_bits;
  std::optional<std::int64_t> model_bytes;

  bool holds(double bits, std::int64_t bytes) const {
    return average_bits ? bits <= *average_bits : bytes <= *model_bytes;
  }
};

/// Bytes that remain for weights of `gib` x 2^30 bytes beside a cache for `context` tokens. Throws input_error when
/// nothing does.
template <class Config>
size_budget memory_budget(Config const& config, double gib, index context) {
  constexpr double most_gib = 1 << 20;
  constexpr index most_context = index{1} << 40;
  if (!(gib > 0 && gib <= most_gib) || context < 0 || context > most_context)
    throw input_error("a budget of " + std::to_string(gib).substr(0, 24) + " GiB and a context of " +
                      std::to_string(context) + " tokens make no sense; expected up to 2^20 GiB and 2^40 tokens");
  double const total = std::floor(gib * 1073741824.0);
  std::int64_t const cache = cache_bytes(config, context);
  if (!(total - static_cast<double>(cache) >= 1))
    throw input_error("the key/value cache of " + std::to_string(context) + " tokens takes " + std::to_string(cache) +
                      " bytes, which leaves nothing of " + std::to_string(static_cast<std::int64_t>(total)) +
                      " bytes for weights; ask for more memory or a shorter --context");
  return {{}, static_cast<std::int64_t>(total) - cache};
}

namespace detail {

inline std::string said(size_budget const& budget, double bits, std::int64_t bytes) {
  std::ostringstream text;
  text.precision(10);
  if (budget.average_bits)
    text << bits << " average bits";
  else
    text << bytes << " bytes";
  return text.str();
}

}  // namespace detail

/// Throws input_error, with the smallest and the largest sizes of the space, for a budget below the smallest. Returns a
/// sentence where a budget leaves nothing to decide (only the smallest fits, or everything does), else nothing.
inline std::string check_budget(format_space const& space, size_budget const& budget) {
  auto const low = space.lowest(), high = space.highest();
  auto const size = [&](configuration const& genes) {
    return detail::said(budget, space.average_bits(genes), space.model_bytes(genes));
  };
  auto const fits = [&](configuration const& genes) {
    return budget.holds(space.average_bits(genes), space.model_bytes(genes));
  };
  auto const asked = detail::said(budget, budget.average_bits.value_or(0), budget.model_bytes.value_or(0));
  std::string const range = "the space reaches from " + size(low) + " to " + size(high);
  if (!fits(low)) throw input_error("a budget of " + asked + " is below everything: " + range + "; ask for more");
  if (fits(high)) return "a budget of " + asked + " holds everything (" + range + "), so there is nothing to decide";
  for (index const layer : space.free_layers()) {
    auto next = low;
    ++next[static_cast<std::size_t>(layer)];
    if (fits(next)) return "";
  }
  return "a budget of " + asked + " holds the smallest configuration alone (" + range +
         "), so there is nothing to decide";
}

}  // namespace amq
