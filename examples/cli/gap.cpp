// amq gap: how well one quantizer ranks what another gives, and how few real measurements correct it.
#include "amq/laboratory/gap.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "amq/io/atomic_file.hpp"
#include "amq/io/detail/text_table.hpp"
#include "amq/laboratory/share_space.hpp"
#include "amq/predict/gp.hpp"
#include "engine.hpp"
#include "front_files.hpp"
#include "gnuplot.hpp"
#include "interrupt.hpp"
#include "progress.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

std::string proxy_of(gap_options const& options) { return proxy_of(options.measure, options.space.target); }

/// Losses of a batch. Throws `interrupted` once Ctrl-C came, input_error for what cannot be measured.
std::vector<double> measure_all(any_evaluator& evaluator, std::vector<configuration> const& batch,
                                std::string const& what) {
  std::vector<double> losses;
  progress bar(what, std::ssize(batch));
  evaluator.evaluate_each(batch, [&](std::size_t, measurement&& measured) {
    if (interrupt_requested()) throw interrupted{};
    if (!measured.error.empty()) throw input_error(what + ": " + measured.error);
    losses.push_back(measured.loss);
    if (bar.due() || losses.size() == batch.size()) bar.show(static_cast<std::int64_t>(losses.size()), "");
    return true;
  });
  return losses;
}

constexpr double smallest_loss = 1e-12;  ///< equal models give rounding errors of either sign

/// What each free layer adds to the loss alone at its lowest choice, and the loss with none of them there.
struct sensitivities {
  std::vector<double> added;
  double highest = 0;
};

sensitivities measure_sensitivities(any_evaluator& evaluator, format_space const& space) {
  std::vector<configuration> batch{space.highest()};
  for (index const layer : variable_layers(space)) {
    batch.push_back(space.highest());
    batch.back()[static_cast<std::size_t>(layer)] = 0;
  }
  auto losses = measure_all(evaluator, batch, "sensitivities");
  sensitivities result{{}, std::max(losses.front(), smallest_loss)};
  for (std::size_t i = 1; i < losses.size(); ++i) result.added.push_back(losses[i] - result.highest);
  return result;
}

struct measured_gap {
  std::vector<gap_point> points;
  sensitivities proxy;
};

measured_gap measure(gap_options const& options, llama const& model, token_sequences const& tokens,
                     format_space const& space, device_list const& devices, interruptible_executor& executor) {
  auto proxy = evaluator_of(model, tokens, space, proxy_of(options), options.measure, devices, {}, executor);
  measured_gap result{{}, measure_sensitivities(proxy, space)};
  auto const sample = gap_sample(space, result.proxy.added,
                                 {.levels = options.levels,
                                  .configurations = options.configurations,
                                  .width = options.width,
                                  .seed = options.seed});
  if (sample.size() < 2)
    throw input_error("only " + std::to_string(sample.size()) +
                      " configurations are of a size asked for; ask for fewer --levels or a larger --width");
  std::vector<configuration> batch;
  for (auto const& one : sample) batch.push_back(one.genes);
  auto const first = measure_all(proxy, batch, proxy_of(options));
  auto deployment = evaluator_of(model, tokens, space, options.deployment, options.measure, devices, {}, executor);
  auto const second = measure_all(deployment, batch, options.deployment);
  for (std::size_t i = 0; i < sample.size(); ++i)
    result.points.push_back({sample[i], std::max(first[i], smallest_loss), std::max(second[i], smallest_loss)});
  return result;
}

nlohmann::ordered_json json_of(gap_figures const& figures) {
  auto const maybe = [](std::optional<double> const& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  };
  return {{"tau", maybe(figures.tau)},
          {"median_tau", maybe(figures.median_tau)},
          {"mean_regret", figures.mean_regret},
          {"worst_regret", figures.worst_regret},
          {"optima_kept", figures.kept}};
}

nlohmann::ordered_json json_of(gap_options const& options, std::vector<gap_point> const& points,
                               gap_report const& report) {
  nlohmann::ordered_json json{{"proxy", proxy_of(options)},
                              {"deployment", options.deployment},
                              {"loss", options.measure.loss},
                              {"group_size", options.space.group},
                              {"seed", options.seed},
                              {"levels", options.levels},
                              {"width", options.width},
                              {"configurations", points.size()},
                              {"figures", json_of(report.proxy)},
                              {"corrections", nlohmann::ordered_json::array()}};
  for (auto const& correction : report.corrections)
    json["corrections"].push_back({{"measured", correction.measured},
                                   {"before", json_of(correction.before)},
                                   {"after", json_of(correction.after)}});
  return json;
}

std::string csv_of(format_space const& space, std::vector<gap_point> const& points) {
  std::string csv = "level,average_bits,proxy_loss,deployment_loss";
  for (auto const& layer : space.source_layers()) csv += "," + layer.name;
  csv += "\n";
  for (auto const& point : points) {
    csv += std::to_string(point.sized.level);
    for (double const number : {point.sized.average_bits, point.proxy, point.deployment})
      csv += "," + amq::detail::exact(number);
    csv += choices_csv(space, point.sized.genes) + "\n";
  }
  return csv;
}

bool draw(std::filesystem::path const& file, gap_options const& options, std::vector<gap_point> const& points,
          gap_report const& report) {
  gnuplot plot(file, 1000, 460);
  std::string scatter, before, after;
  for (auto const& point : points)
    scatter += amq::detail::exact(point.proxy) + " " + amq::detail::exact(point.deployment) + " " +
               amq::detail::exact(point.sized.average_bits) + "\n";
  for (auto const& correction : report.corrections) {
    auto const line = [&](gap_figures const& figures) {
      return figures.tau ? std::to_string(correction.measured) + " " + std::to_string(*figures.tau) + "\n"
                         : std::string();
    };
    before += line(correction.before);
    after += line(correction.after);
  }
  plot.line("set multiplot layout 1,2\nset logscale xy\nset format '%.2g'\nset cblabel 'average bits'\nset xlabel " +
            quoted(options.measure.loss + ", " + proxy_of(options) + " (proxy)") + "\nset ylabel " +
            quoted(options.measure.loss + ", " + options.deployment + " (deployment)"));
  plot.line("set palette defined (0 '#0072b2', 1 '#e69f00')");
  plot.line("plot " + plot.block(scatter) + " using 1:2:3 with points pt 7 ps 0.4 palette notitle");
  if (before.empty()) return plot.finish();
  plot.line("unset logscale y\nset format '%g'\nset yrange [-0.1:1]\nset key bottom right");
  plot.line("set xlabel 'real measurements'\nset ylabel 'Kendall tau at nearly equal bits, held out'");
  plot.line("plot " + plot.block(before) + " with linespoints lw 2 pt 7 lc rgb " + series_color(6) +
            " title 'proxy', " + plot.block(after) + " with linespoints lw 2 pt 7 lc rgb " + series_color(0) +
            " title 'corrected proxy'");
  return plot.finish();
}

void print(gap_options const& options, std::vector<gap_point> const& points, gap_report const& report) {
  auto const shown = [](std::optional<double> const& tau) { return tau ? std::to_string(*tau) : std::string("-"); };
  std::printf("%s ranks what %s gives, %zu configurations of %td sizes:\n", proxy_of(options).c_str(),
              options.deployment.c_str(), points.size(), options.levels);
  std::printf("%-44s %10s\n%-44s %10s\n", "Kendall tau at nearly equal bits", shown(report.proxy.tau).c_str(),
              "median over the sizes", shown(report.proxy.median_tau).c_str());
  std::printf("%-44s %9.2f%%  (worst %.2f%%)\n", "regret of the proxy's best", 100 * report.proxy.mean_regret,
              100 * report.proxy.worst_regret);
  std::printf("%-44s %9.0f%%\n", "optima among the proxy's best 10 %", 100 * report.proxy.kept);
  if (report.corrections.empty()) return;
  std::printf("\n%-20s %12s %12s %14s %14s\n", "real measurements", "tau before", "tau after", "regret before",
              "regret after");
  for (auto const& c : report.corrections)
    std::printf("%-20td %12s %12s %13.2f%% %13.2f%%\n", c.measured, shown(c.before.tau).c_str(),
                shown(c.after.tau).c_str(), 100 * c.before.mean_regret, 100 * c.after.mean_regret);
}

void check(gap_options const& options) {
  check_measuring(options.measure, options.space.device);
  expect_names(options.deployment, options.measure);
  expect_names(proxy_of(options), options.measure);
  if (options.levels < 1 || options.configurations < 2)
    throw input_error("--levels and --configurations are " + std::to_string(options.levels) + " and " +
                      std::to_string(options.configurations) + "; expected at least 1 and at least 2");
  std::error_code failure;
  std::filesystem::create_directories(options.out, failure);
  if (failure) throw input_error(options.out.string() + " cannot be created: " + failure.message());
}

}  // namespace

int gap(gap_options const& options) {
  check(options);
  auto const devices = open_devices(options.space);
  auto const model = llama::load(options.model);
  auto const tokens =
      load_checked_tokens(options.measure.tokens, {options.measure.sequences, options.measure.length}, model);
  auto const space = space_of(model, options.space);
  if (variable_layers(space).empty())
    throw input_error(
        "--bits leaves every layer one choice, so there is nothing to rank; expected at least two widths");
  interruptible_executor executor(threads_to_use(options.measure.threads));
  auto const measured = measure(options, model, tokens, space, devices, executor);
  auto const& points = measured.points;
  share_space const shares(space, measured.proxy.added, measured.proxy.highest);
  auto const report = report_gap(shares, points, [] { return gp<>{}; }, {.width = options.width, .seed = options.seed});
  auto const json = json_of(options, points, report);
  write_file(options.out / "gap.json", json.dump(1) + "\n");
  write_file(options.out / "gap.csv", csv_of(space, points));
  if (!draw(options.out / "gap.svg", options, points, report))
    std::fprintf(stderr, "amq: gnuplot is not installed (or failed), so gap.svg was not drawn; gap.csv has its data\n");
  if (options.json)
    std::printf("%s\n", json.dump().c_str());
  else
    print(options, points, report);
  return exit_done;
}

}  // namespace amq::cli
