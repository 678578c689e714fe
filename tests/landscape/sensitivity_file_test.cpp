// Sensitivity files: what is read, and the sentence for each thing that may be wrong with one.
#include "amq/landscape/sensitivity_file.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace amq::testing {
namespace {

constexpr auto header = "layer,rows,cols,jsd_alone_at_2_bits\n";

sensitivity_table read(std::string const& text) {
  std::istringstream file(text);
  return read_sensitivities(file, "s.csv");
}

/// With the header before them.
sensitivity_table read_lines(std::string const& lines) {
  std::string text = header;
  text += lines;
  return read(text);
}

TEST_CASE("layers get their block and kind from their names", "[landscape]") {
  auto const table = read_lines(
      "model.layers.0.self_attn.q_proj,256,128,0.01\r\nmodel.layers.0.mlp.up_proj,128,256,1.5e-2\n"
      "model.layers.12.mlp.up_proj,128,256,0.3\n\n");
  REQUIRE(table.layers.size() == 3);
  CHECK(table.sensitivities == std::vector<double>{0.01, 0.015, 0.3});
  CHECK(table.layers[0].rows == 256);
  CHECK(table.layers[0].cols == 128);
  CHECK(table.layers[1].kind == 1);
  CHECK(table.layers[2].kind == 1);
  CHECK(table.layers[2].block == 12);
  CHECK(table.layers[2].name == "model.layers.12.mlp.up_proj");
}

TEST_CASE("the made-up sensitivities have the shape of measured ones", "[landscape]") {
  auto const table = read_sensitivities(std::filesystem::path(AMQ_SOURCE_FOLDER "/examples/landscapes/made_up.csv"));
  CHECK(table.layers.size() == 224);
  CHECK(table.layers.back().block == 31);
  CHECK(table.layers.back().kind == 6);
  auto ordered = table.sensitivities;
  std::sort(ordered.begin(), ordered.end());
  CHECK(ordered[112] < 2 * ordered[0]);     // nearly flat
  CHECK(ordered[223] > 10 * ordered[112]);  // but for an outlier
}

TEST_CASE("a bad sensitivity file is refused with its line", "[landscape]") {
  auto const refused = [](std::string const& lines) { return amq_test::refusal([&] { read_lines(lines); }); };
  using amq_test::lacks;
  CHECK(lacks(amq_test::refusal([] { read("name,loss\n"); }), {"s.csv, line 1", "name,loss", "header"}) == "");
  CHECK(lacks(amq_test::refusal([] { read(""); }), {"line 1", "header"}) == "");
  CHECK(lacks(refused(""), {"names no layer"}) == "");
  CHECK(lacks(refused("a.0.b,1,1,0.1\na.0.c,1,1\n"), {"line 3", "3 cells"}) == "");
  CHECK(lacks(refused("a.0.b,1x,1,0.1\n"), {"line 2", "'1x' is not a number"}) == "");
  CHECK(lacks(refused("a.0.b,0,1,0.1\n"), {"at least one row"}) == "");
  for (std::string const loss : {"0", "-0.1", "0.7", "nan", "inf"})
    CHECK(lacks(refused("a.0.b,1,1," + loss + "\n"), {"'" + loss + "'", "ln 2"}) == "");
  CHECK(lacks(refused("lm_head,1,1,0.1\n"), {"lm_head", "no block"}) == "");
  CHECK(lacks(refused("a.0.b,1,1,0.1\na.0.b,1,1,0.1\n"), {"second time"}) == "");
  CHECK(lacks(refused("a.1.b,1,1,0.1\na.0.b,1,1,0.1\n"), {"checkpoint order"}) == "");
  CHECK(lacks(amq_test::refusal([] { read_sensitivities(std::filesystem::path("/nowhere/s.csv")); }),
              {"/nowhere/s.csv", "cannot be opened"}) == "");
}

}  // namespace
}  // namespace amq::testing
