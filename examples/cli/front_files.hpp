// What a search leaves for people and other programs: front.json, front.csv, front.svg.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/io/atomic_file.hpp"
#include "amq/io/configuration_file.hpp"
#include "amq/io/json.hpp"
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

/// A point of a front in all that is known of it.
struct found_point {
  amq::configuration configuration;
  double average_bits = 0;
  std::int64_t model_bytes = 0;
  double loss = 0;
  std::optional<double> tokens_per_second{};  ///< predicted, where there is a profile
};

/// Every point with its configuration by layer name.
inline nlohmann::ordered_json points_json(format_space const& space, std::span<found_point const> points) {
  auto list = nlohmann::ordered_json::array();
  for (auto const& point : points) {
    auto const written = to_json(space.source_layers(), space.formats(point.configuration));
    nlohmann::ordered_json one{
        {"average_bits", point.average_bits}, {"model_bytes", point.model_bytes}, {"loss", point.loss}};
    if (point.tokens_per_second) one["predicted_tokens_per_second"] = *point.tokens_per_second;
    one["configuration"] = written.contains("bits") ? written["bits"] : written["formats"];
    list.push_back(std::move(one));
  }
  return list;
}

/// One line a point: average bits, model bytes, loss, predicted tokens a second where they are known, then the bits of
/// every layer under its name.
inline std::string points_csv(format_space const& space, std::span<found_point const> points) {
  bool const timed = !points.empty() && points.front().tokens_per_second;
  std::string csv = std::string("average_bits,model_bytes,loss") + (timed ? ",predicted_tokens_per_second" : "");
  for (auto const& layer : space.source_layers()) csv += "," + layer.name;
  csv += "\n";
  for (auto const& point : points) {
    char numbers[96];
    std::snprintf(numbers, sizeof numbers, "%.12g,%lld,%.12g", point.average_bits,
                  static_cast<long long>(point.model_bytes), point.loss);
    csv += numbers;
    if (timed) csv += "," + nlohmann::json(point.tokens_per_second.value_or(0)).dump();
    csv += choices_csv(space, point.configuration) + "\n";
  }
  return csv;
}

/// The configuration of least loss with at most so many average bits, out of a front.json: one format a layer. Throws
/// input_error when none fits, and for a file that a search did not write.
inline std::vector<format> best_of_front(std::filesystem::path const& file, double at_most_bits,
                                         std::span<linear_layer const> layers) {
  auto const json = load_json(file);
  auto const points = json.find("points");
  if (points == json.end() || !points->is_array())
    throw input_error(file.string() + " lacks the list 'points'; expected the front.json of `amq search`");
  nlohmann::json const* best = nullptr;
  double least = std::numeric_limits<double>::infinity();
  for (auto const& point : *points) {
    double const loss = require<double>(point, "loss", file);
    if (require<double>(point, "average_bits", file) > at_most_bits || loss >= least) continue;
    least = loss;
    best = &point;
  }
  if (best == nullptr)
    throw input_error(file.string() + " has no point of at most " + nlohmann::json(at_most_bits).dump() +
                      " average bits; ask for more");
  auto const chosen = best->find("configuration");
  if (chosen == best->end() || !chosen->is_object() || chosen->empty())
    throw input_error(file.string() + ": a point lacks its 'configuration'; expected the front.json of `amq search`");
  if (chosen->begin()->is_string()) return parse_configuration({{"formats", *chosen}}, layers, file);
  return parse_configuration({{"group_size", require<int>(json, "group_size", file)}, {"bits", *chosen}}, layers, file);
}

/// True when the picture could be drawn. `predict(configuration)`, where given, is its tokens a second: they are the
/// axis when latency alone was traded for quality, and the front's colour beside bits.
inline bool draw_front(std::filesystem::path const& file, std::span<found_point const> points,
                       std::span<evaluation const> measured, std::string const& title, std::string const& loss,
                       std::function<double(configuration const&)> const& predict, bool speed_is_axis) {
  picture drawn{title, loss, {}, {}, {}};
  if (speed_is_axis) drawn.x_name = "predicted tokens a second, decoding";
  if (predict && !speed_is_axis) drawn.color_name = "predicted tokens a second";
  auto const place = [&](configuration const& genes, double bits) { return speed_is_axis ? predict(genes) : bits; };
  for (auto const& e : measured) {
    if (!std::isfinite(e.loss)) continue;
    drawn.measured.push_back({place(e.configuration, e.average_bits), e.loss});
    if (e.phase == phase::uniform) drawn.uniform.push_back(drawn.measured.back());
  }
  for (auto const& point : points)
    drawn.front.push_back(
        {place(point.configuration, point.average_bits), point.loss, point.tokens_per_second.value_or(0)});
  return draw(drawn, file);
}

}  // namespace amq::cli
