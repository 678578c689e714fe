// Runs a kernel: its blocks one after the other, a block's threads in turns, on one OS thread.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "shim/device_names.hpp"
#include "shim/errors.hpp"
#include "shim/order.hpp"
#include "shim/thread.hpp"

namespace shim {

/// A kernel with its arguments, called once a thread.
struct kernel_call {
  void (*run)(void const*);
  void const* arguments;
};

class engine {
 public:
  block_barrier barrier;

  engine() = default;
  engine(engine const&) = delete;
  engine& operator=(engine const&) = delete;

  /// Throws `fault` with the first sentence that a thread failed with; the block's other threads are unwound.
  void run(dim3 grid_size, dim3 block_size, std::size_t shared_bytes, kernel_call call) {
    quiet const unseen;
    gridDim = grid_size;
    blockDim = block_size;
    call_ = call;
    random_.state = detail::order_seed;
    unsigned const count = block_size.x * block_size.y * block_size.z;
    while (threads_.size() < count)
      threads_.push_back(std::make_unique<thread>(*this, &main, static_cast<unsigned>(threads_.size())));
    warps_.resize((count + warp_lanes - 1) / warp_lanes);
    engine* const outer = std::exchange(active, this);
    release(&start_);
    std::size_t const blocks = std::size_t{grid_size.x} * grid_size.y * grid_size.z;
    auto const order = block_order(blocks);
    for (std::size_t i = 0; i < blocks && !failure_; ++i) run_block(order.empty() ? i : order[i], count, shared_bytes);
    acquire(&end_);
    active = outer;
    detail::current = nullptr;
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

  unsigned live() const { return live_; }
  unsigned char* shared() const { return shared_.get(); }
  std::vector<std::unique_ptr<thread>> const& threads() const { return threads_; }

  /// Whether what may happen now or later happens now.
  bool at_once() { return detail::order_seed != 0 && random_.below(2) == 0; }

  /// Lets others run until somebody wakes this thread. It waits `at` a line, for errors' sentences.
  void suspend(thread& me, stop const& at) {
    me.waits = true;
    me.at = at;
    me.strand.switch_to(host_);
    me.waits = false;
    if (unwinding_) throw abandoned{};
  }
  void wake(thread& other) { ready_.push_back(&other); }

 private:
  struct abandoned {};
  struct free_memory {
    void operator()(unsigned char* held) const { std::free(held); }
  };
  static constexpr std::size_t guard_bytes = SHIM_ASAN ? 0 : 256;
  static constexpr int poison = 0xff, guard_byte = 0xa5;
  static inline thread_local constinit engine* active = nullptr;

  std::vector<std::size_t> block_order(std::size_t blocks) {
    if (detail::order_seed == 0) return {};
    std::vector<std::size_t> order(blocks);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = blocks; i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
    return order;
  }

  void run_block(std::size_t number, unsigned count, std::size_t shared_bytes) {
    blockIdx = {static_cast<unsigned>(number % gridDim.x), static_cast<unsigned>(number / gridDim.x % gridDim.y),
                static_cast<unsigned>(number / gridDim.x / gridDim.y)};
    make_shared(shared_bytes);
    begin_threads(count);
    while (live_ > 0 && !failure_) {
      if (ready_.empty())
        fail(std::make_exception_ptr(fault(cudaErrorLaunchTimeout, "threads wait for one another: " + stops())));
      else
        resume(*take_ready());
    }
    if (failure_)
      unwind(count);
    else
      check_guard(shared_bytes);
    shared_.reset();
  }

  void make_shared(std::size_t bytes) {
    void* made = nullptr;
    if (posix_memalign(&made, 128, bytes + guard_bytes) != 0) throw std::bad_alloc();
    std::memset(made, poison, bytes);
    std::memset(static_cast<char*>(made) + bytes, guard_byte, guard_bytes);
    shared_.reset(static_cast<unsigned char*>(made));
  }

  void check_guard(std::size_t bytes) {
    auto const* const guard = shared_.get() + bytes;
    if (std::all_of(guard, guard + guard_bytes, [](unsigned char byte) { return byte == guard_byte; })) return;
    fail(
        std::make_exception_ptr(fault(cudaErrorIllegalAddress, "a thread wrote beyond the block's " +
                                                                   std::to_string(bytes) + " bytes of shared memory")));
  }

  void begin_threads(unsigned count) {
    barrier = block_barrier{};
    for (auto& one : warps_) one = warp{};
    ready_.clear();
    live_ = count;
    for (unsigned i = count; i-- > 0;) {
      thread& one = *threads_[i];
      one.index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)};
      one.mates = &warps_[i / warp_lanes];
      one.mates->live |= 1u << one.lane;
      one.live = true;
      one.copies.clear();
      one.copy_groups.clear();
      ready_.push_back(&one);
    }
  }

  thread* take_ready() {
    if (detail::order_seed != 0) std::swap(ready_[random_.below(ready_.size())], ready_.back());
    thread* const taken = ready_.back();
    ready_.pop_back();
    return taken;
  }

  void resume(thread& one) {
    detail::current = &one;
    threadIdx = one.index;
    host_.switch_to(one.strand);
  }

  void unwind(unsigned count) {
    unwinding_ = true;
    for (unsigned i = 0; i < count; ++i)
      if (threads_[i]->live && threads_[i]->waits) resume(*threads_[i]);
    unwinding_ = false;
  }

  void fail(std::exception_ptr const& why) {
    quiet const unseen;
    if (!failure_) failure_ = why;
  }

  /// What fibers run: one call of the kernel a block, for ever.
  static void main() {
    engine& own = engine_that_runs();
    fiber::arrived_from(own.host_);
    for (;;) {
      thread& me = self();
      acquire(&own.start_);
      own.call(me);
      release(&own.end_);
      me.strand.switch_to(own.host_);
    }
  }
  SHIM_UNSEEN static engine& engine_that_runs() { return *active; }

  void call(thread& me) {
    kernel_call const call = kernel();
    try {
      call.run(call.arguments);
    } catch (abandoned const&) {
    } catch (fault const& what) {
      fail(std::make_exception_ptr(fault(what.code, place_of(me) + what.what())));
    } catch (std::exception const& what) {
      fail(std::make_exception_ptr(fault(cudaErrorLaunchFailure, place_of(me) + what.what())));
    }
    quiet const unseen;
    leave(me);
  }
  SHIM_UNSEEN kernel_call kernel() const { return call_; }

  void leave(thread& me) {
    me.live = false;
    --live_;
    me.mates->live &= ~(1u << me.lane);
    if (unwinding_ || failure_) return;
    try {
      left(me);
    } catch (fault const& what) {
      fail(std::make_exception_ptr(fault(what.code, place_of(me) + what.what())));
    }
  }
  void left(thread& me);  // barrier.hpp: those who waited for it alone go on

  std::string place_of(thread const& me) const {
    auto const text = [](auto const& at) {
      return "(" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) + ")";
    };
    return "block " + text(blockIdx) + ", thread " + text(me.index) + ": ";
  }

  /// The different lines where live threads wait, with a thread of each.
  std::string stops() const {
    std::vector<thread const*> shown;
    for (auto const& one : threads_) {
      if (!one->live || !one->waits || shown.size() == 4) continue;
      if (std::ranges::none_of(shown, [&](thread const* other) { return other->at == one->at; }))
        shown.push_back(one.get());
    }
    std::string text;
    for (auto const* one : shown)
      text += (text.empty() ? "thread " : "; thread ") + std::to_string(one->number) + " in " + to_string(one->at);
    return text;
  }

  fiber host_;
  std::vector<std::unique_ptr<thread>> threads_;
  std::vector<warp> warps_;
  std::vector<thread*> ready_;
  std::unique_ptr<unsigned char, free_memory> shared_;
  kernel_call call_ = {};
  order_generator random_;
  unsigned live_ = 0;
  bool unwinding_ = false;
  std::exception_ptr failure_;
  char start_ = 0, end_ = 0;
};

}  // namespace shim
