// Replay of archives: what is answered, and what is not.
#include "amq/landscape/table.hpp"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/evaluator.hpp"
#include "support/catch.hpp"

namespace amq::testing {
namespace {

evaluation measured_as(configuration genes, double loss, double fidelity = 1) {
  evaluation e;
  e.configuration = std::move(genes);
  e.loss = loss;
  e.fidelity = fidelity;
  return e;
}

TEST_CASE("a table answers for what it has, and each other configuration fails alone", "[table]") {
  std::vector<evaluation> const archive{
      measured_as({0, 2}, 0.25), measured_as({1, 1}, 0.5, 0.25), measured_as({1, 1}, 0.125),
      measured_as({0, 0}, std::numeric_limits<double>::infinity()), measured_as({1, 1}, 0.75)};
  table_landscape const table(archive);
  static_assert(streaming_evaluator<table_landscape const>);
  REQUIRE(table.configurations().size() == 2);
  CHECK(table.configurations()[1] == configuration{1, 1});
  std::vector<configuration> const batch{{1, 1}, {1, 2}, {0, 0}, {0, 2}};
  std::vector<measurement> measured(4);
  table.evaluate(batch, measured);
  CHECK(measured[0].loss == 0.125);
  CHECK(measured[3].loss == 0.25);
  CHECK((measured[0].error.empty() && measured[3].error.empty()));
  CHECK(measured[1].error.find("2 measured") != std::string::npos);
  CHECK_FALSE(measured[2].error.empty());
  CHECK(table.contains(batch[0]));
  CHECK_FALSE(table.contains(batch[2]));
  std::size_t seen = 0;
  table.evaluate_each(batch, [&](std::size_t i, measurement&& m) { return ++seen < 2 && i == 0 && m.loss == 0.125; });
  CHECK(seen == 2);
}

}  // namespace
}  // namespace amq::testing
