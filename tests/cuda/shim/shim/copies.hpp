// Asynchronous copies of a thread: they happen when it waits for them.
#pragma once

#include <cstdint>
#include <cstring>

#include "shim/engine.hpp"

namespace shim {

inline void require_aligned(void const* at, std::size_t bytes, char const* what) {
  if (reinterpret_cast<std::uintptr_t>(at) % bytes != 0)
    throw fault(cudaErrorMisalignedAddress,
                std::string(what) + ": an address is not aligned to " + std::to_string(bytes) + " bytes");
}

inline void copy_now(pending_copy const& one) {
  if (one.valid)
    std::memcpy(one.to, one.from, 16);
  else
    std::memset(one.to, 0, 16);
}

/// In a permuted run it may happen at once, so that both ways of being early or late show.
inline void begin_copy(pending_copy const& one) {
  require_aligned(one.to, 16, "copy_async_16");
  if (one.valid) require_aligned(one.from, 16, "copy_async_16");
  announce_write(one.to, 16);
  thread& me = self();
  bool now = false;
  {
    quiet const unseen;
    now = me.owner.at_once();
    if (!now) me.copies.push_back(one);
  }
  if (now) copy_now(one);
}

inline void close_copies() {
  quiet const unseen;
  thread& me = self();
  std::size_t open = me.copies.size();
  for (auto const closed : me.copy_groups) open -= closed;
  me.copy_groups.push_back(open);
}

/// Does the copies of all but the newest `pending` closed groups.
inline void finish_copies(std::size_t pending) {
  thread& me = self();
  std::vector<pending_copy> due;
  {
    quiet const unseen;
    auto& groups = me.copy_groups;
    std::size_t const done = groups.size() > pending ? groups.size() - pending : 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < done; ++i) count += groups[i];
    groups.erase(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(done));
    due.assign(me.copies.begin(), me.copies.begin() + static_cast<std::ptrdiff_t>(count));
    me.copies.erase(me.copies.begin(), me.copies.begin() + static_cast<std::ptrdiff_t>(count));
  }
  for (auto const& one : due) copy_now(one);
}

}  // namespace shim
