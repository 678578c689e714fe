// The evaluations of an archive as text, to compare archives by.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <string>
#include <vector>

namespace amq_test {

/// Every row of the archive in a search's folder, `seconds` aside.
inline std::vector<std::string> archive_rows(std::filesystem::path const& folder) {
  sqlite3* database = nullptr;
  auto const file = folder / "archive.sqlite";
  sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READONLY, nullptr);
  std::vector<std::string> all;
  auto const add = [](void* to, int count, char** values, char**) {
    std::string row;
    for (int i = 0; i < count; ++i) row += std::string(values[i] ? values[i] : "null") + "|";
    static_cast<std::vector<std::string>*>(to)->push_back(row);
    return 0;
  };
  sqlite3_exec(
      database,
      "SELECT id, configuration, quote(average_bits), model_bytes, quote(loss), hex(sequence_losses), phase, batch "
      "FROM evaluations ORDER BY id",
      add, &all, nullptr);
  sqlite3_close(database);
  return all;
}

}  // namespace amq_test
