#include "amq/core/layer_name.hpp"

#include "support/catch.hpp"

TEST_CASE("a layer's name says its block and its matrix") {
  auto const parsed = amq::parse_layer_name("model.layers.31.self_attn.q_proj");
  REQUIRE(parsed.has_value());
  CHECK(parsed->block == 31);
  CHECK(parsed->matrix == "self_attn.q_proj");
  CHECK(amq::parse_layer_name("0.mlp.up_proj")->block == 0);
  CHECK(amq::parse_layer_name("h.7")->matrix.empty());
  for (auto const* name : {"", ".", "lm_head", "model.layers.3x.up", "model.-1.up", "a.99999999999.b"}) {
    INFO(name);
    CHECK_FALSE(amq::parse_layer_name(name).has_value());
  }
}

TEST_CASE("layers are placed by their names") {
  std::vector<amq::linear_layer> layers{{"b.0.q", 1, 1, 9, 9},
                                        {"b.0.up", 1, 1, 9, 9},
                                        {"b.1.q", 1, 1, 9, 9},
                                        {"b.1.gate", 1, 1, 9, 9},
                                        {"head", 1, 1, 9, 9}};
  amq::place_by_name(layers);
  std::vector<int> blocks;
  std::vector<int> kinds;
  for (auto const& layer : layers) {
    blocks.push_back(layer.block);
    kinds.push_back(layer.kind);
  }
  CHECK(blocks == std::vector<int>{0, 0, 1, 1, 0});
  CHECK(kinds == std::vector<int>{0, 1, 0, 2, 3});
}
