// Which layers share a gene, said by people: names for what engines fuse, or regular expressions.
#pragma once

#include <map>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/space/target.hpp"

namespace amq {
namespace detail {

/// Sets that may grow together.
class layer_sets {
 public:
  explicit layer_sets(std::size_t size) : parent_(size) {
    for (std::size_t i = 0; i < size; ++i) parent_[i] = i;
  }
  std::size_t find(std::size_t i) const {
    while (parent_[i] != i) i = parent_[i];
    return i;
  }
  void merge(std::size_t a, std::size_t b) {
    auto const low = std::min(find(a), find(b)), high = std::max(find(a), find(b));
    parent_[high] = low;
  }

 private:
  std::vector<std::size_t> parent_;
};

inline std::string tie_expression(std::string const& pattern) {
  if (pattern == "qkv") return R"((.*\.)(?:q_proj|k_proj|v_proj))";
  if (pattern == "gate_up") return R"((.*\.)(?:gate_proj|up_proj))";
  if (pattern == "block") return R"((.*layers\.\d+\.).*)";
  if (pattern == "experts") return R"((.*layers\.\d+\.).*experts\.\d+\..*)";
  return pattern;
}

inline std::regex compiled(std::string const& pattern) {
  try {
    return std::regex(tie_expression(pattern));
  } catch (std::regex_error const& failure) {
    throw input_error("'" + pattern + "' is not a regular expression (" + failure.what() +
                      "); expected qkv, gate_up, block, experts or a regular expression over layer names");
  }
}

/// What of a name decides with whom it is tied: its captures.
inline std::string tie_key(std::smatch const& match) {
  std::string key;
  for (std::size_t i = 1; i < match.size(); ++i) key += match[i].str() + '\n';
  return key;
}

}  // namespace detail

/// Groups of layers that share a choice, each with two members or more, in checkpoint order. A pattern is `qkv`,
/// `gate_up`, `block`, `experts` (all experts of a block), or an ECMAScript regular expression that has to match whole
/// layer names: those that match with equal captures are tied, so `(.*)\\.mlp\\..*` ties the layers of each block's
/// MLP. Patterns that share a layer tie all of theirs together. Throws input_error for a pattern that is no regular
/// expression or ties nothing. O(patterns * layers).
inline std::vector<std::vector<index>> tied_layers(std::span<linear_layer const> layers,
                                                   std::span<std::string const> patterns) {
  detail::layer_sets sets(layers.size());
  for (auto const& pattern : patterns) {
    auto const expression = detail::compiled(pattern);
    std::map<std::string, std::size_t> first_of;
    bool ties = false;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      std::smatch match;
      if (!std::regex_match(layers[i].name, match, expression)) continue;
      auto const [found, fresh] = first_of.try_emplace(detail::tie_key(match), i);
      if (!fresh) sets.merge(found->second, i);
      ties = ties || !fresh;
    }
    if (!ties)
      throw input_error("the tie '" + pattern + "' joins no two of the " + std::to_string(layers.size()) +
                        " linear layers; `amq inspect` lists their names");
  }
  std::map<std::size_t, std::vector<index>> groups;
  for (std::size_t i = 0; i < layers.size(); ++i) groups[sets.find(i)].push_back(static_cast<index>(i));
  std::vector<std::vector<index>> tied;
  for (auto& [first, members] : groups)
    if (members.size() > 1) tied.push_back(std::move(members));
  return tied;
}

/// The patterns that tie what the target's readers fuse.
inline std::vector<std::string> fused_patterns(target const& wanted) {
  std::vector<std::string> patterns;
  for (auto const& endings : wanted.fused) {
    std::string pattern = R"((.*\.)(?:)";
    for (std::size_t i = 0; i < endings.size(); ++i) pattern += (i ? "|" : "") + endings[i];
    patterns.push_back(pattern + ")");
  }
  return patterns;
}

}  // namespace amq
