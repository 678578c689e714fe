// Operations of several lanes of a warp: each brings a record, the last to come works on all records.
#pragma once

#include "shim/engine.hpp"

namespace shim {
namespace detail {

inline std::string hexadecimal(unsigned mask) {
  std::string text = "0x";
  for (int i = 28; i >= 0; i -= 4) text += "0123456789abcdef"[mask >> i & 15];
  return text;
}

inline unsigned first_lane(unsigned mask) { return static_cast<unsigned>(__builtin_ctz(mask)); }

/// All of a meeting's lanes are there (or gone): does the operation, and they go on.
inline void hold(thread& me, std::size_t which) {
  auto& meetings = me.mates->meetings;
  std::swap(meetings[which], meetings.back());
  meeting held = meetings.back();
  meetings.pop_back();
  if (held.arrived == 0) return;
  if (held.operation != nullptr) held.operation(held);
  for (unsigned lane = warp_lanes; lane-- > 0;)
    if (held.has(lane) && lane != me.lane) me.owner.wake(*me.owner.threads()[me.number - me.lane + lane]);
}

/// The place in the warp's list of the meeting of `mask`, a new one where there is none.
inline std::size_t find_meeting(thread& me, unsigned mask, void (*operation)(meeting&), stop const& at) {
  auto& meetings = me.mates->meetings;
  for (std::size_t i = 0; i < meetings.size(); ++i) {
    if (meetings[i].mask != mask) continue;
    if (meetings[i].operation != operation)
      throw fault(cudaErrorLaunchFailure, "divergent warp: lane " + std::to_string(first_lane(meetings[i].arrived)) +
                                              " waits in " + to_string(meetings[i].at) + ", lane " +
                                              std::to_string(me.lane) + " came to " + to_string(at));
    return i;
  }
  auto& token = me.mates->tokens[me.mates->meetings_begun++ % 2];
  meetings.push_back({.mask = mask, .operation = operation, .at = at, .token = &token});
  return meetings.size() - 1;
}

/// Comes to the meeting of `mask`'s lanes and returns when its operation is done. Memory is ordered by it only where
/// `orders_memory` says so: shuffles and votes do not.
inline void meet(unsigned mask, void* record, void (*operation)(meeting&), stop const& at, bool orders_memory = false) {
  quiet const unseen;
  thread& me = self();
  if ((mask >> me.lane & 1u) == 0)
    throw fault(cudaErrorLaunchFailure, to_string(at) + " has the mask " + hexadecimal(mask) +
                                            ", which leaves out lane " + std::to_string(me.lane) + " that calls it");
  auto const which = find_meeting(me, mask, operation, at);
  auto& joined = me.mates->meetings[which];
  joined.arrived |= 1u << me.lane;
  joined.records[me.lane] = record;
  void* const token = joined.token;
  if (orders_memory) release(token);
  if (joined.arrived == (mask & me.mates->live))
    hold(me, which);
  else
    me.owner.suspend(me, at);
  if (orders_memory) acquire(token);
}

}  // namespace detail
}  // namespace shim

inline void __syncwarp(unsigned mask = ~0u, std::source_location where = std::source_location::current()) {
  shim::detail::meet(mask, nullptr, nullptr, {where, "__syncwarp"}, true);
}
