// A device for tests that is the host: the same answers as the host's evaluator, bit for bit in f32, and failures where
// a test wants them.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/statistics.hpp"
#include "amq/cuda/cuda_error.hpp"
#include "amq/cuda/device.hpp"
#include "amq/evaluate/loss.hpp"
#include "amq/evaluate/streamed_pass.hpp"
#include "amq/generate/passes.hpp"
#include "amq/kernel/weight_matrix.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/rtn.hpp"

namespace amq_test {

/// What a test asks of a device, and what the device was asked; shared by its decoders.
struct device_script {
  std::string note;                 ///< what `announce` says
  int fails_at_measurement = -1;    ///< of one decoder's, counted from 0
  int failing_device = 0;           ///< whose decoders do
  bool sticky = true;               ///< that failure
  int overflows_at = -1;            ///< the measurement, counted so, whose losses are not finite
  bool without_memory = false;      ///< `announce` finds none
  std::vector<std::string> events;  ///< names of calls, in order
  std::size_t open_sequences = 0;
  amq::cuda::decoder_options options;
};

/// What the device keeps of a host matrix: a copy.
class kept_matrix {
 public:
  explicit kept_matrix(amq::cuda::host_matrix const& matrix) {
    if (auto const* const tiles = std::get_if<amq::tiled_view>(&matrix))
      matrix_.emplace(amq::tiled_matrix(amq::unpack(*tiles)));
    else
      keep_rows(matrix);
  }
  explicit kept_matrix(amq::packed_matrix const& codes) : matrix_(amq::tiled_matrix(codes)) {}

  amq::weight_matrix const& get() const { return *matrix_; }

  amq::matrix<float> values() const {
    if (auto const tiles = get().tiled()) return amq::quantized_matrix(amq::unpack(*tiles)).dequantized();
    amq::matrix<float> all(get().rows(), get().cols());
    for (amq::index row = 0; row < all.rows(); ++row) get().plain()->read(row, all.row(row));
    return all;
  }

 private:
  void keep_rows(amq::cuda::host_matrix const& matrix) {
    auto rows = amq::dense_rows{};
    if (auto const* const plain = std::get_if<amq::cuda::plain_rows>(&matrix)) {
      rows = {plain->data, plain->type, plain->rows, plain->cols};
    } else {
      auto const& view = std::get<amq::matrix_view<float const>>(matrix);
      rows = {reinterpret_cast<std::byte const*>(view.data), amq::dtype::f32, view.rows, view.cols};
    }
    bytes_.assign(rows.data, rows.data + rows.bytes());
    rows.data = bytes_.data();
    matrix_.emplace(rows);
  }

  std::vector<std::byte> bytes_;
  std::optional<amq::weight_matrix> matrix_;
};

class host_decoder final : public amq::cuda::decoder {
 public:
  host_decoder(amq::llama const& model, int number, amq::cuda::decoder_shape const& shape,
               std::shared_ptr<device_script> script)
      : model_(model), number_(number), script_(std::move(script)), embeddings_(shape.embeddings), head_(shape.head) {
    final_norm_.assign(shape.final_norm.begin(), shape.final_norm.end());
    for (auto const& block : shape.blocks) {
      auto const copy = [](std::span<float const> values) { return std::vector<float>(values.begin(), values.end()); };
      parameters_.push_back({copy(block.attention_norm),
                             copy(block.feed_forward_norm),
                             copy(block.query_norm),
                             copy(block.key_norm),
                             {}});
      for (std::size_t kind = 0; kind < 7; ++kind) parameters_.back().biases[kind] = copy(block.biases[kind]);
    }
  }

  std::string announce(std::vector<amq::cuda::bank_cell> cells) override {
    happened("announce");
    if (script_->without_memory) throw amq::input_error("the bank takes 9000 MiB and 10 are free; search fewer --bits");
    announced_ = std::move(cells);
    cells_.clear();
    cells_.resize(announced_.size());
    return script_->note;
  }

  void store(amq::index cell, amq::cuda::host_matrix const& matrix) override {
    happened("store");
    cells_[place(cell)].emplace(matrix);
    auto const tiles = cells_[place(cell)]->get().tiled();
    auto const wanted = announced_[place(cell)].stored;
    if (tiles ? tiles->storage() != wanted : !wanted.kept())
      throw amq::input_error("a cell of " + amq::to_string(wanted) + " got a matrix of another format");
  }

  void quantize(amq::index cell, amq::cuda::host_matrix const& weights,
                amq::cuda::quantizer_request const& how) override {
    happened("quantize");
    auto const values = kept_matrix(weights).values();
    auto const wanted = announced_[place(cell)].stored;
    cells_[place(cell)].emplace(quantized(values, wanted, how));
  }

  amq::packed_matrix stored(amq::index cell) override { return amq::unpack(*cells_[place(cell)]->get().tiled()); }

  void remember(amq::matrix_view<std::int32_t const> sequences, std::span<amq::index const> cells) override {
    happened("remember");
    amq::matrix<std::int32_t> ids(sequences.rows, sequences.cols);
    for (amq::index i = 0; i < ids.rows(); ++i) std::copy_n(sequences.row(i).data(), ids.cols(), ids.row(i).data());
    tokens_.emplace(std::move(ids));
    auto const layer = [&](amq::index i) { return amq::dense_matrix(cells_[place(cells[place(i)])]->values()); };
    reference_ = amq::streamed_pass(model_, *tokens_, layer, amq::on_this_thread);
  }

  void measure(std::span<amq::index const> cells, amq::cuda::device_loss loss, std::span<double> losses) override {
    happened("measure");
    int const at = measured_++;
    if (number_ == script_->failing_device && at == script_->fails_at_measurement)
      throw amq::cuda_error("cudaStreamSynchronize failed with 700 (an illegal memory access)", 700, script_->sticky);
    auto const some = tokens_->first(std::ssize(losses));
    auto const layer = [&](amq::index i) { return cells_[place(cells[place(i)])]->get().view(); };
    auto const hidden = amq::streamed_pass(model_, some, layer, amq::on_this_thread);
    for (std::size_t s = 0; s < losses.size(); ++s) losses[s] = loss_of(loss, s, hidden[s]);
    if (at == script_->overflows_at) losses[0] = std::numeric_limits<double>::quiet_NaN();
  }

  amq::index open_sequence(amq::index capacity) override {
    happened("open");
    make_running(capacity);
    ++script_->open_sequences;
    return passes_->open(capacity);
  }
  void close_sequence(amq::index sequence) override {
    happened("close");
    --script_->open_sequences;
    passes_->close(sequence);
  }

  void pass(std::span<amq::cuda::device_part const> parts, std::span<std::int32_t const> tokens,
            std::span<amq::index const>, amq::matrix_view<float> logits) override {
    happened("pass");
    std::vector<amq::pass_part> own;
    for (auto const& [sequence, count] : parts) own.push_back({sequence, count});
    auto const made = passes_->run(own, tokens);
    for (amq::index row = 0; row < made.rows; ++row)
      std::copy_n(made.row(row).data(), made.cols, logits.row(row).data());
  }

  std::int64_t bytes_per_pass(std::span<amq::index const> cells) const override {
    std::int64_t bytes = head_.get().bytes() + embeddings_.get().plain()->row_bytes();
    for (amq::index const cell : cells) bytes += cells_[place(cell)]->get().bytes();
    return bytes;
  }

 private:
  static std::size_t place(amq::index i) { return static_cast<std::size_t>(i); }
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }

  void happened(std::string const& what) const {
    std::lock_guard const lock(mutex());
    script_->events.push_back(what);
  }

  static amq::packed_matrix quantized(amq::matrix_view<float const> weights, amq::format f,
                                      amq::cuda::quantizer_request const& how) {
    if (auto const* const asked = std::get_if<amq::cuda::hqq_request>(&how)) {
      auto const rounding = asked->round_zero ? amq::zero_rounding::always : amq::zero_rounding::never;
      return amq::hqq({asked->lp_norm, asked->beta, asked->iterations, rounding, asked->optimize}).quantize(weights, f);
    }
    auto const variant = std::get<amq::cuda::rtn_request>(how);
    using enum amq::cuda::rtn_request;
    return amq::rtn({variant == symmetric ? amq::rtn_variant::symmetric
                     : variant == awq     ? amq::rtn_variant::awq
                                          : amq::rtn_variant::asymmetric})
        .quantize(weights, f);
  }

  double loss_of(amq::cuda::device_loss loss, std::size_t sequence, amq::matrix_view<float const> hidden) const {
    auto const tokens = tokens_->sequence(static_cast<amq::index>(sequence));
    amq::dense_matrix const head(head_.values());
    amq::index const positions = hidden.rows - 1;
    amq::matrix<float> p(positions, head.rows()), q(positions, head.rows());
    head.multiply(reference_[sequence].view().rows_from(0, positions), p);
    head.multiply(hidden.rows_from(0, positions), q);
    std::vector<double> nats(static_cast<std::size_t>(positions));
    if (loss == amq::cuda::device_loss::jsd) amq::jsd{}.positions(p, q, tokens.data() + 1, nats.data());
    if (loss == amq::cuda::device_loss::kl) amq::kl{}.positions(p, q, tokens.data() + 1, nats.data());
    if (loss == amq::cuda::device_loss::cross_entropy)
      amq::cross_entropy{}.positions(p, q, tokens.data() + 1, nats.data());
    return amq::mean(nats);
  }

  void make_running(amq::index) {
    if (passes_) return;
    amq::running_model::parts all{model_.config(), parameters_, final_norm_, *embeddings_.get().plain()};
    if (auto const* const rows = head_.get().plain()) all.head = *rows;
    for (auto const& cell : cells_) all.linears.push_back(cell->get().view());
    running_.emplace(std::move(all));
    passes_.emplace(*running_, amq::precision::f32, amq::on_this_thread);
  }

  amq::llama const& model_;
  int number_;
  std::shared_ptr<device_script> script_;
  int measured_ = 0;
  kept_matrix embeddings_, head_;
  std::vector<float> final_norm_;
  std::vector<amq::block_parameters> parameters_;
  std::vector<amq::cuda::bank_cell> announced_;
  std::vector<std::optional<kept_matrix>> cells_;
  std::optional<amq::token_sequences> tokens_;
  std::vector<amq::matrix<float>> reference_;
  std::optional<amq::running_model> running_;
  std::optional<amq::host_passes<amq::serial_executor const>> passes_;
};

/// `model` must outlive it: attention, norms and rotations are that model's.
class host_device final : public amq::cuda::device {
 public:
  host_device(amq::llama const& model, int number, std::shared_ptr<device_script> script)
      : model_(model), script_(std::move(script)) {
    facts_.number = number;
    facts_.name = "host";
    facts_.capability = 80;
  }

  amq::cuda::device_facts const& facts() const override { return facts_; }
  std::unique_ptr<amq::cuda::decoder> make_decoder(amq::cuda::decoder_shape const& shape,
                                                   amq::cuda::decoder_options const& options) override {
    script_->options = options;
    return std::make_unique<host_decoder>(model_, facts_.number, shape, script_);
  }

 private:
  amq::llama const& model_;
  std::shared_ptr<device_script> script_;
  amq::cuda::device_facts facts_;
};

}  // namespace amq_test
