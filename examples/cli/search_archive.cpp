// A search's archive: made, or opened and compared.
#include "search_archive.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "amq/version.hpp"
#include "archive_settings.hpp"
#include "policies/policies.hpp"
#include "precisions.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

/// A setting of the search that is resumed; nothing for a new one, or where its archive lacks it.
std::optional<std::string> setting_before(search_options const& options, std::string const& key) {
  auto const file = options.out / "archive.sqlite";
  if (!options.resume || !sqlite_archive::started(file)) return std::nullopt;
  auto const settings = sqlite_archive::open(file).settings();
  auto const found = settings.find(key);
  return found == settings.end() ? std::nullopt : std::optional(found->second);
}

/// Everything that must be the same when the search is resumed, and what only describes it.
settings_map describe(search_options const& options, search_objectives const& objectives, llama const& model,
                      token_sequences const& tokens, device_list const& devices, search_budget const& budget) {
  auto const names = with_own_parts(policies(), names_of(options, objectives));
  settings_map settings{{"seed", std::to_string(options.seed)},
                        {"loss", options.measure.loss},
                        {"proxy", options.evaluator ? "process" : proxy_of(options.measure, options.space.target)},
                        {"precision", options.measure.precision},
                        {"device", on_cuda(options) ? "cuda" : "cpu"},
                        {"preset", names.preset},
                        {"predictor", names.predictor},
                        {"optimizer", names.optimizer},
                        {"infill", names.infill},
                        {"bits", joined(options.space.bits)},
                        {"group", std::to_string(options.space.group)},
                        {"formats", joined(options.space.formats)},
                        {"ties", joined(options.space.ties)},
                        {"keep", joined(options.space.keep)},
                        {"target", options.space.target},
                        {"objective", objectives.name()},
                        {"sequences", std::to_string(options.measure.sequences)},
                        {"length", std::to_string(options.measure.length)},
                        {"threshold", nlohmann::json(options.threshold).dump()},
                        {"population", std::to_string(options.population)},
                        {"generations", std::to_string(options.generations)},
                        {"evaluations", std::to_string(budget.evaluations)},
                        {"planned_evaluations", std::to_string(budget.evaluations)},
                        {"initial", std::to_string(budget.initial)},
                        {"candidates", std::to_string(budget.candidates)},
                        {"model", std::filesystem::absolute(options.model).lexically_normal().string()},
                        {"model_sha256", model.fingerprint()},
                        {"tokens", std::filesystem::absolute(options.measure.tokens).lexically_normal().string()},
                        {"tokens_sha256", tokens.fingerprint()},
                        {"version", version},
                        {"build", build_name()},
                        {"machine", machine_name()}};
  if (!devices.empty()) settings["gpu"] = device_names(devices);
  if (options.evaluator) settings["evaluator"] = *options.evaluator;
  if (objectives.table()) settings["profile"] = objectives.table()->to_json().dump();
  return settings;
}

/// Files may have moved; what is in them decides.
setting_rules resume_rules() {
  setting_rules rules;
  rules.free.insert(rules.free.end(), {"model", "tokens", "planned_evaluations"});
  rules.warned.insert(rules.warned.end(), {"evaluator", "gpu"});
  return rules;
}

/// Archives made before a setting had a name have its first value.
void forget_later_settings(settings_map const& stored, settings_map& wanted) {
  settings_map const first{{"infill", "spread"}, {"formats", ""},       {"ties", ""},     {"keep", ""},
                           {"target", "amq"},    {"objective", "bits"}, {"device", "cpu"}};
  for (auto const& [key, value] : first)
    if (!stored.contains(key) && wanted[key] == value) wanted.erase(key);
}

/// Initial design and batches stay as first set, unless they are given again: then they must agree.
void keep_first_sizes(search_options const& options, settings_map const& stored, std::filesystem::path const& file,
                      search_budget& budget) {
  if (!options.initial) budget.initial = integer_setting(stored, "initial", file);
  if (!options.candidates) budget.candidates = integer_setting(stored, "candidates", file);
  if (!options.evaluations) budget.evaluations = integer_setting(stored, "evaluations", file);
}

}  // namespace

strategy_names names_of(search_options const& options, search_objectives const& objectives) {
  strategy_names names{options.preset, options.predictor, options.optimizer, options.infill};
  return objectives.both() ? for_many_objectives(policies(), std::move(names)) : names;
}

bool on_cuda(search_options const& options) { return parse_device(options.space.device).kind == device::cuda; }

std::string device_for(search_options const& options) {
  bool const keeps_cuda = options.space.device == "any" && setting_before(options, "device") == "cuda";
  return keeps_cuda ? "cuda" : options.space.device;
}

std::string precision_for(search_options const& options) {
  if (options.measure.precision != "automatic") return options.measure.precision;
  if (auto const before = setting_before(options, "precision")) return *before;
  if (on_cuda(options)) return precision_name(numbers_of("automatic"));
  return options.evaluator ? "f32" : to_string(precision_of("automatic", options.measure.length));
}

sqlite_archive open_archive(search_options const& options, search_objectives const& objectives, llama const& model,
                            token_sequences const& tokens, format_space const& space, device_list const& devices,
                            search_budget& budget) {
  auto const file = options.out / "archive.sqlite";
  bool const started = sqlite_archive::started(file);
  if (started && !options.resume)
    throw input_error(file.string() + " exists already; continue it with --resume, or choose another --out");
  if (!started) {
    create_folder(options.out);
    return sqlite_archive::create(file, describe(options, objectives, model, tokens, devices, budget),
                                  archived_layers(space, space.layers()));
  }
  auto archive = sqlite_archive::open(file);
  keep_first_sizes(options, archive.settings(), file, budget);
  auto wanted = describe(options, objectives, model, tokens, devices, budget);
  forget_later_settings(archive.settings(), wanted);
  auto const warning = archive.expect_settings(wanted, resume_rules());
  if (!warning.empty()) std::fprintf(stderr, "amq: %s\n", warning.c_str());
  if (archive.layers() != archived_layers(space, space.layers()))
    throw input_error(file.string() + " was made with other linear layers or formats; search into another folder");
  auto const longest =
      std::max<std::int64_t>(budget.evaluations, integer_setting(archive.settings(), "evaluations", file));
  archive.set("evaluations", std::to_string(longest));
  for (char const* where : {"model", "tokens"}) archive.set(where, wanted.at(where));
  return archive;
}

index planned_evaluations(settings_map const& settings, std::filesystem::path const& file) {
  return integer_setting(settings, settings.contains("planned_evaluations") ? "planned_evaluations" : "evaluations",
                         file);
}

}  // namespace amq::cli
