// Everything of the CUDA backend: include it in a .cu file and link amq::cuda.
#pragma once

#include "amq/cuda/front/ranks.cuh"
#include "amq/cuda/open_device.cuh"
#include "amq/cuda/quantize/gptq.cuh"
#include "amq/cuda/top_k/largest.cuh"
#include "amq/cuda/top_k/log_sums.cuh"
