#include "cuda/races/reports.hpp"

namespace {
int count = 0;
}

// Whichever thread's race it is, the counter's own use must not be reported within the report.
extern "C" __attribute__((no_sanitize("thread"))) void __tsan_on_report(void*) { ++count; }

// Tests count reports, those of the races that they make too. Memory that was raced for once is given out again.
extern "C" char const* __tsan_default_options() {
  return "exitcode=0:suppress_equal_addresses=0:suppress_equal_stacks=0";
}

__attribute__((no_sanitize("thread"))) int races::reported() {
  int const seen = count;
  count = 0;
  return seen;
}
