// Optimizers that know nothing of the problem but its values.
#include "amq/optimize/local_search.hpp"
#include "amq/optimize/moead.hpp"
#include "amq/optimize/nsga2.hpp"
#include "policies.hpp"

namespace amq::cli {

std::span<policy_entry<any_optimizer> const> evolutionary_optimizers() {
  static constexpr reset_mutation mutation{.probability = 0.1, .gene_probability = 0.1};
  static constexpr auto table = policy_table<any_optimizer>(
      hana::tuple_t<
          policy<"nsga2", "NSGA-II with AMQ's operators", "--population, --generations",
                 [](preset_options const& given) {
                   return nsga2<>({.population = given.population, .generations = given.generations}, {}, mutation);
                 }>,
          policy<"moead", "MOEA/D, Tchebycheff, with the same operators", "--population, --generations, neighbours=20",
                 [](preset_options const& given) {
                   return moead<>({.population = given.population, .generations = given.generations}, {}, {}, mutation);
                 }>,
          policy<"local_search", "Pareto local search by single steps and exchanges", "evaluations=4000, keep=200",
                 [] { return local_search{}; }>>);
  return table;
}

}  // namespace amq::cli
