// One of two translation units that include all of the CUDA backend: what is not inline is defined twice and does not
// link, and both have the same kernels.
#include <amq/cuda.cuh>
#include <amq/cuda/dequantize/dequantize.cuh>

void (*dequantize_of_second_unit())(amq::cuda::device_matrix const&, amq::cuda::f16*, cudaStream_t);
int (*device_count_of_second_unit())();

int main() {
  bool const same = dequantize_of_second_unit() == &amq::cuda::dequantize<amq::cuda::f16> &&
                    device_count_of_second_unit() == &amq::cuda::device_count;
  return same && amq::cuda::device_count() >= 0 ? 0 : 1;
}
