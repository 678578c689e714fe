// What a search's archive says of how it was made, and what a resumed search must agree with.
#pragma once

#include <filesystem>
#include <string>

#include "amq/model/llama.hpp"
#include "amq/search/budget.hpp"
#include "amq/space/format_space.hpp"
#include "amq/store/settings.hpp"
#include "amq/store/sqlite_archive.hpp"
#include "amq/text/tokens.hpp"
#include "devices.hpp"
#include "objectives.hpp"
#include "options.hpp"
#include "policies/policies.hpp"

namespace amq::cli {

strategy_names names_of(search_options const& options, search_objectives const& objectives);

bool on_cuda(search_options const& options);

/// The device asked for. `any` is what the archive began with.
std::string device_for(search_options const& options);

/// The precision asked for. `automatic` is what the archive began with, or what suits the device.
std::string precision_for(search_options const& options);

/// The archive in the search's folder: a new one, or, with --resume, the one that is there, whose sizes `budget` takes
/// where they were not given again. Throws input_error where the search differs from the one that began it.
sqlite_archive open_archive(search_options const& options, search_objectives const& objectives, llama const& model,
                            token_sequences const& tokens, format_space const& space, device_list const& devices,
                            search_budget& budget);

/// What a strategy's first evaluations were planned for: a search that is continued further keeps to it.
index planned_evaluations(settings_map const& settings, std::filesystem::path const& file);

}  // namespace amq::cli
