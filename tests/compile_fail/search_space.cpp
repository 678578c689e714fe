// A complete search_space, and what is said when a member is missing.
//
// WITHOUT_SIZE: amq: a search_space needs `index size() const`
// WITHOUT_CHOICES: amq: a search_space needs `std::span<format const> choices(
// WITHOUT_AVERAGE_BITS: amq: a search_space needs `double average_bits(
// WITHOUT_MODEL_BYTES: amq: a search_space needs `std::int64_t model_bytes(
// WITHOUT_FEATURES: amq: a search_space needs `index feature_count() const` and
// WITHOUT_PINNED: amq: a search_space needs `bool pinned(
#include "amq/concepts/search_space.hpp"

struct my_space {
#ifndef WITHOUT_SIZE
  amq::index size() const;
#endif
#ifndef WITHOUT_CHOICES
  std::span<amq::format const> choices(amq::index layer) const;
#endif
#ifndef WITHOUT_AVERAGE_BITS
  double average_bits(std::span<amq::gene const>) const;
#endif
#ifndef WITHOUT_MODEL_BYTES
  std::int64_t model_bytes(std::span<amq::gene const>) const;
#endif
  amq::index feature_count() const;
#ifndef WITHOUT_FEATURES
  void features(std::span<amq::gene const>, std::span<double>) const;
#endif
#ifndef WITHOUT_PINNED
  bool pinned(amq::index layer) const;
#endif
};
static_assert(amq::diagnose_search_space<my_space>());
