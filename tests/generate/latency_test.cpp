// Speed of models: synthetic ones, what is extrapolated, tables of latencies and what they predict.
#include "amq/core/thread_clock.hpp"
#include "amq/generate/profile.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

/// Two blocks, 64 wide, grouped queries.
amq::model_config small_shape() {
  amq::known_shape shape = amq::known_shapes[0];
  shape.hidden = 64, shape.intermediate = 160, shape.blocks = 2, shape.heads = 4, shape.key_value_heads = 2;
  shape.vocabulary = 90, shape.max_length = 64;
  return config_of(shape);
}

constexpr amq::format three{3, 32}, two{2, 32}, kept = amq::kept<amq::bf16>::value;

std::vector<amq::format> all_of(amq::model_config const& config, amq::format f) {
  return std::vector(static_cast<std::size_t>(config.blocks * amq::linears_per_block), f);
}

std::vector<float> logits_of(amq::running_model const& model, amq::precision precision = amq::precision::f32) {
  amq::serial_executor alone;
  amq::forward_pass<amq::serial_executor> pass(model, precision, alone);
  amq::kv_cache cache(model.config(), 8);
  amq::sequence_part part{&cache, 3};
  std::vector<std::int32_t> const tokens{1, 2, 3};
  auto const logits = pass.run(std::span(&part, 1), tokens);
  return {logits.row(0).begin(), logits.row(0).end()};
}

std::vector<std::uint8_t> first_codes(amq::weight_matrix const& matrix) {
  auto const* const data = matrix.tiled().value().data;
  return {data, data + 64};
}

/// 10 for 64 x 64, 20 for others, in units of the width; and constants.
amq::latency_table made_up_table() {
  amq::latency_table table({"here", "0", "f32", 1, 72, 2, "wall"}, 1000, 100);
  for (auto const& layer : linears_of(small_shape()))
    for (amq::format const f : {two, three})
      table.set(layer.rows, layer.cols, f, (layer.rows == 64 && layer.cols == 64 ? 10.0 : 20.0) * f.bits);
  return table;
}

/// Counts what forward_pass tells.
struct counting_watch {
  static constexpr bool watches_layers() { return true; }

  std::vector<amq::index> layers = {};
  int heads = 0;

  template <class Work>
  void linear(amq::index layer, Work&& work) {
    layers.push_back(layer);
    work();
  }
  template <class Work>
  void head(Work&& work) {
    ++heads;
    work();
  }
};

}  // namespace

TEST_CASE("known shapes are those of their config.json, and others are refused with the list", "[latency]") {
  auto const llama = amq::shape_named("llama-3.1-8b");
  CHECK(llama.head_size == 128);
  CHECK(llama.key_value_width(0) == 1024);
  CHECK(llama.windows.size() == 32);
  // All parameters, as the models' cards count them.
  auto const parameters = [](char const* name) {
    auto const config = amq::shape_named(name);
    std::int64_t sum = 2 * config.vocabulary * config.hidden + (2 * config.blocks + 1) * config.hidden;
    for (auto const& layer : linears_of(config))
      sum += layer.rows * layer.cols + (amq::detail::has_bias(config, layer.kind) ? layer.rows : 0);
    return sum;
  };
  CHECK(parameters("llama-2-7b") == 6'738'415'616);
  CHECK(parameters("llama-2-13b") == 13'015'864'320);
  CHECK(parameters("llama-3.1-8b") == 8'030'261'248);
  CHECK(parameters("llama-3.1-70b") == 70'553'706'496);
  CHECK(parameters("qwen2.5-7b") == 7'615'616'512);
  CHECK(parameters("mistral-7b") == 7'248'023'552);
  CHECK(amq::shape_named(AMQ_SOURCE_FOLDER "/examples/models/tiny").hidden > 0);
  CHECK(lacks(refusal([] { amq::shape_named("llama-4"); }), {"'llama-4'", "llama-2-7b, llama-2-13b", "mistral-7b"}) ==
        "");
}

TEST_CASE("a synthetic model is the same for the same seed, runs and takes what it says", "[latency]") {
  auto const config = small_shape();
  auto mixed = all_of(config, three);
  mixed[2] = kept, mixed[5] = two;
  auto const model = amq::synthetic_model(config, mixed, 7);
  auto const logits = logits_of(model);
  CHECK(logits == logits_of(amq::synthetic_model(config, mixed, 7)));
  auto const other = amq::synthetic_model(config, mixed, 8);
  CHECK(logits != logits_of(other));
  for (amq::index const layer : {0, 3}) CHECK(first_codes(model.linear(layer)) != first_codes(other.linear(layer)));
  CHECK(first_codes(model.linear(0)) != first_codes(model.linear(3)));  // both 64 x 64 in 3 bits
  CHECK(std::ranges::all_of(logits, [](float x) { return std::isfinite(x); }));
  CHECK(std::ranges::any_of(logits, [&](float x) { return x != logits[0]; }));
  CHECK(model.bytes_per_token() - 2 * config.hidden == amq::synthetic_bytes(config, mixed));
  for (auto const type : {amq::dtype::f16, amq::dtype::f32}) {
    auto const plain = logits_of(amq::synthetic_model(config, all_of(config, kept), 7, type));
    CHECK(std::ranges::all_of(plain, [](float x) { return std::isfinite(x); }));
  }
  CHECK(lacks(refusal([&] {
                amq::synthetic_model(config, all_of(config, {7, 32}), 7);
              }),
              {"q_proj", "no kernel for 7-bit"}) == "");
}

TEST_CASE("weights of a synthetic model are centred, of a magnitude that hidden states survive", "[latency]") {
  amq::random_stream random(3);
  for (int const bits : amq::tile_layout::widths) {
    amq::tile_layout const layout{bits, 64};
    auto const bytes = amq::detail::random_tiles(40, 128, layout, random);
    auto const unpacked = unpack(amq::tiled_view{bytes.data(), 40, 128, layout});
    amq::matrix<float> weights(40, 128);
    unpacked.dequantize(weights);
    std::vector<double> const values(weights.data(), weights.data() + weights.size());
    CAPTURE(bits);
    CHECK(std::abs(amq::mean(values)) < 0.006);
    CHECK(*std::ranges::max_element(values) <= 0x1p-6);
    CHECK(*std::ranges::min_element(values) == -0x1p-6);
  }
}

TEST_CASE("as many blocks are taken as memory allows, never more", "[latency]") {
  auto const config = amq::shape_named("llama-2-7b");
  std::int64_t const head = 2 * 32000 * 4096, block = 2 * (4 * 4096 * 4096 + 3 * 4096 * 11008);
  CHECK(amq::blocks_within(config, kept, head + 3 * block) == 3);
  CHECK(amq::blocks_within(config, kept, head + 3 * block - 1) == 2);
  CHECK(amq::blocks_within(config, kept, std::int64_t{1} << 40) == 32);
  CHECK(lacks(refusal([&] { amq::blocks_within(config, kept, head); }), {"one block", "kept16", "MiB"}) == "");
}

TEST_CASE("what is extrapolated is the blocks, not the head", "[latency]") {
  amq::model_speed const measured{100, {2, 3}, {0.5, 0.25}};
  auto const whole = measured.extrapolated(4, 32);
  CHECK(whole.prefill.blocks == 16);
  CHECK(whole.prefill.head == 3);
  CHECK(whole.prefill_rate() == 100.0 / 19);
  CHECK(whole.decode_rate() == 1 / 4.25);
}

TEST_CASE("a watch hears of every product once, in order, and changes nothing", "[latency]") {
  auto const config = small_shape();
  auto const model = amq::synthetic_model(config, all_of(config, three), 7);
  amq::serial_executor alone;
  amq::forward_pass<amq::serial_executor> pass(model, amq::precision::f32, alone);
  amq::kv_cache cache(config, 8);
  amq::sequence_part part{&cache, 3};
  std::vector<std::int32_t> const tokens{1, 2, 3};
  counting_watch watch;
  auto const logits = pass.run(std::span(&part, 1), tokens, watch);
  std::vector<amq::index> expected(14);
  std::iota(expected.begin(), expected.end(), amq::index{0});
  CHECK(watch.layers == expected);
  CHECK(watch.heads == 1);
  CHECK(std::ranges::equal(logits.row(0), logits_of(model)));
}

TEST_CASE("measured speed has a time for each part", "[latency]") {
  auto const model = amq::synthetic_model(small_shape(), all_of(small_shape(), three), 7);
  amq::serial_executor alone;
  auto const speed = amq::measure_speed<amq::thread_clock>(
      model, {.prompt_tokens = 9, .decode_tokens = 3, .repeats = 2, .least_seconds = 0}, alone);
  CHECK(speed.prompt_tokens == 9);
  for (double const seconds : {speed.prefill.blocks, speed.prefill.head, speed.decode.blocks, speed.decode.head})
    CHECK((seconds > 0 && seconds < 10));
  CHECK(lacks(refusal([&] { amq::measure_speed(model, {.prompt_tokens = 60, .decode_tokens = 5}, alone); }),
              {"65 tokens", "at most 64"}) == "");
}

TEST_CASE("a table's prediction is the sum of its products, its blocks and its pass", "[latency]") {
  auto const layers = linears_of(small_shape());
  auto const table = made_up_table();
  auto formats = all_of(small_shape(), three);
  formats[0] = two;  // 64 x 64
  formats[6] = two;  // 64 x 160
  // A block: q and o are 64 x 64, the five others not.
  double const block = 2 * 10 * 3 + 5 * 20 * 3;
  CHECK(table.token_seconds(layers, formats) == 2 * block - 10 - 20 + 2 * 100 + 1000);
  formats[1] = {4, 32};
  CHECK(lacks(refusal([&] { (void)table.token_seconds(layers, formats); }),
              {"(32, 64) as 4g32", "only as 2g32, 3g32"}) == "");
  CHECK(lacks(refusal([&] { (void)table.product(1, 2, two); }), {"nor for that shape"}) == "");
}

TEST_CASE("a table survives its file, and files that are none are refused", "[latency]") {
  scratch_folder const folder;
  auto const file = folder.path() / "profile.json";
  auto const table = made_up_table();
  table.save(file);
  auto const read = amq::latency_table::load(file);
  CHECK(read.to_json() == table.to_json());
  CHECK(read.conditions() == table.conditions());
  CHECK(read.product(64, 64, three) == 30);
  auto const broken = [&](auto const& edit) {
    auto json = table.to_json();
    edit(json);
    folder.write("profile.json", json.dump());
    return refusal([&] { amq::latency_table::load(file); });
  };
  CHECK(lacks(broken([](auto& j) { j.erase("precision"); }), {"profile.json", "'precision'"}) == "");
  CHECK(lacks(broken([](auto& j) { j.erase("products"); }), {"'products'", "amq profile"}) == "");
  CHECK(lacks(broken([](auto& j) { j["products"][0]["format"] = "3x"; }), {"'3x'", "no format"}) == "");
  CHECK(lacks(broken([](auto& j) { j["products"][0]["seconds"] = -1; }), {"seconds", "-1"}) == "");
}

TEST_CASE("a profile has every shape in every format, of as many blocks as were asked for", "[latency]") {
  auto const config = small_shape();
  amq::serial_executor alone;
  std::vector<amq::format> const formats{two, three, kept};
  amq::profile_options const options{
      .speed = {.prompt_tokens = 4, .decode_tokens = 4, .repeats = 1, .least_seconds = 0}};
  auto const table = amq::profile_decoding<amq::thread_clock>(config, formats, "here", options, alone);
  CHECK(table.size() == 3 * 4);  // 64 x 64, 32 x 64, 160 x 64 and 64 x 160
  CHECK(table.conditions().blocks == 2);
  CHECK(table.conditions().context == 6);
  CHECK(table.conditions().threads == 1);
  CHECK(table.conditions().clock == "processor");
  for (amq::format const f : formats)
    for (auto const& layer : linears_of(config)) CHECK(table.product(layer.rows, layer.cols, f) > 0);
  CHECK(table.pass_seconds() > 0);
  auto const some = 2 * 90 * 64 + amq::synthetic_bytes(first_blocks(config, 1), all_of(first_blocks(config, 1), kept));
  auto less = options;
  less.most_bytes = some;
  CHECK(amq::profile_decoding(config, formats, "here", less, alone).conditions().blocks == 1);
}

TEST_CASE("the objective of a table is what its products sum to, tied layers together", "[latency]") {
  auto const layers = linears_of(small_shape());
  amq::format_space const space(layers, std::vector<amq::format>{two, three}, 0);
  auto const table = made_up_table();
  auto const objective = amq::latency_objective(space, table);
  CHECK(objective.name() == "latency");
  auto genes = space.lowest();
  genes[3] = 1;
  CHECK(objective.value(genes) + table.rest_seconds(2) == table.token_seconds(layers, space.formats(genes)));
  amq::format_space const wider(layers, std::vector<amq::format>{two, {4, 32}}, 0);
  CHECK(lacks(refusal([&] { amq::latency_objective(wider, table); }), {"4g32"}) == "");
}
