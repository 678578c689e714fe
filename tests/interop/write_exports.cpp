// write_exports FOLDER FORMAT: writes a model in a format into FOLDER/FORMAT, and what a reader has to find there,
// weights and logits in f32, into FOLDER/expected.safetensors.
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "amq/export/awq.hpp"
#include "amq/export/compressed_tensors.hpp"
#include "amq/export/gptq.hpp"
#include "amq/export/huggingface.hpp"
#include "amq/export/mlx.hpp"
#include "amq/io/safetensors_stream.hpp"
#include "support/mixed_model.hpp"

namespace {

using amq::format;
using amq_test::mixed_model;
constexpr format kept{16, format::whole_row};

/// linear_weights over matrices at hand.
class dense_weights {
 public:
  explicit dense_weights(amq::quantized_source const& quantized) {
    for (amq::index i = 0; i < quantized.layers(); ++i) matrices_.push_back(quantized.layer(i).dequantized());
  }
  amq::matrix<float> const& operator[](amq::index layer) const { return matrices_[static_cast<std::size_t>(layer)]; }
  void multiply(amq::index layer, amq::matrix_view<float const> x, amq::matrix_view<float> y) const {
    auto const& w = (*this)[layer];
    for (amq::index t = 0; t < x.rows; ++t)
      for (amq::index r = 0; r < w.rows(); ++r) {
        y(t, r) = 0;
        for (amq::index c = 0; c < w.cols(); ++c) y(t, r) += x(t, c) * w(r, c);
      }
  }

 private:
  std::vector<amq::matrix<float>> matrices_;
};

amq::matrix<float> logits_of(amq::llama const& model, dense_weights const& weights,
                             std::vector<std::int32_t> const& tokens) {
  amq::llama::state state;
  model.embed(tokens, state);
  for (int i = 0; i < model.blocks(); ++i) model.block(i, state, weights);
  auto const head = model.output_head();
  amq::matrix<float> logits(std::ssize(tokens), head.rows);
  model.head(state, [&](amq::matrix_view<float const> hidden) {
    for (amq::index t = 0; t < hidden.rows; ++t)
      for (amq::index v = 0; v < head.rows; ++v)
        for (amq::index c = 0; c < head.cols; ++c) logits(t, v) += hidden(t, c) * head(v, c);
  });
  return logits;
}

/// `<layer>.weight` (rows, cols), `tokens` (n) and `logits` (n, vocabulary).
void write_expected(mixed_model const& mixed, std::filesystem::path const& path) {
  dense_weights const weights(mixed.quantized);
  amq::safetensors_stream file(path, 1 << 16);
  auto const put = [&](std::string const& name, amq::matrix<float> const& values) {
    file.write<float>(name, amq::dtype::f32, {values.rows(), values.cols()},
                      {values.data(), static_cast<std::size_t>(values.size())});
  };
  for (amq::index i = 0; auto const& layer : mixed.model.linears()) put(layer.name + ".weight", weights[i++]);
  std::vector<std::int32_t> tokens;
  for (int i = 0; i < 24; ++i) tokens.push_back((7 * i + 1) % 64);
  file.write<std::int32_t>("tokens", amq::dtype::i32, {std::ssize(tokens)}, tokens);
  put("logits", logits_of(mixed.model, weights, tokens));
  file.commit();
}

/// Codes that every format holds as they are: zeros from 1 on.
mixed_model with_integer_zeros(std::vector<format> const& choices) {
  return mixed_model::with_zeros(choices, [](int bits) { return amq::zero_range{1, (1 << bits) - 1}; });
}

void write(std::filesystem::path const& folder, std::string const& name) {
  bool known = false;
  auto const in = [&](char const* format, auto const& make, auto const& write) {
    if (name != format) return;
    known = true;
    mixed_model const mixed = make();
    std::filesystem::create_directories(folder / name);
    write(mixed, folder / name);
    write_expected(mixed, folder / "expected.safetensors");
  };
  std::vector<format> const wide{{3, 32}, {4, 64}, kept, {8, 64}, {5, 32}, {2, 32}, {6, 64}};
  auto const real = [&] { return mixed_model(wide); };
  auto const integer = [&] { return with_integer_zeros(wide); };
  in("hf", real, [](auto const& mixed, auto const& to) { amq::write_huggingface(mixed.model, mixed.quantized, to); });
  in("mlx", real,
     [](auto const& mixed, auto const& to) { amq::write_mlx(mixed.model, mixed.quantized, mixed.formats, to); });
  in("compressed-tensors", integer, [](auto const& mixed, auto const& to) {
    amq::write_compressed_tensors(mixed.model, mixed.quantized, mixed.formats, to, {.exact = true});
  });
  in(
      "compressed-tensors-symmetric",
      [] {
        return mixed_model::with_zeros({{4, 32}, {8, format::whole_row}, {3, 64}}, amq::middle_zero);
      },
      [](auto const& mixed, auto const& to) {
        amq::write_compressed_tensors(mixed.model, mixed.quantized, mixed.formats, to,
                                      {.symmetric = true, .exact = true});
      });
  in("gptq", integer, [](auto const& mixed, auto const& to) {
    amq::write_gptq(mixed.model, mixed.quantized, mixed.formats, to, {.version = 2, .exact = true});
  });
  in(
      "gptq-v1",
      [] {
        return mixed_model::with_zeros({{4, 32}, {8, 64}, {3, 64}}, amq::middle_zero);
      },
      [](auto const& mixed, auto const& to) {
        amq::write_gptq(mixed.model, mixed.quantized, mixed.formats, to, {.version = 1, .exact = true});
      });
  in(
      "awq",
      [] {
        return with_integer_zeros({{4, 32}, {4, 32}, kept});
      },
      [](auto const& mixed, auto const& to) {
        amq::write_awq(mixed.model, mixed.quantized, mixed.formats, to, {.exact = true});
      });
  if (!known) throw amq::input_error("there is no format " + name);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) throw amq::input_error("usage: write_exports FOLDER FORMAT");
  write(argv[1], argv[2]);
} catch (std::exception const& failure) {
  std::cerr << failure.what() << '\n';
  return 1;
}
