// Shuffles, votes, matches and reductions of a warp's lanes.
#pragma once

#include <type_traits>

#include "shim/meeting.hpp"

namespace shim {
namespace detail {

template <class T>
struct exchange_record {
  T value;
  unsigned source;
  T result;
};

template <class T>
void exchange(meeting& all) {
  for (unsigned lane = 0; lane < warp_lanes; ++lane) {
    if (!all.has(lane)) continue;
    auto& mine = *static_cast<exchange_record<T>*>(all.records[lane]);
    if (!all.has(mine.source))
      throw fault(cudaErrorLaunchFailure, to_string(all.at) + ": lane " + std::to_string(lane) + " asks lane " +
                                              std::to_string(mine.source) + ", which is not there");
    mine.result = static_cast<exchange_record<T> const*>(all.records[mine.source])->value;
  }
}

template <class T>
T shuffle(unsigned mask, T value, unsigned source, stop const& at) {
  static_assert(std::is_trivially_copyable_v<T>);
  exchange_record<T> record{value, source, value};
  meet(mask, &record, &exchange<T>, at);
  return record.result;
}

inline unsigned own_lane() { return self().lane; }

template <class T>
struct gather_record {
  T value;
  unsigned result;
  T reduced;
};

/// Calls `combine(all, mine, lane)` for each lane, when all have brought their values.
template <class T, auto Combine>
void gather(meeting& all) {
  for (unsigned lane = 0; lane < warp_lanes; ++lane)
    if (all.has(lane)) Combine(all, *static_cast<gather_record<T>*>(all.records[lane]));
}

template <class T>
T value_of(meeting const& all, unsigned lane) {
  return static_cast<gather_record<T> const*>(all.records[lane])->value;
}

template <class T, auto Combine>
gather_record<T> gathered(unsigned mask, T value, stop const& at) {
  gather_record<T> record{value, 0, value};
  meet(mask, &record, &gather<T, Combine>, at);
  return record;
}

template <class T>
void equal_lanes(meeting& all, gather_record<T>& mine) {
  for (unsigned lane = 0; lane < warp_lanes; ++lane)
    if (all.has(lane) && value_of<T>(all, lane) == mine.value) mine.result |= 1u << lane;
}

inline void true_lanes(meeting& all, gather_record<bool>& mine) {
  for (unsigned lane = 0; lane < warp_lanes; ++lane)
    if (all.has(lane) && value_of<bool>(all, lane)) mine.result |= 1u << lane;
}

template <class T, auto Join>
void reduce_lanes(meeting& all, gather_record<T>& mine) {
  mine.reduced = value_of<T>(all, first_lane(all.arrived));
  for (unsigned lane = first_lane(all.arrived) + 1; lane < warp_lanes; ++lane)
    if (all.has(lane)) mine.reduced = Join(mine.reduced, value_of<T>(all, lane));
}

template <class T, auto Join>
T reduced(unsigned mask, T value, stop const& at) {
  return gathered<T, &reduce_lanes<T, Join>>(mask, value, at).reduced;
}

}  // namespace detail
}  // namespace shim

#define SHIM_HERE std::source_location where = std::source_location::current()

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, SHIM_HERE) {
  unsigned const in_group = static_cast<unsigned>(width - 1);
  unsigned const from = (shim::detail::own_lane() & ~in_group) | (static_cast<unsigned>(source) & in_group);
  return shim::detail::shuffle(mask, value, from, {where, "__shfl_sync"});
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, SHIM_HERE) {
  unsigned const lane = shim::detail::own_lane(), in_group = static_cast<unsigned>(width - 1);
  unsigned const from = lane ^ static_cast<unsigned>(bits);
  bool const beyond = (from & ~in_group) > (lane & ~in_group);
  return shim::detail::shuffle(mask, value, beyond ? lane : from, {where, "__shfl_xor_sync"});
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, SHIM_HERE) {
  unsigned const lane = shim::detail::own_lane(), in_group = static_cast<unsigned>(width - 1);
  bool const beyond = (lane & in_group) + delta > in_group;
  return shim::detail::shuffle(mask, value, beyond ? lane : lane + delta, {where, "__shfl_down_sync"});
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, SHIM_HERE) {
  unsigned const lane = shim::detail::own_lane(), in_group = static_cast<unsigned>(width - 1);
  bool const beyond = (lane & in_group) < delta;
  return shim::detail::shuffle(mask, value, beyond ? lane : lane - delta, {where, "__shfl_up_sync"});
}

inline unsigned __ballot_sync(unsigned mask, int condition, SHIM_HERE) {
  return shim::detail::gathered<bool, &shim::detail::true_lanes>(mask, condition != 0, {where, "__ballot_sync"}).result;
}
inline int __any_sync(unsigned mask, int condition, SHIM_HERE) { return __ballot_sync(mask, condition, where) != 0; }
inline int __all_sync(unsigned mask, int condition, SHIM_HERE) {
  return __ballot_sync(mask, condition == 0, where) == 0;
}

template <class T>
unsigned __match_any_sync(unsigned mask, T value, SHIM_HERE) {
  return shim::detail::gathered<T, &shim::detail::equal_lanes<T>>(mask, value, {where, "__match_any_sync"}).result;
}
template <class T>
unsigned __match_all_sync(unsigned mask, T value, int* all_equal, SHIM_HERE) {
  unsigned const equal = __match_any_sync(mask, value, where);
  *all_equal = equal == (mask & shim::self().mates->live);
  return *all_equal ? equal : 0;
}

#define SHIM_REDUCE(name, type, ...)                                                                        \
  inline type name(unsigned mask, type value, SHIM_HERE) {                                                  \
    return shim::detail::reduced<type, [](type a, type b) -> type { return __VA_ARGS__; }>(mask, value,     \
                                                                                           {where, #name}); \
  }
SHIM_REDUCE(__reduce_add_sync, unsigned, a + b)
SHIM_REDUCE(__reduce_min_sync, unsigned, a < b ? a : b)
SHIM_REDUCE(__reduce_max_sync, unsigned, a < b ? b : a)
SHIM_REDUCE(__reduce_and_sync, unsigned, a& b)
SHIM_REDUCE(__reduce_or_sync, unsigned, a | b)
SHIM_REDUCE(__reduce_xor_sync, unsigned, a ^ b)
SHIM_REDUCE(__reduce_add_sync, int, static_cast<int>(static_cast<unsigned>(a) + static_cast<unsigned>(b)))
SHIM_REDUCE(__reduce_min_sync, int, a < b ? a : b)
SHIM_REDUCE(__reduce_max_sync, int, a < b ? b : a)
#undef SHIM_REDUCE
#undef SHIM_HERE
