// The commands that run a model: what they take.
#pragma once

#include <CLI/CLI.hpp>

#include "options.hpp"

namespace amq::cli {

struct running_commands {
  generate_options generating;
  benchmark_options benchmarking;
  profile_options profiling;
};

/// Adds generate, benchmark and profile; each sets `code` when it was called. `to` and `code` outlive the app's parse.
void add_running_commands(CLI::App& app, running_commands& to, int& code);

}  // namespace amq::cli
