// A complete strategy, and what is said when a member is missing.
//
// WITHOUT_ASK: amq: a strategy needs `std::vector<configuration> ask(
// WITHOUT_TELL: amq: a strategy needs `void tell(
#include "amq/concepts/strategy.hpp"

struct my_archive {};

struct my_strategy {
#ifndef WITHOUT_ASK
  std::vector<amq::configuration> ask(my_archive const&, amq::index n, amq::random_stream&);
#endif
#ifndef WITHOUT_TELL
  void tell(std::span<amq::configuration const>, std::span<double const> losses);
#endif
};
static_assert(amq::diagnose_strategy<my_strategy, my_archive>());
