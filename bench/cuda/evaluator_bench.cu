// An evaluation of a configuration of a model in the shape of Llama 2 7B, weights random.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "amq/cuda/decoder/decoder.cuh"
#include "cuda/device_facts.cuh"
#include "cuda/setting.hpp"

namespace amq::bench {
namespace {

constexpr index hidden = 4096, intermediate = 11008, heads = 32, head_size = 128, vocabulary = 32000;
constexpr index sequences = 8, length = 2048, kinds = 7;

/// Makes decoders in bf16 alone.
class bf16_device final : public cuda::device, public std::enable_shared_from_this<bf16_device> {
 public:
  cuda::device_facts const& facts() const override { return facts_; }
  std::unique_ptr<cuda::decoder> make_decoder(cuda::decoder_shape const& shape,
                                              cuda::decoder_options const& options) override {
    return std::make_unique<cuda::decoder_on_device<cuda::bf16>>(shared_from_this(), shape, options);
  }

 private:
  cuda::device_facts facts_ = facts_of_device(0);
};

/// bf16 of about +-0.02 in the host's memory, enough for the largest matrix; all matrices begin with the same ones.
std::vector<std::uint16_t> random_weights() {
  std::vector<std::uint16_t> made(static_cast<std::size_t>(vocabulary) * hidden);
  std::uint32_t state = 1;
  for (auto& x : made) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<std::uint16_t>(((state >> 16) & 0x8000u) | (0x3b80u + ((state >> 20) & 0x1ffu)));
  }
  return made;
}

struct bench_model {
  explicit bench_model(index blocks_) : blocks(blocks_) {}

  cuda::plain_rows matrix(index rows, index cols) const {
    return {reinterpret_cast<std::byte const*>(weights.data()), dtype::bf16, rows, cols};
  }
  cuda::plain_rows linear(index kind) const {
    if (kind < 4) return matrix(hidden, hidden);
    return kind == 6 ? matrix(hidden, intermediate) : matrix(intermediate, hidden);
  }
  cuda::decoder_shape shape() const {
    return {.hidden = hidden,
            .head_size = head_size,
            .vocabulary = vocabulary,
            .max_length = length,
            .norm_epsilon = 1e-5f,
            .rope_frequencies = frequencies,
            .final_norm = ones,
            .embeddings = matrix(vocabulary, hidden),
            .head = matrix(vocabulary, hidden),
            .blocks =
                std::vector<cuda::decoder_shape::block>(static_cast<std::size_t>(blocks), {.heads = heads,
                                                                                           .key_value_heads = heads,
                                                                                           .intermediate = intermediate,
                                                                                           .attention_norm = ones,
                                                                                           .feed_forward_norm = ones})};
  }
  /// Multiplications and additions of all tokens: linear layers, head, attention.
  double operations() const {
    double const linears = 4.0 * hidden * hidden + 3.0 * hidden * intermediate;
    double const attention = 2.0 * hidden * (length + 1) / 2.0;
    return 2.0 * sequences * length *
           (static_cast<double>(blocks) * (linears + attention) + double{vocabulary} * hidden);
  }

  index blocks;
  std::vector<std::uint16_t> weights = random_weights();
  std::vector<float> ones = std::vector<float>(hidden, 1.0f);
  std::vector<float> frequencies = [] {
    std::vector<float> made;
    for (index i = 0; i < head_size / 2; ++i)
      made.push_back(std::pow(10000.0f, -2.0f * static_cast<float>(i) / head_size));
    return made;
  }();
};

/// A bank of two choices a layer, 4 and 3 bits; the cells of the first, then of the second.
void fill_bank(cuda::decoder& decoder, bench_model const& model) {
  std::vector<cuda::bank_cell> cells;
  for (int const bits : {4, 3})
    for (index layer = 0; layer < model.blocks * kinds; ++layer) cells.push_back({layer, {bits, 128}});
  decoder.announce(cells);
  for (std::size_t i = 0; i < cells.size(); ++i)
    decoder.quantize(static_cast<index>(i), model.linear(cells[i].layer % kinds), cuda::rtn_request::asymmetric);
}

double seconds_of_call(auto const& call) {
  auto const begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

void measure_evaluator(setting const& s) {
  bench_model const model(s.quick ? 4 : 32);
  auto const device = std::make_shared<bf16_device>();
  auto const decoder = device->make_decoder(model.shape(), {.numbers = dtype::bf16});
  fill_bank(*decoder, model);

  matrix<std::int32_t> tokens(sequences, length);
  for (index i = 0; i < tokens.size(); ++i) tokens.data()[i] = static_cast<std::int32_t>(i * 7919 % vocabulary);
  std::vector<index> reference(static_cast<std::size_t>(model.blocks * kinds)), candidate(reference.size());
  std::iota(reference.begin(), reference.end(), 0);
  std::iota(candidate.begin(), candidate.end(), model.blocks * kinds);
  decoder->remember(tokens, reference);

  std::vector<double> losses(sequences, NAN), seconds;
  for (int i = -1; i < 5; ++i) {  // the first records the graph
    double const taken = seconds_of_call([&] { decoder->measure(candidate, cuda::device_loss::jsd, losses); });
    if (i >= 0) seconds.push_back(taken);
  }
  for (double const loss : losses)
    if (!(loss > 0 && loss < 0.7))
      throw std::runtime_error("an evaluation's JSD is " + std::to_string(loss) + ", expected between 0 and ln 2");
  std::ranges::sort(seconds);
  double const median = seconds[seconds.size() / 2];
  s.table.add({.what = "evaluation",
               .shape = "7B, " + std::to_string(model.blocks) + " blocks",
               .bits = 3,
               .tokens = static_cast<int>(sequences * length),
               .seconds = median,
               .operations = model.operations(),
               .note = std::to_string(static_cast<long>(sequences * length / median)) + " tokens/s"});
}

}  // namespace amq::bench
