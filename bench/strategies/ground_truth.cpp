// Measures all 3^10 configurations of a model in ten tied groups, sharing every block that configurations have in
// common. Resumable: killed and started again, it goes on with the pieces that are missing.
//
//     ground_truth MODEL TOKENS OUT THREADS [PIECES]     stops after PIECES new pieces (there are 36)
//     ground_truth MODEL TOKENS OUT THREADS check        compares 20 losses with proxy_evaluator's
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/executor.hpp"
#include "amq/core/random.hpp"
#include "amq/core/statistics.hpp"
#include "amq/evaluate/bank.hpp"
#include "amq/evaluate/loss.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/evaluate/reference.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/laboratory/complete_table.hpp"
#include "amq/model/llama.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/space/format_space.hpp"
#include "amq/text/tokens.hpp"
#include "tied_groups.hpp"

namespace amq_bench {
namespace {

using amq::llama;

constexpr int sequences = 4;
constexpr int length = 256;
constexpr int combinations = choices * choices;  // of a stretch
constexpr int pieces = sequences * combinations;
constexpr int piece_size = 6561;  // 3^8: everything behind a first stretch that is fixed

/// All losses of one sequence behind one combination of the first stretch, depth first.
class piece_measurer {
 public:
  piece_measurer(llama const& model, amq::token_sequences const& tokens, amq::bank const& filled,
                 amq::reference_model const& reference)
      : model_(model),
        tokens_(tokens),
        bank_(filled),
        reference_(reference),
        starts_(stretch_starts(model.blocks())),
        groups_(groups_of(model.linears(), model.blocks())) {}

  std::vector<double> measure(index sequence, int first) {
    sequence_ = sequence;
    losses_.clear();
    genes_.fill(0);
    set(0, first);
    model_.embed(tokens_.sequence(sequence), state_);
    run(0);
    descend(1);
    return std::move(losses_);
  }

 private:
  void set(int stretch, int combination) {
    genes_[static_cast<std::size_t>(2 * stretch)] = static_cast<amq::gene>(combination / choices);
    genes_[static_cast<std::size_t>(2 * stretch + 1)] = static_cast<amq::gene>(combination % choices);
  }

  void run(int stretch) {
    auto const genes = expand(genes_, groups_);
    auto const matrix_of = [&](index layer) -> amq::weight_matrix const& {
      return *bank_.ready(layer, genes[static_cast<std::size_t>(layer)]);
    };
    amq::product_weights const weights(matrix_of, multiply_);
    auto const s = static_cast<std::size_t>(stretch);
    for (int block = starts_[s]; block < starts_[s + 1]; ++block) model_.block(block, state_, weights);
  }

  void descend(int stretch) {
    auto const hidden = state_.hidden.clone();
    for (int combination = 0; combination < combinations; ++combination) {
      if (combination > 0) state_.hidden = hidden.clone();
      set(stretch, combination);
      run(stretch);
      if (stretch + 1 < stretches)
        descend(stretch + 1);
      else
        losses_.push_back(loss());
    }
  }

  double loss() {
    auto const tokens = tokens_.sequence(sequence_);
    std::vector<double> positions(tokens.size() - 1);
    model_.head(state_, [&](amq::matrix_view<float const> candidate) {
      reference_.for_each_tile(sequence_, candidate, head_,
                               [&](index first, auto reference_logits, auto candidate_logits) {
                                 amq::jsd{}.positions(reference_logits, candidate_logits, tokens.data() + first + 1,
                                                      positions.data() + first);
                               });
    });
    return amq::mean(positions);
  }

  llama const& model_;
  amq::token_sequences const& tokens_;
  amq::bank const& bank_;
  amq::reference_model const& reference_;
  amq::products<amq::serial_executor const> multiply_{amq::precision::f32, amq::on_this_thread};
  std::array<int, stretches + 1> starts_;
  std::vector<int> groups_;
  llama::state state_;
  amq::head_scratch head_;
  std::array<amq::gene, groups> genes_{};
  std::vector<double> losses_;
  index sequence_ = 0;
};

std::filesystem::path piece_file(std::filesystem::path const& out, index piece) {
  return out / ("piece-" + std::to_string(piece) + ".f64");
}

std::vector<double> read_piece(std::filesystem::path const& file) {
  std::vector<double> losses(piece_size);
  std::ifstream stream(file, std::ios::binary);
  stream.read(reinterpret_cast<char*>(losses.data()), static_cast<std::streamsize>(losses.size() * sizeof(double)));
  if (!stream) throw amq::input_error(file.string() + " is cut off; remove it");
  return losses;
}

/// The mean over sequences, in the order of a complete table.
std::vector<double> gather(std::filesystem::path const& out) {
  std::vector<double> losses(static_cast<std::size_t>(combinations) * piece_size, 0.0);
  std::vector<std::vector<double>> parts;
  for (index piece = 0; piece < pieces; ++piece) parts.push_back(read_piece(piece_file(out, piece)));
  for (std::size_t i = 0; i < losses.size(); ++i) {
    std::array<double, sequences> of_sequences{};
    for (std::size_t s = 0; s < sequences; ++s)
      of_sequences[s] = parts[s * combinations + i / piece_size][i % piece_size];
    losses[i] = amq::mean(of_sequences);
  }
  return losses;
}

struct setup {
  llama model;
  amq::token_sequences tokens;
  amq::format_space space;
};

setup prepare(char const* model_folder, char const* token_file) {
  auto model = llama::load(model_folder);
  auto tokens = amq::load_tokens(token_file, {sequences, length});
  auto const linears = model.linears();
  amq::format_space space({linears.begin(), linears.end()}, std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}},
                          model.other_bytes());
  return {std::move(model), std::move(tokens), std::move(space)};
}

/// Genes of the groups of configuration i of the table.
configuration group_genes(index i) {
  configuration genes(groups);
  for (std::size_t g = groups; g-- > 0; i /= choices) genes[g] = static_cast<amq::gene>(i % choices);
  return genes;
}

/// Losses of pieces that are there against those of the evaluator that everything else uses, sequence by sequence.
void check(setup const& with, std::filesystem::path const& out) {
  std::vector<index> there;
  for (index piece = 0; piece < pieces; ++piece)
    if (std::filesystem::exists(piece_file(out, piece))) there.push_back(piece);
  if (there.empty()) throw amq::input_error(out.string() + " has no piece yet");
  amq::serial_executor serial;
  amq::proxy_evaluator<llama, amq::hqq> evaluator(with.model, with.tokens, with.space, amq::hqq{}, amq::jsd{}, serial);
  auto const group_of_layer = groups_of(with.model.linears(), with.model.blocks());
  amq::random_stream random(1);
  int equal = 0;
  constexpr int tries = 20;
  for (int t = 0; t < tries; ++t) {
    index const piece = there[static_cast<std::size_t>(random.below(std::ssize(there)))];
    index const place = random.below(piece_size);
    auto const genes = group_genes(piece % combinations * piece_size + place);
    std::vector<configuration> const batch{expand(genes, group_of_layer)};
    std::vector<amq::measurement> found(1);
    evaluator.evaluate(batch, found);
    equal += found[0].sequence_losses[static_cast<std::size_t>(piece / combinations)] ==
             read_piece(piece_file(out, piece))[static_cast<std::size_t>(place)];
  }
  std::printf("%d of %d losses of %zu pieces have the bits of proxy_evaluator\n", equal, tries, there.size());
}

void measure(setup const& with, std::filesystem::path const& out, int threads, int most) {
  std::filesystem::create_directories(out);
  amq::thread_executor executor(threads);
  amq::bank const filled(with.model, with.space, amq::hqq{}, executor);
  amq::reference_model const reference(with.model, with.tokens, executor);
  std::atomic<int> started{0};
  executor.for_each(pieces, [&](index piece, int) {
    if (std::filesystem::exists(piece_file(out, piece)) || started++ >= most) return;
    auto const start = std::chrono::steady_clock::now();
    piece_measurer measurer(with.model, with.tokens, filled, reference);
    auto const losses = measurer.measure(piece / combinations, static_cast<int>(piece % combinations));
    amq::write_file(piece_file(out, piece),
                    {reinterpret_cast<char const*>(losses.data()), losses.size() * sizeof(double)});
    double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("piece %td of %d: %.1f s, %.2f ms a configuration and sequence\n", piece, pieces, seconds,
                1e3 * seconds / piece_size);
    std::fflush(stdout);
  });
  for (index piece = 0; piece < pieces; ++piece)
    if (!std::filesystem::exists(piece_file(out, piece))) return;
  amq::exchanged_archive archive;
  archive.layers = grouped_layers(with.model.linears(), with.model.blocks());
  archive.about = {{"model_sha256", with.model.fingerprint()},
                   {"tokens_sha256", with.tokens.fingerprint()},
                   {"loss", "jsd"},
                   {"proxy", "hqq"},
                   {"sequences", std::to_string(sequences)},
                   {"length", std::to_string(length)}};
  amq::write_complete_table(out / "ten_groups.csv", archive, gather(out));
  std::printf("all %d pieces are there: %s\n", pieces, (out / "ten_groups.csv").c_str());
}

}  // namespace
}  // namespace amq_bench

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: ground_truth MODEL TOKENS OUT THREADS [PIECES | check]\n");
    return 2;
  }
  try {
    auto const with = amq_bench::prepare(argv[1], argv[2]);
    if (argc > 5 && std::strcmp(argv[5], "check") == 0)
      amq_bench::check(with, argv[3]);
    else
      amq_bench::measure(with, argv[3], std::stoi(argv[4]), argc > 5 ? std::stoi(argv[5]) : amq_bench::pieces);
    return 0;
  } catch (std::exception const& failure) {
    std::fprintf(stderr, "ground_truth: %s\n", failure.what());
    return 1;
  }
}
