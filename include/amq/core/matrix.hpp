// Row-major matrices: a view that owns nothing and a 64-byte aligned owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "amq/config.hpp"

namespace amq {

/// Signed, so that differences and loops downwards are safe; the same type as Eigen's.
using index = std::ptrdiff_t;

/// Rows and columns of contiguous rows that somebody else owns. Trivially copyable.
template <class T>
struct matrix_view {
  T* data = nullptr;
  index rows = 0;
  index cols = 0;
  index stride = 0;  ///< elements from one row's start to the next

  constexpr matrix_view() = default;
  constexpr matrix_view(T* data_, index rows_, index cols_) : matrix_view(data_, rows_, cols_, cols_) {}
  constexpr matrix_view(T* data_, index rows_, index cols_, index stride_)
      : data(data_), rows(rows_), cols(cols_), stride(stride_) {}

  /// A view of T converts to a view of T const.
  template <class Mutable>
    requires(!std::is_const_v<Mutable> && std::is_same_v<Mutable const, T>)
  constexpr matrix_view(matrix_view<Mutable> other) : matrix_view(other.data, other.rows, other.cols, other.stride) {}

  constexpr T& operator()(index row, index col) const { return data[row * stride + col]; }
  constexpr std::span<T> row(index i) const { return {data + i * stride, static_cast<std::size_t>(cols)}; }
  constexpr matrix_view rows_from(index first, index count) const {
    return {data + first * stride, count, cols, stride};
  }
  constexpr matrix_view cols_from(index first, index count) const { return {data + first, rows, count, stride}; }
  constexpr index size() const { return rows * cols; }
};

namespace detail {

struct aligned_delete {
  void operator()(void* p) const noexcept { ::operator delete(p, std::align_val_t{64}); }
};

}  // namespace detail

/// Owns a dense row-major matrix of a trivial type, aligned to 64 bytes; `matrix(rows, cols)` is zeroed. Move-only:
/// a copy of something large is written out by its caller (`clone`).
template <class T>
  requires std::is_trivially_copyable_v<T>
class matrix {
 public:
  matrix() = default;
  matrix(index rows, index cols) : rows_(rows), cols_(cols), data_(allocate(rows * cols)) {
    if (rows * cols > 0)
      std::memset(static_cast<void*>(data_.get()), 0, sizeof(T) * static_cast<std::size_t>(rows * cols));
  }

  /// Elements are whatever was in memory: for buffers that are written before they are read.
  static matrix uninitialized(index rows, index cols) {
    matrix buffer;
    buffer.rows_ = rows;
    buffer.cols_ = cols;
    buffer.data_.reset(allocate(rows * cols));
    return buffer;
  }

  matrix(matrix&& other) noexcept
      : rows_(std::exchange(other.rows_, 0)), cols_(std::exchange(other.cols_, 0)), data_(std::move(other.data_)) {}
  matrix& operator=(matrix&& other) noexcept {
    rows_ = std::exchange(other.rows_, 0);
    cols_ = std::exchange(other.cols_, 0);
    data_ = std::move(other.data_);
    return *this;
  }

  [[nodiscard]] matrix clone() const {
    matrix copy(rows_, cols_);
    if (size() > 0) std::memcpy(copy.data(), data(), sizeof(T) * static_cast<std::size_t>(size()));
    return copy;
  }

  index rows() const { return rows_; }
  index cols() const { return cols_; }
  index size() const { return rows_ * cols_; }
  T* data() { return data_.get(); }
  T const* data() const { return data_.get(); }
  T& operator()(index row, index col) { return data_.get()[row * cols_ + col]; }
  T const& operator()(index row, index col) const { return data_.get()[row * cols_ + col]; }
  std::span<T> row(index i) { return view().row(i); }
  std::span<T const> row(index i) const { return view().row(i); }
  matrix_view<T> view() { return {data_.get(), rows_, cols_}; }
  matrix_view<T const> view() const { return {data_.get(), rows_, cols_}; }
  operator matrix_view<T>() { return view(); }
  operator matrix_view<T const>() const { return view(); }

 private:
  static T* allocate(index count) {
    if (count <= 0) return nullptr;
    return static_cast<T*>(::operator new(sizeof(T) * static_cast<std::size_t>(count), std::align_val_t{64}));
  }

  index rows_ = 0;
  index cols_ = 0;
  std::unique_ptr<T[], detail::aligned_delete> data_;
};

/// A dense copy of a view.
template <class T>
matrix<std::remove_const_t<T>> clone(matrix_view<T> source) {
  matrix<std::remove_const_t<T>> copy(source.rows, source.cols);
  for (index r = 0; r < source.rows; ++r) std::copy_n(source.row(r).data(), source.cols, copy.row(r).data());
  return copy;
}

}  // namespace amq
