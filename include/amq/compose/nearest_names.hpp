// Which of some names a mistyped one may have meant, and the sentence that says so.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"

namespace amq {

/// The least number of letters to insert, delete or replace that make one word of the other (Levenshtein 1966).
/// O(letters of a x letters of b).
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      auto const replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({replaced, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

/// The names least far from `name`, at most three, in their order; none where nothing in them is alike.
inline std::vector<std::string_view> nearest_names(std::string_view name, std::span<std::string_view const> names) {
  std::vector<std::string_view> nearest;
  auto least = name.size();
  for (auto const known : names) {
    auto const distance = edit_distance(name, known);
    if (distance >= std::max(name.size(), known.size()) || distance > least) continue;
    if (distance < least) nearest.clear();
    least = distance;
    nearest.push_back(known);
  }
  nearest.resize(std::min<std::size_t>(nearest.size(), 3));
  return nearest;
}

/// "a, b or c".
inline std::string one_of(std::span<std::string_view const> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text.append(i == 0 ? "" : i + 1 == names.size() ? " or " : ", ").append(names[i]);
  return text;
}

/// Throws input_error. `what` is what the name should have been ("a predictor").
[[noreturn]] inline void refuse_name(std::string_view name, std::string_view what,
                                     std::span<std::string_view const> names) {
  auto const nearest = nearest_names(name, names);
  throw input_error(
      "'" + std::string(name.substr(0, 80)) + "' is not the name of " + std::string(what) + ": " +
      (nearest.empty() || nearest.size() == names.size() ? "" : "did you mean " + one_of(nearest) + "? ") +
      "There is " + one_of(names));
}

}  // namespace amq
