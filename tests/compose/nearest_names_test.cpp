#include "amq/compose/nearest_names.hpp"

#include <array>

#include "support/catch.hpp"
#include "support/files.hpp"

using amq::edit_distance;

TEST_CASE("the edit distance counts insertions, deletions and replacements") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("nsga2", "nsga") == 1);
  CHECK(edit_distance("flaw", "lawn") == 2);
}

TEST_CASE("the nearest names are those of the least distance, and none where nothing is alike") {
  std::array<std::string_view, 5> const names{"gp", "gp_rbf", "gp_hamming", "rbf", "mlp"};
  auto const nearest = [&](std::string_view name) { return amq::one_of(amq::nearest_names(name, names)); };
  CHECK(nearest("gq") == "gp");
  CHECK(nearest("gp_rbb") == "gp_rbf");
  CHECK(nearest("rp") == "gp");
  CHECK(nearest("xyz") == "");
  CHECK(nearest("") == "");
  std::array<std::string_view, 4> const alike{"a1", "a2", "a3", "a4"};
  CHECK(amq::nearest_names("a5", alike).size() == 3);
}

TEST_CASE("a refusal names what was asked for, what may have been meant and all that there is") {
  std::array<std::string_view, 3> const names{"nsga2", "moead", "knapsack"};
  auto const said = amq_test::refusal([&] { amq::refuse_name("nsga3", "an optimizer", names); });
  CHECK(said == "'nsga3' is not the name of an optimizer: did you mean nsga2? There is nsga2, moead or knapsack");
  auto const endless = amq_test::refusal([&] { amq::refuse_name(std::string(5000, 'x'), "an optimizer", names); });
  CHECK(endless.size() < 300);
}
