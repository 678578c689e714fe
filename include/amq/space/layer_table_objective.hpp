// An objective that is the sum of a table: what each choice of each layer costs, a latency say.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "amq/concepts/objective.hpp"
#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Models objective: the sum over the genes of a space of table(gene's place, gene).
class layer_table_objective {
 public:
  /// `table` (genes of the space, most choices), in any unit; places past a layer's choices are not read.
  layer_table_objective(std::string name, matrix<double> table) : name_(std::move(name)), table_(std::move(table)) {}

  /// `cost(linear_layer, format)` of every layer and choice; layers that share a gene add up. Throws input_error that
  /// names the layer and the format for a cost that is not finite.
  template <class Cost>
  static layer_table_objective over(format_space const& space, std::string name, Cost const& cost) {
    index most = 1;
    for (index layer = 0; layer < space.size(); ++layer) most = std::max(most, std::ssize(space.choices(layer)));
    matrix<double> table(space.size(), most);
    for (index layer = 0; layer < space.size(); ++layer)
      for (std::size_t choice = 0; choice < space.choices(layer).size(); ++choice)
        for (index const member : space.members(layer)) {
          auto const& linear = space.source_layers()[static_cast<std::size_t>(member)];
          double const one = cost(linear, space.choices(layer)[choice]);
          if (!std::isfinite(one))
            throw input_error("the " + name + " of " + linear.name + " as " + spelling(space.choices(layer)[choice]) +
                              " is " + std::to_string(one) + "; expected a finite number for every layer and format");
          table(layer, static_cast<index>(choice)) += one;
        }
    return {std::move(name), std::move(table)};
  }

  std::string const& name() const { return name_; }

  /// O(genes). Throws precondition_error for genes that the table has no place for.
  double value(std::span<gene const> genes) const {
    AMQ_EXPECTS(std::ssize(genes) == table_.rows(), "the table of '" + name_ + "' is for " +
                                                        std::to_string(table_.rows()) + " genes, not " +
                                                        std::to_string(genes.size()));
    double sum = 0;
    for (index layer = 0; layer < table_.rows(); ++layer) {
      index const choice = genes[static_cast<std::size_t>(layer)];
      AMQ_EXPECTS(choice < table_.cols(), "the table of '" + name_ + "' has no choice " + std::to_string(choice));
      sum += table_(layer, choice);
    }
    return sum;
  }

 private:
  std::string name_;
  matrix<double> table_;
};

static_assert(objective<layer_table_objective>);

}  // namespace amq
