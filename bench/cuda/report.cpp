// Prints measurements and writes them as JSON.
#include "cuda/report.hpp"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace amq::bench {
namespace {

std::string number(double value, char const* format) {
  if (value == 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

void report::print_head() const {
  std::printf("%s (sm_%d), driver %s, CUDA %s\ncopies at %.0f GB/s, dense bf16 at %.0f TFLOP/s (cuBLAS)\n\n",
              on_.name.c_str(), on_.capability, on_.driver.c_str(), on_.runtime.c_str(), on_.copy_bandwidth * 1e-9,
              on_.dense_peak * 1e-12);
  std::printf("%-28s %-16s %4s %6s %12s %9s %7s %9s %7s %9s\n", "what", "shape", "bits", "tokens", "time us", "GB/s",
              "% copy", "TFLOP/s", "% peak", "x cuBLAS");
}

void report::add(result measured) {
  double const bandwidth = measured.bytes / measured.seconds, speed = measured.operations / measured.seconds;
  std::printf("%-28s %-16s %4s %6s %12.2f %9s %7s %9s %7s %9s  %s\n", measured.what.c_str(), measured.shape.c_str(),
              number(measured.bits, "%.0f").c_str(), number(measured.tokens, "%.0f").c_str(), measured.seconds * 1e6,
              number(bandwidth * 1e-9, "%.0f").c_str(), number(100 * bandwidth / on_.copy_bandwidth, "%.1f").c_str(),
              number(speed * 1e-12, "%.1f").c_str(), number(100 * speed / on_.dense_peak, "%.1f").c_str(),
              number(measured.cublas_seconds / measured.seconds, "%.2f").c_str(), measured.note.c_str());
  std::fflush(stdout);
  results_.push_back(std::move(measured));
}

void report::write_json(std::filesystem::path const& file) const {
  nlohmann::ordered_json json;
  json["device"] = {{"name", on_.name},
                    {"capability", on_.capability},
                    {"cache_bytes", on_.cache_bytes},
                    {"driver", on_.driver},
                    {"cuda", on_.runtime}};
  json["copy_bytes_per_second"] = on_.copy_bandwidth;
  json["dense_bf16_operations_per_second"] = on_.dense_peak;
  json["results"] = nlohmann::ordered_json::array();
  for (auto const& r : results_) {
    nlohmann::ordered_json entry{{"what", r.what}, {"shape", r.shape}, {"seconds", r.seconds}};
    if (r.bits > 0) entry["bits"] = r.bits;
    if (r.tokens > 0) entry["tokens"] = r.tokens;
    if (r.bytes > 0) entry["bytes_per_second"] = r.bytes / r.seconds;
    if (r.bytes > 0) entry["of_copy_bandwidth"] = r.bytes / r.seconds / on_.copy_bandwidth;
    if (r.operations > 0) entry["operations_per_second"] = r.operations / r.seconds;
    if (r.operations > 0) entry["of_dense_peak"] = r.operations / r.seconds / on_.dense_peak;
    if (r.cublas_seconds > 0) entry["cublas_f16_seconds"] = r.cublas_seconds;
    if (!r.note.empty()) entry["note"] = r.note;
    json["results"].push_back(std::move(entry));
  }
  std::ofstream out(file);
  out << json.dump(1) << '\n';
  if (!out.flush()) throw std::runtime_error(file.string() + " cannot be written");
}

}  // namespace amq::bench
