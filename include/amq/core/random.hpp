// Random numbers that are the same on every standard library: Boost.Random under explicit seeds.
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <boost/random/bernoulli_distribution.hpp>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/normal_distribution.hpp>
#include <boost/random/uniform_01.hpp>
#include <boost/random/uniform_int_distribution.hpp>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// A stream of random numbers. There is no default seed, and two streams of one seed (`stream`) are independent: a
/// search uses one stream a batch, so that a resumed batch draws what the interrupted one drew.
class random_stream {
 public:
  explicit random_stream(std::uint64_t seed, std::uint64_t stream = 0)
      : engine_(mix(mix(seed) ^ (stream + 0x9e3779b97f4a7c15ULL))) {}

  /// Uniform in [0, n). Throws precondition_error when n is below 1.
  index below(index n) {
    AMQ_EXPECTS(n >= 1, "random_stream::below draws from 0 to n - 1 and n is " + std::to_string(n));
    constexpr index most_that_fit = index{1} << 31;
    return n <= most_that_fit ? below_in_one_division(static_cast<std::uint64_t>(n))
                              : boost::random::uniform_int_distribution<index>(0, n - 1)(engine_);
  }
  /// Uniform in [0, 1).
  double uniform() { return boost::random::uniform_01<double>()(engine_); }
  bool bernoulli(double probability) { return uniform() < probability; }
  double normal() { return boost::random::normal_distribution<double>()(engine_); }

  /// Fisher-Yates; O(n).
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (index i = static_cast<index>(values.size()) - 1; i > 0; --i)
      std::swap(values[static_cast<std::size_t>(i)], values[static_cast<std::size_t>(below(i + 1))]);
  }
  /// 0 .. n-1 in random order.
  std::vector<index> permutation(index n) {
    std::vector<index> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), index{0});
    shuffle(order);
    return order;
  }

  /// For distributions of Boost.Random that have no short name here.
  boost::random::mt19937_64& engine() { return engine_; }

 private:
  /// What Boost's uniform_int_distribution gives: the engine's 2^64 numbers in n buckets of equal size, those beyond
  /// the last bucket drawn again. It divides twice; here the bucket that `bits` is in comes from a product, which is
  /// right or one too low for n up to 2^31.
  index below_in_one_division(std::uint64_t n) {
    if (n == 1) return 0;
    std::uint64_t const all = ~std::uint64_t{0};
    std::uint64_t const size = all / n + (all % n == n - 1 ? 1 : 0);
    for (;;) {
      std::uint64_t const bits = engine_();
      std::uint64_t bucket = ((bits >> 32) * n + ((bits & 0xffffffff) * n >> 32)) >> 32;  // bits n / 2^64
      if (bits - bucket * size >= size) ++bucket;
      if (bucket < n) return static_cast<index>(bucket);
    }
  }

  /// SplitMix64's finaliser (Steele et al. 2014): neighbouring seeds give unrelated states.
  static std::uint64_t mix(std::uint64_t z) {
    z += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  boost::random::mt19937_64 engine_;
};

}  // namespace amq
