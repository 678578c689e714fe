// What the shim tells AddressSanitizer and ThreadSanitizer; nothing where a build has neither.
#pragma once

#include <cstddef>

#if defined(__has_feature)
#define SHIM_HAS_FEATURE(feature) __has_feature(feature)
#else
#define SHIM_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || SHIM_HAS_FEATURE(address_sanitizer)
#define SHIM_ASAN 1
#include <sanitizer/common_interface_defs.h>
#else
#define SHIM_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || SHIM_HAS_FEATURE(thread_sanitizer)
#define SHIM_TSAN 1
#include <sanitizer/tsan_interface.h>
extern "C" {
void __tsan_ignore_thread_begin();
void __tsan_ignore_thread_end();
void __tsan_write_range(void* address, unsigned long bytes);
}
#define SHIM_UNSEEN __attribute__((noinline, no_sanitize("thread")))
#else
#define SHIM_TSAN 0
#define SHIM_UNSEEN
#endif

namespace shim {

/// While it lives, ThreadSanitizer takes no note of what this fiber reads, writes, allocates and frees: the shim's own
/// state is not the program's.
class quiet {
 public:
#if SHIM_TSAN
  quiet() { __tsan_ignore_thread_begin(); }
  ~quiet() { __tsan_ignore_thread_end(); }
#else
  quiet() {}
  ~quiet() {}
#endif
  quiet(quiet const&) = delete;
  quiet& operator=(quiet const&) = delete;
};

/// All before a release happens before all after an acquire of the same token that comes later.
inline void release([[maybe_unused]] void* token) {
#if SHIM_TSAN
  __tsan_release(token);
#endif
}
inline void acquire([[maybe_unused]] void* token) {
#if SHIM_TSAN
  __tsan_acquire(token);
#endif
}

/// A write that may happen from now on, although its bytes come later.
inline void announce_write([[maybe_unused]] void* address, [[maybe_unused]] std::size_t bytes) {
#if SHIM_TSAN
  __tsan_write_range(address, bytes);
#endif
}

}  // namespace shim
