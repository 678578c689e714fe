// search_space: which formats each linear layer may take, and what a configuration costs.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include "amq/core/configuration.hpp"
#include "amq/core/format.hpp"

namespace amq {

template <class S>
concept has_size = requires(S const& s) {
  { s.size() } -> std::convertible_to<index>;
};
template <class S>
concept has_choices = requires(S const& s, index layer) {
  { s.choices(layer) } -> std::convertible_to<std::span<format const>>;
};
template <class S>
concept has_average_bits = requires(S const& s, std::span<gene const> c) {
  { s.average_bits(c) } -> std::convertible_to<double>;
};
template <class S>
concept has_model_bytes = requires(S const& s, std::span<gene const> c) {
  { s.model_bytes(c) } -> std::convertible_to<std::int64_t>;
};
template <class S>
concept has_features = requires(S const& s, std::span<gene const> c, std::span<double> out) {
  { s.feature_count() } -> std::convertible_to<index>;
  s.features(c, out);
};
template <class S>
concept has_pinned = requires(S const& s, index layer) {
  { s.pinned(layer) } -> std::convertible_to<bool>;
};

template <class S>
concept search_space =
    has_size<S> && has_choices<S> && has_average_bits<S> && has_model_bytes<S> && has_features<S> && has_pinned<S>;

/// One sentence for each member that S lacks.
template <class S>
constexpr bool diagnose_search_space() {
  static_assert(has_size<S>, "amq: a search_space needs `index size() const`, the number of linear layers");
  static_assert(has_choices<S>,
                "amq: a search_space needs `std::span<format const> choices(index layer) const`, fewest bits first");
  static_assert(has_average_bits<S>,
                "amq: a search_space needs `double average_bits(std::span<gene const>) const`, overhead included");
  static_assert(has_model_bytes<S>,
                "amq: a search_space needs `std::int64_t model_bytes(std::span<gene const>) const`, the whole model");
  static_assert(has_features<S>,
                "amq: a search_space needs `index feature_count() const` and "
                "`void features(std::span<gene const>, std::span<double>) const`, what predictors see");
  static_assert(has_pinned<S>,
                "amq: a search_space needs `bool pinned(index layer) const`: pinned layers keep their highest choice");
  return search_space<S>;
}

}  // namespace amq
