// Which layers AMQ's rule pins: its own table of Llama-2-7B, and the tiny model's.
#include "amq/space/sensitivity.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "amq/core/error.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"

TEST_CASE("the layers that AMQ pins on Llama-2-7B are pinned", "[sensitivity]") {
  amq::testing::golden_case const golden("amq", "sensitivity_pruning");
  auto const expected = golden.values("pinned");
  auto const pinned = amq::pinned_by_sensitivity(golden.values("sensitivity"));
  std::vector<double> found(expected.size(), 0);
  for (amq::index const layer : pinned) found[static_cast<std::size_t>(layer)] = 1;
  REQUIRE(pinned.size() == 4);
  REQUIRE(found == expected);
}

TEST_CASE("the layers that AMQ pins on the tiny model are pinned", "[sensitivity]") {
  std::ifstream file(std::string(AMQ_TESTS_FOLDER) + "/data/search/golden.json");
  auto const golden = nlohmann::json::parse(file);
  std::vector<std::string> pinned;
  for (amq::index const layer : amq::pinned_by_sensitivity(golden.at("alone_at_2").get<std::vector<double>>()))
    pinned.push_back(golden.at("names").at(static_cast<std::size_t>(layer)));
  REQUIRE(pinned == golden.at("pinned").get<std::vector<std::string>>());
}

TEST_CASE("a layer is pinned above the threshold, not at it", "[sensitivity]") {
  std::vector<double> const sensitivities{1, 2, 3, 5, 6.1, 1, 3};  // median 3
  using list = std::vector<amq::index>;
  REQUIRE(amq::pinned_by_sensitivity(sensitivities) == list{4});
  REQUIRE(amq::pinned_by_sensitivity(sensitivities, 5.0 / 3) == list{4});
  REQUIRE(amq::pinned_by_sensitivity(sensitivities, 1.5) == list{3, 4});
  REQUIRE(amq::pinned_by_sensitivity(std::vector<double>(4, 0.0)).empty());
  REQUIRE_THROWS_AS(amq::pinned_by_sensitivity({}), amq::precondition_error);
}
