// Kernels of packed products for one width and one architecture: -DBITS -DCAPABILITY -DLEAST_GROUP.
#include "amq/cuda/gemm/gemm.cuh"
#include "amq/cuda/gemm/wgmma.cuh"
#include "amq/cuda/gemv/gemv.cuh"

namespace amq::cuda {

struct one_capability : default_tuning {
  static constexpr std::array capabilities{CAPABILITY};
};

template <class Number, int... Groups>
void use(device_matrix const& w, Number const* x, float* y, product_workspace& workspace) {
  auto const use_group = [&]<int Group>() {
    if constexpr (Group >= LEAST_GROUP) {
      gemv_fixed<BITS, Group, one_capability>(w, x, 1, y, false, workspace, nullptr);
      gemm_fixed<BITS, Group, one_capability>(w, x, 64, y, false, workspace, nullptr);
      if constexpr (CAPABILITY == 90 && fragment<BITS, Number>::parts == 1)
        gemm_by_wgmma<BITS, Group>(w, x, 128, y, false, workspace, nullptr);
    }
  };
  (use_group.template operator()<Groups>(), ...);
}
template void use<f16, 32, 64, 128>(device_matrix const&, f16 const*, float*, product_workspace&);
template void use<bf16, 32, 64, 128>(device_matrix const&, bf16 const*, float*, product_workspace&);

}  // namespace amq::cuda
