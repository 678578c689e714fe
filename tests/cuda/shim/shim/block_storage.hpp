// Values of a block's threads in storage that no constructor need run for.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "shim/device_names.hpp"

namespace shim {

template <class T, int Count>
struct raw_values {
  static_assert(std::is_trivially_copyable_v<T>);
  alignas(T) unsigned char bytes[sizeof(T) * static_cast<std::size_t>(Count)];

  T& operator[](int i) { return reinterpret_cast<T*>(bytes)[i]; }
};

inline int linear_thread() {
  return static_cast<int>((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x);
}

}  // namespace shim
