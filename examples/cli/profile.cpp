// amq profile: how long each layer's product takes on this machine, for searches that look at speed.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "amq/core/team_executor.hpp"
#include "amq/generate/profile.hpp"
#include "amq/generate/running_model.hpp"
#include "archive_settings.hpp"
#include "interrupt.hpp"
#include "running.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

std::vector<format> formats_to_time(profile_options const& options) {
  if (options.formats.empty()) return running_formats(options.bits, options.group);
  space_options space;
  space.formats = options.formats;
  return formats_of(space);
}

/// What a model's own rows are; bf16 for a shape.
dtype plain_type(subject_options const& subject) {
  return subject.shape ? dtype::bf16 : running_model::load(*subject.model).embeddings().type;
}

void print(latency_table const& table, model_config const& config, std::span<format const> formats) {
  auto const& from = table.conditions();
  std::printf("%s, %s, %d thread%s, %td tokens in the cache; %d of %d blocks run\n", from.machine.c_str(),
              from.precision.c_str(), from.threads, from.threads == 1 ? "" : "s", from.context, from.blocks,
              config.blocks);
  std::printf("%8s %8s", "rows", "cols");
  for (format const f : formats) std::printf(" %9s us", spelling(f).c_str());
  std::printf("\n");
  std::vector<std::pair<index, index>> shown;
  for (auto const& layer : linears_of(first_blocks(config, 1))) {
    std::pair const shape(layer.rows, layer.cols);
    if (std::find(shown.begin(), shown.end(), shape) != shown.end()) continue;
    shown.push_back(shape);
    std::printf("%8td %8td", layer.rows, layer.cols);
    for (format const f : formats) std::printf(" %12.2f", 1e6 * table.product(layer.rows, layer.cols, f));
    std::printf("\n");
  }
  std::printf("beside: %.2f us a block, %.2f us a token\n", 1e6 * table.block_seconds(), 1e6 * table.pass_seconds());
  auto const layers = linears_of(config);
  for (format const f : formats)
    std::printf("%-8s %10.2f tokens a second predicted\n", spelling(f).c_str(),
                1 / table.token_seconds(layers, std::vector(layers.size(), f)));
}

}  // namespace

int profile(profile_options const& options) {
  if (auto const folder = options.out.parent_path(); !folder.empty() && !std::filesystem::is_directory(folder))
    throw input_error("the profile cannot be written to " + options.out.string() + ": there is no folder " +
                      folder.string());
  if (std::filesystem::is_directory(options.out))
    throw input_error("the profile cannot be written to " + options.out.string() + ", which is a folder; name a file");
  auto const config = shape_of(options.subject);
  auto const formats = formats_to_time(options);
  amq::profile_options how;
  how.speed.prompt_tokens = options.context;
  how.speed.repeats = options.repeats;
  how.speed.precision = precision_of(options.subject.precision, 1);
  how.speed.before_pass = stop_if_interrupted;
  how.most_bytes = weight_memory(options.subject);
  how.plain = plain_type(options.subject);
  team_executor executor(threads_to_use(options.subject.threads));
  auto const table = profile_decoding(config, formats, machine_name(), how, executor);
  table.save(options.out);
  if (options.json)
    std::printf("%s\n", table.to_json().dump().c_str());
  else
    print(table, config, formats);
  return exit_done;
}

}  // namespace amq::cli
