// A fiber: a stack of its own that runs until it switches away. Stacks are kept, so that a fiber starts at the price of
// a switch.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <new>

#include "shim/sanitizers.hpp"

#if defined(__x86_64__)
extern "C" void amq_shim_switch(void** from, void* to);
asm(R"(
.text
.weak amq_shim_switch
.type amq_shim_switch,@function
amq_shim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size amq_shim_switch,.-amq_shim_switch
)");
#else
#include <ucontext.h>
#endif

namespace shim {

/// Bytes of a stack; sanitizers' frames are larger.
inline constexpr std::size_t stack_bytes = SHIM_ASAN || SHIM_TSAN ? std::size_t{256} << 10 : std::size_t{128} << 10;

/// Where a flow of control stands while another runs. The host's own flow is one without a stack of ours.
class fiber {
 public:
  /// The flow that makes it.
  fiber() {
#if SHIM_TSAN
    sanitizer_ = __tsan_get_current_fiber();
#endif
  }

  /// `main` never returns. Fibers of different `number` lie at different places of the processor's caches.
  fiber(void (*main)(), unsigned number) : main_(main) {
    page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const made =
        mmap(nullptr, page_ + stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) throw std::bad_alloc();
    mprotect(made, page_, PROT_NONE);  // an overrun faults here
    guarded_ = static_cast<char*>(made);
    stack_ = guarded_ + page_;
    size_ = stack_bytes;
    prepare(stack_ + stack_bytes - number * 192 % 4096);
#if SHIM_TSAN
    sanitizer_ = __tsan_create_fiber(0);
#endif
  }

  fiber(fiber const&) = delete;
  fiber& operator=(fiber const&) = delete;

  ~fiber() {
    if (guarded_ == nullptr) return;
#if SHIM_TSAN
    __tsan_destroy_fiber(sanitizer_);
#endif
    munmap(guarded_, page_ + stack_bytes);
  }

  /// Runs `next` until something switches back here.
  void switch_to(fiber& next) {
#if SHIM_ASAN
    __sanitizer_start_switch_fiber(&fake_, next.stack_, next.size_);
#endif
#if SHIM_TSAN
    __tsan_switch_to_fiber(next.sanitizer_, __tsan_switch_to_fiber_no_sync);
#endif
#if defined(__x86_64__)
    amq_shim_switch(&place_, next.place_);
#else
    swapcontext(&place_, &next.place_);
#endif
#if SHIM_ASAN
    __sanitizer_finish_switch_fiber(fake_, nullptr, nullptr);
#endif
  }

  /// What a fiber's `main` does first: tells where the stack of the one that started it lies.
  static void arrived_from([[maybe_unused]] fiber& starter) {
#if SHIM_ASAN
    void const* bottom = nullptr;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &starter.size_);
    starter.stack_ = const_cast<char*>(static_cast<char const*>(bottom));
#endif
  }

 private:
#if defined(__x86_64__)
  void prepare(char* top) {
    auto** word = reinterpret_cast<void**>(reinterpret_cast<std::uintptr_t>(top) & ~std::uintptr_t{15});
    *--word = nullptr;  // what main would return to
    *--word = reinterpret_cast<void*>(main_);
    for (int i = 0; i < 6; ++i) *--word = nullptr;  // the saved registers
    place_ = word;
  }
  void* place_ = nullptr;
#else
  void prepare(char* top) {
    getcontext(&place_);
    place_.uc_stack.ss_sp = stack_;
    place_.uc_stack.ss_size = static_cast<std::size_t>(top - stack_);
    place_.uc_link = nullptr;
    makecontext(&place_, main_, 0);
  }
  ucontext_t place_{};
#endif

  void (*main_)() = nullptr;
  char* guarded_ = nullptr;
  char* stack_ = nullptr;
  std::size_t size_ = 0;
  std::size_t page_ = 0;
  [[maybe_unused]] void* fake_ = nullptr;
  [[maybe_unused]] void* sanitizer_ = nullptr;
};

}  // namespace shim
