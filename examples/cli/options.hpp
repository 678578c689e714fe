// What the user typed, one aggregate for each command.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace amq::cli {

/// What layers may be stored as.
struct space_options {
  std::vector<int> bits{2, 3, 4};
  int group = 128;
  std::vector<std::string> formats;  ///< spellings, instead of bits and group
  std::vector<std::string> ties;     ///< names or regular expressions of layers that share a choice
  std::vector<std::string> keep;     ///< regular expressions of layers that stay in 16 bits
  std::string target = "amq";        ///< format of files whose bytes, choices and ties count
  std::string device = "any";        ///< what measures; formats without a kernel there are refused
};

/// How configurations are measured; shared by evaluate, sensitivity and search.
struct measuring {
  std::filesystem::path tokens;
  int sequences = 16;
  int length = 256;
  std::string loss = "jsd";
  std::string proxy;  ///< empty: hqq, or gguf for that target
  std::string precision = "automatic";
  int threads = 0;  ///< 0: all cores
};

struct inspect_options {
  std::filesystem::path model;
  space_options space;
  bool json = false;
};

struct evaluate_options {
  std::filesystem::path model;
  measuring measure;
  std::optional<int> bits;
  std::optional<std::filesystem::path> configuration;
  int group = 128;
  bool group_given = false;
  bool json = false;
};

struct sensitivity_options {
  std::filesystem::path model;
  measuring measure;
  space_options space;
  double threshold = 2.0;
  bool json = false;
};

struct search_options {
  std::filesystem::path model;
  measuring measure;
  space_options space;
  std::uint64_t seed = 0;
  std::filesystem::path out;
  std::optional<std::int64_t> evaluations;
  std::string preset = "best";
  std::string predictor;  ///< instead of the preset's; empty: its own, as of the other parts
  std::string optimizer;
  std::string infill;
  double threshold = 2.0;
  std::optional<std::int64_t> initial;
  std::optional<std::int64_t> candidates;
  int population = 200;
  int generations = 20;
  std::optional<std::string> evaluator;          ///< a command that measures instead of the proxy
  double evaluator_timeout = 3600;               ///< seconds without an answer
  std::vector<std::string> objectives{"bits"};   ///< what loss is traded against: bits, latency or both
  std::optional<std::filesystem::path> profile;  ///< of latencies
  bool resume = false;
  bool json = false;
};

struct deploy_options {
  std::filesystem::path search;
  std::optional<std::filesystem::path> model;   ///< where the search's model is now, if it moved
  std::optional<std::filesystem::path> tokens;  ///< the same of its tokens
  std::optional<double> at_most_bits;
  std::optional<std::int64_t> at_most_bytes;
  std::optional<double> at_most_gib;
  std::optional<double> at_least_tokens_per_second;
  std::optional<std::filesystem::path> profile;  ///< that predicts them; none: the search's
  std::int64_t context = 0;                      ///< tokens of the key/value cache that at_most_gib holds, too
  std::string quantizer;                         ///< empty: the search's proxy
  std::string format = "hf";
  int verify = -1;     ///< candidates to quantize and measure; -1: one, where the quantizer is not the proxy
  bool exact = false;  ///< refuse real zeros that the format would round
  bool force = false;  ///< replace what amq wrote before
  std::optional<std::filesystem::path> heldout;
  std::filesystem::path out;
  int threads = 0;
  bool json = false;
};

struct gap_options {
  std::filesystem::path model;
  measuring measure;
  space_options space;
  std::string deployment = "rtn";
  std::ptrdiff_t levels = 10;
  std::ptrdiff_t configurations = 20;  ///< of each size
  double width = 0.01;                 ///< of the range of bits: what counts as equal
  std::uint64_t seed = 1;
  std::filesystem::path out;
  bool json = false;
};

struct generate_options {
  std::filesystem::path model;
  std::vector<std::string> prompts;
  std::ptrdiff_t tokens = 128;  ///< at most, after each prompt
  double temperature = 0;       ///< 0: greedy
  std::ptrdiff_t top_k = 0;
  double top_p = 1;
  std::uint64_t seed = 0;
  std::string precision = "automatic";
  std::string device = "cpu";
  int threads = 0;
  bool json = false;
};

/// What benchmark and profile run.
struct subject_options {
  std::optional<std::filesystem::path> model;
  std::optional<std::string> shape;  ///< random weights instead
  std::optional<double> memory_gib;  ///< for them
  std::string precision = "automatic";
  int threads = 0;
};

struct benchmark_options {
  subject_options subject;
  std::string device = "cpu";
  std::vector<int> bits{2, 3, 4, 8, 16};
  int group = 128;
  std::optional<std::filesystem::path> configuration;
  std::optional<std::filesystem::path> search;
  double at_most_bits = 0;
  std::ptrdiff_t prompt_tokens = 128;
  std::ptrdiff_t decode_tokens = 32;
  int repeats = 3;
  std::optional<std::filesystem::path> tokens;  ///< of which quality is measured; none: speed alone
  int sequences = 16;
  int length = 256;
  std::string quantizer = "hqq";
  std::optional<std::filesystem::path> out;
  bool json = false;
};

struct profile_options {
  subject_options subject;
  std::vector<int> bits{2, 3, 4, 8, 16};
  int group = 128;
  std::vector<std::string> formats;
  std::ptrdiff_t context = 64;
  int repeats = 3;
  std::filesystem::path out;
  bool json = false;
};

struct archive_options {
  std::filesystem::path archive;
  std::filesystem::path out;
  bool sensitivities = false;                  ///< export: the losses of single layers instead of everything
  std::optional<std::filesystem::path> model;  ///< import: where the layers' shapes are
  std::vector<int> bits{2, 3, 4};
  int group = 128;
  bool json = false;
};

struct policies_options {
  bool json = false;
};

struct compare_options {
  std::string landscape;  ///< flat, deep, chain, table or model
  std::filesystem::path sensitivity;
  std::uint64_t landscape_seed = 1;
  std::filesystem::path archive;
  std::filesystem::path model;
  measuring measure;
  space_options space;
  std::vector<std::filesystem::path> across;  ///< folders of finished comparisons; then nothing is run
  std::vector<std::string> strategies{"best", "amq"};
  std::vector<std::string> vary;
  int seeds = 10;
  std::int64_t evaluations = 0;
  std::optional<std::int64_t> initial;
  std::optional<std::int64_t> candidates;
  std::optional<int> probes;
  std::filesystem::path out;
  bool json = false;
};

/// Each command prints to standard output, reports progress on standard error, and returns the exit code.
int inspect(inspect_options const& options);
int evaluate(evaluate_options const& options);
int sensitivity(sensitivity_options const& options);
int search(search_options const& options);
int deploy(deploy_options const& options);
int compare(compare_options const& options);
int gap(gap_options const& options);
int generate(generate_options const& options);
int benchmark(benchmark_options const& options);
int profile(profile_options const& options);
int list_policies(policies_options const& options);
int export_archive(archive_options const& options);
int import_archive(archive_options const& options);

inline constexpr int exit_done = 0;
inline constexpr int exit_internal_error = 1;
inline constexpr int exit_bad_input = 2;
inline constexpr int exit_interrupted = 3;

}  // namespace amq::cli
