// The table of a run, and the same as JSON.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace amq::bench {

/// One measurement. What does not apply is 0.
struct result {
  std::string what;
  std::string shape;
  int bits = 0;
  int tokens = 0;
  double seconds = 0;         ///< median of one
  double bytes = 0;           ///< that have to be read and written
  double operations = 0;      ///< multiplications and additions
  double cublas_seconds = 0;  ///< cuBLAS with f16 weights and activations, same shape, same run
  std::string note = {};
};

/// What the numbers were measured on, and what they are held against.
struct machine {
  std::string name;
  int capability = 0;
  std::int64_t cache_bytes = 0;
  std::string driver;
  std::string runtime;
  double copy_bandwidth = 0;  ///< bytes/s, read and written, of a device-to-device copy
  double dense_peak = 0;      ///< operations/s of cuBLAS at 8192 x 8192 x 8192 in bf16
};

class report {
 public:
  explicit report(machine on) : on_(std::move(on)) {}

  machine const& on() const { return on_; }
  void add(result measured);

  /// Prints the table's head, or one line of it; a line appears when it has been measured.
  void print_head() const;
  void write_json(std::filesystem::path const& file) const;

 private:
  machine on_;
  std::vector<result> results_;
};

}  // namespace amq::bench
