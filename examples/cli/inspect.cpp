// amq inspect: what a checkpoint is and what quantizing it would weigh, from its headers alone.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "setup.hpp"

namespace amq::cli {
namespace {

/// The group asked for, or the largest below it that divides the inputs of all layers.
int usable_group(int group, std::span<linear_layer const> linears) {
  if (group == format::whole_row) return group;
  if (group < 1)
    throw input_error("--group " + std::to_string(group) +
                      " is no group size; expected a positive number, or -1 for whole rows");
  auto const common = static_cast<int>(largest_common_group(linears));
  int usable = std::min(group, common);
  while (common % usable != 0) --usable;
  return usable;
}

nlohmann::ordered_json describe(model_summary const& summary, format_space const& space, space_options const& wanted) {
  nlohmann::ordered_json json;
  json["architecture"] = to_string(summary.config.architecture);
  json["blocks"] = summary.config.blocks;
  json["hidden"] = summary.config.hidden;
  json["vocabulary"] = summary.config.vocabulary;
  json["parameters"] = summary.parameters;
  json["other_bytes"] = space.other_bytes();
  json["group_size"] = wanted.group;
  json["target"] = wanted.target;
  json["genes"] = space.size();
  json["log10_configurations"] = space.log10_configurations();
  json["uniform"] = nlohmann::ordered_json::array();
  for (index choice = 0; choice < space.uniform_count(); ++choice) {
    auto const genes = space.uniform(static_cast<gene>(choice));
    auto const free = space.free_layers();
    auto const shown = static_cast<std::size_t>(free.empty() ? 0 : space.members(free.front()).front());
    json["uniform"].push_back({{"bits", space.bits_by_layer(genes)[shown]},
                               {"format", spelling(space.formats(genes)[shown])},
                               {"average_bits", space.average_bits(genes)},
                               {"linear_bytes", space.linear_bytes(genes)},
                               {"model_bytes", space.model_bytes(genes)}});
  }
  json["layers"] = nlohmann::ordered_json::array();
  for (auto const& linear : summary.linears)
    json["layers"].push_back({{"name", linear.name}, {"rows", linear.rows}, {"cols", linear.cols}});
  return json;
}

void print(nlohmann::ordered_json const& json, int asked_group) {
  std::printf("%s, %d blocks, hidden size %d, vocabulary %d, %.2f million parameters\n",
              json["architecture"].get<std::string>().c_str(), json["blocks"].get<int>(), json["hidden"].get<int>(),
              json["vocabulary"].get<int>(), json["parameters"].get<double>() / 1e6);
  std::printf("%zu linear layers, %d genes, 10^%.1f configurations\n\n", json["layers"].size(),
              json["genes"].get<int>(), json["log10_configurations"].get<double>());
  std::printf("%-44s %7s %7s\n", "layer", "rows", "cols");
  for (auto const& layer : json["layers"])
    std::printf("%-44s %7d %7d\n", layer["name"].get<std::string>().c_str(), layer["rows"].get<int>(),
                layer["cols"].get<int>());
  int const group = json["group_size"].get<int>();
  if (group != asked_group)
    std::printf("\nGroups of %d do not divide every layer's inputs; these sizes are for groups of %d.\n", asked_group,
                group);
  std::printf("\n%-10s %14s %16s %16s\n", "all at", "average bits", "linear bytes", "model bytes");
  for (auto const& uniform : json["uniform"])
    std::printf("%-10s %14.3f %16.0f %16lld\n", uniform["format"].get<std::string>().c_str(),
                uniform["average_bits"].get<double>(), uniform["linear_bytes"].get<double>(),
                static_cast<long long>(uniform["model_bytes"].get<std::int64_t>()));
}

}  // namespace

int inspect(inspect_options const& options) {
  auto const summary = llama::inspect(options.model);
  auto wanted = options.space;
  wanted.group = usable_group(wanted.group, summary.linears);
  auto const space = space_of(summary, summary.linears, wanted);
  auto const json = describe(summary, space, wanted);
  if (options.json)
    std::printf("%s\n", json.dump().c_str());
  else
    print(json, options.space.group);
  return exit_done;
}

}  // namespace amq::cli
