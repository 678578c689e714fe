// The other one of the two translation units that include all of the CUDA backend.
#include <amq/cuda.cuh>
#include <amq/cuda/dequantize/dequantize.cuh>

void (*dequantize_of_second_unit())(amq::cuda::device_matrix const&, amq::cuda::f16*, cudaStream_t);
void (*dequantize_of_second_unit())(amq::cuda::device_matrix const&, amq::cuda::f16*, cudaStream_t) {
  return &amq::cuda::dequantize<amq::cuda::f16>;
}

int (*device_count_of_second_unit())();
int (*device_count_of_second_unit())() { return &amq::cuda::device_count; }
