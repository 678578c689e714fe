// What a CUDA device does for the rest of the library, without any of CUDA's headers: code of any compiler talks to it
// through these classes, and one .cu file that includes amq/cuda.cuh makes them (`cuda::open_device`).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "amq/core/dtype.hpp"
#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/tiled_matrix.hpp"

namespace amq::cuda {

/// Rows of F32, F16 or BF16, one after the other, in memory that somebody else keeps.
struct plain_rows {
  std::byte const* data = nullptr;
  dtype type = dtype::bf16;
  index rows = 0;
  index cols = 0;
};

/// A matrix as the host has it.
using host_matrix = std::variant<tiled_view, plain_rows, matrix_view<float const>>;

/// A decoder-only transformer in numbers: grouped-query attention, rotary positions, RMSNorm, SwiGLU. Spans live as
/// long as the call that gets them.
struct decoder_shape {
  struct block {
    index heads = 0;
    index key_value_heads = 0;
    index intermediate = 0;
    index window = 0;                               ///< keys that a query sees, itself included; 0: all before it
    std::span<float const> attention_norm = {};     ///< (hidden)
    std::span<float const> feed_forward_norm = {};  ///< (hidden)
    std::span<float const> query_norm = {};         ///< (head size), empty without q/k norms; so is the next
    std::span<float const> key_norm = {};
    std::array<std::span<float const>, 7> biases = {};  ///< q, k, v, o, gate, up, down; empty where there is none
  };
  index hidden = 0;
  index head_size = 0;
  index vocabulary = 0;
  index max_length = 0;
  float norm_epsilon = 0;
  std::span<float const> rope_frequencies = {};  ///< (head size / 2) radians a position
  std::span<float const> final_norm = {};        ///< (hidden)
  plain_rows embeddings = {};                    ///< (vocabulary, hidden)
  host_matrix head = {};                         ///< (vocabulary, hidden)
  std::vector<block> blocks = {};
};

/// One stored form of one linear layer. Layers are numbered block * 7 + kind, kinds as in `decoder_shape::biases`.
struct bank_cell {
  index layer = 0;
  format stored = {};
};

/// How weights become codes on the device; the same formulas as `hqq` and `rtn` of quantize/.
struct hqq_request {
  double lp_norm = 0.7;
  double beta = 10;
  int iterations = 20;
  bool round_zero = false;
  bool optimize = true;
};
enum class rtn_request : std::uint8_t { asymmetric, symmetric, awq };
using quantizer_request = std::variant<hqq_request, rtn_request>;

enum class device_loss : std::uint8_t { jsd, kl, cross_entropy };

struct decoder_options {
  dtype numbers = dtype::bf16;   ///< of activations: f32, f16 or bf16; f32 multiplies without TF32
  index pass_tokens = 8192;      ///< calibration tokens that pass the blocks together; whole sequences, at least one
  index calibration_tokens = 0;  ///< of all sequences that `remember` will get, for which memory is left
  std::int64_t most_bank_bytes = -1;  ///< of the device's memory that the bank may take; -1: what is free
};

/// One sequence's share of a pass that writes on.
struct device_part {
  index sequence = 0;  ///< what open_sequence gave
  index tokens = 0;
};

/// A model on one device, with a bank of stored matrices of which each pass uses one a layer. One call at a time. All
/// calls return when their work is done. Throws cuda_error for failures of the device.
class decoder {
 public:
  virtual ~decoder() = default;

  /// Announces all cells, before any is filled, in place of those announced before; what was remembered stays. Returns
  /// a sentence where they do not fit on the device and will stream from the host's memory; empty where they fit.
  /// Throws input_error for a format that no kernel reads, and where neither memory holds them, with what is needed and
  /// what to lower.
  virtual std::string announce(std::vector<bank_cell> cells) = 0;

  /// Fills a cell with a matrix that is stored already. Throws input_error where it is not of the cell's format.
  virtual void store(index cell, host_matrix const& matrix) = 0;

  /// Fills a cell by quantizing `weights` on the device. Throws input_error where f16 cannot hold a scale or a zero, or
  /// a weight is not finite.
  virtual void quantize(index cell, host_matrix const& weights, quantizer_request const& how) = 0;

  /// The codes, scales and zeros of a cell, as the host packs them.
  virtual packed_matrix stored(index cell) = 0;

  /// Runs the model whose layers are `cells` (one a layer, in order) over the calibration sequences (count, length) and
  /// keeps its last hidden states: what candidates are compared with.
  virtual void remember(matrix_view<std::int32_t const> sequences, std::span<index const> cells) = 0;

  /// losses[i] of the i-th of the first losses.size() sequences: mean nats a position of the model whose layers are
  /// `cells` against the remembered one. The same bits whatever was measured before.
  virtual void measure(std::span<index const> cells, device_loss loss, std::span<double> losses) = 0;

  /// Room for the keys and values of `capacity` tokens; a number that passes name it by.
  virtual index open_sequence(index capacity) = 0;
  virtual void close_sequence(index sequence) = 0;

  /// Reads the new tokens of all parts, one part after the other, and adds them to their sequences. logits (parts,
  /// vocabulary) follow each part's last token.
  virtual void pass(std::span<device_part const> parts, std::span<std::int32_t const> tokens,
                    std::span<index const> cells, matrix_view<float> logits) = 0;

  /// Bytes of weights that a pass of one token reads.
  virtual std::int64_t bytes_per_pass(std::span<index const> cells) const = 0;
};

struct device_facts {
  int number = 0;
  std::string name;
  int capability = 0;  ///< ten times major plus minor: 90 for 9.0
  int multiprocessors = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t cache_bytes = 0;  ///< second level
  std::string driver;            ///< versions as text
  std::string runtime;
};

/// One device. Its decoders keep it alive.
class device {
 public:
  virtual ~device() = default;
  virtual device_facts const& facts() const = 0;
  virtual std::unique_ptr<decoder> make_decoder(decoder_shape const& shape, decoder_options const& options) = 0;
};

}  // namespace amq::cuda
