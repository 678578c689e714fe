// amq archive: archives from and to files that other programs read and write.
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "amq/io/amq_sensitivity.hpp"
#include "amq/landscape/sensitivity_file.hpp"
#include "amq/model/layout.hpp"
#include "amq/store/exchange.hpp"
#include "options.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

/// A search's folder stands for its archive.
std::filesystem::path archive_file(std::filesystem::path const& given) {
  return std::filesystem::is_directory(given) ? given / "archive.sqlite" : given;
}

bool starts_with(std::filesystem::path const& file, std::string const& beginning) {
  std::ifstream stream(file, std::ios::binary);
  std::string start(beginning.size(), '\0');
  return stream.read(start.data(), static_cast<std::streamsize>(start.size())) && start == beginning;
}

/// What lies in the file: an archive as CSV, or sensitivities of one kind or another.
exchanged_archive read_anything(archive_options const& options) {
  auto const& file = options.archive;
  if (is_archive_csv(file)) return read_archive_csv(file);
  auto const formats = formats_of(options.bits, options.group);
  if (starts_with(file, std::string(detail::sensitivity_header))) {
    auto const table = read_sensitivities(file);
    losses_by_layer losses;
    for (std::size_t i = 0; i < table.layers.size(); ++i) losses.emplace(table.layers[i].name, table.sensitivities[i]);
    return sensitivity_archive(table.layers, formats, losses, file);
  }
  auto const losses = read_amq_sensitivities(file);
  if (!options.model)
    throw input_error(file.string() +
                      " holds losses by layer and no shapes; name the model's folder (its config.json) with --model");
  return sensitivity_archive(linears_of(load_config(*options.model)), formats, losses, file);
}

void report(archive_options const& options, exchanged_archive const& archive) {
  if (options.json)
    std::printf("%s\n", nlohmann::ordered_json{{"out", options.out.string()},
                                               {"layers", archive.layers.size()},
                                               {"evaluations", archive.evaluations.size()}}
                            .dump()
                            .c_str());
  else
    std::printf("%s: %zu evaluations of %zu layers\n", options.out.c_str(), archive.evaluations.size(),
                archive.layers.size());
}

}  // namespace

int export_archive(archive_options const& options) {
  auto const file = archive_file(options.archive);
  auto const archive = read_archive(file);
  if (auto const loss = archive.about.find("loss");
      options.sensitivities && loss != archive.about.end() && loss->second != "jsd")
    throw input_error(file.string() + " was measured in " + loss->second +
                      "; sensitivities are exchanged in jsd, so export the archive without --sensitivities");
  if (options.sensitivities)
    write_file(options.out, sensitivity_csv(archive, file));
  else
    write_archive_csv(options.out, archive);
  report(options, archive);
  return exit_done;
}

int import_archive(archive_options const& options) {
  auto const archive = read_anything(options);
  write_sqlite_archive(options.out, archive);
  report(options, archive);
  return exit_done;
}

}  // namespace amq::cli
