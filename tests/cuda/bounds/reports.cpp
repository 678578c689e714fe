#include "cuda/bounds/reports.hpp"

#include <sanitizer/asan_interface.h>

#include <utility>

namespace {
std::string text;
}

extern "C" char const* __asan_default_options() { return "halt_on_error=0"; }

std::string bounds::reported() {
  __asan_set_error_report_callback([](char const* report) { text += report; });
  return std::exchange(text, {});
}
