// Kernels of a model's other steps.
#include "amq/cuda/attention/attention.cuh"
#include "amq/cuda/attention/prepare.cuh"
#include "amq/cuda/convert/convert.cuh"
#include "amq/cuda/dequantize/dequantize.cuh"
#include "amq/cuda/embedding/embed.cuh"
#include "amq/cuda/feed_forward/swiglu.cuh"
#include "amq/cuda/head/losses.cuh"
#include "amq/cuda/head/positions.cuh"
#include "amq/cuda/layout/permute.cuh"
#include "amq/cuda/norm/rms_norm.cuh"

namespace amq::cuda {

template <class Number>
void use(Number* x, float* y, std::int32_t const* tokens) {
  device_matrix const w{};
  sequence_batch<Number> const batch{};
  attention_workspace workspace;
  dequantize(w, x, nullptr);
  dequantize_indirect(&w, 1, 1, x, nullptr);
  embed(x, tokens, 1, 1, y, nullptr);
  rms_norm(y, y, 1e-6f, 1, 1, x, nullptr);
  prepare_attention({}, {}, batch, x, nullptr);
  attention(x, {}, 0, batch, x, workspace, nullptr);
  swiglu(y, y, y, y, 1, 1, x, nullptr);
  gather_positions(x, 2, 0, 1, 1, x, nullptr);
  convert(y, x, 1, nullptr);
}
template void use(float*, float*, std::int32_t const*);
template void use(f16*, float*, std::int32_t const*);
template void use(bf16*, float*, std::int32_t const*);

void use_rest(float* y, std::uint8_t* tiles, std::int32_t const* tokens, double* losses);
void use_rest(float* y, std::uint8_t* tiles, std::int32_t const* tokens, double* losses) {
  add_bias(y, y, 1, 1, nullptr);
  position_losses(device_loss::jsd, y, y, tokens, 1, 1, losses, nullptr);
  sequence_means(losses, 1, 1, losses, nullptr);
  to_device_layout(tiles, {}, tiles, nullptr);
  to_host_layout({}, tiles, nullptr);
}

}  // namespace amq::cuda
