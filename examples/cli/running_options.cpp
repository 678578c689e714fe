// The commands that run a model: options of generate, benchmark and profile.
#include "running_options.hpp"

#include <cstddef>
#include <cstdint>

#include "shared_options.hpp"

namespace amq::cli {
namespace {

void add_precision(CLI::App& command, std::string& precision) {
  command
      .add_option(
          "--precision", precision,
          "Of activations in products: f32, bf16, int8 (cpu), f16 (cuda), or automatic: bf16 where that is fast, "
          "else f32")
      ->capture_default_str();
}

void add_device(CLI::App& command, std::string& device) {
  command.add_option("--device", device, "What runs it: cpu, or a GPU: cuda, cuda:1")->capture_default_str();
}

/// What is run: a folder, or a shape with random weights.
void add_subject(CLI::App& command, subject_options& subject) {
  auto* one = command.add_option_group("model", "What to run");
  one->add_option("MODEL", subject.model, "Hugging Face folder: config.json and safetensors");
  one->add_option("--shape", subject.shape,
                  "Random weights in the shape of llama-2-7b, llama-2-13b, llama-3.1-8b, llama-3.1-70b, qwen2.5-7b, "
                  "mistral-7b, or of a folder's config.json");
  one->require_option(1);
  command
      .add_option("--memory-gib", subject.memory_gib,
                  "Memory for random weights (default: half of what is free): as many blocks as fit are run")
      ->check(positive_number);
  add_precision(command, subject.precision);
  add_threads(command, subject.threads);
}

void add_generate(CLI::App& app, generate_options& options, int& code) {
  auto* command = app.add_subcommand("generate", "What a model writes after prompts, and how fast");
  command
      ->add_option("MODEL", options.model,
                   "Folder of `amq deploy --format amq`, or a Hugging Face folder; with its tokenizer.json")
      ->required();
  command->add_option("--prompt", options.prompts, "A text to go on from; may be repeated")->required();
  command->add_option("--tokens", options.tokens, "Tokens to write, at most, after each prompt")
      ->capture_default_str()
      ->check(CLI::Range(std::ptrdiff_t{1}, std::ptrdiff_t{1} << 20));
  command->add_option("--temperature", options.temperature, "0: the most likely token; else tokens are drawn")
      ->capture_default_str();
  command->add_option("--top-k", options.top_k, "Draw from the k most likely tokens only (0: from all)")
      ->capture_default_str();
  command->add_option("--top-p", options.top_p, "Draw from the most likely tokens that sum to this share only")
      ->capture_default_str();
  command->add_option("--seed", options.seed, "Seed of what is drawn; same seed, same text")
      ->capture_default_str()
      ->check(whole_number<std::uint64_t>);
  add_precision(*command, options.precision);
  add_device(*command, options.device);
  add_threads(*command, options.threads);
  add_json(*command, options.json);
  command->callback([&] { code = generate(options); });
}

void add_benchmark(CLI::App& app, benchmark_options& options, int& code) {
  auto* command = app.add_subcommand("benchmark", "Tokens a second, and quality, at uniform widths and as searched");
  add_subject(*command, options.subject);
  add_device(*command, options.device);
  command->add_option("--bits", options.bits, "Widths of all layers: 2, 3, 4, 5, 6, 8, and 16 for the model as it is")
      ->delimiter(',')
      ->capture_default_str();
  add_group(*command, options.group);
  auto* file =
      command->add_option("--configuration", options.configuration, "JSON file with the bits of every layer, as well");
  auto* searched = command->add_option("--search", options.search, "Folder of a search, whose best is run as well");
  auto* budget = command
                     ->add_option("--at-most-bits", options.at_most_bits,
                                  "Average bits that the best of --search may have, overhead included")
                     ->check(positive_number);
  searched->needs(budget)->excludes(file);
  budget->needs(searched);
  command->add_option("--prompt-tokens", options.prompt_tokens, "Tokens of the prompt that prefill reads at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--decode-tokens", options.decode_tokens, "Tokens to write after it, each timed")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--repeats", options.repeats, "Rounds of both, at least; medians are printed")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  command->add_option("--tokens", options.tokens, "Tokens to measure quality on: .txt, .npy, .u16 or .u32");
  command->add_option("--sequences", options.sequences, "Sequences to take from the tokens")->capture_default_str();
  command->add_option("--length", options.length, "Tokens in a sequence")->capture_default_str();
  command->add_option("--quantizer", options.quantizer, "With --tokens: as in `amq deploy`")->capture_default_str();
  command->add_option("--out", options.out, "Folder for speed.csv, speed.json and, with --tokens, speed.svg");
  add_json(*command, options.json);
  command->callback([&] { code = benchmark(options); });
}

void add_profile(CLI::App& app, profile_options& options, int& code) {
  auto* command = app.add_subcommand("profile", "Seconds of each layer's product, for searches by speed");
  add_subject(*command, options.subject);
  command->add_option("--bits", options.bits, "Widths to time: 2, 3, 4, 5, 6, 8, and 16 for layers left alone")
      ->delimiter(',')
      ->capture_default_str();
  add_group(*command, options.group);
  command->add_option("--formats", options.formats, "Instead of bits and group: 2g64,3g128,kept16")->delimiter(',');
  command->add_option("--context", options.context, "Tokens in the key/value cache when decoding starts")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--repeats", options.repeats, "Rounds of 16 tokens for each format, at least; medians are kept")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  command->add_option("--out", options.out, "JSON file to write, for `amq search --objective latency`")->required();
  add_json(*command, options.json);
  command->callback([&] { code = profile(options); });
}

}  // namespace

void add_running_commands(CLI::App& app, running_commands& to, int& code) {
  add_generate(app, to.generating, code);
  add_benchmark(app, to.benchmarking, code);
  add_profile(app, to.profiling, code);
}

}  // namespace amq::cli
