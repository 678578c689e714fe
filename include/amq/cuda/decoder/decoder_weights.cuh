// What a decoder has beside its linear layers, on the device: embeddings, norms, biases, the output head.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/convert/convert.cuh"
#include "amq/cuda/dequantize/dequantize.cuh"
#include "amq/cuda/device.hpp"
#include "amq/cuda/layout/permute.cuh"
#include "amq/cuda/number.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// (rows, cols) of a matrix that lies on the host, as Number on the device. Synchronises: the host's memory may be
/// reused afterwards. O(rows * cols).
template <class Number>
void place_dense(host_matrix const& source, Number* to, cudaStream_t stream) {
  if (auto const* const plain = std::get_if<plain_rows>(&source)) {
    auto const count = plain->rows * plain->cols;
    auto const bytes =
        uploaded(std::span(plain->data, static_cast<std::size_t>(count * item_bytes(plain->type))), stream);
    convert(bytes.data(), plain->type, to, count, stream);
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  } else if (auto const* const values = std::get_if<matrix_view<float const>>(&source)) {
    device_buffer<float> rows(static_cast<std::size_t>(values->size()), stream);
    for (index r = 0; r < values->rows; ++r) upload(values->row(r), rows.data() + r * values->cols, stream);
    convert(rows.data(), to, values->size(), stream);
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  } else {
    auto const& tiles = std::get<tiled_view>(source);
    auto const packed = uploaded(std::span(tiles.data, static_cast<std::size_t>(tiles.bytes())), stream);
    device_buffer<std::uint8_t> permuted(
        static_cast<std::size_t>(device_matrix_bytes(tiles.layout, tiles.rows, tiles.cols)), stream);
    device_matrix const matrix{permuted.data(), static_cast<int>(tiles.rows), static_cast<int>(tiles.cols),
                               tiles.layout.bits, tiles.layout.group};
    to_device_layout(packed.data(), matrix, permuted.data(), stream);
    dequantize(matrix, to, stream);
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  }
}

/// One block's norms and biases; null where there is none.
struct block_vectors {
  float const* attention_norm = nullptr;
  float const* feed_forward_norm = nullptr;
  float const* query_norm = nullptr;
  float const* key_norm = nullptr;
  std::array<float const*, 7> biases{};
};

/// All of them. Move-only.
template <class Number>
class decoder_weights {
 public:
  decoder_weights(decoder_shape const& shape, cudaStream_t stream)
      : table_type(shape.embeddings.type),
        table_(uploaded(std::span(shape.embeddings.data, static_cast<std::size_t>(shape.vocabulary * shape.hidden *
                                                                                  item_bytes(shape.embeddings.type))),
                        stream)),
        head_(static_cast<std::size_t>(shape.vocabulary * shape.hidden), stream) {
    place_dense(shape.head, head_.data(), stream);
    frequencies = place(shape.rope_frequencies, stream);
    final_norm = place(shape.final_norm, stream);
    for (auto const& block : shape.blocks) {
      auto& own = blocks.emplace_back();
      own.attention_norm = place(block.attention_norm, stream);
      own.feed_forward_norm = place(block.feed_forward_norm, stream);
      own.query_norm = place(block.query_norm, stream);
      own.key_norm = place(block.key_norm, stream);
      for (std::size_t kind = 0; kind < own.biases.size(); ++kind) own.biases[kind] = place(block.biases[kind], stream);
    }
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  }

  void const* table() const { return table_.data(); }
  Number const* head() const { return head_.data(); }

  dtype table_type;
  float const* frequencies = nullptr;
  float const* final_norm = nullptr;
  std::vector<block_vectors> blocks;

 private:
  float const* place(std::span<float const> values, cudaStream_t stream) {
    if (values.empty()) return nullptr;
    return vectors_.emplace_back(uploaded(values, stream)).data();
  }

  device_buffer<std::byte> table_;
  device_buffer<Number> head_;
  std::vector<device_buffer<float>> vectors_;
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
