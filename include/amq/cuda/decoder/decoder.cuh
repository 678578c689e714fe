// A model on one device: cuda::decoder out of bank, blocks, head and caches.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/decoder/block_pass.cuh"
#include "amq/cuda/decoder/cached_sequences.cuh"
#include "amq/cuda/decoder/calibration.cuh"
#include "amq/cuda/decoder/decoder_bank.cuh"
#include "amq/cuda/decoder/decoder_weights.cuh"
#include "amq/cuda/decoder/device_scope.cuh"
#include "amq/cuda/decoder/linear_products.cuh"
#include "amq/cuda/decoder/scoring.cuh"
#include "amq/cuda/decoder/weight_feed.cuh"
#include "amq/cuda/device.hpp"
#include "amq/cuda/head/positions.cuh"
#include "amq/cuda/stream.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Activations are `Number`; sums, norms, softmax and the residual stream are f32. Passes of calibration tokens are
/// recorded in a CUDA graph once their shape is known, unless matrices stream from the host or the tuning multiplies
/// packed matrices directly; so are passes that add one token to each of some sequences. The device is the thread's
/// current one while it is constructed.
template <class Number, class Tuning = default_tuning>
class decoder_on_device final : public decoder {
 public:
  decoder_on_device(std::shared_ptr<device const> owner, decoder_shape const& shape, decoder_options const& options)
      : owner_(std::move(owner)),
        options_(options),
        sizes_(shape),
        weights_(shape, stream_),
        bank_(sizes_.layers(), stream_),
        feed_(bank_, stream_),
        products_(owner_->facts().capability, stream_) {}

  ~decoder_on_device() override {
    cudaGetDevice(&home_.device);
    cudaSetDevice(number());
    cudaStreamSynchronize(stream_);
  }

  std::string announce(std::vector<bank_cell> cells) override {
    device_scope const scope(number());
    forget_graphs();
    bank_.clear();
    stream_.synchronize();  // so that what was given back is free
    return bank_.announce(std::move(cells), room_for_bank());
  }

  void store(index cell, host_matrix const& matrix) override {
    device_scope const scope(number());
    bank_.store(cell, matrix);
  }

  void quantize(index cell, host_matrix const& weights, quantizer_request const& how) override {
    device_scope const scope(number());
    bank_.quantize(cell, weights, how);
  }

  packed_matrix stored(index cell) override {
    device_scope const scope(number());
    return bank_.stored(cell);
  }

  void remember(matrix_view<std::int32_t const> sequences, std::span<index const> cells) override {
    device_scope const scope(number());
    check_cells(cells);
    forget_graphs();
    try {
      known_.emplace(sequences, sizes_, options_.pass_tokens, stream_);
      reserve(known_->chunk_tokens());
      tiles_.reserve(sizes_, known_->chunk_positions(), stream_);
      for (int chunk = 0; chunk < known_->chunks(); ++chunk) {
        known_->choose(chunk, stream_);
        run_directly(known_->tokens(), known_->rows(), cells);
        gather_positions(buffers_.normed.data(), known_->length(), 0, known_->chunk_positions(), sizes_.hidden,
                         known_->reference(chunk, sizes_.hidden), stream_);
      }
      stream_.synchronize();
    } catch (...) {
      known_.reset();
      throw;
    }
  }

  void measure(std::span<index const> cells, device_loss loss, std::span<double> losses) override {
    device_scope const scope(number());
    AMQ_EXPECTS(known_.has_value(), "nothing was remembered that a candidate could be compared with");
    AMQ_EXPECTS(!losses.empty() && std::ssize(losses) <= known_->count(),
                "losses of " + std::to_string(losses.size()) + " sequences of " + std::to_string(known_->count()));
    check_cells(cells);
    for (int chunk = 0; chunk < known_->chunks_of(std::ssize(losses)); ++chunk) {
      run_chunk(chunk, cells);
      score_chunk(sizes_, weights_.head(), *known_, chunk, buffers_.normed.data(), loss, tiles_, products_, stream_);
    }
    download(known_->losses(), losses, stream_);
    stream_.synchronize();
  }

  index open_sequence(index capacity) override {
    device_scope const scope(number());
    return sequences_.open(sizes_, capacity, stream_);
  }

  void close_sequence(index sequence) override {
    device_scope const scope(number());
    stream_.synchronize();
    sequences_.close(sequence);
  }

  void pass(std::span<device_part const> parts, std::span<std::int32_t const> tokens, std::span<index const> cells,
            matrix_view<float> logits) override {
    device_scope const scope(number());
    check_cells(cells);
    auto const rows = sequences_.rows(parts, stream_);
    AMQ_EXPECTS(rows.tokens == std::ssize(tokens) && rows.sequences == logits.rows && logits.cols == sizes_.vocabulary,
                "a pass of " + std::to_string(rows.tokens) + " tokens of " + std::to_string(rows.sequences) +
                    " sequences got " + std::to_string(tokens.size()) + " tokens and room for logits of " +
                    std::to_string(logits.rows) + " by " + std::to_string(logits.cols));
    for (auto const token : tokens)
      AMQ_EXPECTS(token >= 0 && token < sizes_.vocabulary, "a pass got the token id " + std::to_string(token) +
                                                               "; the vocabulary has " +
                                                               std::to_string(sizes_.vocabulary));
    reserve(rows.tokens);
    new_tokens_.reserve(tokens.size(), stream_);
    logits_.reserve(static_cast<std::size_t>(logits.rows) * static_cast<std::size_t>(logits.cols), stream_);
    last_.reserve(static_cast<std::size_t>(logits.rows) * static_cast<std::size_t>(sizes_.hidden), stream_);
    upload(tokens, new_tokens_.data(), stream_);
    read_on(rows, parts, cells);
    for (index r = 0; r < logits.rows; ++r) download(logits_.data() + r * logits.cols, logits.row(r), stream_);
    stream_.synchronize();
    sequences_.advance(parts);
  }

  std::int64_t bytes_per_pass(std::span<index const> cells) const override {
    std::int64_t bytes = std::int64_t{sizes_.vocabulary} * sizes_.hidden * static_cast<std::int64_t>(sizeof(Number)) +
                         sizes_.hidden * item_bytes(weights_.table_type);
    for (auto const cell : cells) bytes += bank_.bytes(cell);
    return bytes;
  }

 private:
  int number() const { return owner_->facts().number; }

  /// Gives the thread its device back after all other members have freed their memory on theirs.
  struct way_home {
    int device = -1;
    way_home() = default;
    way_home(way_home const&) = delete;
    way_home& operator=(way_home const&) = delete;
    ~way_home() {
      if (device >= 0) cudaSetDevice(device);
    }
  };

  void check_cells(std::span<index const> cells) const {
    AMQ_EXPECTS(std::ssize(cells) == bank_.layers(), "a model of " + std::to_string(bank_.layers()) +
                                                         " linear layers got " + std::to_string(cells.size()) +
                                                         " cells of the bank");
    for (index layer = 0; layer < bank_.layers(); ++layer) {
      auto const cell = cells[static_cast<std::size_t>(layer)];
      AMQ_EXPECTS(cell >= 0 && cell < bank_.size() && bank_.cell(cell).layer == layer,
                  "cell " + std::to_string(cell) + " is none of layer " + std::to_string(layer));
    }
  }

  /// What is free once everything else has its place.
  std::int64_t room_for_bank() const {
    if (options_.most_bank_bytes >= 0) return options_.most_bank_bytes;
    // Of libraries and modules, and of one matrix on its way into the bank: f32 weights, what they are made of, tiles.
    std::int64_t const passing = (std::int64_t{256} << 20) + 11 * static_cast<std::int64_t>(largest_layer());
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    if (known_) return static_cast<std::int64_t>(free) - passing;  // what measuring needs is there
    auto const tokens = static_cast<int>(options_.pass_tokens);
    std::int64_t const numbers = sizeof(Number);
    std::int64_t const working =
        pass_buffers<Number>::bytes(sizes_, tokens) + logit_tiles<Number>::bytes(sizes_, tokens) +
        numbers * static_cast<std::int64_t>(largest_layer()) + numbers * options_.calibration_tokens * sizes_.hidden;
    return static_cast<std::int64_t>(free) - working - passing;
  }

  std::size_t largest_layer() const {
    std::size_t most = 0;
    for (index layer = 0; layer < bank_.layers(); ++layer) {
      auto const [rows, cols] = bank_.extent(layer);
      most = std::max(most, static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
    }
    return most;
  }

  /// Buffers for passes of so many tokens. Growing them moves them, so what was recorded is no longer true.
  void reserve(int tokens) {
    if (tokens <= reserved_) return;
    stream_.synchronize();
    forget_graphs();
    reserved_ = 0;  // where memory runs out, buffers are missing
    buffers_.reserve(sizes_, tokens, stream_);
    products_.reserve(largest_layer());
    reserved_ = tokens;
  }

  void forget_graphs() {
    measuring_ = {};
    decoding_ = {};
    decoded_ = {};
  }

  /// Final-normed states of a chunk of calibration tokens, in buffers_.normed.
  void run_chunk(int chunk, std::span<index const> cells) {
    known_->choose(chunk, stream_);
    bool const records =
        feed_.resident(cells) && products_.way(known_->chunk_tokens()) == product_way::dequantize_then_cublas;
    if (!records) return run_directly(known_->tokens(), known_->rows(), cells);
    describe(cells);
    buffers_.reserve_attention(sizes_, known_->rows(), stream_);
    if (std::exchange(measured_, buffers_.attention.place()) != buffers_.attention.place()) measuring_ = {};
    if (!measuring_)
      measuring_ = graph::record(stream_, [&] {
        embed_tokens(sizes_, weights_, known_->tokens(), known_->chunk_tokens(), buffers_, stream_);
        run_blocks(
            sizes_, weights_, known_->rows(), buffers_,
            [&](int layer, Number const* x, float* y, bool accumulate) {
              products_.multiply_indirect(described_.data() + layer, bank_.extent(layer), x, known_->chunk_tokens(), y,
                                          accumulate);
            },
            stream_);
      });
    measuring_.launch(stream_);
  }

  /// What the recorded pass multiplies by when it is launched next.
  void describe(std::span<index const> cells) {
    std::vector<device_matrix> matrices;
    for (auto const cell : cells) matrices.push_back(bank_.matrix(cell));
    described_.reserve(matrices.size(), stream_);
    upload(std::span<device_matrix const>(matrices), described_.data(), stream_);
  }

  void run_directly(std::int32_t const* tokens, pass_rows<Number> const& rows, std::span<index const> cells) {
    feed_.begin(cells);
    embed_tokens(sizes_, weights_, tokens, rows.tokens, buffers_, stream_);
    run_blocks(
        sizes_, weights_, rows, buffers_,
        [&](int layer, Number const* x, float* y, bool accumulate) {
          products_.multiply(feed_.get(layer), x, rows.tokens, y, accumulate);
          feed_.done(layer);
        },
        stream_);
  }

  /// What decides whether the recorded pass of one token a sequence can be launched again: all that is written in it.
  struct decoded {
    std::vector<index> cells;
    int sequences = 0;
    int most_keys = 0;
    std::array<void const*, 7> places{};
    bool operator==(decoded const&) const = default;
  };

  /// Logits after the new tokens, in logits_.
  void read_on(pass_rows<Number> const& rows, std::span<device_part const> parts, std::span<index const> cells) {
    auto const work = [&] {
      run_directly(new_tokens_.data(), rows, cells);
      pick_last(rows, parts);
      products_.multiply_dense(weights_.head(), sizes_.vocabulary, sizes_.hidden, last_.data(), rows.sequences,
                               logits_.data());
    };
    if (rows.most_rows > 1 || !feed_.resident(cells)) return work();
    decoded now{{cells.begin(), cells.end()},
                rows.sequences,
                rows.most_keys,
                {rows.rows, new_tokens_.data(), last_.data(), logits_.data(), products_.partial_sums(),
                 products_.counters(), buffers_.attention.place()}};
    if (now != decoded_) {  // the first such pass makes sure that all memory is there
      decoded_ = std::move(now);
      decoding_ = {};
      return work();
    }
    if (!decoding_) decoding_ = graph::record(stream_, work);
    decoding_.launch(stream_);
  }

  void pick_last(pass_rows<Number> const& rows, std::span<device_part const> parts) {
    auto const width = static_cast<std::size_t>(sizes_.hidden);
    auto const copy = [&](Number const* from, std::size_t to, std::size_t count) {
      check(cudaMemcpyAsync(last_.data() + to * width, from, count * width * sizeof(Number), cudaMemcpyDeviceToDevice,
                            stream_),
            "cudaMemcpyAsync");
    };
    if (rows.most_rows == 1) return copy(buffers_.normed.data(), 0, static_cast<std::size_t>(rows.sequences));
    std::size_t row = 0;
    for (std::size_t part = 0; part < parts.size(); ++part) {
      row += static_cast<std::size_t>(parts[part].tokens);
      copy(buffers_.normed.data() + (row - 1) * width, part, 1);
    }
  }

  way_home home_;  // first, so that it goes last
  std::shared_ptr<device const> owner_;
  decoder_options options_;
  decoder_sizes sizes_;
  stream stream_;
  decoder_weights<Number> weights_;
  decoder_bank<Number> bank_;
  weight_feed<Number> feed_;
  linear_products<Number, Tuning> products_;
  pass_buffers<Number> buffers_;
  int reserved_ = 0;
  logit_tiles<Number> tiles_;
  std::optional<calibration<Number>> known_;
  device_buffer<device_matrix> described_;
  graph measuring_;
  void const* measured_ = nullptr;  ///< attention's memory that is written in it
  cached_sequences<Number> sequences_;
  device_buffer<std::int32_t> new_tokens_;
  device_buffer<Number> last_;
  device_buffer<float> logits_;
  graph decoding_;
  decoded decoded_;
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
