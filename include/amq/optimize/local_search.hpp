// local_search: Pareto local search, the neighbours of every individual on the front until none is better.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/optimizer.hpp"
#include "amq/core/error.hpp"
#include "amq/core/gene_set.hpp"
#include "amq/indicate/pareto.hpp"
#include "amq/optimize/selection.hpp"

namespace amq {

/// A small change: variable `up` a level higher, variable `down` a level lower; -1 for none.
struct level_move {
  int up = -1;
  int down = -1;

  void apply(std::span<gene> genes) const {
    if (up >= 0) ++genes[static_cast<std::size_t>(up)];
    if (down >= 0) --genes[static_cast<std::size_t>(down)];
  }
  friend bool operator==(level_move, level_move) = default;
};

/// Every change of one gene by one level. O(genes).
inline std::vector<level_move> single_steps(std::span<gene const> genes, std::span<int const> levels) {
  std::vector<level_move> moves;
  for (int i = 0; i < std::ssize(genes); ++i) {
    auto const at = static_cast<std::size_t>(i);
    if (genes[at] > 0) moves.push_back({.up = -1, .down = i});
    if (genes[at] + 1 < levels[at]) moves.push_back({.up = i, .down = -1});
  }
  return moves;
}

/// Every change of one gene up and another one down. O(genes^2).
inline std::vector<level_move> pair_exchanges(std::span<gene const> genes, std::span<int const> levels) {
  std::vector<level_move> moves;
  for (int up = 0; up < std::ssize(genes); ++up)
    for (int down = 0; down < std::ssize(genes); ++down)
      if (up != down && genes[static_cast<std::size_t>(up)] + 1 < levels[static_cast<std::size_t>(up)] &&
          genes[static_cast<std::size_t>(down)] > 0)
        moves.push_back({up, down});
  return moves;
}

struct local_search_options {
  index evaluations = 4000;  ///< at most, the start included (which is evaluated in any case)
  index batch = 200;         ///< individuals that a problem is given at once, at most
  index keep = 200;          ///< individuals of the front, at most; the most crowded ones go
  index moves = 10;          ///< moves of one individual before another one has its turn
  bool exchanges = true;     ///< pair exchanges once an individual's single steps are used up
};

/// Models optimizer. Pareto local search (Paquete, Chiarandini and Stuetzle 2004), some moves at a time: individuals of
/// the front take turns at random, each with its single steps in random order and then its pair exchanges; whatever
/// nothing dominates joins the front after a batch. Ends when the evaluations are used up or every individual of the
/// front is explored, and returns the front. No individual is evaluated twice. Made for polishing a good start; without
/// one it begins at the individuals that have all genes at their lowest and all at their highest level.
/// O(genes^2) an individual and O((front + batch) log) a batch.
class local_search {
 public:
  using policy_category = optimizer_category;
  static constexpr bool many_objectives = true;

  explicit local_search(local_search_options options = {}) : options_(options) {
    AMQ_EXPECTS(options.evaluations >= 1 && options.batch >= 1 && options.keep >= 1 && options.moves >= 1,
                "local_search needs at least one evaluation, individual a batch, individual to keep and move a turn, "
                "not " +
                    std::to_string(options.evaluations) + ", " + std::to_string(options.batch) + ", " +
                    std::to_string(options.keep) + " and " + std::to_string(options.moves));
  }

  local_search_options const& options() const { return options_; }

  /// start (individuals, variables), duplicates in it are dropped.
  template <optimization_problem Problem>
  population minimize(Problem& problem, matrix_view<gene const> start, random_stream& random) const {
    std::vector<int> levels;
    for (index v = 0; v < problem.variables(); ++v) levels.push_back(problem.levels(v));
    search state;
    auto first = first_individuals(start, levels, state.seen);
    evaluate(problem, first, state);
    while (state.evaluated < options_.evaluations) {
      auto neighbours = unseen_neighbours(state, levels, random);
      if (neighbours.empty()) break;
      evaluate(problem, neighbours, state);
    }
    return result_of(state.front);
  }

 private:
  enum class stage : unsigned char { fresh, steps, exchanges, explored };
  struct individual {
    configuration genes;
    std::vector<double> objectives;
    stage reached = stage::fresh;
    std::vector<level_move> untried{};  // of that stage
  };
  struct search {
    std::vector<individual> front;
    gene_set seen;
    index evaluated = 0;
  };

  static std::vector<configuration> first_individuals(matrix_view<gene const> start, std::span<int const> levels,
                                                      gene_set& seen) {
    std::vector<configuration> first;
    auto const add = [&](std::span<gene const> genes) {
      if (insert(seen, genes)) first.emplace_back(genes.begin(), genes.end());
    };
    for (index i = 0; i < start.rows; ++i) add(start.row(i));
    if (!first.empty()) return first;
    configuration extreme(levels.size(), 0);
    add(extreme);
    std::ranges::transform(levels, extreme.begin(), [](int count) { return static_cast<gene>(count - 1); });
    add(extreme);
    return first;
  }

  /// At most a batch, and at most what the evaluations allow; none when the whole front is explored.
  std::vector<configuration> unseen_neighbours(search& state, std::span<int const> levels,
                                               random_stream& random) const {
    index const room = std::min(options_.batch, options_.evaluations - state.evaluated);
    std::vector<individual*> open;
    for (auto& one : state.front)
      if (one.reached != stage::explored) open.push_back(&one);
    std::vector<configuration> found;
    while (!open.empty() && std::ssize(found) < room) {
      auto const turn = static_cast<std::size_t>(random.below(std::ssize(open)));
      take_turn(*open[turn], std::min(room, std::ssize(found) + options_.moves), state.seen, found, levels, random);
      if (open[turn]->reached != stage::explored) continue;
      open[turn] = open.back();
      open.pop_back();
    }
    return found;
  }

  /// Adds neighbours until there are `count` or this individual is explored.
  void take_turn(individual& centre, index count, gene_set& seen, std::vector<configuration>& found,
                 std::span<int const> levels, random_stream& random) const {
    while (std::ssize(found) < count && centre.reached != stage::explored) {
      if (centre.untried.empty()) {
        enter_next_stage(centre, levels, random);
        continue;
      }
      auto neighbour = centre.genes;
      centre.untried.back().apply(neighbour);
      centre.untried.pop_back();
      if (insert(seen, neighbour)) found.push_back(std::move(neighbour));
    }
  }

  void enter_next_stage(individual& centre, std::span<int const> levels, random_stream& random) const {
    if (centre.reached == stage::fresh) {
      centre.reached = stage::steps;
      centre.untried = single_steps(centre.genes, levels);
    } else if (centre.reached == stage::steps && options_.exchanges) {
      centre.reached = stage::exchanges;
      centre.untried = pair_exchanges(centre.genes, levels);
    } else {
      centre.reached = stage::explored;
    }
    random.shuffle(centre.untried);
  }

  /// In batches; what nothing dominates joins the front.
  template <class Problem>
  void evaluate(Problem& problem, std::vector<configuration>& candidates, search& state) const {
    for (std::size_t first = 0; first < candidates.size(); first += static_cast<std::size_t>(options_.batch)) {
      index const count = std::min(options_.batch, std::ssize(candidates) - static_cast<index>(first));
      matrix<gene> genes(count, problem.variables());
      matrix<double> objectives(count, problem.objectives());
      for (index i = 0; i < count; ++i)
        std::ranges::copy(candidates[first + static_cast<std::size_t>(i)], genes.row(i).begin());
      problem.evaluate(genes.view(), objectives.view());
      state.evaluated += count;
      for (index i = 0; i < count; ++i)
        state.front.push_back({std::move(candidates[first + static_cast<std::size_t>(i)]),
                               {objectives.row(i).begin(), objectives.row(i).end()}});
      keep_front(state.front);
    }
  }

  void keep_front(std::vector<individual>& all) const {
    auto const objectives = objectives_of(all);
    auto const front = front_indices(objectives);
    auto rows = rank_and_crowding_survival(objectives, std::min(options_.keep, std::ssize(front))).rows;
    std::ranges::sort(rows);
    std::vector<individual> kept;
    for (index const row : rows) kept.push_back(std::move(all[static_cast<std::size_t>(row)]));
    all = std::move(kept);
  }

  static matrix<double> objectives_of(std::vector<individual> const& all) {
    matrix<double> objectives(std::ssize(all), all.empty() ? 0 : std::ssize(all[0].objectives));
    for (index i = 0; i < objectives.rows(); ++i)
      std::ranges::copy(all[static_cast<std::size_t>(i)].objectives, objectives.row(i).begin());
    return objectives;
  }

  static population result_of(std::vector<individual> const& front) {
    population result{matrix<gene>(std::ssize(front), front.empty() ? 0 : std::ssize(front[0].genes)),
                      objectives_of(front)};
    for (index i = 0; i < std::ssize(front); ++i)
      std::ranges::copy(front[static_cast<std::size_t>(i)].genes, result.genes.row(i).begin());
    return result;
  }

  local_search_options options_;
};

}  // namespace amq
