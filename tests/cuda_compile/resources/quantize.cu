// Kernels that quantize, sort and choose.
#include "amq/cuda/front/ranks.cuh"
#include "amq/cuda/quantize/gptq.cuh"
#include "amq/cuda/quantize/hqq.cuh"
#include "amq/cuda/quantize/rtn.cuh"
#include "amq/cuda/top_k/largest.cuh"
#include "amq/cuda/top_k/log_sums.cuh"

namespace amq::cuda {

template <class Weight>
void use(Weight const* weights, std::uint8_t* tiles, gptq_factor const& factor, gptq_workspace& gptq) {
  quantize_workspace work;
  quantize_rtn(weights, 1, 1, {}, rtn_request::asymmetric, tiles, work, nullptr);
  quantize_hqq(weights, 1, 1, {}, {}, tiles, work, nullptr);
  quantize_gptq(weights, 1, 1, {}, {}, factor, tiles, nullptr, gptq, nullptr);
}
template void use(float const*, std::uint8_t*, gptq_factor const&, gptq_workspace&);
template void use(f16 const*, std::uint8_t*, gptq_factor const&, gptq_workspace&);
template void use(bf16 const*, std::uint8_t*, gptq_factor const&, gptq_workspace&);
template gptq_factor factorize_hessian(float const*, int, gptq_request const&, cholesky_solver&, cudaStream_t);
template gptq_factor factorize_hessian(double const*, int, gptq_request const&, cholesky_solver&, cudaStream_t);

void use_rest(float* values, double const* objectives, std::int32_t* numbers);
void use_rest(float* values, double const* objectives, std::int32_t* numbers) {
  top_k_workspace chosen;
  front_workspace ranked;
  top_k(values, 1, 1, 1, values, numbers, chosen, nullptr);
  log_sums(values, 1, 1, values, nullptr);
  non_dominated_ranks(objectives, 1, numbers, ranked, nullptr);
}

}  // namespace amq::cuda
