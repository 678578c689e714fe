// Kernels of packed products for one width and one architecture: -DBITS -DCAPABILITY -DGROUPS=list.
#include "amq/cuda/gemm/gemm.cuh"
#include "amq/cuda/gemv/gemv.cuh"

namespace amq::cuda {

struct one_capability : default_tuning {
  static constexpr std::array capabilities{CAPABILITY};
};

template <int Group, class Number>
void use(device_matrix const& w, Number const* x, float* y, product_workspace& workspace) {
  gemv_fixed<BITS, Group, one_capability>(w, x, 1, y, false, workspace, nullptr);
  gemm_fixed<BITS, Group, one_capability>(w, x, 64, y, false, workspace, nullptr);
}

template <int... Groups>
void use_all(device_matrix const& w, f16 const* x, bf16 const* z, float* y, product_workspace& workspace) {
  (use<Groups>(w, x, y, workspace), ...);
  (use<Groups>(w, z, y, workspace), ...);
}
template void use_all<GROUPS>(device_matrix const&, f16 const*, bf16 const*, float*, product_workspace&);

}  // namespace amq::cuda
