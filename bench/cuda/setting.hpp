// What every group of measurements gets, and their list. No CUDA headers: main.cpp is any compiler's.
#pragma once

#include "cuda/report.hpp"

namespace amq::bench {

struct setting {
  report& table;
  bool quick = false;  ///< fewer shapes, and a few blocks of the model instead of all
};

/// The device, and its speed at copies and at dense products. Throws cuda_error, and input_error without a device.
machine measure_machine();

/// Products with weights of `Bits` bits in groups of 128: 1 to 8 tokens, and more.
template <int Bits>
void measure_products(setting const& s);
void measure_quantizers(setting const& s);
void measure_attention(setting const& s);
void measure_evaluator(setting const& s);

}  // namespace amq::bench
