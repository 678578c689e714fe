// What a benchmark found, for people and other programs: table, speed.csv, speed.json, speed.svg.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amq/compose/deploy.hpp"
#include "amq/evaluate/quality.hpp"
#include "amq/generate/speed.hpp"
#include "gnuplot.hpp"

namespace amq::cli {

struct speed_row {
  std::string name;  ///< "3 bits", or where a mixed configuration comes from
  double average_bits = 0;
  std::int64_t bytes = 0;    ///< of weights, read for each token
  int blocks = 0;            ///< that were run; fewer than the model has: speed is extrapolated
  bool mixed = false;        ///< not all layers alike
  amq::model_speed speed{};  ///< of the whole model
  std::optional<quality> measured{};
};

struct speed_table {
  std::string title;
  std::string machine;
  std::string precision;
  int threads = 1;
  int blocks = 0;  ///< of the whole model
  std::vector<speed_row> rows;

  bool extrapolated(speed_row const& row) const { return row.blocks < blocks; }

  /// How many times faster than the model in 16 bits it decodes; nothing where that was not run.
  std::optional<double> speed_up(speed_row const& row) const {
    auto const plain = std::ranges::find_if(rows, [](speed_row const& r) { return r.average_bits == 16; });
    if (plain == rows.end()) return std::nullopt;
    return row.speed.decode_rate() / plain->speed.decode_rate();
  }
};

inline nlohmann::ordered_json to_json(speed_table const& table) {
  nlohmann::ordered_json json{{"model", table.title},         {"machine", table.machine},
                              {"precision", table.precision}, {"threads", table.threads},
                              {"blocks", table.blocks},       {"configurations", nlohmann::ordered_json::array()}};
  for (auto const& row : table.rows) {
    auto const up = table.speed_up(row);
    nlohmann::ordered_json one{{"name", row.name},
                               {"average_bits", row.average_bits},
                               {"bytes_per_token", row.bytes},
                               {"prompt_tokens", row.speed.prompt_tokens},
                               {"prefill_tokens_per_second", row.speed.prefill_rate()},
                               {"decode_tokens_per_second", row.speed.decode_rate()},
                               {"speed_up", up ? nlohmann::ordered_json(*up) : nlohmann::ordered_json(nullptr)},
                               {"blocks_measured", row.blocks},
                               {"extrapolated", table.extrapolated(row)}};
    if (row.measured) one["measured"] = amq::to_json(*row.measured);
    json["configurations"].push_back(std::move(one));
  }
  return json;
}

inline std::string to_csv(speed_table const& table) {
  std::string csv =
      "configuration,average_bits,bytes_per_token,prefill_tokens_per_second,decode_tokens_per_second,speed_up,"
      "blocks_measured,blocks,jsd,perplexity\n";
  for (auto const& row : table.rows) {
    char line[320];
    std::snprintf(line, sizeof line, "%s,%.6g,%lld,%.6g,%.6g,", row.name.c_str(), row.average_bits,
                  static_cast<long long>(row.bytes), row.speed.prefill_rate(), row.speed.decode_rate());
    csv += line;
    if (auto const up = table.speed_up(row)) csv += nlohmann::json(*up).dump();
    csv += "," + std::to_string(row.blocks) + "," + std::to_string(table.blocks) + ",";
    if (row.measured)
      csv +=
          nlohmann::json(row.measured->jsd.value).dump() + "," + nlohmann::json(row.measured->perplexity.value).dump();
    else
      csv += ",";
    csv += "\n";
  }
  return csv;
}

inline void print(speed_table const& table) {
  bool const quality = std::ranges::any_of(table.rows, [](speed_row const& row) { return row.measured.has_value(); });
  std::printf("%-16s %8s %12s %14s %14s %10s%s\n", "configuration", "bits", "MiB a token", "prefill, /s", "decode, /s",
              "x 16 bits", quality ? "           JSD     perplexity" : "");
  for (auto const& row : table.rows) {
    auto const up = table.speed_up(row);
    std::printf("%-16s %8.3f %12.2f %14.1f %14.2f", row.name.c_str(), row.average_bits,
                static_cast<double>(row.bytes) / 1048576.0, row.speed.prefill_rate(), row.speed.decode_rate());
    if (up)
      std::printf(" %10.2f", *up);
    else
      std::printf(" %10s", "-");
    if (row.measured)  // the model against itself comes out of the rounding below 0, too
      std::printf(" %13.6f %14.4f", std::max(0.0, row.measured->jsd.value), row.measured->perplexity.value);
    if (table.extrapolated(row)) std::printf("  extrapolated from %d of %d blocks", row.blocks, table.blocks);
    std::printf("\n");
  }
}

/// Decoded tokens a second against divergence: better is up and left. The model in 16 bits, which diverges from
/// nothing, is a line. True when it could be drawn.
inline bool draw(speed_table const& table, std::filesystem::path const& file) {
  gnuplot plot(file, 820, 520);
  std::string uniform, mixed, plain;
  for (auto const& row : table.rows) {
    char line[160];
    double const jsd = row.measured ? row.measured->jsd.value : 0;
    std::snprintf(line, sizeof line, "%.9g %.9g \"%s\"\n", jsd, row.speed.decode_rate(), row.name.c_str());
    if (row.average_bits == 16)
      plain = std::to_string(row.speed.decode_rate());
    else if (jsd > 0)
      (row.mixed ? mixed : uniform) += line;
  }
  plot.line("set title " + quoted(table.title + ": speed against quality") + " noenhanced");
  plot.line("set xlabel 'Jensen-Shannon divergence from the 16-bit model, nats a position (less is better)'");
  plot.line("set ylabel 'decoded tokens a second, one sequence'");
  plot.line("set logscale x\nset format x '%.0e'\nset yrange [0:*]\nset offsets graph 0.06, graph 0.1, graph 0.1, 0");
  plot.line("set key bottom right");
  std::string command;
  auto const add = [&](std::string const& what) { command += (command.empty() ? "plot " : ", ") + what; };
  if (!plain.empty()) add(plain + " with lines dt 2 lw 1.5 lc rgb '#7f7f7f' title '16 bits'");
  auto const labelled = [&](std::string const& rows, std::string const& style, char const* color, char const* title) {
    if (rows.empty()) return;
    auto const data = plot.block(rows);
    add(data + " using 1:2 with " + style + " lc rgb " + color + " title '" + title + "'");
    add(data + " using 1:2:3 with labels offset 0,1 noenhanced notitle");
  };
  labelled(uniform, "linespoints pt 7 ps 0.8 lw 1.5", "'#c8442b'", "uniform");
  labelled(mixed, "points pt 9 ps 1.4", "'#1f5fa8'", "searched");
  if (command.empty()) return false;
  plot.line(command);
  return plot.finish();
}

}  // namespace amq::cli
