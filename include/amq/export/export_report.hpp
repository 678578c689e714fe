// What an exporter says about the files it wrote.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace amq {

struct export_report {
  std::int64_t weight_bytes = 0;   ///< of all tensors in the weight files, headers aside
  std::vector<std::string> notes;  ///< what the user should know, each one sentence
};

}  // namespace amq
