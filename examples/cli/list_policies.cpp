// amq policies: what can be chosen by name.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "options.hpp"
#include "policies/policies.hpp"

namespace amq::cli {
namespace {

using json = nlohmann::ordered_json;

template <class Made>
json described(policy_entry<Made> const& policy) {
  return {{"name", policy.name}, {"description", policy.description}, {"options", policy.options}};
}

json abilities(any_predictor const& predictor) {
  json able = json::array();
  if (predictor.has(predictor_ability::variance)) able.push_back("variance");
  if (predictor.has(predictor_ability::draws)) able.push_back("draws");
  if (predictor.has(predictor_ability::layer_costs)) able.push_back("layer_costs");
  if (predictor.has(predictor_ability::layer_cost_draws)) able.push_back("layer_cost_draws");
  return able;
}

template <class Made>
json needs(policy_entry<Made> const& policy) {
  auto const needed = policy.make({}).needs();
  return needed ? json(to_string(*needed)) : json();
}

json list() {
  json all;
  for (auto const& preset : policies().presets) {
    json line{{"name", preset.name}, {"description", preset.description}};
    if (preset.parts)
      line.update({{"predictor", preset.predictor}, {"optimizer", preset.optimizer}, {"infill", preset.infill}});
    all["presets"].push_back(std::move(line));
  }
  for (auto const& predictor : policies().predictors) {
    all["predictors"].push_back(described(predictor));
    all["predictors"].back()["abilities"] = abilities(predictor.make({}));
  }
  for (auto const& optimizer : policies().optimizers) {
    all["optimizers"].push_back(described(optimizer));
    all["optimizers"].back()["needs"] = needs(optimizer);
    all["optimizers"].back()["many_objectives"] = optimizer.make({}).heeds_many_objectives();
  }
  for (auto const& infill : policies().infills) {
    all["infills"].push_back(described(infill));
    all["infills"].back()["needs"] = needs(infill);
    all["infills"].back()["many_objectives"] = infill.make({}).heeds_many_objectives();
  }
  return all;
}

void print(json const& all) {
  for (auto const& [kind, lines] : all.items()) {
    std::printf("%s:\n", kind.c_str());
    for (auto const& line : lines) {
      std::printf("  %-16s %s\n", line["name"].get<std::string>().c_str(),
                  line["description"].get<std::string>().c_str());
      if (line.contains("predictor"))
        std::printf("  %-16s   predictor %s, optimizer %s, infill %s\n", "",
                    line["predictor"].get<std::string>().c_str(), line["optimizer"].get<std::string>().c_str(),
                    line["infill"].get<std::string>().c_str());
      if (auto const options = line.value("options", std::string()); !options.empty())
        std::printf("  %-16s   %s\n", "", options.c_str());
      if (line.contains("needs") && line["needs"].is_string())
        std::printf("  %-16s   needs a predictor that %s\n", "", line["needs"].get<std::string>().c_str());
      if (line.value("many_objectives", false)) std::printf("  %-16s   heeds more than two objectives\n", "");
    }
  }
}

}  // namespace

int list_policies(policies_options const& options) {
  auto const all = list();
  if (options.json)
    std::printf("%s\n", all.dump().c_str());
  else
    print(all);
  return exit_done;
}

}  // namespace amq::cli
