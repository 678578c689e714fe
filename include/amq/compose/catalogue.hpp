// Every policy that a program offers by name, and the strategies that they make.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/compose/registry.hpp"
#include "amq/search/any_strategy.hpp"
#include "amq/search/erased_parts.hpp"

namespace amq {

/// A preset by name. One that is a surrogate_strategy has `parts` and says by what names they go, with options of its
/// own; one that is not has `make`.
struct preset_entry {
  std::string_view name;
  std::string_view description;
  std::string_view predictor;
  std::string_view optimizer;
  std::string_view infill;
  index (*evaluations)(index layers);          ///< of a search whose user does not say how many
  search_budget (*budget)(index evaluations);  ///< how these are split
  erased_parts (*parts)(search_budget const&, preset_options const&);
  any_strategy (*make)(format_space const&, search_budget const&);
};

/// A list of types such as amq_preset, `hana::tuple_t<...>`, as a table.
template <class List>
constexpr auto preset_table(List list) {
  return hana::unpack(list, [](auto... lines) {
    return std::array{[]<class Preset>(hana::basic_type<Preset>) {
      preset_entry line{Preset::name,        Preset::description, "",      "",     "",
                        Preset::evaluations, Preset::budget,      nullptr, nullptr};
      if constexpr (requires { Preset::predictor; }) {
        line.predictor = Preset::predictor;
        line.optimizer = Preset::optimizer;
        line.infill = Preset::infill;
        line.parts = [](search_budget const& budget, preset_options const& options) {
          return erase(Preset::parts(budget, options));
        };
      } else {
        line.make = [](format_space const& space, search_budget const& budget) {
          return any_strategy(Preset::make(space, budget));
        };
      }
      return line;
    }(lines)...};
  });
}

/// What a program offers; see policy_table and preset_table.
struct catalogue {
  std::vector<policy_entry<any_predictor>> predictors;
  std::vector<policy_entry<any_optimizer>> optimizers;
  std::vector<policy_entry<any_infill>> infills;
  std::vector<preset_entry> presets;
};

/// A strategy by names. A part without a name is the preset's own, and so is one whose name the preset gives it.
struct strategy_names {
  std::string preset = "best";
  std::string predictor{};
  std::string optimizer{};
  std::string infill{};
};

/// What an ability is called in a sentence.
constexpr std::string_view to_string(predictor_ability ability) {
  switch (ability) {
    case predictor_ability::variance:
      return "knows how unsure it is";
    case predictor_ability::draws:
      return "draws losses from its posterior";
    case predictor_ability::layer_costs:
      return "knows what each layer's choices cost";
    case predictor_ability::layer_cost_draws:
      return "draws layers' costs from its posterior";
  }
  return "";
}

namespace detail {

template <class Entry>
std::vector<std::string_view> names_of(std::vector<Entry> const& entries) {
  std::vector<std::string_view> names;
  for (auto const& entry : entries) names.push_back(entry.name);
  return names;
}

template <class Entry>
Entry const& named(std::vector<Entry> const& entries, std::string_view name, std::string_view what) {
  auto const found = std::ranges::find(entries, name, &Entry::name);
  if (found == entries.end()) refuse_name(name, what, names_of(entries));
  return *found;
}

inline void expect_ability(catalogue const& all, std::optional<predictor_ability> needed, any_predictor const& given,
                           strategy_names const& names, std::string const& part) {
  if (!needed || given.has(*needed)) return;
  std::vector<std::string_view> able;
  for (auto const& entry : all.predictors)
    if (entry.make({}).has(*needed)) able.push_back(entry.name);
  throw input_error("the " + part + " needs a predictor that " + std::string(to_string(*needed)) + ", and " +
                    names.predictor + " does not: " + (able.empty() ? "none does" : "use " + one_of(able)));
}

}  // namespace detail

/// The preset of this name. Throws input_error with the nearest names where there is none.
inline preset_entry const& find_preset(catalogue const& all, std::string_view name) {
  return detail::named(all.presets, name, "a preset");
}

/// The same strategy with the names of all its parts: none for presets that are no surrogate_strategy.
inline strategy_names with_own_parts(catalogue const& all, strategy_names names) {
  auto const& preset = find_preset(all, names.preset);
  if (names.predictor.empty()) names.predictor = preset.predictor;
  if (names.optimizer.empty()) names.optimizer = preset.optimizer;
  if (names.infill.empty()) names.infill = preset.infill;
  return names;
}

namespace detail {

inline erased_parts named_parts(catalogue const& all, strategy_names const& given, search_budget const& budget,
                                preset_options const& options) {
  auto const& preset = find_preset(all, given.preset);
  auto const names = with_own_parts(all, given);
  auto parts = preset.parts(budget, options);
  if (names.predictor != preset.predictor)
    parts.predictor = named(all.predictors, names.predictor, "a predictor").make(options);
  if (names.optimizer != preset.optimizer)
    parts.optimizer = named(all.optimizers, names.optimizer, "an optimizer").make(options);
  if (names.infill != preset.infill) parts.infill = named(all.infills, names.infill, "an infill").make(options);
  expect_ability(all, parts.optimizer.needs(), parts.predictor, names, "optimizer " + names.optimizer);
  expect_ability(all, parts.infill.needs(), parts.predictor, names, "infill " + names.infill);
  return parts;
}

inline void expect_no_parts(strategy_names const& names) {
  auto const refuse = [&](char const* part, std::string const& given) {
    if (!given.empty())
      throw input_error("the preset " + names.preset + " has no " + part + " that " + given +
                        " could replace; choose another preset, or leave it out");
  };
  refuse("predictor", names.predictor);
  refuse("optimizer", names.optimizer);
  refuse("infill", names.infill);
}

/// Those whose policy heeds more than two objectives, as one of a list in a sentence.
template <class Made>
std::string heeding(std::vector<policy_entry<Made>> const& entries) {
  std::vector<std::string_view> able;
  for (auto const& entry : entries)
    if (entry.make({}).heeds_many_objectives()) able.push_back(entry.name);
  return able.empty() ? "none does" : "use " + one_of(able);
}

inline void expect_many_objectives(catalogue const& all, erased_parts const& parts, strategy_names const& names) {
  auto const refuse = [](std::string const& part, std::string const& others) {
    throw input_error("the " + part + " heeds two objectives and the search has more: " + others);
  };
  if (!parts.optimizer.heeds_many_objectives()) refuse("optimizer " + names.optimizer, heeding(all.optimizers));
  if (!parts.infill.heeds_many_objectives()) refuse("infill " + names.infill, heeding(all.infills));
}

[[noreturn]] inline void refuse_preset_of_two(catalogue const& all, std::string const& name) {
  std::vector<std::string_view> able;
  for (auto const& entry : all.presets)
    if (entry.parts) able.push_back(entry.name);
  throw input_error("the preset " + name + " heeds two objectives and the search has more: use " + one_of(able));
}

}  // namespace detail

/// The same strategy for a search with more than two objectives: parts without a name, where the preset's own would
/// look at two of them only, are the first that heed all. Those that are named stay.
inline strategy_names for_many_objectives(catalogue const& all, strategy_names names) {
  auto const& preset = find_preset(all, names.preset);
  if (!preset.parts) return names;
  auto const parts = preset.parts(search_budget::of(1), {});
  auto const heeds = [](auto const& entry) { return entry.make({}).heeds_many_objectives(); };
  if (names.optimizer.empty() && !parts.optimizer.heeds_many_objectives())
    if (auto const found = std::ranges::find_if(all.optimizers, heeds); found != all.optimizers.end())
      names.optimizer = found->name;
  if (names.infill.empty() && !parts.infill.heeds_many_objectives())
    if (auto const found = std::ranges::find_if(all.infills, heeds); found != all.infills.end())
      names.infill = found->name;
  return names;
}

/// Throws input_error for unknown names, for parts of a preset that has none, for an optimizer or an infill that needs
/// more of a predictor than it can do and, where a search has more objectives than loss and size, for those that do not
/// heed them: before anything is measured.
inline void expect_strategy(catalogue const& all, strategy_names const& names, bool more_objectives = false) {
  if (!find_preset(all, names.preset).parts) {
    detail::expect_no_parts(names);
    if (more_objectives) detail::refuse_preset_of_two(all, names.preset);
    return;
  }
  auto const parts = detail::named_parts(all, names, search_budget::of(1), {});
  if (more_objectives) detail::expect_many_objectives(all, parts, with_own_parts(all, names));
}

/// The strategy of these names, for loss, size and further objectives; throws as expect_strategy does.
inline any_strategy make_strategy(catalogue const& all, strategy_names const& names, format_space const& space,
                                  search_budget const& budget, preset_options const& options = {},
                                  std::vector<any_objective> further = {}) {
  expect_strategy(all, names, !further.empty());
  auto const& preset = find_preset(all, names.preset);
  if (!preset.parts) return preset.make(space, budget);
  return any_strategy(assemble(space, detail::named_parts(all, names, budget, options), std::move(further)));
}

}  // namespace amq
