// Whether the processor has AMX's tiles, and leave of the operating system to use them.
#pragma once

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace amq::detail {

/// Tiles (bit 24), with products of bf16 (22) and int8 (25).
inline bool has_amx() {
  constexpr unsigned needed = 1u << 22 | 1u << 24 | 1u << 25;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & needed) == needed;
}

/// Whether the operating system keeps tiles' shapes (bit 17 of XCR0) and contents (18) for each thread.
inline bool keeps_tiles() {
  constexpr unsigned needed = 1u << 17 | 1u << 18;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return false;
  asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return (a & needed) == needed;
}

/// Asks Linux, once for the whole process, to let its threads use tiles; the answer stays. Linux refuses where a signal
/// handler's stack is too small for their contents, and before version 5.16 knows no such question.
inline bool amx_permitted() {
  static bool const permitted = [] {
    constexpr long request_permission = 0x1023, tile_contents = 18;  // ARCH_REQ_XCOMP_PERM of <asm/prctl.h>
    return has_amx() && keeps_tiles() && ::syscall(SYS_arch_prctl, request_permission, tile_contents) == 0;
  }();
  return permitted;
}

}  // namespace amq::detail

#else

namespace amq::detail {

inline bool amx_permitted() { return false; }

}  // namespace amq::detail

#endif
