// A complete archive, and what is said when a member is missing.
//
// WITHOUT_EVALUATIONS: amq: an archive needs `std::span<evaluation const> evaluations() const`
// WITHOUT_RECORD: amq: an archive needs `void record(evaluation)`
// WITHOUT_CONTAINS: amq: an archive needs `bool contains(std::span<gene const>) const`
#include "amq/concepts/archive.hpp"

struct my_archive {
#ifndef WITHOUT_EVALUATIONS
  std::span<amq::evaluation const> evaluations() const;
#endif
#ifndef WITHOUT_RECORD
  void record(amq::evaluation);
#endif
#ifndef WITHOUT_CONTAINS
  bool contains(std::span<amq::gene const>) const;
#endif
};
static_assert(amq::diagnose_archive<my_archive>());
