// The whole way from the command line to kernels and back, in a program whose kernels run on the host.
#include <cmath>
#include <string>
#include <vector>

#include "support/archive_rows.hpp"
#include "support/catch.hpp"
#include "support/program.hpp"

using namespace amq_test;

namespace {

std::string const embedded = AMQ_SOURCE_FOLDER "/examples/models/tiny";

outcome run_program(std::vector<std::string> arguments) { return running_program(std::move(arguments)).wait(); }

/// Losses of three random configurations, as the archive records them.
std::vector<double> losses(std::string const& device) {
  scratch_folder const scratch;
  auto const out = scratch.path() / "out";
  auto const result = run_program({"search",        embedded,      "--tokens",    embedded + "/calibration.npy",
                                   "--sequences",   "1",           "--length",    "12",
                                   "--formats",     "2g128,4g128", "--proxy",     "rtn",
                                   "--seed",        "5",           "--preset",    "random",
                                   "--evaluations", "3",           "--precision", "f32",
                                   "--device",      device,        "--out",       out.string()});
  INFO(result.err);
  REQUIRE(result.code == 0);
  std::vector<double> found;
  for (auto const& row : archive_rows(out)) {
    std::vector<std::string> fields;
    for (std::size_t from = 0; from < row.size(); from = row.find('|', from) + 1)
      fields.push_back(row.substr(from, row.find('|', from) - from));
    found.push_back(std::stod(fields.at(4)));
  }
  return found;
}

}  // namespace

TEST_CASE("a search with kernels records what the processor measures") {
  auto const here = losses("cpu"), there = losses("cuda");
  REQUIRE(here.size() == 3);
  REQUIRE(there.size() == 3);
  for (std::size_t i = 0; i < here.size(); ++i) {
    INFO(there[i] << " against " << here[i]);
    CHECK(std::abs(there[i] - here[i]) <= 1e-3 * here[i]);
  }
}

TEST_CASE("the program writes with kernels what it writes with the processor") {
  auto const text = [](std::string const& device) {
    auto const result = run_program(
        {"generate", embedded, "--prompt", "The king", "--tokens", "8", "--precision", "f32", "--device", device});
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result.out;
  };
  CHECK(text("cuda") == text("cpu"));
}
