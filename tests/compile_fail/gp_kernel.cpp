// A complete kernel of a Gaussian process, and what is said when a member is missing.
//
// WITHOUT_KIND: amq: a gp_kernel needs `static constexpr bool of_genes`
// WITHOUT_COVARIANCE: amq: a gp_kernel needs `static double of_square(double q)`
// WITHOUT_SLOPE: amq: a gp_kernel needs `static double slope(double q)`
#include "amq/predict/gp_kernels.hpp"

struct my_kernel {
#ifndef WITHOUT_KIND
  static constexpr bool of_genes = false;
#endif
#ifndef WITHOUT_COVARIANCE
  static double of_square(double q);
#endif
#ifndef WITHOUT_SLOPE
  static double slope(double q);
#endif
};
static_assert(amq::diagnose_gp_kernel<my_kernel>());
