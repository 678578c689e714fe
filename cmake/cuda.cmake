# For .cu files of our own (program, tests, benchmarks), where amq::cuda is there: the language, and how it is compiled.
#
# Unless CMAKE_CUDA_ARCHITECTURES says otherwise: code for the GPUs of this machine; where there is none, PTX that the
# driver of any GPU from Ampere on translates when the program first runs. For programs that are handed on: the preset
# cuda-release, code for Ampere, Ada and Hopper and PTX for what comes later, ten times the work.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
  if(EXISTS /dev/nvidiactl)
    set(CMAKE_CUDA_ARCHITECTURES native)
  else()
    set(CMAKE_CUDA_ARCHITECTURES 80-virtual)
  endif()
endif()
if(NOT CMAKE_CUDA_HOST_COMPILER AND NOT DEFINED ENV{CUDAHOSTCXX})
  set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})
endif()
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
endif()
enable_language(CUDA)
# CMake before 3.26 does not know that nvcc knows C++20.
if(CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_EXTENSIONS OFF)
else()
  string(APPEND CMAKE_CUDA_FLAGS " -std=c++20")
endif()
if(CMAKE_CXX_COMPILER_LAUNCHER AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()
