// One evaluation as one row of the table `evaluations`.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/io/detail/phase_name.hpp"
#include "amq/store/archived_layer.hpp"
#include "amq/store/sqlite.hpp"

namespace amq::detail {

/// Little-endian f64, whatever the machine's own order.
inline std::vector<std::byte> to_blob(std::span<double const> values) {
  std::vector<std::byte> blob;
  blob.reserve(values.size() * 8);
  for (double const value : values) {
    auto const bits = std::bit_cast<std::uint64_t>(value);
    for (int byte = 0; byte < 8; ++byte) blob.push_back(static_cast<std::byte>(bits >> (8 * byte)));
  }
  return blob;
}

/// The inverse of to_blob; nothing when the size is no multiple of 8.
inline std::optional<std::vector<double>> from_blob(std::span<std::byte const> blob) {
  if (blob.size() % 8 != 0) return std::nullopt;
  std::vector<double> values;
  for (std::size_t start = 0; start < blob.size(); start += 8) {
    std::uint64_t bits = 0;
    for (std::size_t byte = 8; byte-- > 0;) bits = (bits << 8) | static_cast<std::uint64_t>(blob[start + byte]);
    values.push_back(std::bit_cast<double>(bits));
  }
  return values;
}

constexpr char const* evaluations_schema =
    "CREATE TABLE evaluations (id INTEGER PRIMARY KEY, configuration TEXT, average_bits REAL, model_bytes INTEGER, "
    "loss REAL, sequence_losses BLOB, phase TEXT, batch INTEGER, seconds REAL, fidelity REAL)";
constexpr char const* insert_evaluation = "INSERT INTO evaluations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr char const* select_evaluations =
    "SELECT id, configuration, average_bits, model_bytes, loss, sequence_losses, phase, batch, seconds, fidelity "
    "FROM evaluations ORDER BY id";

/// Version 1 knew whole evaluations only.
constexpr char const* select_evaluations_1 =
    "SELECT id, configuration, average_bits, model_bytes, loss, sequence_losses, phase, batch, seconds, 1.0 "
    "FROM evaluations ORDER BY id";
constexpr char const* update_from_1 = "ALTER TABLE evaluations ADD COLUMN fidelity REAL DEFAULT 1.0";

/// Runs insert_evaluation for one row.
inline void insert_row(sqlite_statement& insert, std::int64_t id, evaluation const& e, bits_table const& table) {
  std::string const bits = table.text(e.configuration);
  std::vector<std::byte> const losses = to_blob(e.sequence_losses);
  insert.bind(1, id);
  insert.bind(2, std::string_view(bits));
  insert.bind(3, e.average_bits);
  insert.bind(4, e.model_bytes);
  insert.bind(5, e.loss);
  insert.bind(6, std::span<std::byte const>(losses));
  insert.bind(7, std::string_view(to_string(e.phase)));
  insert.bind(8, std::int64_t{e.batch});
  insert.bind(9, e.seconds);
  insert.bind(10, e.fidelity);
  insert.step();
  insert.reset();
}

/// The current row of select_evaluations; nothing when it cannot be one of ours.
inline std::optional<evaluation> read_row(sqlite_statement const& row, bits_table const& table) {
  auto const real = [&row](int column) {
    return row.null(column) ? std::numeric_limits<double>::quiet_NaN() : row.real(column);
  };
  for (int const column : {2, 4, 8, 9})
    if (!row.null(column) && !row.numeric(column)) return std::nullopt;
  auto genes = table.genes(row.text(1));
  auto losses = from_blob(row.blob(5));
  auto const why = phase_named(row.text(6));
  auto const batch = row.integer(7);
  if (!genes || !losses || !why || batch < 0 || batch > std::numeric_limits<int>::max()) return std::nullopt;
  if (!(real(9) > 0 && real(9) <= 1)) return std::nullopt;
  return evaluation{std::move(*genes),       real(2), row.integer(3), real(4), std::move(*losses), *why,
                    static_cast<int>(batch), real(8), real(9)};
}

}  // namespace amq::detail
