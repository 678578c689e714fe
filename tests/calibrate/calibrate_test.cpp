#include <algorithm>
#include <cmath>
#include <limits>

#include "amq/calibrate/block_walk.hpp"
#include "amq/calibrate/sequential.hpp"
#include "amq/calibrate/statistics.hpp"
#include "amq/calibrate/statistics_file.hpp"
#include "amq/core/executor.hpp"
#include "amq/evaluate/streamed_pass.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/gptq.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/owq.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/quantized.hpp"
#include "support/random_model.hpp"

namespace {

using amq::testing::refusal;

static_assert(amq::model_quantizer<amq::sequential<amq::gptq>, amq::llama, amq::token_sequences, amq::serial_executor>);
static_assert(amq::model_quantizer<amq::sequential<amq::hqq>, amq::llama, amq::token_sequences, amq::serial_executor>);

amq::token_sequences some_tokens(amq::index sequences = 5, amq::index length = 40, int vocabulary = 23) {
  amq::matrix<std::int32_t> ids(sequences, length);
  for (amq::index i = 0; i < ids.size(); ++i) ids.data()[i] = static_cast<std::int32_t>((i * i + 3 * i) % vocabulary);
  return amq::token_sequences(std::move(ids));
}

/// A random model of two blocks on disk, distorted by edit(model).
class written_model {
 public:
  template <class Edit>
  explicit written_model(Edit const& edit) {
    amq_test::random_model model;
    edit(model);
    model.write(folder_.path());
  }
  written_model() : written_model([](auto const&) {}) {}
  amq::llama load() const { return amq::llama::load(folder_.path()); }

 private:
  amq_test::scratch_folder folder_;
};

/// The inputs of `layer`, all sequences below each other, when the model runs with its own weights.
amq::matrix<float> inputs_of(amq::llama const& model, amq::token_sequences const& tokens, amq::index layer) {
  amq::serial_executor serial;
  std::vector<amq::matrix<float>> seen;
  auto const observe = [&](amq::index at, amq::matrix_view<float const> x) {
    if (at == layer) seen.push_back(amq::clone(x));
  };
  amq::block_walk walk(model, tokens, serial);
  while (!walk.finished()) {
    amq::block_weights const weights(model, walk.layers(), serial);
    amq::observed_weights const observed(weights, observe);
    walk.run(observed, [](amq::index, amq::matrix_view<float const>) {});
    walk.advance(weights);
  }
  amq::matrix<float> all(tokens.count() * tokens.length(), seen.front().cols());
  for (std::size_t i = 0; i < seen.size(); ++i)
    std::copy_n(seen[i].data(), seen[i].size(), all.data() + static_cast<amq::index>(i) * seen[i].size());
  return all;
}

std::vector<amq::format> uniform(amq::llama const& model, amq::format f) {
  return std::vector<amq::format>(model.linears().size(), f);
}

template <class Quantizer>
amq::quantized_memory quantize(amq::llama const& model, Quantizer const& quantizer, std::vector<amq::format> formats,
                               int threads = 1, amq::token_sequences const& tokens = some_tokens()) {
  amq::quantized_memory sink;
  amq::thread_executor executor(threads);
  quantizer.quantize(model, formats, tokens, sink, executor);
  return sink;
}

/// Values that differ between two quantized models.
amq::index differing(amq::quantized_memory const& a, amq::quantized_memory const& b) {
  amq::index count = a.layers() == b.layers() ? 0 : 1;
  for (amq::index layer = 0; count == 0 && layer < a.layers(); ++layer)
    count += amq::testing::differing(a.layer(layer).dequantized(), b.layer(layer).dequantized());
  return count;
}

constexpr amq::format three_bits{3, amq::format::whole_row};

}  // namespace

TEST_CASE("a block walk ends with the model's own hidden states", "[calibrate]") {
  auto const model = written_model().load();
  auto const tokens = some_tokens();
  amq::serial_executor serial;
  std::vector<amq::matrix<float>> last(static_cast<std::size_t>(tokens.count()));
  amq::block_walk walk(model, tokens, serial);
  REQUIRE(walk.layers().size() == 7);
  while (!walk.finished()) {
    amq::block_weights const weights(model, walk.layers(), serial);
    walk.run(weights, [&](amq::index sequence, amq::matrix_view<float const> hidden) {
      last[static_cast<std::size_t>(sequence)] = amq::clone(hidden);
    });
    walk.advance(weights);
  }
  auto const expected = amq::streamed_pass(model, tokens, amq::source_layers(model), serial);
  for (std::size_t i = 0; i < last.size(); ++i) {
    amq::llama_state state;
    state.hidden = last[i].clone();
    model.head(state, [&](amq::matrix_view<float const> normed) {
      REQUIRE(std::equal(normed.data, normed.data + normed.size(), expected[i].data()));
    });
  }
}

TEST_CASE("statistics are those of the inputs, shared by the layers that share them", "[calibrate]") {
  auto const model = written_model().load();
  auto const tokens = some_tokens();
  amq::thread_executor executor(2);
  auto const statistics =
      amq::calibration_statistics::collect(model, tokens, executor, {.hessian = true, .sampled_tokens = 17});
  REQUIRE(statistics.inputs().size() == 8);
  REQUIRE(statistics.inputs()[4].layers == std::vector<amq::index>{7, 8, 9});
  REQUIRE(statistics.inputs()[6].layers == std::vector<amq::index>{11, 12});
  for (amq::index const layer : {0, 3, 5, 6, 9, 13}) {
    auto const found = statistics.layer(layer);
    auto const inputs = inputs_of(model, tokens, layer);
    REQUIRE(found.tokens == 200);
    REQUIRE(found.sequences == 5);
    for (amq::index i = 0; i < inputs.cols(); ++i) {
      double absolute = 0, norm = 0;
      for (amq::index t = 0; t < inputs.rows(); ++t) absolute += std::abs(double{inputs(t, i)});
      for (amq::index s = 0; s < 5; ++s) {
        double squares = 0;
        for (amq::index t = 40 * s; t < 40 * s + 40; ++t) squares += double{inputs(t, i)} * inputs(t, i);
        norm += std::sqrt(squares) / 5;
      }
      REQUIRE(found.mean_absolute[static_cast<std::size_t>(i)] == Approx(absolute / 200));
      REQUIRE(found.channel_norms[static_cast<std::size_t>(i)] == Approx(norm));
      for (amq::index j = 0; j < inputs.cols(); ++j) {
        double sum = 0;
        for (amq::index t = 0; t < inputs.rows(); ++t) sum += double{inputs(t, i)} * inputs(t, j);
        REQUIRE(found.hessian(i, j) == Approx(2 * sum / 5).margin(1e-5));
      }
    }
    REQUIRE(found.inputs.rows == 17);
    for (amq::index i = 0; i < 17; ++i)
      REQUIRE(std::equal(found.inputs.row(i).begin(), found.inputs.row(i).end(), inputs.row(i * 200 / 17).begin()));
  }
}

TEST_CASE("sums over long sequences do not lose small inputs beside large ones", "[calibrate]") {
  amq::index const tokens = 1300;
  amq::matrix<float> x(tokens, 70);
  for (amq::index t = 0; t < tokens; ++t)
    for (amq::index c = 0; c < 70; ++c) x(t, c) = (t == 0 ? 3000.0f : 0.01f) * (1 + static_cast<float>(c % 7));
  amq::detail::second_moment moment(70, true);
  amq::detail::token_panels const panels(x);
  REQUIRE(panels.chunks() == 3);
  for (int sequence = 0; sequence < 40; ++sequence)
    for (amq::index strip = 0; strip < moment.strips(); ++strip) moment.add(strip, panels, panels);
  amq::matrix<float> sum(70, 70);
  for (amq::index strip = 0; strip < moment.strips(); ++strip) moment.finish(strip, 0.5, sum);
  for (amq::index i = 0; i < 70; ++i)
    for (amq::index j = 0; j < 70; ++j) {
      double const factors = static_cast<double>((1 + i % 7) * (1 + j % 7));
      REQUIRE(sum(i, j) == Approx(20 * factors * (9e6 + 1299 * 1e-4)).epsilon(1e-7));
    }
}

TEST_CASE("a walk's statistics have the same bits for any number of threads", "[calibrate]") {
  auto const model = written_model().load();
  amq::serial_executor serial;
  amq::thread_executor three(3);
  auto const one = amq::calibration_statistics::collect(model, some_tokens(), serial, {.sampled_tokens = 9});
  auto const other = amq::calibration_statistics::collect(model, some_tokens(), three, {.sampled_tokens = 9});
  for (std::size_t i = 0; i < one.inputs().size(); ++i) {
    auto const& a = one.inputs()[i];
    auto const& b = other.inputs()[i];
    REQUIRE(amq::testing::differing(a.hessian, b.hessian) == 0);
    REQUIRE(amq::testing::differing(a.inputs, b.inputs) == 0);
    REQUIRE(a.mean_absolute == b.mean_absolute);
    REQUIRE(a.channel_norms == b.channel_norms);
  }
}

TEST_CASE("the drift is what quantized blocks before it do to a block's inputs", "[calibrate]") {
  auto const model = written_model().load();
  auto const tokens = some_tokens();
  amq::thread_executor executor(2);
  amq::block_walk walk(model, tokens, executor, true);
  amq::block_weights first(model, walk.layers(), executor);
  auto const undrifted = walk.collect(first, {.drift = true});
  for (auto const& input : undrifted.inputs())
    REQUIRE(std::all_of(input.drift.data(), input.drift.data() + input.drift.size(), [](float d) { return d == 0; }));
  walk.advance_unquantized(first);
  first.replace(3, amq::quantized_weights(model, 3, amq::rtn(), three_bits));
  walk.advance(first);
  amq::block_weights const second(model, walk.layers(), executor);
  std::vector<amq::matrix<float>> quantized;
  auto const observe = [&](amq::index layer, amq::matrix_view<float const> x) {
    if (layer == 10) quantized.push_back(amq::clone(x));
  };
  for (amq::index s = 0; s < tokens.count(); ++s) {
    amq::llama_state state;
    state.hidden = walk.inputs()[static_cast<std::size_t>(s)].clone();
    model.block(1, state, amq::observed_weights(second, observe));
  }
  auto const statistics = walk.collect(second, {.drift = true});
  auto const drift = statistics.layer(10).drift;
  auto const unquantized = inputs_of(model, tokens, 10);
  for (amq::index i = 0; i < drift.rows; ++i)
    for (amq::index j = 0; j < drift.cols; ++j) {
      double sum = 0;
      for (amq::index t = 0; t < unquantized.rows(); ++t) {
        auto const& x = quantized[static_cast<std::size_t>(t / 40)];
        sum += (double{unquantized(t, i)} - x(t % 40, i)) * x(t % 40, j);
      }
      REQUIRE(drift(i, j) == Approx(2 * sum / 5).margin(1e-4));
    }
}

TEST_CASE("sequential gives each block what the quantized blocks before it put out", "[calibrate]") {
  auto const model = written_model().load();
  auto const tokens = some_tokens();
  auto const formats = uniform(model, three_bits);
  auto const found = quantize(model, amq::sequential<amq::gptq>(), formats);
  REQUIRE(found.layers() == 14);

  amq::serial_executor serial;
  amq::block_walk walk(model, tokens, serial);
  while (!walk.finished()) {
    amq::block_weights weights(model, walk.layers(), serial);
    auto const statistics = walk.collect(weights);
    for (amq::index const layer : walk.layers()) {
      auto const expected = amq::gptq().quantize(model.weight(layer), three_bits, statistics.layer(layer));
      amq::matrix<float> values(expected.rows(), expected.cols());
      expected.dequantize(values);
      REQUIRE(amq::testing::differing(found.layer(layer).dequantized(), values) == 0);
      weights.replace(layer, values);
    }
    walk.advance(weights);
  }

  auto const unquantized =
      quantize(model, amq::sequential<amq::gptq>(amq::gptq(), {.unquantized_inputs = true}), formats);
  auto const statistics = amq::calibration_statistics::collect(model, tokens, serial);
  for (amq::index const layer : {2, 9, 13}) {
    auto const expected = amq::gptq().quantize(model.weight(layer), three_bits, statistics(layer));
    amq::matrix<float> values(expected.rows(), expected.cols());
    expected.dequantize(values);
    REQUIRE(amq::testing::differing(unquantized.layer(layer).dequantized(), values) == 0);
  }
  REQUIRE(differing(found, unquantized) > 0);
}

TEST_CASE("sequential gives the same codes for any number of threads, with every kind of quantizer", "[calibrate]") {
  auto const model = written_model().load();
  auto formats = uniform(model, three_bits);
  formats[4] = amq::kept<amq::bf16>::value;
  auto const check = [&](auto const& quantizer) {
    auto const one = quantize(model, quantizer, formats, 1);
    REQUIRE(one.layers() == 14);
    REQUIRE(differing(one, quantize(model, quantizer, formats, 3)) == 0);
    REQUIRE(amq::testing::differing(one.layer(4).dequantized(), model.weight(4)) == 0);
  };
  check(amq::sequential<amq::rtn>());
  check(amq::sequential<amq::gptq>(amq::gptq({.asymmetric_calibration = true})));
  formats[9] = amq::format{3, amq::format::whole_row, 2};
  check(amq::sequential<amq::owq>());
}

TEST_CASE("sequential's names say what was changed", "[calibrate]") {
  REQUIRE(amq::sequential<amq::gptq>().name() == "gptq");
  REQUIRE(amq::sequential<amq::gptq>(amq::gptq({.act_order = true}), {.unquantized_inputs = true}).name() ==
          "gptq(act_order), unquantized inputs");
}

TEST_CASE("too few calibration tokens are noted with the numbers", "[calibrate]") {
  auto const model = written_model().load();
  auto const few = quantize(model, amq::sequential<amq::gptq>(), uniform(model, three_bits), 1, some_tokens(2, 15));
  REQUIRE(few.notes().size() == 1);
  REQUIRE(few.notes().front().find("30 calibration tokens are too few") == 0);
  REQUIRE(few.notes().front().find("model.layers.0.self_attn.o_proj has 36 inputs") != std::string::npos);
  REQUIRE(quantize(model, amq::sequential<amq::gptq>(), uniform(model, three_bits)).notes().empty());
  REQUIRE(
      quantize(model, amq::sequential<amq::rtn>(), uniform(model, three_bits), 1, some_tokens(2, 15)).notes().empty());
}

TEST_CASE("activations that are all zero or constant are quantized, with a note where nothing is known",
          "[calibrate]") {
  written_model const silent([](amq_test::random_model& model) {
    auto& norm = model.tensors.at("model.layers.1.input_layernorm.weight").values;
    std::fill(norm.begin(), norm.end(), 0.0f);
  });
  auto const model = silent.load();
  auto const found = quantize(model, amq::sequential<amq::gptq>(), uniform(model, three_bits));
  REQUIRE(found.notes().size() == 2);
  REQUIRE(found.notes().front().find("model.layers.1.self_attn.q_proj: no calibration token") == 0);
  auto const nearest = quantize(model, amq::sequential<amq::rtn>(), uniform(model, three_bits));
  REQUIRE(amq::testing::differing(found.layer(8).dequantized(), nearest.layer(8).dequantized()) < 5);

  auto const usual = written_model().load();
  amq::matrix<std::int32_t> same(4, 20);
  auto const constant = quantize(usual, amq::sequential<amq::gptq>(), uniform(usual, three_bits), 1,
                                 amq::token_sequences(std::move(same)));
  for (amq::index layer = 0; layer < constant.layers(); ++layer) {
    auto const values = constant.layer(layer).dequantized();
    REQUIRE(std::all_of(values.data(), values.data() + values.size(), [](float v) { return std::isfinite(v); }));
  }
}

TEST_CASE("activations that are not finite are refused with the layer's name", "[calibrate]") {
  written_model const broken([](amq_test::random_model& model) {
    for (char const* name : {"model.layers.1.mlp.gate_proj.weight", "model.layers.1.mlp.up_proj.weight"})
      for (auto& value : model.tensors.at(name).values) value *= 1e25f;
  });
  auto const model = broken.load();
  auto const sentence = refusal([&] { quantize(model, amq::sequential<amq::gptq>(), uniform(model, three_bits), 2); });
  REQUIRE(sentence.find("the inputs of model.layers.1.mlp.down_proj hold") == 0);
  REQUIRE(sentence.find("channel") != std::string::npos);
}

TEST_CASE("sequential names the layer that a format does not fit", "[calibrate]") {
  auto const model = written_model().load();
  auto formats = uniform(model, three_bits);
  formats[10] = {4, 7};
  REQUIRE(refusal([&] {
            quantize(model, amq::sequential<amq::gptq>(), formats);
          }).find("model.layers.1.self_attn.o_proj at 4-bit, groups of 7: a group of 7 does not divide") == 0);
  formats.pop_back();
  REQUIRE(refusal([&] { quantize(model, amq::sequential<amq::rtn>(), formats); }).find("not 13") != std::string::npos);
}

TEST_CASE("calibration statistics survive their file, and other models' or tokens' are refused", "[calibrate]") {
  auto const model = written_model().load();
  amq::serial_executor serial;
  auto const statistics = amq::calibration_statistics::collect(model, some_tokens(), serial, {.sampled_tokens = 4});
  amq_test::scratch_folder const folder;
  auto const path = folder.path() / "statistics.safetensors";
  amq::statistics_origin const origin{model.fingerprint(), some_tokens().fingerprint()};
  amq::save_statistics(path, statistics, origin);
  auto const loaded = amq::load_statistics(path, origin);
  REQUIRE(loaded.inputs().size() == statistics.inputs().size());
  for (std::size_t i = 0; i < loaded.inputs().size(); ++i) {
    auto const& a = loaded.inputs()[i];
    auto const& b = statistics.inputs()[i];
    REQUIRE(a.layers == b.layers);
    REQUIRE(a.tokens == b.tokens);
    REQUIRE(a.sequences == b.sequences);
    REQUIRE(a.mean_absolute == b.mean_absolute);
    REQUIRE(a.channel_norms == b.channel_norms);
    REQUIRE(amq::testing::differing(a.hessian, b.hessian) == 0);
    REQUIRE(amq::testing::differing(a.inputs, b.inputs) == 0);
  }
  auto const other = some_tokens(5, 41).fingerprint();
  REQUIRE(refusal([&] {
            amq::load_statistics(path, {origin.model, other});
          }).find("holds calibration statistics of other tokens (fingerprint") != std::string::npos);
  REQUIRE(refusal([&] {
            amq::load_statistics(path, {other, origin.tokens});
          }).find("holds calibration statistics of another model (fingerprint") != std::string::npos);
  auto const text = amq_test::read_bytes(path);
  auto const shortened = folder.write("short.safetensors", text.substr(0, text.size() / 2));
  REQUIRE_FALSE(refusal([&] { amq::load_statistics(shortened, origin); }).empty());
  auto damaged = text;
  damaged.replace(damaged.find("\"0 1 2\""), 7, "\"0 x 2\"");
  REQUIRE(refusal([&] {
            amq::load_statistics(folder.write("damaged.safetensors", damaged), origin);
          }).find("'x' in its metadata") != std::string::npos);
}
