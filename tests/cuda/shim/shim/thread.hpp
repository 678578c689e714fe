// What the shim knows of a CUDA thread, of its warp and of lanes that wait for one another.
#pragma once

#include <array>
#include <cstddef>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "shim/fiber.hpp"
#include "shim/vector_types.hpp"

namespace shim {

inline constexpr unsigned warp_lanes = 32;

class engine;

/// A line of a kernel where threads wait, and for what.
struct stop {
  std::source_location where = {};
  char const* what = "";

  friend bool operator==(stop const& a, stop const& b) {
    return a.where.line() == b.where.line() && a.where.column() == b.where.column() &&
           (a.where.file_name() == b.where.file_name() || std::string_view(a.where.file_name()) == b.where.file_name());
  }
};

inline std::string to_string(stop const& at) {
  return std::string(at.what) + " at " + at.where.file_name() + ":" + std::to_string(at.where.line());
}

/// Lanes of a warp on their way to one operation; the last to come does it for all.
struct meeting {
  unsigned mask = 0;
  unsigned arrived = 0;
  void (*operation)(meeting&) = nullptr;
  stop at = {};
  void* token = nullptr;
  std::array<void*, warp_lanes> records = {};

  bool has(unsigned lane) const { return arrived >> lane & 1u; }
};

struct warp {
  unsigned live = 0;
  unsigned meetings_begun = 0;
  std::vector<meeting> meetings = {};
  std::array<char, 2> tokens = {};  ///< in turns, so that who hurries ahead does not order who has yet to leave
};

/// Where a block's threads wait for all others.
struct block_barrier {
  unsigned arrived = 0;
  unsigned turn = 0;
  int count = 0;   ///< of those that have come, with a condition that holds
  int result = 0;  ///< the count of the last time
  stop at = {};
  unsigned first = 0;  ///< the thread that came first
  std::array<char, 2> tokens = {};
};

/// An asynchronous copy of 16 bytes that has not happened yet.
struct pending_copy {
  void* to;
  void const* from;
  bool valid;
};

struct thread {
  thread(engine& machine, void (*main)(), unsigned its_number)
      : owner(machine), number(its_number), lane(its_number % warp_lanes), strand(main, its_number) {}

  engine& owner;
  unsigned number;
  unsigned lane;
  uint3 index = {};
  warp* mates = nullptr;
  fiber strand;
  bool live = false;
  bool waits = false;
  stop at = {};
  std::vector<pending_copy> copies = {};
  std::vector<std::size_t> copy_groups = {};  ///< copies in each closed group, oldest first
};

namespace detail {
inline thread_local constinit thread* current = nullptr;
}

/// The CUDA thread that runs. ThreadSanitizer does not see it read, as the shim's state is nobody's data.
SHIM_UNSEEN inline thread& self() { return *detail::current; }

}  // namespace shim
