#include "amq/space/tied_layers.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/space/choices.hpp"
#include "support/catch.hpp"

namespace {

using amq::format;
using strings = std::vector<std::string>;
using groups = std::vector<std::vector<amq::index>>;

/// Two blocks of q, k, v, o and gate, up, down.
std::vector<amq::linear_layer> layers() {
  std::vector<amq::linear_layer> all;
  for (int block = 0; block < 2; ++block) {
    std::string const prefix = "model.layers." + std::to_string(block) + ".";
    int kind = 0;
    for (char const* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                             "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
      amq::index const rows = kind == 1 || kind == 2 ? 64 : kind == 4 || kind == 5 ? 384 : 128;
      all.push_back({prefix + name, rows, kind == 6 ? 384 : 128, block, kind});
      ++kind;
    }
  }
  return all;
}

amq::format_space space() { return {layers(), std::vector<format>{{2, 64}, {3, 64}, {4, 64}}, 1000}; }

amq::target halves() {
  amq::target made;
  made.name = "halves";
  made.stored_bits = [](amq::linear_layer const& l, format f) { return l.rows * l.cols * f.bits / 2 + 8; };
  made.refusal = [](amq::linear_layer const&, format f) { return std::string(f.bits == 3 ? "no threes" : ""); };
  made.fused = amq::fused_projections();
  return made;
}

}  // namespace

TEST_CASE("layers are tied by the names of what engines fuse, by block, or by regular expressions", "[space]") {
  REQUIRE(amq::tied_layers(layers(), strings{"qkv"}) == groups{{0, 1, 2}, {7, 8, 9}});
  REQUIRE(amq::tied_layers(layers(), strings{"qkv", "gate_up"}) == groups{{0, 1, 2}, {4, 5}, {7, 8, 9}, {11, 12}});
  REQUIRE(amq::tied_layers(layers(), strings{"block"}).size() == 2);
  REQUIRE(amq::tied_layers(layers(), strings{R"(.*\.down_proj)"}) == groups{{6, 13}});
  REQUIRE(amq::tied_layers(layers(), strings{R"(.*layers\.(\d+)\.mlp.*)"}) == groups{{4, 5, 6}, {11, 12, 13}});
  REQUIRE(amq::tied_layers(layers(), amq::fused_patterns(halves())) == groups{{0, 1, 2}, {4, 5}, {7, 8, 9}, {11, 12}});
}

TEST_CASE("ties that share a layer become one", "[space]") {
  REQUIRE(amq::tied_layers(layers(), strings{"qkv", R"(.*layers\.0\.self_attn\.[vo]_proj)"}) ==
          groups{{0, 1, 2, 3}, {7, 8, 9}});
}

TEST_CASE("the experts of a block are one group", "[space]") {
  std::vector<amq::linear_layer> experts;
  for (int block = 0; block < 2; ++block)
    for (int expert = 0; expert < 3; ++expert)
      for (char const* name : {"w1", "w2"})
        experts.push_back({"model.layers." + std::to_string(block) + ".block_sparse_moe.experts." +
                               std::to_string(expert) + "." + name,
                           name[1] == '1' ? 64 : 96, name[1] == '1' ? 96 : 64, block, 0});
  REQUIRE(amq::tied_layers(experts, strings{"experts"}) == groups{{0, 1, 2, 3, 4, 5}, {6, 7, 8, 9, 10, 11}});
  amq::format_space const whole(experts, std::vector<format>{{2, 32}, {4, 32}}, 0);
  auto const tied = whole.tie(amq::tied_layers(experts, strings{"experts"}));
  REQUIRE(tied.size() == 2);
  REQUIRE(tied.layers()[0].rows * tied.layers()[0].cols == 6 * 64 * 96);
  REQUIRE(tied.linear_bits(tied.highest()) == whole.linear_bits(whole.highest()));
}

TEST_CASE("a tie that joins nothing, or is no expression, is refused", "[space]") {
  REQUIRE_THROWS_WITH(amq::tied_layers(layers(), strings{"kqv"}),
                      "the tie 'kqv' joins no two of the 14 linear layers; `amq inspect` lists their names");
  REQUIRE_THROWS_AS(amq::tied_layers(layers(), strings{"("}), amq::input_error);
}

TEST_CASE("a space of tied layers has a gene a group and costs what its members cost", "[space]") {
  auto const whole = space();
  auto const tied = whole.tie(amq::tied_layers(layers(), strings{"qkv", "gate_up"}));
  REQUIRE(tied.size() == 8);
  REQUIRE(tied.tied());
  REQUIRE_FALSE(whole.tied());
  REQUIRE(tied.layers()[0].name == "model.layers.0.self_attn.q_proj+k_proj+v_proj");
  REQUIRE(tied.layers()[0].rows == 256);
  REQUIRE(tied.log10_configurations() == Approx(8 * std::log10(3.0)));
  amq::configuration const genes{0, 1, 2, 0, 2, 1, 0, 2};
  auto const expanded = tied.expand(genes);
  REQUIRE(expanded == amq::configuration{0, 0, 0, 1, 2, 2, 0, 2, 2, 2, 1, 0, 0, 2});
  REQUIRE(tied.linear_bits(genes) == whole.linear_bits(expanded));
  REQUIRE(tied.average_bits(genes) == whole.average_bits(expanded));
  REQUIRE(tied.model_bytes(genes) == whole.model_bytes(expanded));
  REQUIRE(tied.bits_by_layer(genes) == whole.bits_by_layer(expanded));
  REQUIRE(tied.from_formats(whole.formats(expanded)) == genes);
  REQUIRE(tied.untied().size() == 14);
}

TEST_CASE("formats that differ among tied layers are refused by name", "[space]") {
  auto const tied = space().tie(amq::tied_layers(layers(), strings{"qkv"}));
  std::vector<int> bits(14, 3);
  bits[1] = 4;
  REQUIRE_THROWS_WITH(tied.from_bits(bits),
                      "the layers model.layers.0.self_attn.q_proj and model.layers.0.self_attn.k_proj are tied and are "
                      "given 3 bits and 4 bits; give them the same");
}

TEST_CASE("ties that clash with pins or choices are refused", "[space]") {
  std::vector<amq::index> const pinned{1};
  REQUIRE_THROWS_WITH(
      space().pin(pinned).tie({{0, 1, 2}}),
      "the tied layers model.layers.0.self_attn.q_proj and model.layers.0.self_attn.k_proj clash with the "
      "pins: only one of them is pinned; pin both or neither");
  std::vector<std::vector<format>> choices(14, std::vector<format>{{2, 64}, {4, 64}});
  choices[2] = {amq::kept<amq::bf16>::value};
  amq::format_space const mixed(layers(), choices, 0);
  REQUIRE_THROWS_AS(mixed.tie({{0, 1, 2}}), amq::input_error);
  std::vector<amq::index> const all{0, 1, 2};
  REQUIRE(space().pin(all).tie({{0, 1, 2}}).pinned(0));
  REQUIRE_THROWS_AS(space().tie({{0, 1}, {1, 2}}), amq::precondition_error);
}

TEST_CASE("a target counts its own bytes, tied or not, and average bits stay AMQ's", "[space]") {
  std::vector<format> const even{{2, 64}, {4, 64}};
  amq::format_space const whole(layers(), even, 1000);
  auto const tied = whole.tie({{0, 1, 2}}).in_target(halves(), 77);
  auto const genes = tied.highest();
  REQUIRE(tied.size() == 12);
  REQUIRE(tied.average_bits(genes) == whole.average_bits(whole.highest()));
  std::int64_t bits = 0;
  for (auto const& l : layers()) bits += l.rows * l.cols * 2 + 8;
  REQUIRE(tied.model_bytes(genes) == (bits + 7) / 8 + 77);
  REQUIRE(tied.target()->name == "halves");
}

TEST_CASE("choices that a target cannot hold are refused with the layers' names", "[space]") {
  REQUIRE_THROWS_WITH(space().in_target(halves(), 0),
                      "files of the format halves cannot hold model.layers.0.self_attn.q_proj at 3g64 (no threes); "
                      "model.layers.0.self_attn.k_proj at 3g64 (no threes); model.layers.0.self_attn.v_proj at 3g64 "
                      "(no threes); and 11 "
                      "more");
}

TEST_CASE("choices of any kind make a space in which each layer's rise", "[space]") {
  using any = amq::choices<amq::affine<3, 128>, amq::affine<2, 64>, amq::bitstack_levels<4>, amq::kept<amq::bf16>>;
  auto const mixed = any::over(layers(), 0);
  auto const list = mixed.choices(0);
  REQUIRE(list.size() == 4);
  REQUIRE(list[0] == format{2, 64});
  REQUIRE(list[1] == format{3, 128});
  REQUIRE(list[2].stacked());
  REQUIRE(list[3].kept());
  REQUIRE(mixed.average_bits(mixed.highest()) == 16);
  REQUIRE(amq::choices<amq::affine<2, 32>, amq::affine<2, 32>>::over(layers(), 0).choices(0).size() == 1);
}
