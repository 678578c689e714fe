// Hands a pass the matrices of a configuration, layer after layer; those in the host's memory arrive one layer ahead.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "amq/cuda/abi.cuh"
#include "amq/cuda/buffer.cuh"
#include "amq/cuda/decoder/decoder_bank.cuh"
#include "amq/cuda/stream.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

/// Double-buffered: while one streamed matrix is multiplied, the next is copied by a stream of its own. Layers are
/// asked for in order. Nothing is copied, and nothing waits, where all cells lie on the device. Keeps a reference to
/// the bank.
template <class Number>
class weight_feed {
 public:
  weight_feed(decoder_bank<Number> const& bank, cudaStream_t computing) : bank_(&bank), computing_(computing) {}
  weight_feed(weight_feed const&) = delete;
  weight_feed& operator=(weight_feed const&) = delete;
  ~weight_feed() { cudaStreamSynchronize(copying_); }  // before the slots go

  /// Whether all of these lie on the device.
  bool resident(std::span<index const> cells) const {
    for (auto const cell : cells)
      if (!bank_->resident(cell)) return false;
    return true;
  }

  /// The next pass uses these cells, one a layer.
  void begin(std::span<index const> cells) {
    cells_ = cells;
    coming_.clear();
    for (auto const cell : cells)
      if (!bank_->resident(cell)) coming_.push_back(cell);
    copied_ = used_ = 0;
    if (coming_.empty()) return;
    auto const needed = static_cast<std::size_t>(bank_->largest_bytes());
    bool const grows = slots_.front().bytes.size() < needed;
    for (auto& slot : slots_) {
      slot.bytes.reserve(needed, computing_);
      slot.read.hold(copying_);  // the last pass may still read it; holds nothing at first
    }
    if (grows) {
      allocated_.record(computing_);
      allocated_.hold(copying_);
    }
    while (copied_ < coming_.size() && copied_ < slots_.size()) copy_next();
  }

  /// The matrix of a layer; work that the computing stream gets from now on may read it.
  device_matrix get(index layer) {
    auto const cell = cells_[static_cast<std::size_t>(layer)];
    if (bank_->resident(cell)) return bank_->matrix(cell);
    auto const& slot = slots_[used_ % slots_.size()];
    slot.filled.hold(computing_);
    return bank_->matrix(cell, slot.bytes.data());
  }

  /// The computing stream has all its work with that layer's matrix.
  void done(index layer) {
    if (bank_->resident(cells_[static_cast<std::size_t>(layer)])) return;
    auto const& slot = slots_[used_++ % slots_.size()];
    slot.read.record(computing_);
    if (copied_ == coming_.size()) return;
    slot.read.hold(copying_);
    copy_next();
  }

 private:
  struct staged {
    device_buffer<std::uint8_t> bytes;
    event filled;
    event read;
  };

  void copy_next() {
    auto const& slot = slots_[copied_ % slots_.size()];
    upload(bank_->pinned(coming_[copied_]), slot.bytes.data(), copying_.get());
    slot.filled.record(copying_);
    ++copied_;
  }

  decoder_bank<Number> const* bank_;
  cudaStream_t computing_;
  stream copying_;
  std::array<staged, 2> slots_;
  event allocated_;  ///< the slots' memory
  std::span<index const> cells_;
  std::vector<index> coming_;
  std::size_t copied_ = 0;
  std::size_t used_ = 0;
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
