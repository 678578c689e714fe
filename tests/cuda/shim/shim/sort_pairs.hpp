// What the library's sorts of whole arrays share.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "shim/launch.hpp"
#include "shim/radix.hpp"

namespace shim {

/// As the library's functions do: without temporary memory only says how much is needed.
template <class Work>
cudaError_t with_temporary(void* temporary, std::size_t& bytes, cudaStream_t on, Work const& do_it) {
  constexpr std::size_t needed = 256;
  if (temporary == nullptr) {
    bytes = needed;
    return cudaSuccess;
  }
  if (bytes < needed || !detail::is_device_memory(temporary, needed)) return detail::told(cudaErrorInvalidValue);
  return enqueue(on, do_it);
}

template <class Key, class Value>
struct pairs_of {
  pairs_of(Key const* from_keys, Key* to_keys, Value const* from_values, Value* to_values)
      : keys_in(from_keys), keys_out(to_keys), values_in(from_values), values_out(to_values) {}

  Key const* keys_in;
  Key* keys_out;
  Value const* values_in;
  Value* values_out;
};

struct sort_digits {
  int begin, end;
  bool descending;
};

/// Sorts the pairs [begin, end) by some of their keys' bits; equal ones stay in order.
template <class Key, class Value>
void sort_pairs(pairs_of<Key, Value> const& of, std::int64_t begin, std::int64_t end, sort_digits const& by) {
  detail::check_argument(of.keys_in);
  detail::check_argument(of.keys_out);
  detail::check_argument(of.values_in);
  detail::check_argument(of.values_out);
  std::vector<std::int64_t> order(static_cast<std::size_t>(end - begin));
  std::iota(order.begin(), order.end(), begin);
  auto const digits = [&](std::int64_t i) { return radix_digits(of.keys_in[i], by.begin, by.end); };
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
    return by.descending ? digits(a) > digits(b) : digits(a) < digits(b);
  });
  for (auto const from : order) {
    of.keys_out[begin] = of.keys_in[from];
    of.values_out[begin++] = of.values_in[from];
  }
}

}  // namespace shim
