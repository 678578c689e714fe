// A predictor of your own: learn from rows of genes and losses, predict others; every strategy takes it.
#include <amq/optimize/nsga2.hpp>
#include <amq/search/front.hpp>
#include <amq/search/random_search.hpp>
#include <amq/search/search.hpp>
#include <amq/search/surrogate_strategy.hpp>
#include <cmath>
#include <cstdio>

#include "../made_up_model.hpp"

/// A mean of the logarithms of all known losses, near configurations counting most.
class nearest {
 public:
  using policy_category = amq::predictor_category;

  template <class Space>
  void fit(Space const&, amq::matrix_view<amq::gene const> genes, std::span<double const> losses) {
    known_ = amq::clone(genes);
    logarithms_.clear();
    for (double const loss : losses) logarithms_.push_back(std::log(loss));
  }

  void predict(amq::matrix_view<amq::gene const> genes, std::span<double> losses) const {
    for (amq::index i = 0; i < genes.rows; ++i) {
      double sum = 0, weights = 0;
      for (amq::index k = 0; k < known_.rows(); ++k) {
        double distance = 0;
        for (amq::index layer = 0; layer < genes.cols; ++layer)
          distance += std::pow(genes(i, layer) - known_(k, layer), 2);
        double const weight = std::pow(0.5 + distance, -6);
        sum += weight * logarithms_[static_cast<std::size_t>(k)];
        weights += weight;
      }
      losses[static_cast<std::size_t>(i)] = std::exp(sum / weights);
    }
  }

 private:
  amq::matrix<amq::gene> known_;
  std::vector<double> logarithms_;
};

int main() {
  auto const space = made_up_model::space(20);
  auto const best = [&]<class Strategy>(Strategy strategy) {
    made_up_model model;
    amq::memory_archive archive;
    auto const make = [&](amq::format_space const&) { return std::move(strategy); };
    amq::run_search(space, model, archive, make, {.seed = 1, .budget = amq::search_budget::of(200)});
    return amq::front(archive.evaluations()).best_within(3.0).loss;
  };
  double const own = best(amq::surrogate_strategy<nearest, amq::nsga2<>>(space)),
               random = best(amq::random_search(space));
  std::printf("3.0 bits after 200 evaluations: nearest %.5f, random search %.5f\n", own, random);
  return own < random ? 0 : 1;
}
