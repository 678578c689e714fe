// Arithmetic that CUDA declares and C++ does not: rounded operations, fast functions, min and max for all.
#pragma once

#include <math.h>

#include <cmath>
#include <limits>
#include <type_traits>

namespace shim::detail {

/// Keeps the compiler from joining this result's operation with the next.
template <class T>
T rounded(T x) {
#if defined(__x86_64__)
  asm("" : "+x"(x));
#endif
  return x;
}

/// NaN is 0, and what is beyond the type's range is its nearest end.
template <class Integer>
Integer saturated(double x) {
  using limits = std::numeric_limits<Integer>;
  if (!(x > static_cast<double>(limits::min()))) return x == x ? limits::min() : Integer{0};
  return x >= static_cast<double>(limits::max()) ? limits::max() : static_cast<Integer>(x);
}

}  // namespace shim::detail

inline float __fadd_rn(float a, float b) { return shim::detail::rounded(a + b); }
inline float __fsub_rn(float a, float b) { return shim::detail::rounded(a - b); }
inline float __fmul_rn(float a, float b) { return shim::detail::rounded(a * b); }
inline float __fdiv_rn(float a, float b) { return shim::detail::rounded(a / b); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __frsqrt_rn(float a) { return static_cast<float>(1.0 / std::sqrt(static_cast<double>(a))); }
inline double __dadd_rn(double a, double b) { return shim::detail::rounded(a + b); }
inline double __dsub_rn(double a, double b) { return shim::detail::rounded(a - b); }
inline double __dmul_rn(double a, double b) { return shim::detail::rounded(a * b); }
inline double __ddiv_rn(double a, double b) { return shim::detail::rounded(a / b); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }

inline float rsqrtf(float x) { return __frsqrt_rn(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __exp10f(float x) { return std::pow(10.0f, x); }
inline float __logf(float x) { return std::log(x); }
inline float __log2f(float x) { return std::log2(x); }
inline float __log10f(float x) { return std::log10(x); }
inline float __sinf(float x) { return std::sin(x); }
inline float __cosf(float x) { return std::cos(x); }
/// Of pi times x, less whole turns.
inline void sincospi(double x, double* sine, double* cosine) {
  constexpr double pi = 3.14159265358979323846;
  double const turn = std::remainder(x, 2.0);
  *sine = std::sin(pi * turn);
  *cosine = std::cos(pi * turn);
}
inline void sincospif(float x, float* sine, float* cosine) {
  double s = 0, c = 0;
  sincospi(x, &s, &c);
  *sine = static_cast<float>(s);
  *cosine = static_cast<float>(c);
}
inline float __powf(float x, float y) { return std::pow(x, y); }
inline float __fdividef(float a, float b) { return a / b; }
inline float fdividef(float a, float b) { return a / b; }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }

inline int __float2int_rn(float x) { return shim::detail::saturated<int>(std::nearbyint(x)); }
inline int __float2int_rd(float x) { return shim::detail::saturated<int>(std::floor(x)); }
inline int __float2int_ru(float x) { return shim::detail::saturated<int>(std::ceil(x)); }
inline int __float2int_rz(float x) { return shim::detail::saturated<int>(std::trunc(x)); }
inline unsigned __float2uint_rn(float x) { return shim::detail::saturated<unsigned>(std::nearbyint(x)); }
inline unsigned __float2uint_rz(float x) { return shim::detail::saturated<unsigned>(std::trunc(x)); }
inline int __double2int_rn(double x) { return shim::detail::saturated<int>(std::nearbyint(x)); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }

template <class A, class B>
  requires(std::is_arithmetic_v<A> && std::is_arithmetic_v<B>)
constexpr std::common_type_t<A, B> min(A a, B b) {
  using common = std::common_type_t<A, B>;
  auto const x = static_cast<common>(a), y = static_cast<common>(b);
  if (x != x) return y;
  return y < x ? y : x;
}
template <class A, class B>
  requires(std::is_arithmetic_v<A> && std::is_arithmetic_v<B>)
constexpr std::common_type_t<A, B> max(A a, B b) {
  using common = std::common_type_t<A, B>;
  auto const x = static_cast<common>(a), y = static_cast<common>(b);
  if (x != x) return y;
  return x < y ? y : x;
}
