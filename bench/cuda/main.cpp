// bench_cuda [--quick] [--json FILE]: the CUDA backend's speed as one table; see docs/cuda-benchmarks.md.
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "cuda/setting.hpp"

namespace {

template <int... Bits>
void measure_products_of(amq::bench::setting const& s) {
  (amq::bench::measure_products<Bits>(s), ...);
}

int run(int argc, char** argv) {
  bool quick = false;
  std::optional<std::string> json;
  for (int i = 1; i < argc; ++i) {
    std::string const option = argv[i];
    if (option == "--quick") {
      quick = true;
    } else if (option == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else {
      std::fprintf(stderr, "bench_cuda [--quick] [--json FILE], not %s\n", option.c_str());
      return 1;
    }
  }
  amq::bench::report table(amq::bench::measure_machine());
  amq::bench::setting const setting{table, quick};
  table.print_head();
  measure_products_of<AMQ_BENCH_BITS>(setting);
  amq::bench::measure_quantizers(setting);
  amq::bench::measure_attention(setting);
  amq::bench::measure_evaluator(setting);
  if (json) table.write_json(*json);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (std::exception const& failure) {
    std::fprintf(stderr, "bench_cuda: %s\n", failure.what());
    return 1;
  }
}
