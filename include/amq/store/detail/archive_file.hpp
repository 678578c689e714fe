// What lies at an archive's path, told from its first bytes: nothing is written and SQLite is not asked.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "amq/core/error.hpp"
#include "amq/store/sqlite.hpp"

namespace amq::detail {

constexpr std::uint32_t archive_application = 0x414d5131;  ///< "AMQ1", SQLite's application_id
constexpr std::uint32_t archive_version = 2;               ///< of the tables, SQLite's user_version
constexpr std::uint32_t oldest_archive_version = 1;

enum class archive_file { absent, empty, archive };

/// Big-endian word of SQLite's header (sqlite.org/fileformat2.html section 1.3).
inline std::uint32_t header_word(std::array<char, 100> const& header, std::size_t at) {
  std::uint32_t word = 0;
  for (std::size_t i = at; i < at + 4; ++i) word = (word << 8) | static_cast<unsigned char>(header[i]);
  return word;
}

/// True for a header of SQLite's on top of `bytes` that are whole pages.
inline bool starts_sqlite(std::array<char, 100> const& header, std::uintmax_t bytes) {
  constexpr std::string_view magic("SQLite format 3\0", 16);
  std::uint32_t const page = header_word(header, 16) >> 16;
  return std::string_view(header.data(), magic.size()) == magic && page != 0 && bytes % (page == 1 ? 65536 : page) == 0;
}

/// Throws input_error for anything that is neither absent, empty nor an archive that this version can read.
inline archive_file look_at_archive(std::filesystem::path const& path) {
  auto const file = path.string();
  std::error_code failure;
  auto const status = std::filesystem::status(path, failure);
  if (status.type() == std::filesystem::file_type::not_found) return archive_file::absent;
  if (failure || !std::filesystem::is_regular_file(status))
    throw input_error(file + ": expected an archive, a file, and found " +
                      (failure ? failure.message() : std::string("something else")) + ".");
  std::array<char, 100> header{};
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw input_error(file + ": this archive cannot be read; check its permissions.");
  stream.read(header.data(), static_cast<std::streamsize>(header.size()));
  std::error_code no_log;
  auto const log = std::filesystem::file_size(file + "-wal", no_log);
  if (stream.gcount() == 0 && (no_log || log == 0)) return archive_file::empty;
  if (!starts_sqlite(header, std::filesystem::file_size(path, failure)))
    throw input_error(file +
                      ": expected an archive of amq (an SQLite file) and found something else, or one cut short.");
  if (header_word(header, 68) != archive_application)
    throw input_error(file + ": this SQLite file belongs to another program; an archive of amq was expected. " +
                      "Choose another place.");
  if (auto const version = header_word(header, 60); version < oldest_archive_version || version > archive_version)
    throw input_error(file + ": this archive is of version " + std::to_string(version) +
                      " and this program reads versions " + std::to_string(oldest_archive_version) + " to " +
                      std::to_string(archive_version) + "; use a matching program.");
  return archive_file::archive;
}

/// As look_at_archive, after undoing what a process left half-created when it was killed.
inline archive_file settle_archive(std::filesystem::path const& path) {
  auto const found = look_at_archive(path);
  if (found != archive_file::archive || !std::filesystem::exists(path.string() + "-journal")) return found;
  {
    sqlite_connection database(path, sqlite_access::read_write);
    sqlite_statement(database, "SELECT count(*) FROM sqlite_schema", "recovering it").step();
  }
  return look_at_archive(path);
}

/// After a creation that failed: nothing half-written stays behind.
inline void remove_if_empty(std::filesystem::path const& path) {
  std::error_code failure;
  auto const size = std::filesystem::file_size(path, failure);
  if (!failure && size == 0) std::filesystem::remove(path, failure);
}

}  // namespace amq::detail
