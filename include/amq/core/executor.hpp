// Who runs independent pieces of work: this thread, or threads that the caller asked for by number.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// Runs everything on the calling thread, in order.
struct serial_executor {
  int workers() const { return 1; }

  /// Calls work(i, worker) for i in [0, count).
  template <class Work>
  void for_each(index count, Work&& work) const {
    for (index i = 0; i < count; ++i) work(i, 0);
  }
};

/// One to point at: it has no state.
inline constexpr serial_executor on_this_thread{};

/// `threads` workers, the caller being one of them. Pieces are handed out as workers become free, so results must not
/// depend on which worker ran a piece. The first exception of a piece reaches the caller once all workers are idle.
class thread_executor {
 public:
  explicit thread_executor(int threads) {
    AMQ_EXPECTS(threads >= 1, "thread_executor needs at least one thread, not " + std::to_string(threads));
    try {
      for (int worker = 1; worker < threads; ++worker) threads_.emplace_back([this, worker] { serve(worker); });
    } catch (std::system_error const& failure) {
      std::size_t const started = threads_.size() + 1;
      stop();
      throw error("only " + std::to_string(started) + " of " + std::to_string(threads) +
                  " threads could be started: " + failure.what() + "; ask for fewer");
    }
  }
  thread_executor(thread_executor const&) = delete;
  thread_executor& operator=(thread_executor const&) = delete;
  ~thread_executor() { stop(); }

  int workers() const { return static_cast<int>(threads_.size()) + 1; }

  /// Calls work(i, worker) for i in [0, count), worker in [0, workers()). Not re-entrant.
  template <class Work>
  void for_each(index count, Work&& work) {
    if (threads_.empty() || count <= 1) return serial_executor{}.for_each(count, work);
    {
      std::lock_guard const lock(mutex_);
      work_ = [&work](index i, int worker) { work(i, worker); };
      count_ = count;
      next_ = 0;
      busy_ = static_cast<int>(threads_.size());
      failure_ = nullptr;
      ++round_;
    }
    wake_.notify_all();
    drain(0);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    work_ = nullptr;
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
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

  void serve(int worker) {
    long seen = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || round_ != seen; });
        if (stopping_) return;
        seen = round_;
      }
      drain(worker);
      {
        std::lock_guard const lock(mutex_);
        --busy_;
      }
      done_.notify_one();
    }
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::function<void(index, int)> work_;
  std::atomic<index> next_{0};
  index count_ = 0;
  int busy_ = 0;
  long round_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
};

}  // namespace amq
