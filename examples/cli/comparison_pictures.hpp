// Pictures of a comparison: medians with quartile bands, rankings, attainment surfaces; drawn by gnuplot.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amq/indicate/attainment.hpp"
#include "amq/laboratory/comparison.hpp"
#include "amq/laboratory/curves.hpp"
#include "gnuplot.hpp"

namespace amq::cli {

namespace detail {

using number_of_row = std::function<double(comparison_row const&)>;

/// Rising costs from where every run has a row, or a hundredth of the end, to the last one's end; evenly spread over a
/// logarithmic axis.
inline std::vector<double> cost_grid(std::span<comparison_run const> runs, number_of_row const& cost) {
  double first = 0, last = 0;
  for (auto const& run : runs) {
    if (run.rows.empty()) continue;
    first = std::max(first, cost(run.rows.front()));
    last = std::max(last, cost(run.rows.back()));
  }
  constexpr int points = 240;
  first = std::max(first, last * 1e-2);
  std::vector<double> grid;
  for (int i = 0; i <= points && last > 0; ++i) grid.push_back(first * std::pow(last / first, i / double{points}));
  return grid;
}

inline std::string curve_block(banded_curve const& curve) {
  std::string rows;
  for (std::size_t i = 0; i < curve.costs.size(); ++i) {
    char row[120];
    std::snprintf(row, sizeof row, "%.9g %.9g %.9g %.9g\n", curve.costs[i], curve.bands[i].lower, curve.bands[i].median,
                  curve.bands[i].upper);
    rows += row;
  }
  return rows;
}

/// Plots one banded curve for each strategy into the current panel.
inline void plot_bands(gnuplot& plot, std::vector<std::string> const& strategies,
                       std::vector<banded_curve> const& curves) {
  std::string command;
  for (std::size_t s = 0; s < strategies.size(); ++s) {
    if (curves[s].costs.empty()) continue;
    auto const data = plot.block(curve_block(curves[s]));
    auto const color = series_color(s);
    command += (command.empty() ? "plot " : ", ") + data + " using 1:2:4 with filledcurves fs transparent solid 0.18 " +
               "noborder lc rgb " + color + " notitle, " + data + " using 1:3 with lines lw 2 lc rgb " + color +
               " title " + quoted(strategies[s]) + " noenhanced";
  }
  if (!command.empty()) plot.line(command);
}

inline std::vector<banded_curve> curves_of(comparison const& compared, std::vector<std::string> const& strategies,
                                           number_of_row const& cost, number_of_row const& value) {
  auto const grid = cost_grid(compared.runs, cost);
  std::vector<banded_curve> curves;
  for (auto const& strategy : strategies)
    curves.push_back(curve_of(runs_of(compared.runs, strategy), cost, value, grid));
  return curves;
}

/// One step for each batch, as rankings belong to batches: the median over runs in windows of evaluations.
inline banded_curve ranking_curve(std::vector<comparison_run const*> const& runs, double end,
                                  std::function<std::optional<double>(batch_ranking const&)> const& number) {
  constexpr int windows = 24;
  banded_curve curve;
  for (int w = 0; w < windows; ++w) {
    double const from = end * w / windows, to = end * (w + 1) / windows;
    std::vector<double> values;
    for (auto const* run : runs)
      for (auto const& row : run->rows)
        if (auto const value = number(row.ranking); value && row.evaluations > from && row.evaluations <= to)
          values.push_back(*value);
    if (values.empty()) continue;
    curve.costs.push_back(0.5 * (from + to));
    curve.bands.push_back(quartiles(values));
  }
  return curve;
}

}  // namespace detail

/// Draws `DIR/hypervolume.svg`, `log_hypervolume.svg` (against evaluations and seconds), `losses.svg`, `ranking.svg`
/// and `attainment.svg`. False when gnuplot is missing or one could not be drawn.
class comparison_pictures {
 public:
  comparison_pictures(comparison const& compared, std::vector<std::string> strategies, std::string title,
                      std::filesystem::path folder)
      : compared_(compared), strategies_(std::move(strategies)), title_(std::move(title)), folder_(std::move(folder)) {}

  bool draw() const {
    return draw_hypervolume("hypervolume.svg", "hypervolume", &comparison_row::hypervolume) &&
           draw_hypervolume("log_hypervolume.svg", "log hypervolume", &comparison_row::log_hypervolume) &&
           draw_losses() && draw_rankings() && draw_attainment();
  }

 private:
  bool draw_hypervolume(char const* file, char const* name, double comparison_row::*value) const {
    gnuplot plot(folder_ / file, 1180, 480);
    plot.line("set multiplot layout 1,2 title " + quoted(title_) + " noenhanced");
    plot.line("set key bottom right\nset logscale x\nset format x '%g'\nset ylabel " + quoted(name));
    plot.line("set xlabel 'evaluations, everything measured'");
    detail::plot_bands(plot, strategies_,
                       detail::curves_of(compared_, strategies_, &comparison_row::evaluations, value));
    plot.line("set xlabel 'seconds of the strategy and of measured evaluations'");
    detail::plot_bands(plot, strategies_, detail::curves_of(compared_, strategies_, &comparison_row::seconds, value));
    return plot.finish();
  }

  bool draw_losses() const {
    gnuplot plot(folder_ / "losses.svg", 1400, 460);
    plot.line("set multiplot layout 1,3 title " + quoted(title_) + " noenhanced");
    plot.line("set key top right\nset logscale xy\nset xlabel 'evaluations, everything measured'");
    for (std::size_t b = 0; b < reported_bits.size(); ++b) {
      char label[80];
      std::snprintf(label, sizeof label, "set ylabel 'least loss within %.1f bits, nats'", reported_bits[b]);
      plot.line(label);
      detail::plot_bands(plot, strategies_,
                         detail::curves_of(compared_, strategies_, &comparison_row::evaluations,
                                           [b](comparison_row const& row) { return row.best[b]; }));
    }
    return plot.finish();
  }

  bool draw_rankings() const {
    double end = 0;
    for (auto const& run : compared_.runs)
      if (!run.rows.empty()) end = std::max(end, run.rows.back().evaluations);
    gnuplot plot(folder_ / "ranking.svg", 1180, 480);
    plot.line("set multiplot layout 1,2 title " + quoted(title_) + " noenhanced");
    plot.line("set key bottom right\nset xlabel 'evaluations'\nset yrange [-0.2:1]");
    plot.line("set ylabel 'Spearman, each batch before it was measured'");
    plot_rankings(plot, end, [](batch_ranking const& ranking) { return ranking.spearman; });
    plot.line("set ylabel 'Kendall, fresh candidates near the front at equal bits'");
    plot_rankings(plot, end, [](batch_ranking const& ranking) { return ranking.fresh.tau(); });
    return plot.finish();
  }

  void plot_rankings(gnuplot& plot, double end,
                     std::function<std::optional<double>(batch_ranking const&)> const& number) const {
    std::vector<banded_curve> curves;
    for (auto const& strategy : strategies_)
      curves.push_back(detail::ranking_curve(runs_of(compared_.runs, strategy), end, number));
    bool const any = std::ranges::any_of(curves, [](auto const& curve) { return !curve.costs.empty(); });
    if (any)
      detail::plot_bands(plot, strategies_, curves);
    else
      plot.line("plot [0:1] NaN title 'no strategy here predicts'");
  }

  bool draw_attainment() const {
    gnuplot plot(folder_ / "attainment.svg", 820, 560);
    plot.line("set title " + quoted(title_ + ", what a quarter, half and three quarters of the runs attain") +
              " noenhanced");
    plot.line("set key top right\nset logscale y\nset format y '%.2g'\nset ylabel 'loss, nats a position'");
    plot.line("set xlabel 'average bits a weight (scales and zeros included)'");
    std::string command;
    for (std::size_t s = 0; s < strategies_.size(); ++s) {
      std::vector<std::vector<objective_pair>> fronts;
      for (auto const* run : runs_of(compared_.runs, strategies_[s])) fronts.push_back(run->front);
      if (fronts.empty()) continue;
      for (double const share : {0.25, 0.5, 0.75}) {
        auto const data = plot.block(surface_rows(attainment_surface(fronts, share)));
        bool const middle = share == 0.5;
        command += (command.empty() ? "plot " : ", ") + data + " using 1:2 with steps lw " + (middle ? "2" : "0.7") +
                   " lc rgb " + series_color(s) +
                   (middle ? " title " + quoted(strategies_[s]) + " noenhanced" : std::string(" notitle"));
      }
    }
    if (!command.empty()) plot.line(command);
    return plot.finish();
  }

  static std::string surface_rows(std::vector<objective_pair> const& corners) {
    std::string rows;
    for (auto const& [bits, loss] : corners) {
      char row[64];
      std::snprintf(row, sizeof row, "%.9g %.9g\n", bits, loss);
      if (loss > 0) rows += row;
    }
    return rows;
  }

  comparison const& compared_;
  std::vector<std::string> strategies_;
  std::string title_;
  std::filesystem::path folder_;
};

}  // namespace amq::cli
