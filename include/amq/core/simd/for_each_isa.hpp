// Compiles one body of code once for each instruction set; no include guard, it is included once for each body.
//
// Users compile with plain x86-64 flags, so code for newer processors is chosen at run time, and the compiler must be
// told which functions may use which instructions. A kernel is therefore written once, in a body without an include
// guard, against the vector types `f32`, `i32`, `f64` and `mask`:
//
//     // my_kernel.inl: y += a x.
//     inline void add_scaled(float a, float const* x, float* y, index n) {
//       f32 const factor = f32::broadcast(a);
//       for (index i = 0; i < n; i += f32::width) {
//         int const count = lanes(n - i);  // f32::width, or what is left of n
//         store_some(fma(factor, load_some(x + i, count), load_some(y + i, count)), y + i, count);
//       }
//     }
//
//     // my_kernel.hpp: compile the body for every set, then choose at run time.
//     #define AMQ_SIMD_BODY "amq/.../detail/my_kernel.inl"
//     #include "amq/core/simd/for_each_isa.hpp"
//     namespace amq::simd {
//     inline void add_scaled(float a, float const* x, float* y, index n, isa which = best_isa()) {
//       AMQ_SIMD_CALL(which, add_scaled(a, x, y, n));
//     }
//     }
//
// The body lands in the namespaces amq::simd::portable_isa, avx2_isa and avx512_isa. (Elsewhere than on x86-64 the
// latter two are other names of the first.) Three rules for bodies:
//   - include nothing: what the body needs is included before, by the header;
//   - no lambdas over vectors: clang does not pass the instruction set on to a lambda; a function object or a function
//     template does the same;
//   - give every function that takes or returns vectors AMQ_SIMD_INLINE, so that none is called through the stack.
//     Functions that are called from outside take pointers and numbers only and are plain `inline`.
// detail/vector_portable.inl says what each operation does; detail/vector_math.inl adds exp, log and their kin.

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "amq/core/half.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/simd/isa.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#define AMQ_SIMD_X86 1
#else
#define AMQ_SIMD_X86 0
#endif

#define AMQ_SIMD_INLINE [[gnu::always_inline]] inline
#define AMQ_SIMD_PRAGMA(tokens) _Pragma(#tokens)
#if defined(__clang__)
#define AMQ_SIMD_BEGIN(features) \
  AMQ_SIMD_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define AMQ_SIMD_END AMQ_SIMD_PRAGMA(clang attribute pop)
#else
#define AMQ_SIMD_BEGIN(features) AMQ_SIMD_PRAGMA(GCC push_options) AMQ_SIMD_PRAGMA(GCC target(features))
#define AMQ_SIMD_END AMQ_SIMD_PRAGMA(GCC pop_options)
#endif
#define AMQ_SIMD_AVX2 "avx2,fma,f16c"
#define AMQ_SIMD_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"

#ifndef AMQ_SIMD_VECTORS_ARE_THERE  // the vector types come before the first body of a translation unit
#define AMQ_SIMD_VECTORS_ARE_THERE

/// The value of `call`, an expression that starts with a body's function, for the instruction set `which`.
#define AMQ_SIMD_CALL(which, ...)                                             \
  ((which) == ::amq::simd::isa::avx512 ? ::amq::simd::avx512_isa::__VA_ARGS__ \
   : (which) == ::amq::simd::isa::avx2 ? ::amq::simd::avx2_isa::__VA_ARGS__   \
                                       : ::amq::simd::portable_isa::__VA_ARGS__)

namespace amq::simd::portable_isa {
#include "amq/core/simd/detail/vector_portable.inl"

#include "amq/core/simd/detail/vector_math.inl"
}  // namespace amq::simd::portable_isa
#if AMQ_SIMD_X86
AMQ_SIMD_BEGIN(AMQ_SIMD_AVX2)
namespace amq::simd::avx2_isa {
#include "amq/core/simd/detail/vector_avx2.inl"

#include "amq/core/simd/detail/vector_math.inl"
}  // namespace amq::simd::avx2_isa
AMQ_SIMD_END
AMQ_SIMD_BEGIN(AMQ_SIMD_AVX512)
namespace amq::simd::avx512_isa {
#include "amq/core/simd/detail/vector_avx512.inl"

#include "amq/core/simd/detail/vector_math.inl"
}  // namespace amq::simd::avx512_isa
AMQ_SIMD_END
#else
namespace amq::simd {
namespace avx2_isa = portable_isa;
namespace avx512_isa = portable_isa;
}  // namespace amq::simd
#endif
#endif

#ifdef AMQ_SIMD_BODY
namespace amq::simd::portable_isa {
#include AMQ_SIMD_BODY
}  // namespace amq::simd::portable_isa
#if AMQ_SIMD_X86
AMQ_SIMD_BEGIN(AMQ_SIMD_AVX2)
namespace amq::simd::avx2_isa {
#include AMQ_SIMD_BODY
}  // namespace amq::simd::avx2_isa
AMQ_SIMD_END
AMQ_SIMD_BEGIN(AMQ_SIMD_AVX512)
namespace amq::simd::avx512_isa {
#include AMQ_SIMD_BODY
}  // namespace amq::simd::avx512_isa
AMQ_SIMD_END
#endif
#undef AMQ_SIMD_BODY
#endif

#undef AMQ_SIMD_AVX512
#undef AMQ_SIMD_AVX2
#undef AMQ_SIMD_END
#undef AMQ_SIMD_BEGIN
#undef AMQ_SIMD_PRAGMA
#undef AMQ_SIMD_INLINE
#undef AMQ_SIMD_X86
