// Threads that wait awake for a moment between pieces of work, so that a product of 100 microseconds can be split.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/executor.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// As thread_executor, but a worker looks for new work for `awake` before it sleeps: a round costs about a microsecond
/// instead of the tens that waking takes, at the price of that much processor time after the last. No more threads than
/// cores are worth it.
class team_executor {
 public:
  static constexpr std::chrono::microseconds awake{100};

  explicit team_executor(int threads) {
    AMQ_EXPECTS(threads >= 1, "team_executor needs at least one thread, not " + std::to_string(threads));
    try {
      for (int worker = 1; worker < threads; ++worker) threads_.emplace_back([this, worker] { serve(worker); });
    } catch (std::system_error const& failure) {
      std::size_t const started = threads_.size() + 1;
      stop();
      throw error("only " + std::to_string(started) + " of " + std::to_string(threads) +
                  " threads could be started: " + failure.what() + "; ask for fewer");
    }
  }
  team_executor(team_executor const&) = delete;
  team_executor& operator=(team_executor const&) = delete;
  ~team_executor() { stop(); }

  int workers() const { return static_cast<int>(threads_.size()) + 1; }

  /// Calls work(i, worker) for i in [0, count), worker in [0, workers()). Not re-entrant. The first exception of a
  /// piece reaches the caller once all workers are idle.
  template <class Work>
  void for_each(index count, Work&& work) {
    if (threads_.empty() || count <= 1) return serial_executor{}.for_each(count, work);
    work_ = [&work](index i, int worker) { work(i, worker); };
    count_ = count;
    next_ = 0;
    failure_ = nullptr;
    busy_ = static_cast<int>(threads_.size());
    {
      std::lock_guard const lock(mutex_);  // so that a worker about to sleep sees the round or gets the call
      ++round_;
    }
    wake_.notify_all();
    drain(0);
    for (int spins = 0; busy_ != 0; ++spins) spins < 1000 ? pause() : std::this_thread::yield();
    work_ = nullptr;
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
  }

  void stop() {
    {
      std::lock_guard const lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  void drain(int worker) {
    for (index i = next_++; i < count_; i = next_++) {
      try {
        work_(i, worker);
      } catch (...) {
        std::lock_guard const lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
        next_ = count_;
      }
    }
  }

  bool called(long seen) const { return stopping_ || round_ != seen; }

  void wait(long seen) {
    auto const until = std::chrono::steady_clock::now() + awake;
    while (!called(seen) && std::chrono::steady_clock::now() < until) pause();
    if (called(seen)) return;
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return called(seen); });
  }

  void serve(int worker) {
    for (long seen = 0;; ++seen) {
      if (!called(seen)) wait(seen);
      if (stopping_) return;
      drain(worker);
      --busy_;
    }
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::function<void(index, int)> work_;
  index count_ = 0;
  std::exception_ptr failure_;
  std::atomic<index> next_{0};
  std::atomic<int> busy_{0};
  std::atomic<long> round_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace amq
