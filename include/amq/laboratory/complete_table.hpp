// Complete tables: every configuration of a small space with its loss, in four bytes each; the ground truth.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/archive_csv.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/exchanged_archive.hpp"
#include "amq/io/npy.hpp"

namespace amq {

/// Losses of a complete table are stored as whole multiples of this, in nats; every JSD fits into 32 bits.
inline constexpr double complete_table_unit = 2e-10;

namespace detail {

inline constexpr char const* complete_losses_key = "complete_losses";

inline index count_configurations(std::span<archived_layer const> layers) {
  constexpr index most = index{1} << 26;
  index count = 1;
  for (auto const& layer : layers) {
    count *= std::ssize(layer.choices);
    if (count > most) throw input_error("a complete table has at most 2^26 configurations; this space has more");
  }
  return count;
}

/// The next configuration, the last layer's choice rising first; all zero after the last one.
inline void advance(configuration& genes, std::span<archived_layer const> layers) {
  for (std::size_t l = layers.size(); l-- > 0;) {
    if (++genes[l] < layers[l].choices.size()) return;
    genes[l] = 0;
  }
}

/// A one-dimensional .npy of 32-bit numbers, format version 1.0.
inline std::string npy_bytes(std::span<std::uint32_t const> values) {
  std::string header = "{'descr': '<u4', 'fortran_order': False, 'shape': (" + std::to_string(values.size()) + ",), }";
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  for (std::uint32_t const value : values)
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

}  // namespace detail

/// Writes `file` (.csv: what was measured and the layers, an archive without evaluations) and beside it the losses
/// (.npy): losses[i] is of the i-th configuration, the last layer's choice changing fastest. Throws input_error where
/// the files cannot be written, precondition_error for a loss outside [0, 0.85] and for another number of losses.
inline void write_complete_table(std::filesystem::path const& file, exchanged_archive archive,
                                 std::span<double const> losses) {
  AMQ_EXPECTS(std::ssize(losses) == detail::count_configurations(archive.layers),
              "a complete table needs a loss for each configuration, not " + std::to_string(losses.size()));
  std::vector<std::uint32_t> units;
  for (double const loss : losses) {
    AMQ_EXPECTS(loss >= 0 && loss <= 0.85,
                "a complete table holds Jensen-Shannon divergences, not " + std::to_string(loss));
    units.push_back(static_cast<std::uint32_t>(std::llround(loss / complete_table_unit)));
  }
  auto beside = file;
  beside.replace_extension(".npy");
  write_file(beside, detail::npy_bytes(units));
  archive.about[detail::complete_losses_key] = beside.filename().string();
  archive.evaluations.clear();
  write_archive_csv(file, archive);
}

/// Whether an archive stands for a complete table whose losses lie beside its file.
inline bool is_complete_table(exchanged_archive const& archive) {
  return archive.about.contains(detail::complete_losses_key);
}

/// Adds the evaluations of a complete table to what was read from `file`. Layers must have their shapes. Throws
/// input_error for a .npy that is not there, of another size or of other numbers. O(configurations layers).
inline void load_complete_losses(exchanged_archive& archive, std::filesystem::path const& file) {
  std::filesystem::path const named = archive.about.at(detail::complete_losses_key);
  npy_integers const units(file.parent_path() / named.filename());
  index const count = detail::count_configurations(archive.layers);
  if (units.size() != count || !detail::shapes_known(archive.layers))
    throw input_error(units.path().string() + " holds " + std::to_string(units.size()) +
                      " losses; expected one for each of the " + std::to_string(count) + " configurations of " +
                      file.string() + ", whose layers need rows and columns");
  configuration genes(archive.layers.size(), 0);
  archive.evaluations.reserve(static_cast<std::size_t>(count));
  for (index i = 0; i < count; ++i, detail::advance(genes, archive.layers)) {
    evaluation e;
    e.configuration = genes;
    e.loss = static_cast<double>(units[i]) * complete_table_unit;
    e.average_bits = detail::exchanged_average_bits(archive.layers, genes);
    e.model_bytes = (detail::exchanged_linear_bits(archive.layers, genes) + 7) / 8;
    archive.evaluations.push_back(std::move(e));
  }
}

}  // namespace amq
