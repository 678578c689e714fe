// Numbers of tests on their way to the device and back.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "amq/cuda/buffer.cuh"
#include "amq/cuda/number.cuh"
#include "amq/cuda/stream.cuh"

namespace amq::cuda {

/// The same f32 numbers as Number holds them.
template <class Number>
std::vector<Number> rounded(std::vector<float> const& values) {
  std::vector<Number> made;
  for (float const x : values) made.push_back(from_f32<Number>(x));
  return made;
}

template <class T>
device_buffer<T> on_device(std::vector<T> const& values, stream const& on) {
  return uploaded(std::span<T const>(values), on);
}

/// Waits for the stream.
template <class T>
std::vector<T> on_host(device_buffer<T> const& buffer, stream const& on) {
  std::vector<T> values(buffer.size());
  download(buffer.data(), std::span<T>(values), on);
  on.synchronize();
  return values;
}

template <class Number>
std::vector<float> as_f32(std::vector<Number> const& values) {
  std::vector<float> made;
  for (auto const& x : values) made.push_back(to_f32(x));
  return made;
}

/// Smooth numbers of both signs, up to `amplitude`.
inline std::vector<float> wave(std::size_t count, double phase, double amplitude = 1) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(amplitude * std::sin(0.61 * static_cast<double>(i * i % 4093) + phase));
  return values;
}

/// The largest absolute difference; infinite where one is no number, or their counts differ.
template <class Got, class Expected>
double largest_difference(std::vector<Got> const& got, std::vector<Expected> const& expected) {
  double worst = got.size() == expected.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
    double const difference = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    worst = std::max(worst, std::isnan(difference) ? HUGE_VAL : difference);
  }
  return worst;
}

/// Half the distance between numbers of this kind near 1: what rounding may change.
template <class Number>
inline constexpr double rounding = 6e-8;
template <>
inline constexpr double rounding<f16> = 1.0 / 2048;
template <>
inline constexpr double rounding<bf16> = 1.0 / 256;

}  // namespace amq::cuda
