#include "amq/store/archived_layer.hpp"

#include "store/fixtures.hpp"

namespace {

struct two_layer_space {
  std::vector<amq::format> formats{{2, 64}, {4, 64}};
  amq::index size() const { return 2; }
  std::span<amq::format const> choices(amq::index) const { return formats; }
  double average_bits(std::span<amq::gene const>) const { return 0; }
  std::int64_t model_bytes(std::span<amq::gene const>) const { return 0; }
  amq::index feature_count() const { return 2; }
  void features(std::span<amq::gene const>, std::span<double>) const {}
  bool pinned(amq::index) const { return false; }
};

}  // namespace

TEST_CASE("genes are written as bits in checkpoint order and read back", "[store]") {
  amq::bits_table const table({{"a", {{2, 128}, {3, 128}, {4, 128}}}, {"b", {{3, 64}, {8, 64}}}, {"c", {{16, 0}}}});
  amq::configuration const genes{2, 1, 0};
  CHECK(table.text(genes) == "[4,8,16]");
  CHECK(table.genes("[4,8,16]") == genes);
  CHECK(table.genes(" [ 2, 3, 16 ] ") == amq::configuration{0, 0, 0});
}

TEST_CASE("what is no configuration of the table is nothing", "[store]") {
  amq::bits_table const table(store_test::layers(2));
  for (std::string const text : {"", "[", "[2]", "[2,3,4]", "[2,5]", "[2,\"3\"]", "[2,3.0]", "{\"a\":2,\"b\":3}",
                                 "null", "[2,-1]", "[2,99999999999999999999]", "[[2],3]"}) {
    INFO(text);
    CHECK_FALSE(table.genes(text).has_value());
  }
  CHECK_THROWS_AS(table.text(amq::configuration{0}), amq::precondition_error);
  CHECK_THROWS_AS(table.text(amq::configuration{0, 3}), amq::precondition_error);
}

TEST_CASE("choices that bits alone do not tell apart are written by their formats", "[store]") {
  amq::bits_table const table({{"a", {{2, 128}, {2, 64}, amq::bitstack_levels<3>::value}}, {"b", {{3, 64}, {4, 64}}}});
  CHECK(table.text(amq::configuration{1, 1}) == R"(["2g64",4])");
  CHECK(table.genes(R"(["2g64",4])") == amq::configuration{1, 1});
  CHECK(table.genes(R"(["stack3",3])") == amq::configuration{2, 0});
  CHECK_FALSE(table.genes("[2,3]").has_value());
  CHECK(amq::parse_space_setting(amq::space_setting(table.layers())) == table.layers());
}

TEST_CASE("the same choice twice, and none, are refused", "[store]") {
  CHECK_THROWS_AS(amq::bits_table(std::vector<amq::archived_layer>{{"a", {{2, 64}, {2, 64}}}}),
                  amq::precondition_error);
  CHECK_THROWS_AS(amq::bits_table(std::vector<amq::archived_layer>{{"a", {}}}), amq::precondition_error);
}

TEST_CASE("the setting named space holds names and formats", "[store]") {
  auto const layers = store_test::layers(2);
  CHECK(amq::space_setting({layers.data(), 1}) ==
        R"([{"formats":[{"bits":2,"group":128},{"bits":3,"group":128},{"bits":4,"group":128}],)"
        R"("name":"model.layers.0.mlp.down_proj"}])");
  CHECK(amq::parse_space_setting(amq::space_setting(layers)) == layers);
  for (std::string const text : {"", "{", "5", "[5]", "[{}]", R"([{"name":"a","formats":[]}])",
                                 R"([{"name":"a","formats":[{"bits":"2","group":1}]}])"}) {
    INFO(text);
    CHECK_FALSE(amq::parse_space_setting(text).has_value());
  }
}

TEST_CASE("layers are taken from a space and the names of a checkpoint", "[store]") {
  std::vector<amq::linear_layer> const linears{{"q", 64, 128, 0, 0}, {"k", 32, 128, 0, 1}};
  auto const layers = amq::archived_layers(two_layer_space{}, linears);
  CHECK(layers == std::vector<amq::archived_layer>{{"q", {{2, 64}, {4, 64}}}, {"k", {{2, 64}, {4, 64}}}});
  CHECK(layers[1].rows == 32);
  CHECK(layers[1].cols == 128);
  CHECK_THROWS_AS(amq::archived_layers(two_layer_space{}, std::span(linears).first(1)), amq::precondition_error);
}

TEST_CASE("shapes go with the setting named space where they are known", "[store]") {
  std::vector<amq::archived_layer> const layers{{"a", {{2, 64}}, 32, 128}};
  auto const text = amq::space_setting(layers);
  CHECK(text == R"([{"cols":128,"formats":[{"bits":2,"group":64}],"name":"a","rows":32}])");
  auto const read = amq::parse_space_setting(text);
  REQUIRE(read.has_value());
  CHECK(read->at(0).rows == 32);
  CHECK(read->at(0).cols == 128);
  // An archive from before shapes were kept is about the same layers.
  CHECK(*read == std::vector<amq::archived_layer>{{"a", {{2, 64}}}});
}
