// Perplexity and JSD of each quantizer at uniform widths and at searched average bits, as a Markdown table a model.
//
//     quality_table TOKENS EVALUATIONS THREADS MODEL...
//
// TOKENS is a folder with books.train.tiny.u16 (quantizers calibrate on it), books.calibration16.tiny.u16 (the search
// measures on it) and books.heldout.tiny.u16 (the table is measured on it).
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/calibrate/bitstack.hpp"
#include "amq/calibrate/statistics.hpp"
#include "amq/compose/quantized_quality.hpp"
#include "amq/compose/quantizers.hpp"
#include "amq/core/executor.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/evaluate/reference.hpp"
#include "amq/model/llama.hpp"
#include "amq/search/front.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/search/presets/best.hpp"
#include "amq/search/search.hpp"
#include "amq/space/format_space.hpp"
#include "amq/text/tokens.hpp"

namespace amq_bench {
namespace {

using amq::format;
using amq::index;

constexpr int group = 128;
constexpr int stack_levels = 4;
constexpr std::uint64_t seed = 1;

/// A column of the table: so many bits a weight of the linear layers, overhead included.
struct column {
  std::string title;
  double average_bits;
  int uniform;  ///< width of every layer; 0: searched
};

std::vector<column> columns() {
  return {{"uniform 2", 2.25, 2},     {"searched 2.5", 2.5, 0}, {"searched 3.0", 3.0, 0}, {"uniform 3", 3.25, 3},
          {"searched 3.25", 3.25, 0}, {"searched 3.5", 3.5, 0}, {"uniform 4", 4.25, 4}};
}

double average_bits(std::span<amq::linear_layer const> linears, std::span<format const> formats) {
  double bits = 0, weights = 0;
  for (std::size_t i = 0; i < linears.size(); ++i) {
    bits += static_cast<double>(formats[i].stored_bits(linears[i].rows, linears[i].cols));
    weights += static_cast<double>(linears[i].rows * linears[i].cols);
  }
  return bits / weights;
}

struct token_sets {
  amq::token_sequences calibration, search, held_out;

  explicit token_sets(std::filesystem::path const& folder)
      : calibration(amq::load_tokens(folder / "books.train.tiny.u16", {32, 256})),
        search(amq::load_tokens(folder / "books.calibration16.tiny.u16", {16, 256})),
        held_out(amq::load_tokens(folder / "books.heldout.tiny.u16", {64, 256})) {}
};

/// One model: what a search found for it and how its sorted stack is loaded.
class contestant {
 public:
  contestant(std::filesystem::path const& folder, token_sets const& tokens, index evaluations,
             amq::thread_executor& executor)
      : name_(folder.filename().string()),
        model_(amq::llama::load(folder)),
        tokens_(tokens),
        executor_(executor),
        reference_(model_, tokens.held_out, executor),
        affine_(layers(), std::vector<format>{{2, group}, {3, group}, {4, group}}, 0),
        stacked_(layers(), stacks(), 0) {
    search(evaluations);
    sort();
  }

  void print() {
    std::printf("\n**%s** (%td linear layers)\n\n| quantizer |", name_.c_str(), model_.linears().size());
    for (auto const& each : columns()) std::printf(" %s |", each.title.c_str());
    std::printf("\n|---|");
    for (std::size_t i = 0; i < columns().size(); ++i) std::printf("---|");
    std::printf("\n");
    for (std::string const quantizer : {"rtn", "hqq", "gptq", "gptaq", "awq", "owq", "bitstack"}) print_row(quantizer);
    std::printf("\nUnquantized: perplexity %.2f. ", perplexity_);
    std::printf("Standard errors of JSD: at most %.1f %% of it.\n", 100 * largest_relative_error_);
  }

 private:
  std::vector<amq::linear_layer> layers() const { return {model_.linears().begin(), model_.linears().end()}; }

  static std::vector<format> stacks() {
    std::vector<format> formats;
    for (int levels = 1; levels <= stack_levels; ++levels)
      formats.push_back({levels, format::whole_row, 0, amq::format_kind::stack});
    return formats;
  }

  void search(index evaluations) {
    amq::proxy_evaluator<amq::llama, amq::hqq, amq::jsd, amq::thread_executor> measure(
        model_, tokens_.search, affine_, amq::hqq{}, amq::jsd{}, executor_);
    auto const strategy = [](amq::format_space const& space, amq::search_budget const& budget) {
      return amq::make_best_strategy(space, budget);
    };
    amq::run_search(affine_, measure, archive_, strategy, {seed, amq::best_preset::budget(evaluations)}, {});
  }

  void sort() {
    auto const statistics =
        amq::calibration_statistics::collect(model_, tokens_.calibration, executor_, {.hessian = false});
    amq::bank filled(model_, stacked_, amq::bitstack{}, executor_, statistics);
    amq::bank_evaluator<amq::llama, amq::jsd, amq::thread_executor> measure(model_, tokens_.search, std::move(filled),
                                                                            amq::jsd{}, executor_);
    order_ = amq::sort_stack(stacked_, measure);
  }

  void print_row(std::string const& quantizer) {
    std::printf("| %s |", quantizer.c_str());
    for (auto const& wanted : columns()) print_cell(quantizer, wanted);
    std::printf("\n");
    std::fflush(stdout);
  }

  void print_cell(std::string const& quantizer, column const& wanted) {
    auto const formats = formats_of(quantizer, wanted);
    amq::quantized_memory memory;
    amq::quantize_model(model_, formats, tokens_.calibration, quantizer, memory, executor_);
    auto const found = amq::quantized_quality(model_, memory, reference_, tokens_.held_out, executor_);
    perplexity_ = found.reference_perplexity.value;
    largest_relative_error_ = std::max(largest_relative_error_, found.jsd.standard_error / found.jsd.value);
    std::printf(" %.2f / %.4f", found.perplexity.value, found.jsd.value);
    double const bits = average_bits(model_.linears(), formats);
    if (bits > wanted.average_bits + 1e-9) std::printf(" (%.2f bits)", bits);
    std::printf(" |");
  }

  std::vector<format> formats_of(std::string const& quantizer, column const& wanted) const {
    if (quantizer == "bitstack") return stacked_formats(wanted.average_bits);
    bool const keeps_columns = quantizer == "owq";
    auto const kept = [&](std::vector<format> formats) {
      for (auto& f : formats) f.kept_columns = keeps_columns ? 1 : 0;
      return formats;
    };
    if (wanted.uniform > 0) return kept(std::vector<format>(model_.linears().size(), {wanted.uniform, group}));
    std::vector<format> best;
    for (auto const& point : amq::front(archive_.evaluations())) {
      auto const formats = kept(formats_of(point.configuration));
      if (average_bits(model_.linears(), formats) <= wanted.average_bits) best = formats;
    }
    return best;
  }

  std::vector<format> formats_of(amq::configuration const& genes) const {
    std::vector<format> formats;
    for (std::size_t i = 0; i < genes.size(); ++i) formats.push_back(affine_.choices(static_cast<index>(i))[genes[i]]);
    return formats;
  }

  std::vector<format> stacked_formats(double bits) const {
    double weights = 0;
    for (auto const& linear : model_.linears()) weights += static_cast<double>(linear.rows * linear.cols);
    return amq::formats_within(stacked_, order_, static_cast<std::int64_t>(bits * weights / 8));
  }

  std::string name_;
  amq::llama model_;
  token_sets const& tokens_;
  amq::thread_executor& executor_;
  amq::reference_model reference_;
  amq::format_space affine_;
  amq::format_space stacked_;
  amq::memory_archive archive_;
  std::vector<index> order_;
  double perplexity_ = 0;
  double largest_relative_error_ = 0;
};

int run(std::span<char*> arguments) {
  if (arguments.size() < 4) {
    std::fprintf(stderr, "usage: quality_table TOKENS EVALUATIONS THREADS MODEL...\n");
    return 2;
  }
  token_sets const tokens(arguments[0]);
  amq::thread_executor executor(std::stoi(arguments[2]));
  for (char const* model : arguments.subspan(3)) contestant(model, tokens, std::stol(arguments[1]), executor).print();
  return 0;
}

}  // namespace
}  // namespace amq_bench

int main(int argc, char** argv) {
  try {
    return amq_bench::run(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
  } catch (std::exception const& failure) {
    std::fprintf(stderr, "quality_table: %s\n", failure.what());
    return 1;
  }
}
