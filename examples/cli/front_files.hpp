// What a search leaves for people and other programs: front.json, front.csv, front.svg.
#pragma once

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "amq/io/atomic_file.hpp"
#include "amq/io/configuration_file.hpp"
#include "amq/search/front.hpp"
#include "amq/search/progress.hpp"
#include "amq/space/format_space.hpp"
#include "picture.hpp"

namespace amq::cli {

/// The hypervolume of everything measured, null while all-lowest or all-highest is missing.
inline nlohmann::ordered_json hypervolume_json(format_space const& space, memory_archive const& measured,
                                               loss_scale scale) {
  auto const frame = find_frame(space, measured);
  if (!frame) return nullptr;
  return normalised_hypervolume(measured.evaluations(), *frame, scale);
}

/// ",4,3,..." in the order of the source layers: bits, or the spellings of formats where bits do not tell them apart.
inline std::string choices_csv(format_space const& space, configuration const& genes) {
  std::string csv;
  auto const formats = space.formats(genes);
  bool const by_bits = to_json(space.source_layers(), formats).contains("bits");
  for (format const f : formats) csv += "," + (by_bits ? std::to_string(f.bits) : spelling(f));
  return csv;
}

/// Every point with its configuration by layer name.
inline nlohmann::ordered_json points_json(format_space const& space, front const& points) {
  auto list = nlohmann::ordered_json::array();
  for (auto const& point : points) {
    auto const written = to_json(space.source_layers(), space.formats(point.configuration));
    list.push_back({{"average_bits", point.average_bits},
                    {"model_bytes", point.model_bytes},
                    {"loss", point.loss},
                    {"configuration", written.contains("bits") ? written["bits"] : written["formats"]}});
  }
  return list;
}

/// One line a point: average bits, model bytes, loss, then the bits of every layer under its name.
inline std::string points_csv(format_space const& space, front const& points) {
  std::string csv = "average_bits,model_bytes,loss";
  for (auto const& layer : space.source_layers()) csv += "," + layer.name;
  csv += "\n";
  for (auto const& point : points) {
    char numbers[96];
    std::snprintf(numbers, sizeof numbers, "%.12g,%lld,%.12g", point.average_bits,
                  static_cast<long long>(point.model_bytes), point.loss);
    csv += numbers;
    csv += choices_csv(space, point.configuration) + "\n";
  }
  return csv;
}

/// True when the picture could be drawn.
inline bool draw_front(std::filesystem::path const& file, front const& points, memory_archive const& measured,
                       std::string const& title, std::string const& loss) {
  picture drawn{title, loss, {}, {}, {}};
  for (auto const& e : measured.evaluations()) {
    if (!std::isfinite(e.loss)) continue;
    drawn.measured.push_back({e.average_bits, e.loss});
    if (e.phase == phase::uniform) drawn.uniform.push_back({e.average_bits, e.loss});
  }
  for (auto const& point : points) drawn.front.push_back({point.average_bits, point.loss});
  return draw(drawn, file);
}

}  // namespace amq::cli
