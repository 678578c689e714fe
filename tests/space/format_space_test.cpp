// format_space against AMQ's own accounting and encoding of five real models, and its rules for pinned layers.
#include "amq/space/format_space.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "amq/concepts/search_space.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"

static_assert(amq::diagnose_search_space<amq::format_space>());

using amq::format;
using amq::format_space;
using amq::gene;

namespace {

char const* const kinds[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                             "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};

/// A model's linear layers in checkpoint order; shapes (kinds, 2) are (outputs, inputs).
std::vector<amq::linear_layer> layers_of(amq::matrix<double> const& shapes, int blocks) {
  std::vector<amq::linear_layer> layers;
  for (int block = 0; block < blocks; ++block)
    for (int kind = 0; kind < 7; ++kind)
      layers.push_back({"model.layers." + std::to_string(block) + "." + kinds[kind],
                        static_cast<amq::index>(shapes(kind, 0)), static_cast<amq::index>(shapes(kind, 1)), block,
                        kind});
  return layers;
}

/// Configuration `which` of golden's bits (configurations, kinds, blocks), in checkpoint order.
std::vector<int> widths_of(std::vector<double> const& bits, int which, int blocks) {
  std::vector<int> widths;
  for (int block = 0; block < blocks; ++block)
    for (int kind = 0; kind < 7; ++kind)
      widths.push_back(static_cast<int>(bits[static_cast<std::size_t>((which * 7 + kind) * blocks + block)]));
  return widths;
}

std::vector<format> formats(std::vector<int> const& bits, int group) {
  std::vector<format> list;
  for (int const b : bits) list.push_back({b, group});
  return list;
}

nlohmann::json golden_arguments(std::string const& name) {
  std::ifstream file(std::string(AMQ_TESTS_FOLDER) + "/data/amq/golden.json");
  auto const all = nlohmann::json::parse(file);
  for (auto const& entry : all.at("cases"))
    if (entry.at("file") == name + ".safetensors") return entry.at("args");
  return {};
}

struct model {
  amq::testing::golden_case golden;
  nlohmann::json arguments;
  int blocks;
  std::vector<amq::linear_layer> layers;

  explicit model(std::string const& name)
      : golden("amq", name),
        arguments(golden_arguments(name)),
        blocks(arguments.at("n_block")),
        layers(layers_of(golden.table("shapes"), blocks)) {}

  amq::index layer(std::string const& short_name) const {
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (layers[i].name == "model.layers." + short_name) return static_cast<amq::index>(i);
    return -1;
  }

  std::vector<amq::index> pinned() const {
    std::vector<amq::index> list;
    for (std::string const name : arguments.at("pinned")) list.push_back(layer(name));
    return list;
  }
};

char const* const models[] = {"Llama-2-7b-hf", "Llama-2-13b-hf", "Llama-3.1-8B-Instruct", "Qwen2.5-7B",
                              "Mistral-7B-v0.3"};

/// Two blocks of two kinds, the kinds with different shapes.
std::vector<amq::linear_layer> small_layers() {
  return {{"a0", 2, 8, 0, 0}, {"b0", 3, 16, 0, 1}, {"a1", 2, 8, 1, 0}, {"b1", 3, 16, 1, 1}};
}

}  // namespace

TEST_CASE("format_space counts bits and bytes as AMQ does, whole rows and 16 bits included", "[format_space]") {
  for (char const* name : models) {
    model const m(name);
    auto const bits = m.golden.values("bits");
    auto const usage = m.golden.values("bits_usage");
    auto const groups = m.golden.values("groups");
    double const weights = m.arguments.at("model_numel");
    for (int which = 0; which < 9; ++which)
      for (std::size_t g = 0; g < groups.size(); ++g) {
        CAPTURE(name, which, groups[g]);
        format_space const space(m.layers, formats({2, 3, 4, 8, 16}, static_cast<int>(groups[g])), 1000);
        auto const genes = space.from_bits(widths_of(bits, which, m.blocks));
        double const expected = usage[static_cast<std::size_t>(which) * groups.size() + g];
        REQUIRE(space.average_bits(genes) == Approx(expected).epsilon(1e-12));
        REQUIRE(space.linear_bytes(genes) == Approx(expected * weights / 8).epsilon(1e-12));
        REQUIRE(space.model_bytes(genes) == static_cast<std::int64_t>(std::ceil(space.linear_bytes(genes))) + 1000);
      }
  }
}

TEST_CASE("format_space orders variables and features as AMQ encodes them", "[format_space]") {
  for (char const* name : models) {
    CAPTURE(name);
    model const m(name);
    auto const bits = m.golden.values("bits");
    auto const encode = m.golden.table("encode");
    auto const encode_predictor = m.golden.table("encode_predictor");
    format_space const whole(m.layers, formats({2, 3, 4}, 128), 0);
    format_space const space = whole.pin(m.pinned());
    REQUIRE(space.feature_count() == encode_predictor.cols());
    REQUIRE(whole.log10_configurations() == Approx(m.arguments.at("log10_points").at("all")).epsilon(1e-12));
    REQUIRE(space.log10_configurations() == Approx(m.arguments.at("log10_points").at("free")).epsilon(1e-12));
    auto const positions = m.golden.values("pinned_positions");
    for (double const position : positions)
      REQUIRE(space.pinned(space.variable_order()[static_cast<std::size_t>(position)]));
    REQUIRE(static_cast<std::size_t>(whole.size() - space.feature_count()) == positions.size());

    for (int which = 0; which < 8; ++which) {
      auto const genes = whole.from_bits(widths_of(bits, which, m.blocks));
      for (amq::index i = 0; i < whole.size(); ++i) {
        amq::index const layer = whole.variable_order()[static_cast<std::size_t>(i)];
        REQUIRE(genes[static_cast<std::size_t>(layer)] == encode(which, i));
      }
      std::vector<double> features(static_cast<std::size_t>(space.feature_count()));
      space.features(genes, features);
      for (amq::index i = 0; i < space.feature_count(); ++i)
        REQUIRE(features[static_cast<std::size_t>(i)] == encode_predictor(which, i) / 2);
    }
  }
}

TEST_CASE("format_space rounds the linear layers' bytes up once", "[format_space]") {
  // 3 rows of 1 input: 3 * (3 + 32) = 105 bits, then 2 * (2 + 32) = 68 bits: 173 bits are 21.625 bytes.
  format_space const space({{"a", 3, 1, 0, 0}, {"b", 2, 1, 0, 1}}, {{{3, 1}}, {{2, 1}}}, 100);
  amq::configuration const genes{0, 0};
  REQUIRE(space.linear_bits(genes) == 173);
  REQUIRE(space.linear_bytes(genes) == 21.625);
  REQUIRE(space.model_bytes(genes) == 122);
  REQUIRE(space.other_bytes() == 100);
}

TEST_CASE("a pinned layer keeps its highest choice", "[format_space]") {
  format_space const whole(small_layers(), formats({2, 3, 4}, 8), 0);
  format_space const space = whole.pin(std::vector<amq::index>{2});
  REQUIRE_FALSE(whole.pinned(2));
  REQUIRE(space.pinned(2));
  REQUIRE(space.pin(std::vector<amq::index>{0}).free_layers() == std::vector<amq::index>{1, 3});
  REQUIRE(space.free_layers() == std::vector<amq::index>{0, 1, 3});
  REQUIRE(space.uniform(1) == amq::configuration{1, 1, 2, 1});
  REQUIRE(space.lowest() == amq::configuration{0, 0, 2, 0});
  REQUIRE(space.highest() == amq::configuration{2, 2, 2, 2});
  REQUIRE(whole.lowest() == amq::configuration{0, 0, 0, 0});
  REQUIRE(space.contains(space.lowest()));
  REQUIRE_FALSE(space.contains(whole.lowest()));
  REQUIRE(space.bits_by_layer(space.lowest()) == std::vector{2, 2, 4, 2});
  REQUIRE(space.from_bits(std::vector{2, 3, 4, 4}) == amq::configuration{0, 1, 2, 2});
  REQUIRE_THROWS_WITH(space.from_bits(std::vector{2, 3, 3, 4}),
                      "the layer a1 is given 3 bits, but it is pinned to 4g8");
  std::vector<double> features(3);
  space.features(amq::configuration{1, 2, 2, 0}, features);
  REQUIRE(features == std::vector{0.5, 1.0, 0.0});
}

TEST_CASE("layers may have choices of their own", "[format_space]") {
  format_space const space(small_layers(), {formats({2, 4}, 8), formats({3}, 4), formats({2, 3, 4, 16}, 8), {{8, 8}}},
                           7);
  REQUIRE(space.choices(2).size() == 4);
  REQUIRE(space.uniform_count() == 4);
  REQUIRE(space.uniform(2) == amq::configuration{1, 0, 2, 0});
  REQUIRE(space.feature_count() == 2);
  REQUIRE(space.free_layers() == std::vector<amq::index>{0, 2});
  REQUIRE(space.log10_configurations() == Approx(std::log10(8)));
  REQUIRE(space.linear_bits(amq::configuration{0, 0, 3, 0}) ==
          2 * 8 * 2 + 64 + 3 * 16 * 3 + 12 * 32 + 2 * 8 * 16 + 3 * 16 * 8 + 6 * 32);
  std::vector<double> features(2);
  space.features(amq::configuration{1, 0, 2, 0}, features);
  REQUIRE(features[0] == 1);
  REQUIRE(features[1] == Approx(2.0 / 3));
}

TEST_CASE("format_space tells configurations from what is none", "[format_space]") {
  format_space const space(small_layers(), formats({2, 3, 4}, 8), 0);
  REQUIRE(space.contains(amq::configuration{0, 1, 2, 0}));
  REQUIRE_FALSE(space.contains(amq::configuration{0, 1, 3, 0}));
  REQUIRE_FALSE(space.contains(amq::configuration{0, 1, 2}));
  REQUIRE_THROWS_AS(space.average_bits(amq::configuration{0, 1, 3, 0}), amq::precondition_error);
  REQUIRE_THROWS_AS(space.average_bits(amq::configuration{0, 1, 2}), amq::precondition_error);
  REQUIRE_THROWS_AS(space.bits_by_layer(amq::configuration{0, 1, 2}), amq::precondition_error);
  REQUIRE_THROWS_AS(space.from_bits(std::vector{2, 3}), amq::precondition_error);
  REQUIRE_THROWS_AS(space.pin(std::vector<amq::index>{4}), amq::precondition_error);
  REQUIRE_THROWS_WITH(space.from_bits(std::vector{2, 3, 5, 2}),
                      "the layer a1 is given 5 bits, which is not among its choices: 2g8, 3g8, 4g8");
}

TEST_CASE("format_space refuses choices that make no space", "[format_space]") {
  auto const made = [](std::vector<std::vector<format>> choices) {
    format_space(small_layers(), std::move(choices), 0);
  };
  auto const good = formats({2, 3}, 8);
  REQUIRE_THROWS_AS(made({good, good, good}), amq::precondition_error);
  REQUIRE_THROWS_AS(made({good, good, good, {}}), amq::precondition_error);
  REQUIRE_THROWS_AS(made({good, good, good, formats({3, 2}, 8)}), amq::precondition_error);
  REQUIRE_THROWS_AS(made({good, good, good, formats({3, 3}, 8)}), amq::precondition_error);
  REQUIRE_THROWS_AS(made({good, good, good, formats({2, 3}, 7)}), amq::input_error);
  REQUIRE_NOTHROW(made({good, good, good, formats({16}, 7)}));
  REQUIRE_THROWS_WITH(
      format_space(small_layers(), formats({2, 3}, 16), 0),
      "a group of 16 does not divide the inputs of a0 (8 inputs), a1 (8 inputs); the largest group that "
      "divides all layers is 8");
}

TEST_CASE("a space sized by something else counts that, rising with the bits, and keeps its bytes", "[space]") {
  std::vector<amq::linear_layer> const layers{{"a", 64, 128, 0, 0}, {"b", 32, 128, 0, 1}, {"c", 64, 128, 1, 0}};
  format_space const plain(layers, std::vector<format>{{2, 128}, {3, 128}, {4, 128}}, 100);
  // Three bits take longer than four: they count as four.
  auto const cost = [](amq::linear_layer const& layer, format f) {
    return static_cast<double>(layer.rows) * (f.bits == 3 ? 7 : f.bits);
  };
  auto const sized = plain.sized_by(cost);
  auto const size = [](format_space const& space, amq::configuration const& genes) {
    return Approx(space.average_bits(genes)).epsilon(1e-9);
  };
  CHECK(size(sized, {0, 0, 0}) == 160 * 2);
  CHECK(size(sized, {1, 0, 2}) == 64 * 4 + 32 * 2 + 64 * 4);
  CHECK(sized.model_bytes(amq::configuration{1, 0, 2}) == plain.model_bytes(amq::configuration{1, 0, 2}));
  CHECK(sized.linear_bits(amq::configuration{1, 0, 2}) == plain.linear_bits(amq::configuration{1, 0, 2}));
  CHECK(size(sized.tie({{0, 2}}), {1, 0}) == 128 * 4 + 32 * 2);
  CHECK(size(plain.tie({{0, 2}}).sized_by(cost), {1, 0}) == 128 * 4 + 32 * 2);
  CHECK(size(sized.pin(std::vector<amq::index>{1}), {0, 2, 0}) == 128 * 2 + 32 * 4);
  CHECK_THROWS_AS(plain.sized_by([](auto const&, format f) { return 2.5 - f.bits; }), amq::precondition_error);
}
