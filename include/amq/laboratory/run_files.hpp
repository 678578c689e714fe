// What a comparison keeps on disk: compare.csv, details.csv and fronts.csv, with finished runs only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/detail/text_table.hpp"
#include "amq/laboratory/run.hpp"

namespace amq {
namespace detail {

inline constexpr std::string_view compare_header = "strategy,seed,evaluations,seconds,hypervolume,log_hypervolume";
inline constexpr std::string_view details_header =
    "strategy,seed,evaluations,loss_at_2.5_bits,loss_at_3.0_bits,loss_at_3.5_bits,batch_kendall,batch_spearman,"
    "near_concordant,near_discordant,fresh_concordant,fresh_discordant";
inline constexpr std::string_view fronts_header = "strategy,seed,average_bits,loss";

inline std::string text_of(std::optional<double> value) { return value ? exact(*value) : ""; }

/// Reads one of the three files, row by row.
template <class Row>
void read_run_rows(std::filesystem::path const& file, std::string_view header, Row&& row) {
  line_reader lines(file, "a file of amq compare");
  if (!lines.next() || lines.line() != header)
    lines.refuse("expected the header '" + std::string(header) + "'; choose another folder, or remove this file");
  auto const columns = split(header, ',').size();
  while (lines.next()) {
    auto const fields = split(lines.line(), ',');
    if (fields.size() != columns)
      lines.refuse(std::to_string(fields.size()) + " values; expected " + std::to_string(columns));
    row(lines, fields);
  }
}

using run_key = std::pair<std::string, std::uint64_t>;

/// Runs by strategy and seed, in the order of their first rows.
class run_table {
 public:
  comparison_run& add(line_reader const& lines, std::span<std::string_view const> fields) {
    auto const key = key_of(lines, fields);
    auto const [place, added] = places_.try_emplace(key, runs_.size());
    if (added) runs_.push_back({key.first, key.second, {}, {}});
    return runs_[place->second];
  }
  /// Null for a run that was not finished when the files were written.
  comparison_run* find(line_reader const& lines, std::span<std::string_view const> fields) {
    auto const place = places_.find(key_of(lines, fields));
    return place == places_.end() ? nullptr : &runs_[place->second];
  }
  std::vector<comparison_run> take() { return std::move(runs_); }

 private:
  static run_key key_of(line_reader const& lines, std::span<std::string_view const> fields) {
    return {std::string(fields[0]), lines.number<std::uint64_t>(fields[1], "seed")};
  }

  std::map<run_key, std::size_t> places_;
  std::vector<comparison_run> runs_;
};

inline void read_compare(std::filesystem::path const& file, run_table& table) {
  read_run_rows(file, compare_header, [&](line_reader const& lines, std::span<std::string_view const> fields) {
    comparison_row row;
    row.evaluations = lines.number<double>(fields[2], "evaluations");
    row.seconds = lines.number<double>(fields[3], "seconds");
    row.hypervolume = lines.number<double>(fields[4], "hypervolume");
    row.log_hypervolume = lines.number<double>(fields[5], "log_hypervolume");
    table.add(lines, fields).rows.push_back(row);
  });
}

inline void read_details(std::filesystem::path const& file, run_table& table) {
  std::map<comparison_run const*, std::size_t> next;
  read_run_rows(file, details_header, [&](line_reader const& lines, std::span<std::string_view const> fields) {
    auto* const run = table.find(lines, fields);
    if (run == nullptr) return;
    auto const at = next[run]++;
    if (at >= run->rows.size() || run->rows[at].evaluations != lines.number<double>(fields[2], "evaluations"))
      lines.refuse("compare.csv has no such row: the two files belong to different comparisons");
    auto& row = run->rows[at];
    auto const optional_number = [&](std::size_t field) -> std::optional<double> {
      if (fields[field].empty()) return std::nullopt;
      return lines.number<double>(fields[field], "a correlation");
    };
    auto const count = [&](std::size_t field) { return lines.number<index>(fields[field], "a number of pairs"); };
    for (std::size_t b = 0; b < row.best.size(); ++b) row.best[b] = lines.number<double>(fields[3 + b], "a loss");
    row.ranking = {optional_number(6), optional_number(7), {count(8), count(9)}, {count(10), count(11)}};
  });
}

inline void read_fronts(std::filesystem::path const& file, run_table& table) {
  read_run_rows(file, fronts_header, [&](line_reader const& lines, std::span<std::string_view const> fields) {
    if (auto* const run = table.find(lines, fields))
      run->front.push_back({lines.number<double>(fields[2], "average_bits"), lines.number<double>(fields[3], "loss")});
  });
}

inline std::string run_start(comparison_run const& run) { return run.strategy + "," + std::to_string(run.seed) + ","; }

}  // namespace detail

/// `DIR/compare.csv`: one row a batch.
inline std::string compare_csv(std::span<comparison_run const> runs) {
  std::string text = std::string(detail::compare_header) + "\n";
  for (auto const& run : runs)
    for (auto const& row : run.rows)
      text += detail::run_start(run) + detail::exact(row.evaluations) + "," + detail::exact(row.seconds) + "," +
              detail::exact(row.hypervolume) + "," + detail::exact(row.log_hypervolume) + "\n";
  return text;
}

/// `DIR/details.csv`: for each row of compare.csv, losses at given bits (nats a position) and how well the batch was
/// ranked before it was measured; counts of pairs of nearly equal bits.
inline std::string details_csv(std::span<comparison_run const> runs) {
  std::string text = std::string(detail::details_header) + "\n";
  for (auto const& run : runs)
    for (auto const& row : run.rows) {
      text += detail::run_start(run) + detail::exact(row.evaluations);
      for (double const loss : row.best) text += "," + detail::exact(loss);
      text += "," + detail::text_of(row.ranking.kendall) + "," + detail::text_of(row.ranking.spearman);
      for (auto const& counts : {row.ranking.near, row.ranking.fresh})
        text += "," + std::to_string(counts.concordant) + "," + std::to_string(counts.discordant);
      text += "\n";
    }
  return text;
}

/// `DIR/fronts.csv`: each run's final front.
inline std::string fronts_csv(std::span<comparison_run const> runs) {
  std::string text = std::string(detail::fronts_header) + "\n";
  for (auto const& run : runs)
    for (auto const& [bits, loss] : run.front)
      text += detail::run_start(run) + detail::exact(bits) + "," + detail::exact(loss) + "\n";
  return text;
}

/// Writes the three files, compare.csv last: what it names is complete in the others.
inline void write_runs(std::filesystem::path const& folder, std::span<comparison_run const> runs) {
  write_file(folder / "fronts.csv", fronts_csv(runs));
  write_file(folder / "details.csv", details_csv(runs));
  write_file(folder / "compare.csv", compare_csv(runs));
}

/// The finished runs in a folder; none where there is no compare.csv. Throws input_error for files that are damaged or
/// do not belong together.
inline std::vector<comparison_run> read_runs(std::filesystem::path const& folder) {
  if (!std::filesystem::exists(folder / "compare.csv")) return {};
  detail::run_table table;
  detail::read_compare(folder / "compare.csv", table);
  detail::read_details(folder / "details.csv", table);
  detail::read_fronts(folder / "fronts.csv", table);
  return table.take();
}

}  // namespace amq
