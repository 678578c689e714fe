// Atomic operations: relaxed, as on the device.
#pragma once

#include <atomic>
#include <type_traits>

namespace shim::detail {

/// Replaces *at by join(*at) and returns what was there.
template <class T, class Join>
T update(T* at, Join const& join) {
  std::atomic_ref<T> const shared(*at);
  T before = shared.load(std::memory_order_relaxed);
  while (!shared.compare_exchange_weak(before, join(before), std::memory_order_relaxed)) {
  }
  return before;
}

}  // namespace shim::detail

template <class T>
T atomicAdd(T* at, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*at).fetch_add(value, std::memory_order_relaxed);
}
template <class T>
T atomicSub(T* at, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*at).fetch_sub(value, std::memory_order_relaxed);
}
template <class T>
T atomicMax(T* at, std::type_identity_t<T> value) {
  return shim::detail::update(at, [value](T was) { return was < value ? value : was; });
}
template <class T>
T atomicMin(T* at, std::type_identity_t<T> value) {
  return shim::detail::update(at, [value](T was) { return value < was ? value : was; });
}
template <class T>
T atomicAnd(T* at, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*at).fetch_and(value, std::memory_order_relaxed);
}
template <class T>
T atomicOr(T* at, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*at).fetch_or(value, std::memory_order_relaxed);
}
template <class T>
T atomicXor(T* at, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*at).fetch_xor(value, std::memory_order_relaxed);
}
template <class T>
T atomicExch(T* at, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*at).exchange(value, std::memory_order_relaxed);
}
template <class T>
T atomicCAS(T* at, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  std::atomic_ref<T>(*at).compare_exchange_strong(expected, value, std::memory_order_relaxed);
  return expected;
}
/// Counts up to `limit`, then from 0 again.
inline unsigned atomicInc(unsigned* at, unsigned limit) {
  return shim::detail::update(at, [limit](unsigned was) { return was >= limit ? 0u : was + 1; });
}
inline unsigned atomicDec(unsigned* at, unsigned limit) {
  return shim::detail::update(at, [limit](unsigned was) { return was == 0 || was > limit ? limit : was - 1; });
}
