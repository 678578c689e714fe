// The whole way from the command line to kernels and back, in a program whose kernels run on the host.
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/program.hpp"

using namespace amq_test;
using json = nlohmann::json;

namespace {

std::string const embedded = AMQ_SOURCE_FOLDER "/examples/models/tiny";

outcome run_program(std::vector<std::string> arguments) { return running_program(std::move(arguments)).wait(); }

json measured(std::string const& device, std::string const& precision) {
  auto const result =
      run_program({"sensitivity", embedded, "--tokens", embedded + "/calibration.npy", "--sequences", "1", "--length",
                   "12", "--formats", "2g128,4g128", "--proxy", "rtn", "--json", "--device", device, "--precision",
                   precision});
  INFO(result.err);
  REQUIRE(result.code == 0);
  return json::parse(result.out)["layers"];
}

}  // namespace

TEST_CASE("the program measures with kernels what it measures with the processor") {
  auto const here = measured("cpu", "f32"), there = measured("cuda", "f32");
  REQUIRE(here.size() == there.size());
  for (std::size_t layer = 0; layer < here.size(); ++layer) {
    double const expected = here[layer]["sensitivity"], found = there[layer]["sensitivity"];
    INFO(here[layer].dump() << ' ' << there[layer].dump());
    CHECK(std::abs(found - expected) <= 1e-3 * std::abs(expected) + 1e-7);
  }
}

TEST_CASE("the program writes with kernels what it writes with the processor") {
  auto const text = [](std::string const& device) {
    auto const result = run_program({"generate", embedded, "--prompt", "The king", "--tokens", "8", "--precision", "f32",
                                     "--device", device});
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result.out;
  };
  CHECK(text("cuda") == text("cpu"));
}
