// LAPACK's Cholesky factorization as lapack_factorizer takes it.
#pragma once

extern "C" void spotrf_(char const* triangle, int const* n, float* a, int const* stride, int* info);

struct spotrf {
  int operator()(int n, float* a, int stride) const {
    char const lower = 'L';
    int info = 0;
    spotrf_(&lower, &n, a, &stride, &info);
    return info;
  }
};
