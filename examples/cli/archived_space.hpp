// Archives of any kind: of `amq search`, as CSV, or a complete table with its losses in a file beside it.
#pragma once

#include <filesystem>

#include "amq/laboratory/complete_table.hpp"
#include "amq/store/exchange.hpp"

namespace amq::cli {

inline exchanged_archive load_archive(std::filesystem::path const& file) {
  auto archive = read_archive(file);
  if (is_complete_table(archive)) load_complete_losses(archive, file);
  return archive;
}

}  // namespace amq::cli
