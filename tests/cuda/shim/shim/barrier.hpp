// The block's barrier. All live threads must come to it at the same line.
#pragma once

#include "shim/meeting.hpp"

namespace shim {
namespace detail {

/// If all are there: they go on, `me` without waiting.
inline bool open_barrier(engine& block, thread const& me) {
  auto& barrier = block.barrier;
  if (barrier.arrived == 0 || barrier.arrived < block.live()) return false;
  barrier.arrived = 0;
  barrier.result = std::exchange(barrier.count, 0);
  ++barrier.turn;
  for (std::size_t i = block.threads().size(); i-- > 0;) {
    thread& other = *block.threads()[i];
    if (other.live && &other != &me) block.wake(other);
  }
  return true;
}

/// How many came with a condition that holds.
inline int wait_for_block(bool condition, stop const& at) {
  quiet const unseen;
  thread& me = self();
  auto& barrier = me.owner.barrier;
  if (barrier.arrived == 0) {
    barrier.at = at;
    barrier.first = me.number;
  } else if (!(barrier.at == at)) {
    throw fault(cudaErrorLaunchFailure, "divergent barrier: thread " + std::to_string(barrier.first) + " waits in " +
                                            to_string(barrier.at) + ", thread " + std::to_string(me.number) +
                                            " came to " + to_string(at));
  }
  char* const token = &barrier.tokens[barrier.turn % 2];
  release(token);
  ++barrier.arrived;
  barrier.count += condition;
  if (!open_barrier(me.owner, me)) me.owner.suspend(me, at);
  acquire(token);
  return barrier.result;
}

}  // namespace detail

inline void engine::left(thread& me) {
  detail::open_barrier(*this, me);
  auto& meetings = me.mates->meetings;
  for (std::size_t i = meetings.size(); i-- > 0;)
    if (meetings[i].arrived == (meetings[i].mask & me.mates->live)) detail::hold(me, i);
}

}  // namespace shim

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  shim::detail::wait_for_block(false, {where, "__syncthreads"});
}
inline int __syncthreads_count(int condition, std::source_location where = std::source_location::current()) {
  return shim::detail::wait_for_block(condition != 0, {where, "__syncthreads_count"});
}
inline int __syncthreads_or(int condition, std::source_location where = std::source_location::current()) {
  return shim::detail::wait_for_block(condition != 0, {where, "__syncthreads_or"}) != 0;
}
inline int __syncthreads_and(int condition, std::source_location where = std::source_location::current()) {
  return shim::detail::wait_for_block(condition == 0, {where, "__syncthreads_and"}) == 0;
}

/// What a thread wrote before its fence is there for whoever passes a fence later.
inline void __threadfence() {
  static char token;
  shim::release(&token);
  shim::acquire(&token);
}
inline void __threadfence_block() { __threadfence(); }
inline void __threadfence_system() { __threadfence(); }

/// Ends the kernel with an error.
inline void __trap() { throw shim::fault(cudaErrorLaunchFailure, "the kernel called __trap()"); }
