// The bank on the device: every announced cell as products read it, or, where the device has no room, in pinned memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/tile_layout.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/decoder/decoder_weights.cuh"
#include "amq/cuda/decoder/layer_extent.cuh"
#include "amq/cuda/device.hpp"
#include "amq/cuda/layout/permute.cuh"
#include "amq/cuda/quantize/hqq.cuh"
#include "amq/cuda/quantize/rtn.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Cells of a bank: packed in the device's layout, or, for kept layers, rows of Number. Cells are placed on the device
/// in order until its room is used up; the others lie in pinned memory of the host. Move-only.
template <class Number>
class decoder_bank {
 public:
  decoder_bank(std::vector<layer_extent> layers, cudaStream_t stream) : layers_(std::move(layers)), stream_(stream) {}

  /// Gives all cells and their memory back.
  void clear() {
    places_.clear();
    largest_ = 0;
    resident_ = {};
    pinned_ = {};
  }

  /// Reserves memory for all cells, of which the device may hold `room` bytes. Returns a sentence when some will
  /// stream.
  std::string announce(std::vector<bank_cell> cells, std::int64_t room) {
    std::int64_t all = 0;
    for (auto const& cell : cells) {
      check_format(cell);
      auto const bytes = aligned(bytes_of(cell));
      places_.push_back({cell, bytes, 0, true});
      all += bytes;
      largest_ = std::max(largest_, bytes);
    }
    std::int64_t const kept_free = all > room ? 2 * largest_ : 0;  // two cells on their way
    std::int64_t here = 0, there = 0;
    for (auto& place : places_) {
      place.resident = here + place.bytes + kept_free <= std::max<std::int64_t>(room, 0);
      auto& used = place.resident ? here : there;
      place.offset = used;
      used += place.bytes;
    }
    resident_ = device_buffer<std::uint8_t>(static_cast<std::size_t>(here), stream_);
    reserve_pinned(there);
    if (there == 0) return {};
    return "the bank takes " + mebibytes(all) + " MiB and the device has " +
           mebibytes(std::max<std::int64_t>(room, 0)) + " MiB for it: " + mebibytes(there) +
           " MiB of it stream from the host's memory in each measurement; fewer choices or a smaller model would be "
           "faster";
  }

  index size() const { return std::ssize(places_); }
  bank_cell const& cell(index i) const { return places_.at(static_cast<std::size_t>(i)).cell; }
  bool resident(index i) const { return places_[static_cast<std::size_t>(i)].resident; }
  std::int64_t largest_bytes() const { return largest_; }
  layer_extent extent(index layer) const { return layers_[static_cast<std::size_t>(layer)]; }
  index layers() const { return std::ssize(layers_); }

  /// Bytes that a product reads of a cell.
  std::int64_t bytes(index i) const { return bytes_of(cell(i)); }

  /// The cell as a product reads it, when its bytes lie at `data`.
  device_matrix matrix(index i, std::uint8_t const* data) const {
    auto const [rows, cols] = extent(cell(i).layer);
    auto const stored = cell(i).stored;
    return {data, rows, cols, stored.kept() ? kept_bits : stored.bits, stored.kept() ? 0 : stored.group};
  }
  device_matrix matrix(index i) const {
    auto const& place = places_[static_cast<std::size_t>(i)];
    return matrix(i, resident_.data() + place.offset);
  }
  std::span<std::uint8_t const> pinned(index i) const {
    auto const& place = places_[static_cast<std::size_t>(i)];
    return pinned_.span().subspan(static_cast<std::size_t>(place.offset), static_cast<std::size_t>(place.bytes));
  }

  /// Fills a cell. Synchronises.
  void store(index i, host_matrix const& source) {
    fill(i, [&](std::uint8_t* to) {
      if (cell(i).stored.kept()) return place_dense(source, reinterpret_cast<Number*>(to), stream_);
      auto const* const tiles = std::get_if<tiled_view>(&source);
      if (tiles == nullptr || tiles->storage() != cell(i).stored)
        throw input_error("a cell of the bank that holds " + to_string(cell(i).stored) +
                          " got a matrix of another form");
      auto const packed = uploaded(std::span(tiles->data, static_cast<std::size_t>(tiles->bytes())), stream_);
      to_device_layout(packed.data(), matrix(i, to), to, stream_);
      check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    });
  }

  /// Fills a cell from weights that are quantized here. Synchronises. Throws input_error for what cannot be stored.
  void quantize(index i, host_matrix const& source, quantizer_request const& how) {
    auto const [rows, cols] = extent(cell(i).layer);
    tile_layout const layout{cell(i).stored.bits, cell(i).stored.group};
    device_buffer<float> weights(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols), stream_);
    place_dense(source, weights.data(), stream_);
    device_buffer<std::uint8_t> tiles(static_cast<std::size_t>(layout.bytes(rows, cols)), stream_);
    if (auto const* const hqq = std::get_if<hqq_request>(&how))
      quantize_hqq(weights.data(), rows, cols, layout, *hqq, tiles.data(), scratch_, stream_);
    else
      quantize_rtn(weights.data(), rows, cols, layout, std::get<rtn_request>(how), tiles.data(), scratch_, stream_);
    check_quantized(scratch_, stream_);
    fill(i, [&](std::uint8_t* to) {
      to_device_layout(tiles.data(), matrix(i, to), to, stream_);
      check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    });
  }

  /// What a cell holds, as the host packs it. Synchronises.
  packed_matrix stored(index i) {
    auto const [rows, cols] = extent(cell(i).layer);
    tile_layout const layout{cell(i).stored.bits, cell(i).stored.group};
    device_buffer<std::uint8_t> copy;
    auto here = matrix(i);
    if (!resident(i)) {
      copy = uploaded(pinned(i), stream_);
      here = matrix(i, copy.data());
    }
    std::vector<std::uint8_t> tiles(static_cast<std::size_t>(layout.bytes(rows, cols)));
    device_buffer<std::uint8_t> packed(tiles.size(), stream_);
    to_host_layout(here, packed.data(), stream_);
    download(packed.data(), std::span(tiles), stream_);
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    return unpack({tiles.data(), rows, cols, layout});
  }

 private:
  struct placed_cell {
    bank_cell cell;
    std::int64_t bytes = 0;
    std::int64_t offset = 0;
    bool resident = true;
  };

  static std::int64_t aligned(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }
  static std::string mebibytes(std::int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20); }

  std::int64_t bytes_of(bank_cell const& cell) const {
    auto const [rows, cols] = extent(cell.layer);
    if (cell.stored.kept()) return std::int64_t{rows} * cols * static_cast<std::int64_t>(sizeof(Number));
    return device_matrix_bytes({cell.stored.bits, cell.stored.group}, rows, cols);
  }

  void check_format(bank_cell const& cell) const {
    AMQ_EXPECTS(cell.layer >= 0 && cell.layer < layers(),
                "a cell of layer " + std::to_string(cell.layer) + " of " + std::to_string(layers()));
    if (cell.stored.kept()) return;
    if (auto const refusal = tile_layout::refusal(cell.stored, extent(cell.layer).cols); !refusal.empty())
      throw input_error("the device cannot measure layer " + std::to_string(cell.layer) + ": " + refusal);
  }

  void reserve_pinned(std::int64_t bytes) {
    pinned_ = {};
    if (bytes == 0) return;
    try {
      pinned_ = pinned_buffer<std::uint8_t>(static_cast<std::size_t>(bytes));
    } catch (cuda_error const& failure) {
      throw input_error("the bank needs " + mebibytes(bytes) + " MiB of the host's memory beside the device's (" +
                        failure.what() + "); offer fewer choices a layer or use a smaller model");
    }
  }

  /// Calls make(to) with memory of the device, and moves what it made to where the cell lies.
  template <class Make>
  void fill(index i, Make const& make) {
    auto const& place = places_.at(static_cast<std::size_t>(i));
    if (place.resident) return make(resident_.data() + place.offset);
    device_buffer<std::uint8_t> made(static_cast<std::size_t>(place.bytes), stream_);
    make(made.data());
    download(made.data(), pinned_.span().subspan(static_cast<std::size_t>(place.offset), made.size()), stream_);
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  }

  std::vector<layer_extent> layers_;
  cudaStream_t stream_;
  std::vector<placed_cell> places_;
  std::int64_t largest_ = 0;
  device_buffer<std::uint8_t> resident_;
  pinned_buffer<std::uint8_t> pinned_;
  quantize_workspace scratch_;
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
