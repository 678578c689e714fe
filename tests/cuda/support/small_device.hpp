// A device whose decoder has fewer kernels than a program's, so that tests of it compile in a minute.
#pragma once

#include <memory>

#include "amq/cuda/device.hpp"

namespace cuda_test {

/// Tokens above which its decoders dequantize matrices before they multiply; some packed ones have a kernel up to
/// there.
inline constexpr int most_packed_tokens = 40;

/// Throws as cuda::open_device does.
std::shared_ptr<amq::cuda::device> small_device(int number = 0);

}  // namespace cuda_test
