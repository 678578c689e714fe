// The share model: what it predicts near a front, what it promises of bits, batches, variances and draws, bad input.
#include "amq/predict/share.hpp"

#include "amq/optimize/multiple_choice_knapsack.hpp"
#include "amq/predict/rbf.hpp"
#include "support/catch.hpp"
#include "support/fitting_data.hpp"
#include "support/landscape.hpp"

namespace {

using amq::configuration;
using amq::format_space;
using amq::gene;
using amq::index;
using amq::matrix;
using amq::matrix_view;
using amq::random_stream;
using amq::share;
using amq::share_options;
using amq::testing::fitting_data;
using amq::testing::landscape;
using amq::testing::landscape_space;
using amq::testing::predictions;
using amq::testing::variances;

static_assert(amq::uncertain_predictor<share, format_space>);
static_assert(amq::sampling_predictor<share, format_space>);
static_assert(amq::sampling_additive_predictor<share, format_space>);

/// Uniform configurations, every layer alone at its lowest, then `count` knapsack optima of disturbed sensitivities.
fitting_data near_front(format_space const& space, landscape const& model, index count, std::uint64_t seed) {
  index const n = space.size();
  fitting_data data{matrix<gene>(3 + n + count, n), {}};
  for (index i = 0; i < data.genes.rows(); ++i)
    std::fill_n(data.genes.row(i).data(), n, static_cast<gene>(std::min<index>(i, 2)));
  for (index l = 0; l < n; ++l) data.genes(3 + l, l) = 0;
  for (index i = 0; i < 3 + n; ++i) data.losses.push_back(model.loss(data.genes.row(i)));
  auto const effects = amq::prior_effects(space, data.rows(0, 3 + n), data.losses);
  matrix<double> sizes(n, 3), costs(n, 3);
  for (index l = 0; l < n; ++l)
    for (index g = 0; g < 3; ++g) sizes(l, g) = static_cast<double>(g * (1 + l % 3) * (1 + l % 2));
  random_stream random(seed);
  for (index i = 3 + n; i < data.genes.rows(); ++i) {
    for (index k = 0; k < costs.size(); ++k) costs.data()[k] = effects.data()[k] * std::exp(0.5 * random.normal());
    amq::multiple_choice_knapsack const optima(costs, sizes);
    optima.within(random.uniform() * optima.total(), data.genes.row(i));
    data.losses.push_back(model.loss(data.genes.row(i)));
  }
  return data;
}

/// Of pairs whose bits differ by less than 1 % of the range: in the right order, less those that are not, of all.
double tau_at_equal_bits(format_space const& space, matrix_view<gene const> genes, std::vector<double> const& predicted,
                         std::span<double const> losses) {
  double const range = space.average_bits(space.highest()) - space.average_bits(space.lowest());
  int score = 0, pairs = 0;
  for (index i = 0; i < genes.rows; ++i)
    for (index j = 0; j < i; ++j) {
      if (std::abs(space.average_bits(genes.row(i)) - space.average_bits(genes.row(j))) > 0.01 * range) continue;
      auto const a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
      double const agreement = (predicted[a] - predicted[b]) * (losses[a] - losses[b]);
      score += agreement > 0 ? 1 : agreement < 0 ? -1 : 0;
      ++pairs;
    }
  REQUIRE(pairs > 100);
  return static_cast<double>(score) / pairs;
}

TEST_CASE("near the front, at equal bits, share ranks far better than AMQ's predictor", "[share]") {
  auto const space = landscape_space(56);
  auto const data = near_front(space, landscape(56, 5), 300, 1);
  auto const train = data.rows(0, 209), fresh = data.rows(209, 150);
  auto const truth = data.values(209, 150);
  share model;
  model.fit(space, train, data.values(0, 209));
  amq::rbf<> raw;
  raw.fit(space, train, data.values(0, 209));
  double const of_share = tau_at_equal_bits(space, fresh, predictions(model, fresh), truth);
  double const of_rbf = tau_at_equal_bits(space, fresh, predictions(raw, fresh), truth);
  INFO("share " << of_share << ", rbf " << of_rbf);
  CHECK(of_share > 0.8);
  CHECK(of_share > of_rbf + 0.2);
  std::vector<double> logs, predicted = predictions(model, fresh);
  for (double& p : predicted) p = std::log(p);
  for (double const loss : truth) logs.push_back(std::log(loss));
  CHECK(amq::testing::root_mean_square_error(predicted, logs) < 0.05);
  share additive({.interference = false});
  additive.fit(space, train, data.values(0, 209));
  CHECK(tau_at_equal_bits(space, fresh, predictions(additive, fresh), truth) > of_rbf);
}

/// Data of one landscape, and a model of its first rows.
struct fitted {
  format_space space = landscape_space(21);
  fitting_data data = near_front(space, landscape(21, 3), 140, 2);
  share model;

  explicit fitted(index rows, share_options const& options = {}) : model(options) { fit(rows); }
  void fit(index rows) { model.fit(space, data.rows(0, rows), data.values(0, rows)); }
};

void check_same_bits(fitted const& a, fitted const& b) {
  CHECK(predictions(a.model, a.data.genes) == predictions(b.model, b.data.genes));
  CHECK(variances(a.model, a.data.genes) == variances(b.model, b.data.genes));
}

TEST_CASE("a fit is the same to the bit however many smaller fits went before", "[share]") {
  for (index const rows : {40, 48, 100, 150}) {
    INFO(rows << " rows");
    fitted const straight(rows);
    fitted stepwise(1);
    for (index const before : {3, 30, 48, 61, 99, 100, 140})
      if (before < rows) stepwise.fit(before);
    stepwise.fit(rows);
    check_same_bits(straight, stepwise);
    fitted after_more(160);
    after_more.fit(rows);
    check_same_bits(straight, after_more);
    stepwise.fit(rows);
    check_same_bits(straight, stepwise);
  }
}

TEST_CASE("fits of other data and of another space leave nothing behind", "[share]") {
  fitted const straight(100);
  fitted changed(100);
  auto losses = std::vector(changed.data.losses.begin(), changed.data.losses.begin() + 100);
  losses[70] *= 1.5;
  changed.model.fit(changed.space, changed.data.rows(0, 100), losses);
  CHECK(predictions(changed.model, changed.data.genes) != predictions(straight.model, straight.data.genes));
  changed.fit(100);
  auto const layers = changed.space.layers();
  std::vector<amq::linear_layer> moved(layers.begin(), layers.end());
  for (auto& layer : moved) layer.block = 0;
  format_space const one_block(moved, std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}}, 0);
  fitted elsewhere(1);
  for (auto* model : {&changed.model, &elsewhere.model})
    model->fit(one_block, straight.data.rows(0, 100), straight.data.values(0, 100));
  check_same_bits(changed, elsewhere);
  auto const other = amq::testing::equal_layers(8);
  auto const sums = amq::testing::bent_sums(60, 8, 1);
  changed.model.fit(other, sums.genes, sums.losses);
  changed.fit(100);
  check_same_bits(straight, changed);
}

TEST_CASE("what is predicted for a configuration does not depend on its batch", "[share]") {
  fitted const f(120);
  // Single-gene changes of one configuration, then others, so that overlaps are updated and summed anew.
  matrix<gene> genes(2 * 21 + 20, 21);
  for (index i = 0; i < genes.rows(); ++i) {
    std::ranges::copy(f.data.genes.row(i < 42 ? 90 : 100 + i), genes.row(i).begin());
    if (i < 42) genes(i, i / 2) = static_cast<gene>((genes(i, i / 2) + 1 + i % 2) % 3);
  }
  auto const together = predictions(f.model, genes), spread = variances(f.model, genes);
  for (index i = 0; i < genes.rows(); ++i) {
    auto const alone = genes.view().rows_from(i, 1);
    CHECK(predictions(f.model, alone)[0] == Approx(together[static_cast<std::size_t>(i)]).epsilon(1e-5));
    CHECK(variances(f.model, alone)[0] == Approx(spread[static_cast<std::size_t>(i)]).epsilon(0.01).margin(1e-12));
  }
  CHECK(predictions(f.model, genes.view().rows_from(0, 0)).empty());
}

TEST_CASE("variance is next to nothing where it was measured and grows away from it", "[share]") {
  fitted const f(120);
  auto const relative = [&](index first, index count) {
    auto const rows = f.data.rows(first, count);
    auto const means = predictions(f.model, rows);
    auto spread = variances(f.model, rows);
    for (std::size_t i = 0; i < spread.size(); ++i) {
      CHECK(spread[i] >= 0);
      spread[i] = std::sqrt(spread[i]) / means[i];
    }
    return spread;
  };
  auto const seen = relative(0, 120), fresh = relative(120, 44);
  for (double const s : seen) CHECK(s < 0.02);
  CHECK(amq::mean(fresh) > 2 * amq::mean(seen));
  // Fresh rows are within what the variance says.
  auto const means = predictions(f.model, f.data.rows(120, 44));
  double squares = 0;
  for (std::size_t i = 0; i < fresh.size(); ++i)
    squares += std::pow(std::log(f.data.losses[120 + i] / means[i]) / fresh[i], 2);
  CHECK(squares / 44 < 4);
  CHECK(squares / 44 > 0.02);  // the floors of the scales make it modest on a landscape this smooth
}

TEST_CASE("draws have the moments that predict and variance give, and hang together", "[share]") {
  fitted const f(80);
  matrix<gene> genes(3, 21);
  for (index i = 0; i < 2; ++i) std::ranges::copy(f.data.genes.row(130 + i), genes.row(i).begin());
  std::ranges::copy(f.data.genes.row(130), genes.row(2).begin());  // the first one again
  auto const means = predictions(f.model, genes), spread = variances(f.model, genes);
  constexpr int draws = 2000;
  random_stream random(5);
  std::vector<double> drawn(3);
  double sum[3] = {}, squares[3] = {}, apart = 0;
  for (int d = 0; d < draws; ++d) {
    f.model.draw(genes, random, drawn);
    for (std::size_t i = 0; i < 3; ++i) {
      double const z = std::log(drawn[i] / means[i]);
      sum[i] += z;
      squares[i] += z * z;
    }
    apart = std::max(apart, std::abs(std::log(drawn[0] / drawn[2])));
  }
  for (std::size_t i = 0; i < 3; ++i) {
    double const deviation = std::sqrt(spread[i]) / means[i];
    REQUIRE(deviation > 0.002);
    CHECK(std::abs(sum[i] / draws) < 5 * deviation / std::sqrt(draws));
    CHECK(std::sqrt(squares[i] / draws) == Approx(deviation).epsilon(0.1));
  }
  CHECK(apart < 0.2 * std::sqrt(squares[0] / draws) * 5);
  std::vector<double> again(3), first(3);
  random_stream one(7), same(7);
  f.model.draw(genes, one, first);
  f.model.draw(genes, same, again);
  CHECK(first == again);
}

TEST_CASE("effects are positive, infinite past a layer's choices, and lean on what was measured", "[share]") {
  fitted const f(150);
  auto const costs = f.model.layer_costs();
  REQUIRE((costs.rows() == 21 && costs.cols() == 3));
  auto const prior = amq::prior_effects(f.space, f.data.rows(0, 150), f.data.values(0, 150));
  double moved = 0;
  for (index l = 0; l < 21; ++l)
    for (index g = 0; g < 3; ++g) {
      CHECK((costs(l, g) > 0 && std::isfinite(costs(l, g))));
      moved = std::max(moved, std::abs(std::log(costs(l, g) / prior(l, g))));
    }
  CHECK(moved > 0.01);
  CHECK(moved <= 3 + 1e-12);
  random_stream random(1), same(1);
  auto const drawn = f.model.draw_layer_costs(random), repeated = f.model.draw_layer_costs(same),
             other = f.model.draw_layer_costs(random);
  int differing = 0;
  for (index i = 0; i < drawn.size(); ++i) {
    CHECK((drawn.data()[i] > 0 && std::isfinite(drawn.data()[i])));
    CHECK(drawn.data()[i] == repeated.data()[i]);
    differing += drawn.data()[i] != other.data()[i];
  }
  CHECK(differing > 50);
}

TEST_CASE("layers of unlike choices, of one choice and pinned ones", "[share]") {
  auto const equal = amq::testing::equal_layers(6);
  auto const layers = equal.layers();
  std::vector<amq::format> const three{{2, 128}, {3, 128}, {4, 128}}, two{{3, 128}, {4, 128}}, one{{4, 128}};
  auto const space =
      format_space({layers.begin(), layers.end()}, {three, two, one, three, two, three}, 0).pin(std::vector<index>{5});
  random_stream random(1);
  matrix<gene> genes(60, 6);
  std::vector<double> losses;
  for (index i = 0; i < 60; ++i) {
    double sum = 0.1;
    for (index l = 0; l < 6; ++l) {
      auto const choices = std::ssize(space.choices(l));
      genes(i, l) = static_cast<gene>(l == 5 ? 2 : random.below(choices));
      sum += static_cast<double>(choices - 1 - genes(i, l)) * 0.1;
    }
    losses.push_back(sum);
  }
  share model;
  model.fit(space, genes, losses);
  auto const costs = model.layer_costs();
  random_stream draws(1);
  for (index l = 0; l < 6; ++l)
    for (index g = 0; g < 3; ++g) CHECK(std::isinf(costs(l, g)) == (g >= std::ssize(space.choices(l))));
  auto const drawn = model.draw_layer_costs(draws);
  CHECK((std::isinf(drawn(2, 1)) && std::isinf(drawn(1, 2)) && std::isfinite(drawn(1, 1))));
  for (std::size_t i = 0; auto const p : predictions(model, genes)) CHECK(p == Approx(losses[i++]).epsilon(0.05));
}

/// Everything that a model can be asked is finite.
void check_finite(share const& model, matrix_view<gene const> genes) {
  auto const bad = [](auto const& values) {
    return std::ranges::count_if(values, [](double v) { return !(std::isfinite(v) && v >= 0); });
  };
  CHECK(bad(predictions(model, genes)) == 0);
  CHECK(bad(variances(model, genes)) == 0);
  std::vector<double> drawn(static_cast<std::size_t>(genes.rows));
  random_stream random(1);
  model.draw(genes, random, drawn);
  CHECK(bad(drawn) == 0);
  auto const costs = model.layer_costs();
  std::span<double const> const all(costs.data(), static_cast<std::size_t>(costs.size()));
  CHECK(bad(all) == 0);
  CHECK(std::ranges::count(all, 0.0) == 0);
}

TEST_CASE("odd training sets give finite predictions", "[share]") {
  auto const space = landscape_space(14);
  auto const data = near_front(space, landscape(14, 3), 60, 2);
  auto const all = data.genes.view();
  auto const fit = [&](matrix_view<gene const> genes, std::vector<double> const& losses) {
    share model;
    model.fit(space, genes, losses);
    check_finite(model, all);
    return model;
  };
  auto const first = [&](index n) { return std::vector(data.losses.begin(), data.losses.begin() + n); };
  SECTION("constant") {
    auto const model = fit(all, std::vector(77, 0.25));
    for (double const p : predictions(model, data.rows(20, 50))) CHECK(p == Approx(0.25).epsilon(0.05));
  }
  SECTION("one row") {
    CHECK(predictions(fit(data.rows(5, 1), {0.3}), data.rows(5, 1))[0] == Approx(0.3).epsilon(0.05));
  }
  SECTION("two rows, and fewer rows than layers") {
    fit(data.rows(0, 2), first(2));
    fit(data.rows(0, 9), first(9));
  }
  SECTION("the same row with other losses lies between them") {
    matrix<gene> genes(90, 14);
    auto losses = data.losses;
    for (index i = 0; i < 90; ++i) std::ranges::copy(all.row(i < 77 ? i : 40), genes.row(i).begin());
    for (int i = 0; i < 13; ++i) losses.push_back(losses[40] * (1 + 0.1 * i));
    double const p = predictions(fit(genes, losses), all.rows_from(40, 1))[0];
    CHECK((p > losses[40] && p < 2.2 * losses[40]));
  }
  SECTION("one row over and over") {
    matrix<gene> genes(70, 14);
    CHECK(predictions(fit(genes, std::vector(70, 0.5)), genes.view().rows_from(0, 1))[0] == Approx(0.5).epsilon(0.01));
    std::vector<double> alternating;
    for (int i = 0; i < 70; ++i) alternating.push_back(i % 2 ? 0.4 : 0.6);
    fit(genes, alternating);
  }
  SECTION("nothing but zeros") { fit(all, std::vector(77, 0.0)); }
  SECTION("all negative") { fit(all, std::vector(77, -1.0)); }
  SECTION("zero, negative and tiny ones among others") {
    auto losses = data.losses;
    losses[30] = 0, losses[31] = -5, losses[32] = 1e-200;
    fit(all, losses);
  }
  SECTION("a huge one among others") {
    auto losses = data.losses;
    losses[33] = 1e100;
    fit(all, losses);
  }
  SECTION("another unit of loss changes nothing else") {
    share plain;
    plain.fit(space, all, data.losses);
    auto const expected = predictions(plain, all);
    for (double const unit : {1e-100, 1e-40, 1e40, 1e100}) {
      auto losses = data.losses;
      for (double& loss : losses) loss *= unit;
      auto const got = predictions(fit(all, losses), all);
      INFO("unit " << unit);
      for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] / unit == Approx(expected[i]).epsilon(0.01));
    }
  }
}

TEST_CASE("training sets that say nothing are refused, and so is predicting before a fit", "[share]") {
  auto const space = landscape_space(7);
  matrix<gene> genes(3, 7);
  std::vector<double> out(3);
  share model;
  random_stream random(1);
  CHECK_THROWS_AS(model.predict(genes, out), amq::precondition_error);
  CHECK_THROWS_AS(model.variance(genes, out), amq::precondition_error);
  CHECK_THROWS_AS(model.draw(genes, random, out), amq::precondition_error);
  CHECK_THROWS_AS(model.layer_costs(), amq::precondition_error);
  CHECK_THROWS_AS(model.draw_layer_costs(random), amq::precondition_error);
  auto const refusal = [&](matrix<gene> const& rows, std::vector<double> const& losses) -> std::string {
    try {
      model.fit(space, rows, losses);
    } catch (amq::precondition_error const& e) {
      return e.what();
    }
    return "";
  };
  double const nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  for (auto const& [bad, part] : {std::pair(nan, "loss 1 is nan"), {infinity, "loss 1 is inf"}, {-infinity, "-inf"}}) {
    auto const text = refusal(genes, {0.1, bad, 0.2});
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(refusal(matrix<gene>(0, 7), {}).find("at least one") != std::string::npos);
  CHECK(refusal(genes, {0.1, 0.2}).find("3 configurations and 2 losses") != std::string::npos);
  CHECK(refusal(genes, {0.1, 0.2, 0.3}).empty());
  CHECK_THROWS_AS(model.predict(genes, std::span(out).first(2)), amq::precondition_error);
  CHECK_THROWS_AS(model.predict(matrix<gene>(3, 6), out), amq::precondition_error);
}

}  // namespace
